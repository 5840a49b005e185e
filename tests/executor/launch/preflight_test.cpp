#include "executor/launch/preflight.h"

#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

/// Two ranks, each on a machine of its own.
std::vector<RankHello> two_hellos() {
  std::vector<RankHello> hellos(2);
  for (int i = 0; i < 2; ++i) {
    RankHello& hello = hellos[static_cast<std::size_t>(i)];
    hello = {.number = i, .num_ranks = 2, .version = "0.1.0", .request = "r"};
    hello.host = {.name = "lab" + std::to_string(i + 1),
                  .addresses = {},
                  .cores = 4,
                  .machine_cores = 4,
                  .available_memory_bytes = 2'000'000'000,
                  .machine_id = "m" + std::to_string(i)};
  }
  return hellos;
}

std::vector<RankHello> on_one_machine() {
  std::vector<RankHello> hellos = two_hellos();
  hellos[1].host = hellos[0].host;
  return hellos;
}

std::string refusal(const std::vector<RankHello>& hellos) {
  return documents::refusal([&] { check_hellos(hellos, "r"); });
}

std::string memory_refusal(const std::vector<RankHello>& hellos, std::int64_t bytes) {
  return documents::refusal([&] {
    check_memory(hellos, {{.name = "rank 0 (host a)", .peak_memory_bytes = bytes},
                          {.name = "rank 1 (host b)", .peak_memory_bytes = bytes}});
  });
}

TEST_CASE("ranks that go together are let pass", "[executor]") {
  CHECK(refusal(two_hellos()) == "accepted");
  std::vector<RankHello> told = two_hellos();
  told[1].request = "";  // it takes what it is told
  CHECK(refusal(told) == "accepted");
}

TEST_CASE("ranks that do not go together are refused by name", "[executor]") {
  std::vector<RankHello> hellos = two_hellos();
  hellos[1].version = "0.2.0";
  CHECK(refusal(hellos) ==
        "expected cadastre 0.1.0, as rank 0 (host lab1) is, found 0.2.0 on rank 1 (host lab2)");
  hellos = two_hellos();
  hellos[1].request = "other";
  CHECK(refusal(hellos) ==
        "expected the same plan and training settings on all ranks, found others on rank 1 (host "
        "lab2)");
  hellos = two_hellos();
  hellos[1].num_ranks = 3;
  CHECK(refusal(hellos) ==
        "expected one start of 2 ranks, found that rank 1 (host lab2) is of one of 3");
}

TEST_CASE("a machine must have the memory that its ranks need", "[executor]") {
  CHECK(memory_refusal(two_hellos(), 2'000'000'000) == "accepted");
  CHECK(memory_refusal(two_hellos(), 2'000'000'001) ==
        "rank 0 (host a): expected 2.000 GB of free memory for its part, found 2.000 GB on lab1");
  // Both on one machine: the first takes from the second.
  CHECK(memory_refusal(on_one_machine(), 1'000'000'000) == "accepted");
  CHECK(memory_refusal(on_one_machine(), 1'500'000'000) ==
        "rank 1 (host b): expected 1.500 GB of free memory for its part, found 0.500 GB on lab1");
}

TEST_CASE("ranks of one machine share its cores, unless a launcher has shared them out",
          "[executor]") {
  CHECK(rank_threads(two_hellos(), {2, 8}) == std::vector<int>{2, 4});
  CHECK(rank_threads(on_one_machine(), {8, 1}) == std::vector<int>{2, 1});
  std::vector<RankHello> bound = on_one_machine();
  for (RankHello& hello : bound) hello.host.machine_cores = 8;
  CHECK(rank_threads(bound, {8, 8}) == std::vector<int>{4, 4});
}

}  // namespace
}  // namespace cadastre
