#include "planner/process_environment.h"

#include <stdlib.h>

#include <string>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kWaitPolicy = "OMP_WAIT_POLICY";
constexpr const char* kSpinCount = "GOMP_SPINCOUNT";

std::string value_of(const char* variable) {
  const char* const found = ::getenv(variable);
  return found == nullptr ? "" : found;
}

}  // namespace

TEST_CASE("programs are told once how to allocate, and users' settings stay", "[planner]") {
  ::setenv(kSpinCount, "1", 1);
  ::unsetenv(kTunables);
  CHECK(set_process_environment());
  const std::string alone = value_of(kTunables);
  CHECK(alone.find("glibc.malloc.hugetlb=1") != std::string::npos);
  CHECK_FALSE(set_process_environment());
  CHECK(value_of(kTunables) == alone);
  ::setenv(kTunables, "glibc.rtld.nns=8", 1);
  CHECK(set_process_environment());
  CHECK(value_of(kTunables) == "glibc.rtld.nns=8:" + alone);
  ::setenv(kTunables, "glibc.malloc.hugetlb=0", 1);
  CHECK_FALSE(set_process_environment());
  CHECK(value_of(kTunables) == "glibc.malloc.hugetlb=0");
}

TEST_CASE("programs are told once how threads wait, and users' settings stay", "[planner]") {
  ::setenv(kTunables, "glibc.malloc.hugetlb=0", 1);
  ::unsetenv(kWaitPolicy);
  ::unsetenv(kSpinCount);
  CHECK(set_process_environment());
  CHECK(std::stoi(value_of(kSpinCount)) > 0);
  CHECK_FALSE(set_process_environment());
  ::setenv(kSpinCount, "7", 1);
  CHECK_FALSE(set_process_environment());
  CHECK(value_of(kSpinCount) == "7");
  ::unsetenv(kSpinCount);
  ::setenv(kWaitPolicy, "passive", 1);
  CHECK_FALSE(set_process_environment());
  CHECK(value_of(kSpinCount).empty());
  ::unsetenv(kWaitPolicy);
}

}  // namespace cadastre
