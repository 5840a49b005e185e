#include "executor/probe/way_schedule.h"

#include <numeric>
#include <set>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

std::vector<int> machines(int num) {
  std::vector<int> found(static_cast<std::size_t>(num));
  std::iota(found.begin(), found.end(), 0);
  return found;
}

/// Checks that no machine is in two pairs of a round, and returns all pairs.
std::set<std::pair<int, int>> pairs_of(const std::vector<WayRound>& rounds,
                                       const std::vector<int>& machine_of) {
  std::set<std::pair<int, int>> pairs;
  for (const WayRound& round : rounds) {
    std::set<int> busy;
    for (const auto& [a, b] : round) {
      CHECK(a < b);
      CHECK(pairs.emplace(a, b).second);
      const int machine_a = machine_of[static_cast<std::size_t>(a)];
      const int machine_b = machine_of[static_cast<std::size_t>(b)];
      CHECK(busy.insert(machine_a).second);
      if (machine_b != machine_a) CHECK(busy.insert(machine_b).second);
    }
  }
  return pairs;
}

TEST_CASE("every pair measures once, in rounds that share no machine", "[executor]") {
  for (int num = 1; num <= 17; ++num) {
    INFO(num);
    const std::vector<WayRound> rounds = way_rounds(machines(num), 100);
    CHECK(pairs_of(rounds, machines(num)).size() == static_cast<std::size_t>(num * (num - 1) / 2));
    const int expected_rounds = num == 1 ? 0 : num + num % 2 - 1;
    CHECK(static_cast<int>(rounds.size()) == expected_rounds);
  }
}

TEST_CASE("many machines measure with as many others as there are rounds", "[executor]") {
  const std::vector<WayRound> rounds = way_rounds(machines(100), 8);
  CHECK(rounds.size() == 8);
  std::vector<int> num_partners(100, 0);
  for (const auto& [a, b] : pairs_of(rounds, machines(100))) {
    ++num_partners[static_cast<std::size_t>(a)];
    ++num_partners[static_cast<std::size_t>(b)];
  }
  for (const int num : num_partners) CHECK(num == 8);
}

TEST_CASE("ranks of one machine measure its memory, and its link once", "[executor]") {
  const std::vector<int> machine_of = {0, 0, 1, 1, 1, 2};
  CHECK(way_rounds(machine_of, 100) ==
        std::vector<WayRound>{{{0, 1}, {2, 3}}, {{2, 5}}, {{0, 2}}, {{0, 5}}});
  CHECK(way_rounds({0, 0, 0, 0}, 100) == std::vector<WayRound>{{{0, 1}}});
}

}  // namespace
}  // namespace cadastre
