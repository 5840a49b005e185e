#include "executor/launch/rank_assignment.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

RankHello on(const std::string& name, const std::string& address) {
  RankHello hello;
  hello.host.name = name;
  hello.host.addresses = {address};
  return hello;
}

const std::vector<RankHello> kTwo = {on("lab2.example.org", "10.0.0.2"), on("lab1", "10.0.0.1")};

TEST_CASE("processes become the ranks of the hosts that they are on", "[executor]") {
  CHECK(assign_ranks(kTwo, {{.name = "lab1", .address = ""}, {.name = "lab2", .address = ""}}) ==
        std::vector<int>{1, 0});
  CHECK(assign_ranks(kTwo, {{.name = "a", .address = "10.0.0.1"},
                            {.name = "b", .address = "10.0.0.2"}}) == std::vector<int>{1, 0});
}

TEST_CASE("where places do not say which, the launcher's numbers do", "[executor]") {
  const std::vector<int> by_number = {0, 1};
  CHECK(assign_ranks(kTwo, {{.name = "a", .address = ""}, {.name = "b", .address = ""}}) ==
        by_number);
  CHECK(assign_ranks(kTwo, {{.name = "lab1", .address = ""}, {.name = "b", .address = ""}}) ==
        by_number);
  // Both on one machine.
  CHECK(assign_ranks({on("lab1", "10.0.0.1"), on("lab1", "10.0.0.1")},
                     {{.name = "lab2", .address = ""}, {.name = "lab1", .address = ""}}) ==
        by_number);
}

TEST_CASE("machines are told apart", "[executor]") {
  CHECK(on_several_machines(kTwo));
  CHECK_FALSE(on_several_machines({kTwo[0], kTwo[0]}));
  // As network namespaces of one machine are.
  CHECK(on_several_machines({on("lab1", "10.0.0.1"), on("lab1", "10.0.0.2")}));
}

}  // namespace
}  // namespace cadastre
