#include "planner/collective.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr int kMostRanks = 64;
const std::vector<int> kNumbersOfRanks = {2, 3, 4, 5, 6, 7, 8, 9, 16, 17, kMostRanks};

std::string text_of(const CollectiveShape& shape) {
  return all_reduce_name(shape.algorithm) + " of " + std::to_string(shape.num_ranks) +
         " with root " + std::to_string(shape.root) + " and " +
         std::to_string(std::set<int>(shape.groups.begin(), shape.groups.end()).size()) + " groups";
}

/// Every algorithm, with every kind of root and of groups.
std::vector<CollectiveShape> shapes_of(int num_ranks) {
  std::vector<CollectiveShape> shapes;
  for (std::size_t a = 0; a < all_reduce_names().size(); ++a) {
    const auto algorithm = static_cast<AllReduceAlgorithm>(a);
    if (has_root(algorithm)) {
      for (const int root : std::set<int>{0, 1, num_ranks - 1, num_ranks})
        shapes.push_back({.algorithm = algorithm, .num_ranks = num_ranks, .root = root});
    } else if (algorithm == AllReduceAlgorithm::kHierarchical) {
      // One group, one for each rank, groups dealt out, and groups in a row of unequal size.
      for (const int num_groups : std::set<int>{1, 2, 3, num_ranks})
        for (const bool dealt : {false, true}) {
          CollectiveShape shape{.algorithm = algorithm, .num_ranks = num_ranks};
          for (int rank = 0; rank < num_ranks; ++rank)
            shape.groups.push_back(dealt ? rank % num_groups
                                         : rank * rank * num_groups / (num_ranks * num_ranks));
          shapes.push_back(shape);
        }
    } else {
      shapes.push_back({.algorithm = algorithm, .num_ranks = num_ranks});
    }
  }
  return shapes;
}

std::vector<CollectiveShape> all_shapes() {
  std::vector<CollectiveShape> shapes;
  for (const int num_ranks : kNumbersOfRanks)
    for (const CollectiveShape& shape : shapes_of(num_ranks)) shapes.push_back(shape);
  return shapes;
}

/// Whose addends are in a byte.
using Addends = std::bitset<kMostRanks>;

/// What is wrong with the sums that a pattern makes; nothing when every rank has every byte of the
/// complete sum, each addend in it once.
///
/// A place's state depends on its own rounds and on what it was sent, so one round of all places
/// after the other shows the same as any order in time.
std::optional<std::string> fault_of(const CollectiveShape& shape, std::int64_t buffer_bytes) {
  const Collective collective(shape);
  const auto num_places = static_cast<std::size_t>(collective.num_places());
  std::vector<std::vector<Addends>> held(
      num_places, std::vector<Addends>(static_cast<std::size_t>(buffer_bytes)));
  for (int rank = 0; rank < shape.num_ranks; ++rank)
    for (Addends& byte : held[static_cast<std::size_t>(rank)])
      byte.set(static_cast<std::size_t>(rank));
  for (int round = 0; round < collective.num_rounds(); ++round) {
    const std::vector<std::vector<Addends>> before = held;
    for (std::size_t place = 0; place < num_places; ++place)
      for (const CollectiveMessage& message : collective.receives(static_cast<int>(place), round))
        for (std::int64_t b = message.begin(buffer_bytes); b < message.end(buffer_bytes); ++b) {
          Addends& mine = held[place][static_cast<std::size_t>(b)];
          const Addends& sent =
              before[static_cast<std::size_t>(message.from)][static_cast<std::size_t>(b)];
          if (message.adds && (mine & sent).any())
            return "an addend is added twice in round " + std::to_string(round);
          mine = message.adds ? mine | sent : sent;
        }
  }
  Addends complete;
  for (int rank = 0; rank < shape.num_ranks; ++rank) complete.set(static_cast<std::size_t>(rank));
  for (int rank = 0; rank < shape.num_ranks; ++rank)
    for (const Addends& byte : held[static_cast<std::size_t>(rank)])
      if (byte != complete) return "rank " + std::to_string(rank) + " lacks an addend";
  return std::nullopt;
}

}  // namespace

