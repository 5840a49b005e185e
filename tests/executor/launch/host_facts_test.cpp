#include "executor/launch/host_facts.h"

#include "executor/launch/socket.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

TEST_CASE("a machine says what it is", "[executor]") {
  const HostFacts facts = host_facts();
  CHECK_FALSE(facts.name.empty());
  CHECK(facts.cores >= 1);
  CHECK(facts.machine_cores >= facts.cores);
  CHECK(facts.available_memory_bytes > 1'000'000);
  for (const std::string& address : facts.addresses) {
    CHECK_FALSE(is_loopback(address));
    CHECK(is_own_address(address));
  }
}

TEST_CASE("an interface has an address, and one that does not exist is refused with those that do",
          "[executor]") {
  CHECK(is_loopback(interface_address("lo")));
  const std::string refusal =
      documents::refusal([] { static_cast<void>(interface_address("eth77")); });
  CHECK(refusal.find("expected a network interface of this machine (") == 0);
  CHECK(refusal.find("lo") != std::string::npos);
  CHECK(refusal.find("found eth77") != std::string::npos);
}

}  // namespace
}  // namespace cadastre
