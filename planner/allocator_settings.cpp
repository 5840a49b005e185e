#include "planner/allocator_settings.h"

#include <stdlib.h>

#include <string>

namespace cadastre {

namespace {

constexpr const char* kVariable = "GLIBC_TUNABLES";
constexpr const char* kSettings =
    "glibc.malloc.hugetlb=1:"
    "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824";

}  // namespace

bool set_allocator_environment() {
  const char* const found = ::getenv(kVariable);
  std::string settings = found == nullptr ? "" : found;
  if (settings.find("glibc.malloc.") != std::string::npos) return false;
  if (!settings.empty()) settings += ":";
  return ::setenv(kVariable, (settings + kSettings).c_str(), /*replace=*/1) == 0;
}

}  // namespace cadastre
