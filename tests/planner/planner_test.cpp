#include "planner/planner.h"

#include <string>
#include <utility>
#include <vector>

#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

TEST_CASE("the plan's document holds the search's plan and every baseline", "[planner]") {
  Cluster three_hosts = two_hosts();
  three_hosts.hosts.push_back(three_hosts.hosts.back());
  three_hosts.hosts.back().name = "node3";
  const PlanDocument document =
      make_plan(two_branches({1, 1, 1, 1, 0.1, 0.1}), three_hosts, {.batch_size = 4});
  CHECK(document.plan.strategy == "auto");
  std::vector<std::string> names;
  for (const Plan& plan : document.alternatives) {
    names.push_back(plan.strategy);
    if (plan.averaging_period == 0)
      CHECK(plan.predicted.step_s >= document.plan.predicted.step_s * (1 - 1e-9));
  }
  CHECK(names == baseline_names());
  // The two branches side by side: 4 samples × 2 layers × 3 s, and a little for join, head and
  // wire.
  CHECK(document.plan.predicted.step_s < 4 * 2 * 3 * 1.15);
  CHECK(document.search.optimality_gap < 1e-9);
  CHECK(document.search.proven);
  for (const Plan& plan : document.runners_up)
    CHECK(plan.predicted.step_s >= document.plan.predicted.step_s * (1 - 1e-9));
}

TEST_CASE("branches can meet on a host of their own, or share all hosts", "[planner]") {
  // A third of the work is branch b's; what they meet in is little.
  const Profile profile = two_branches({2, 2, 1, 1, 0.1, 0.1});
  Cluster cluster = two_hosts();
  for (const char* name : {"node3", "node4"}) {
    cluster.hosts.push_back(cluster.hosts.front());
    cluster.hosts.back().name = name;
  }
  const auto stages = [&](const std::string& strategy) {
    std::vector<std::pair<std::vector<std::string>, std::size_t>> found;  // layers, hosts
    const PlanDocument document = make_plan(
        profile, cluster, {.batch_size = 8, .strategy = strategy, .with_alternatives = false});
    for (const Stage& stage : document.plan.stages)
      found.emplace_back(stage.layers, stage.replicas.size());
    return found;
  };
  using Stages = std::vector<std::pair<std::vector<std::string>, std::size_t>>;
  CHECK(stages("fusion-apart") ==
        Stages{{{"a0", "a1"}, 1}, {{"b0", "b1"}, 1}, {{"join", "head"}, 1}});
  // Branch a takes twice as long as b: hosts go a, b, a, and then to a for the smaller wait of the
  // two that are left with 4 / 2 and 2 / 1: the heavier one, as both are equal.
  CHECK(stages("hybrid") == Stages{{{"b0", "b1"}, 1}, {{"a0", "a1", "join", "head"}, 3}});
}

TEST_CASE("a request that does not go with the model is refused", "[planner]") {
  const auto message = [](const PlannerOptions& options) {
    try {
      static_cast<void>(make_plan(chain({1, 1}), two_hosts(), options));
      return std::string("accepted");
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  };
  CHECK(message({.batch_size = 0}) ==
        "--batch-size: expected a multiple of the model's batch-norm group of 1 samples, found 0");
  CHECK(message({.batch_size = 4, .strategy = "pipelin"})
            .ends_with("found \"pipelin\", did you mean \"pipeline\"?"));
  CHECK(
      message({.batch_size = 4, .strategy = "branch"}) ==
      "--strategy: expected a strategy that divides this model on this cluster, found \"branch\"");
  CHECK(message({.batch_size = 4, .micro_batches = {3}}) ==
        "--micro-batches: expected a divisor of the 4 batch-norm groups in a batch, found 3");
}

TEST_CASE("a batch of more bytes than can be counted is refused", "[planner]") {
  Profile profile = chain({1, 1, 1});
  for (LayerProfile& layer : profile.layers) layer.saved_bytes_per_sample = std::int64_t{1} << 42;
  std::string message;
  try {
    static_cast<void>(make_plan(profile, two_hosts(), {.batch_size = 1 << 20}));
  } catch (const std::exception& error) {
    message = error.what();
  }
  CHECK(
      message.starts_with("--batch-size: expected a batch whose tensors and parameters are below "
                          "4 x 10^18 bytes on all hosts, found 1048576 samples of "));
}
