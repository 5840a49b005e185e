#include "planner/allocator_settings.h"

#include <stdlib.h>

#include <string>

#include "tests/support/catch.h"

namespace cadastre {

TEST_CASE("programs are told once how to allocate, and users' settings stay", "[planner]") {
  constexpr const char* kVariable = "GLIBC_TUNABLES";
  const auto settings = [&] { return std::string(::getenv(kVariable)); };
  ::unsetenv(kVariable);
  CHECK(set_allocator_environment());
  const std::string alone = settings();
  CHECK(alone.find("glibc.malloc.hugetlb=1") != std::string::npos);
  CHECK_FALSE(set_allocator_environment());
  CHECK(settings() == alone);
  ::setenv(kVariable, "glibc.rtld.nns=8", 1);
  CHECK(set_allocator_environment());
  CHECK(settings() == "glibc.rtld.nns=8:" + alone);
  ::setenv(kVariable, "glibc.malloc.hugetlb=0", 1);
  CHECK_FALSE(set_allocator_environment());
  CHECK(settings() == "glibc.malloc.hugetlb=0");
}

}  // namespace cadastre
