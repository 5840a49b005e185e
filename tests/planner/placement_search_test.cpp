#include "planner/placement/placement_search.h"

#include <cmath>
#include <filesystem>
#include <string>

#include "planner/placement/placement_json.h"
#include "tests/planner/placement_worlds.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What the answer is worth by the problem's own words; infinite when it is not allowed.
double judged_load_ms(const PlacementProblem& problem, const Placement& placement) {
  std::vector<DeviceKind> kinds;
  for (const PlacedDevice& device : placement.devices) kinds.push_back(device.kind);
  return worlds::judged_load_ms(problem, kinds, placement.device_of_node).value_or(kInfinity);
}

/// A node of these milliseconds, ten times as slow on a CPU, whose output takes 1 ms to move.
PlacementNode node(std::int64_t id, double accelerator_ms, double size_bytes = 1) {
  return {.id = id,
          .accelerator_ms = accelerator_ms,
          .cpu_ms = 10 * accelerator_ms,
          .size_bytes = size_bytes,
          .transfer_ms = 1};
}

/// A chain of nodes of these milliseconds, one byte each.
PlacementProblem chain(const std::vector<double>& accelerator_ms, std::int64_t num_accelerators,
                       double accelerator_bytes = 1000) {
  PlacementProblem problem{
      .num_accelerators = num_accelerators, .num_cpus = 0, .accelerator_bytes = accelerator_bytes};
  for (const double ms : accelerator_ms) {
    const std::size_t v = problem.nodes.size();
    problem.nodes.push_back(node(static_cast<std::int64_t>(v), ms));
    if (v > 0) problem.edges.push_back({.source = v - 1, .target = v});
  }
  problem.nodes.back().transfer_ms = 0;
  return problem;
}

/// Nodes in layers, each reading a few of the layer before.
PlacementProblem layered(std::mt19937& random, std::size_t num_layers, std::size_t width) {
  PlacementProblem problem{.num_accelerators = 1 + static_cast<std::int64_t>(random() % 16),
                           .num_cpus = static_cast<std::int64_t>(random() % 2),
                           .accelerator_bytes = 1e9};
  for (std::size_t v = 0; v < num_layers * width; ++v) {
    problem.nodes.push_back(node(static_cast<std::int64_t>(v), static_cast<double>(random() % 50)));
    problem.nodes.back().transfer_ms = static_cast<double>(random() % 4);
    if (v < width) continue;
    const std::size_t before = v / width * width - width;
    std::set<std::size_t> sources = {before + v % width, before + random() % width};
    for (const std::size_t source : sources)
      problem.edges.push_back({.source = source, .target = v});
  }
  return problem;
}

}  // namespace

TEST_CASE("a chain is cut where the greatest load is least", "[planner]") {
  // 4 + 3 | 5 + 1: 7 ms and 1 ms to send, 1 ms to receive and 6 ms.
  const PlacementResult result = search_placement(chain({4, 3, 5, 1}, 2), {});
  REQUIRE(result.placement);
  CHECK(result.proven_optimal);
  CHECK(result.max_load_ms == 8);
  CHECK(result.lower_bound_ms == 8);
  CHECK(result.placement->device_of_node == std::vector<std::size_t>{0, 0, 1, 1});
  REQUIRE(result.placement->devices.size() == 2);
  CHECK(result.placement->devices[0] == PlacedDevice{.kind = DeviceKind::kAccelerator,
                                                     .number = 1,
                                                     .compute_ms = 7,
                                                     .transfer_ms = 1,
                                                     .memory_bytes = 2,
                                                     .num_nodes = 2});
}

TEST_CASE("a device is left idle where transfers cost more than it saves", "[planner]") {
  PlacementProblem problem = chain({1, 1}, 2);
  problem.nodes[0].transfer_ms = 5;
  const PlacementResult result = search_placement(problem, {});
  CHECK(result.max_load_ms == 2);
  CHECK(result.placement->devices.size() == 1);
}

TEST_CASE("the search equals brute force on small problems", "[planner][property]") {
  struct Size {
    unsigned seed;
    int num_rounds;
    std::size_t most_forward;
  };

  for (const auto& [seed, num_rounds, most_forward] :
       {Size{11, 4000, 4}, Size{12, 4000, 6}, Size{13, 300, 8}}) {
    RandomPlacements problems(seed);
    for (int round = 0; round < num_rounds; ++round) {
      const PlacementProblem problem = problems.draw(most_forward);
      const double expected_ms = brute_force_load_ms(problem);
      const PlacementResult result = search_placement(problem, {.time_limit_s = 60});
      INFO("seed " << seed << ", round " << round);
      REQUIRE(result.proven_optimal);
      REQUIRE(result.placement.has_value() == (expected_ms < kInfinity));
      if (!result.placement) {
        REQUIRE(result.fits_nowhere);
        continue;
      }
      REQUIRE(std::abs(result.max_load_ms - expected_ms) <= 1e-8 * expected_ms);
      REQUIRE(std::abs(judged_load_ms(problem, *result.placement) - result.max_load_ms) <=
              1e-9 * expected_ms);
    }
  }
}

