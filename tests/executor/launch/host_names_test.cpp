#include "executor/probe/name_lookup.h"
#include "executor/launch/host_names.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Names = std::vector<std::string>;

RemoteHost line(const std::string& destination, const std::string& host = "") {
  return {.destination = destination, .host = host};
}

TEST_CASE("hosts are called as their lines say, else by the short names of their destinations",
          "[executor]") {
  CHECK(names_of_hosts({line("maria@lab1.example.org"), line("10.0.0.3"), line("10.0.0.4", "b")}) ==
        Names{"lab1", "10.0.0.3", "b"});
  CHECK(names_of_hosts({line("lab1.east"), line("lab1.west"), line("lab2.west")}) ==
        Names{"lab1.east", "lab1.west", "lab2"});
  CHECK(names_of_hosts({line("10.0.0.3", "lab1"), line("lab1.west")}) ==
        Names{"lab1", "lab1.west"});
}

TEST_CASE("machines of several ranks are several hosts", "[executor]") {
  CHECK(names_of_machines({"lab2.example.org", "lab1"}) == Names{"lab2", "lab1"});
  CHECK(names_of_machines({"lab1", "lab2", "lab1"}) == Names{"lab1-1", "lab2", "lab1-2"});
  CHECK(names_of_machines({"lab1", "lab1-1", "lab1"}) == Names{"lab1-2", "lab1-1", "lab1-3"});
}

TEST_CASE("names that stand for loopback are found, addresses are not names", "[executor]") {
  const NameLookup lookup({"localhost", "127.0.0.1", "no such name"});
  const std::vector<LoopbackName> found = lookup.loopback_names(std::chrono::seconds(60));
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "localhost");
  CHECK((found[0].address == "127.0.0.1" || found[0].address == "::1"));
}

}  // namespace
}  // namespace cadastre