TEST_CASE("after an all-reduce every rank has every addend once in every byte",
          "[planner][property]") {
  for (const CollectiveShape& shape : all_shapes())
    for (const std::int64_t bytes : {1, 2, 63, 64, 131}) {
      const std::optional<std::string> fault = fault_of(shape, bytes);
      INFO(text_of(shape) << ", " << bytes << " bytes: " << fault.value_or("sound"));
      CHECK_FALSE(fault);
    }
}

TEST_CASE("what is sent in a round of an all-reduce is what is received in it",
          "[planner][property]") {
  for (const CollectiveShape& shape : all_shapes()) {
    INFO(text_of(shape));
    const Collective collective(shape);
    const auto order = [](const CollectiveMessage& a, const CollectiveMessage& b) {
      return std::tie(a.from, a.to) < std::tie(b.from, b.to);
    };
    bool same = true;
    bool once = true;
    bool among_places = true;
    for (int round = 0; round < collective.num_rounds(); ++round) {
      std::vector<CollectiveMessage> sent;
      std::vector<CollectiveMessage> received;
      for (int place = 0; place < collective.num_places(); ++place) {
        for (const CollectiveMessage& message : collective.sends(place, round)) {
          among_places = among_places && message.from == place && message.to != place &&
                         0 <= message.to && message.to < collective.num_places();
          sent.push_back(message);
        }
        for (const CollectiveMessage& message : collective.receives(place, round))
          received.push_back(message);
      }
      std::sort(sent.begin(), sent.end(), order);
      std::sort(received.begin(), received.end(), order);
      same = same && sent == received;
      once = once && std::adjacent_find(sent.begin(), sent.end(), [](const auto& a, const auto& b) {
                       return a.from == b.from && a.to == b.to;
                     }) == sent.end();
    }
    CHECK(same);
    CHECK(once);
    CHECK(among_places);
  }
}

TEST_CASE("the bytes that an all-reduce is said to send are those of its messages",
          "[planner][property]") {
  for (const CollectiveShape& shape : all_shapes()) {
    INFO(text_of(shape));
    const Collective collective(shape);
    // So large that the product with a number of pieces would not be a number of 63 bits.
    for (const std::int64_t bytes :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{1'000'003}, std::int64_t{1} << 54}) {
      std::int64_t sum = 0;
      for (int place = 0; place < collective.num_places(); ++place) {
        std::int64_t sent = 0;
        for (int round = 0; round < collective.num_rounds(); ++round)
          for (const CollectiveMessage& message : collective.sends(place, round))
            sent += message.bytes(bytes);
        CHECK(sent == collective.sent_bytes(place, bytes));
        CHECK(sent == sent_bytes(shape, place, bytes));
        sum += sent;
      }
      CHECK(sum == sent_bytes(shape, bytes));
      // No way of adding n buffers up on all of n ranks moves less.
      CHECK(sum >= 2 * (shape.num_ranks - 1) * bytes);
    }
  }
}

TEST_CASE("rounds that are said to be alike move the same parts between the same places",
          "[planner][property]") {
  for (const CollectiveShape& shape : all_shapes()) {
    INFO(text_of(shape));
    const Collective collective(shape);
    const auto parts = [&](int round) {
      std::vector<std::tuple<int, int, double>> of_round;
      for (int place = 0; place < collective.num_places(); ++place)
        for (const CollectiveMessage& message : collective.sends(place, round))
          of_round.emplace_back(message.from, message.to, message.part());
      return of_round;
    };
    int covered = 0;
    for (int round = 0; round < collective.num_rounds();) {
      const int count = collective.num_alike(round);
      REQUIRE(count >= 1);
      for (int k = 1; k < count; ++k) REQUIRE(parts(round + k) == parts(round));
      round += count;
      covered += count;
    }
    CHECK(covered == collective.num_rounds());
  }
}