TEST_CASE("where nothing fits, the bytes that are missing would do, and no fewer",
          "[planner][property]") {
  constexpr unsigned kSeed = 5;
  RandomPlacements problems(kSeed);
  int num_without = 0;
  for (int round = 0; round < 2000; ++round) {
    PlacementProblem problem = problems.draw(5);
    problem.accelerator_bytes = std::floor(problem.accelerator_bytes / 2);
    const PlacementResult result = search_placement(problem, {});
    if (result.placement) continue;
    ++num_without;
    INFO("seed " << kSeed << ", round " << round);
    REQUIRE(result.fits_nowhere);
    REQUIRE(result.missing_bytes > 0);
    problem.accelerator_bytes += result.missing_bytes;
    REQUIRE(brute_force_load_ms(problem) < kInfinity);
    problem.accelerator_bytes -= 1;
    REQUIRE(brute_force_load_ms(problem) == kInfinity);
  }
  CHECK(num_without > 100);
}

TEST_CASE("what is missing is said in bytes", "[planner]") {
  // Three nodes of a byte on two accelerators of a byte: one has to hold two.
  const PlacementResult result = search_placement(chain({1, 1, 1}, 2, 1), {});
  CHECK_FALSE(result.placement);
  CHECK(no_placement(result) == "no placement fits in memory: each accelerator lacks 1 bytes");
}

TEST_CASE("larger problems are solved to their proof, by a placement that is allowed",
          "[planner][property]") {
  constexpr unsigned kSeed = 3;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    const PlacementProblem problem = layered(random, 5 + random() % 20, 1 + random() % 2);
    const PlacementResult result = search_placement(problem, {.time_limit_s = 60});
    INFO("seed " << kSeed << ", round " << round);
    REQUIRE(result.placement);
    CHECK(result.proven_optimal);
    CHECK_THAT(judged_load_ms(problem, *result.placement), WithinRel(result.max_load_ms, 1e-9));
  }
}

TEST_CASE("stopped early, the search has a placement, and its lower bound still is one",
          "[planner][property]") {
  constexpr unsigned kSeed = 8;
  RandomPlacements problems(kSeed);
  for (int round = 0; round < 500; ++round) {
    const PlacementProblem problem = problems.draw(6);
    const PlacementResult result = search_placement(problem, {.time_limit_s = 0});
    INFO("seed " << kSeed << ", round " << round);
    const double best_ms = brute_force_load_ms(problem);
    REQUIRE((!result.fits_nowhere || best_ms == kInfinity));
    if (!result.placement) continue;
    REQUIRE(result.lower_bound_ms <= best_ms * (1 + 1e-9));
    REQUIRE(result.max_load_ms >= best_ms * (1 - 1e-9));
    REQUIRE(std::abs(judged_load_ms(problem, *result.placement) - result.max_load_ms) <=
            1e-9 * best_ms);
  }
}

TEST_CASE("more downsets than can be looked at end in a bound, not in a hang", "[planner]") {
  // 20,000 nodes side by side have 2^20000 downsets.
  PlacementProblem problem{.num_accelerators = 16, .num_cpus = 1, .accelerator_bytes = 1500};
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i)
    problem.nodes.push_back(node(i, 1 + static_cast<double>(random() % 1000) / 1000));
  const PlacementResult result = search_placement(problem, {.time_limit_s = 0.2});
  REQUIRE(result.placement);
  CHECK_THAT(judged_load_ms(problem, *result.placement), WithinRel(result.max_load_ms, 1e-9));
  CHECK(result.lower_bound_ms > 0.99 * result.max_load_ms);
  CHECK(result.lower_bound_ms <= result.max_load_ms);
}

TEST_CASE("the published problems are solved to their published optimum", "[planner]") {
  // From Tarnawski et al. 2020, their dynamic programme; the figures have 6 to 10 digits.
  struct Published {
    const char* name;
    double optimum_ms;
  };
  namespace fs = std::filesystem;
  const fs::path folder = source_directory() / ".." / "shared" / "data" / "planner" / "msr-fiddle";
  if (!fs::exists(folder)) {
    WARN("skipped: there is no " << folder.string());
    return;
  }
  for (const auto& [name, optimum_ms] :
       {Published{"layer-bert24_inference", 17.78990625},
        Published{"layer-bert24_training", 41.7458125},
        Published{"layer-resnet50_inference", 33.774666015625},
        Published{"layer-resnet50_training", 78.6318}, Published{"layer-gnmt_inference", 32.9107},
        Published{"layer-gnmt_training", 107.004},
        Published{"operator-bert_l-3_inference", 27.9185676799125},
        Published{"operator-bert_l-3_training", 65.3031}}) {
    INFO(name);
    const PlacementProblem problem = read_placement_problem(folder / (std::string(name) + ".json"));
    const PlacementResult result = search_placement(problem, {.time_limit_s = 60});
    REQUIRE(result.placement);
    CHECK(result.proven_optimal);
    CHECK_THAT(result.max_load_ms, WithinRel(optimum_ms, 5e-6));
    CHECK_THAT(judged_load_ms(problem, *result.placement), WithinRel(result.max_load_ms, 1e-12));
  }
}
