#include "planner/process_environment.h"

#include <stdlib.h>

#include <string>

namespace cadastre {

namespace {

constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kAllocator =
    "glibc.malloc.hugetlb=1:"
    "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824";
constexpr const char* kWaitPolicy = "OMP_WAIT_POLICY";
constexpr const char* kSpinCount = "GOMP_SPINCOUNT";
constexpr const char* kSpins = "20000";  // of some 50 ns

bool set_allocator() {
  const char* const found = ::getenv(kTunables);
  std::string settings = found == nullptr ? "" : found;
  if (settings.find("glibc.malloc.") != std::string::npos) return false;
  if (!settings.empty()) settings += ":";
  return ::setenv(kTunables, (settings + kAllocator).c_str(), /*replace=*/1) == 0;
}

bool set_spins() {
  if (::getenv(kWaitPolicy) != nullptr || ::getenv(kSpinCount) != nullptr) return false;
  return ::setenv(kSpinCount, kSpins, /*replace=*/0) == 0;
}

}  // namespace

bool set_process_environment() {
  const bool is_allocator_new = set_allocator();
  const bool are_spins_new = set_spins();
  return is_allocator_new || are_spins_new;
}

}  // namespace cadastre