TEST_CASE("halving and doubling moves its textbook bytes", "[planner]") {
  // Thakur, Rabenseifner and Gropp 2005: 2 log2(p) rounds and 2 (p - 1) / p of the buffer per rank.
  const Collective eight({.algorithm = AllReduceAlgorithm::kHalvingDoubling, .num_ranks = 8});
  CHECK(eight.num_rounds() == 6);
  for (int rank = 0; rank < 8; ++rank) CHECK(eight.sent_bytes(rank, 8000) == 2 * 7 * 1000);
  // Of three, two fold into one: halves there and back, then the sum's half; the two that are left
  // exchange halves twice; the sum goes back to the third.
  const CollectiveShape three{.algorithm = AllReduceAlgorithm::kHalvingDoubling, .num_ranks = 3};
  CHECK(Collective(three).num_rounds() == 2 + 2 + 1);
  // Halves of 125 eights of bytes: 62 and 63. Each of the fold's two gives one, and the second's
  // half goes on; four halves and a whole follow.
  CHECK(sent_bytes(three, 1000) == (504 + 496) + 504 + 2 * (496 + 504) + 1000);
}

TEST_CASE("a parameter server is the only one that others talk to", "[planner]") {
  const CollectiveShape shape{
      .algorithm = AllReduceAlgorithm::kParameterServer, .num_ranks = 4, .root = 4};
  const Collective collective(shape);
  CHECK(collective.num_places() == 5);
  CHECK(collective.num_rounds() == 2);
  CHECK(collective.receives(4, 0).size() == 4);
  CHECK(collective.sends(4, 1).size() == 4);
  CHECK(sent_bytes(shape, 4, 1000) == 4000);
  CHECK(sent_bytes(shape, 0, 1000) == 1000);
}

TEST_CASE("Spark's driver fetches four results at a time", "[planner]") {
  const Collective collective(
      {.algorithm = AllReduceAlgorithm::kSpark, .num_ranks = 10, .root = 10});
  std::vector<std::size_t> fetched;
  for (int round = 0; round < collective.num_rounds(); ++round) {
    std::size_t num_adding = 0;
    for (const CollectiveMessage& message : collective.receives(10, round))
      if (message.adds) ++num_adding;
    if (num_adding > 0) fetched.push_back(num_adding);
  }
  CHECK(fetched == std::vector<std::size_t>{4, 4, 2});
  // Then it tells all to ask for the sum, and gives it to them.
  CHECK(collective.sends(10, collective.num_rounds() - 1).size() == 10);
}

TEST_CASE("Spark's treeAggregate makes about as many partial sums as the root of its partitions",
          "[planner]") {
  // By hand from the loop in RDD.scala: scale = max(ceil(sqrt(n)), 2), and n / scale partial sums
  // where n > scale + ceil(n / scale).
  const std::map<int, std::size_t> num_sums = {{2, 2}, {4, 4},  {5, 5},  {6, 2},
                                               {9, 3}, {16, 4}, {17, 3}, {64, 8}};
  for (const auto& [num_ranks, sums] : num_sums) {
    INFO(num_ranks << " partitions");
    const Collective collective(
        {.algorithm = AllReduceAlgorithm::kSparkTree, .num_ranks = num_ranks, .root = num_ranks});
    std::size_t fetched = 0;
    for (int round = 0; round < collective.num_rounds(); ++round)
      for (const CollectiveMessage& message : collective.receives(num_ranks, round))
        if (message.adds) ++fetched;
    CHECK(fetched == sums);
  }
}

TEST_CASE("a hierarchy crosses between groups only in its ring", "[planner]") {
  // Two groups of three: 2 (m - 1) buffers inside each, 2 (g - 1) between the leaders.
  const CollectiveShape shape{
      .algorithm = AllReduceAlgorithm::kHierarchical, .num_ranks = 6, .groups = {0, 1, 0, 1, 0, 1}};
  const Collective collective(shape);
  std::int64_t inside = 0;
  std::int64_t between = 0;
  for (int round = 0; round < collective.num_rounds(); ++round)
    for (int place = 0; place < collective.num_places(); ++place)
      for (const CollectiveMessage& message : collective.sends(place, round))
        (message.from % 2 == message.to % 2 ? inside : between) += message.bytes(1000);
  CHECK(inside == 2 * 2 * 2 * 1000);
  CHECK(between == 2 * 1000);
}

TEST_CASE("a rank alone sends nothing", "[planner]") {
  for (const CollectiveShape& shape : shapes_of(1)) {
    INFO(text_of(shape));
    CHECK(Collective(shape).num_rounds() == 0);
    CHECK(sent_bytes(shape, 1000) == 0);
    CHECK(sent_bytes(shape, 0, 1000) == 0);
  }
}
