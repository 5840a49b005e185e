#include "planner/pipedream/strategy.h"

#include "planner/prediction.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::pipedream;
using worlds::chain;
using worlds::hosts;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("PipeDream's stages as a baseline: most work a machine to the fastest hosts",
          "[planner][pipedream]") {
  // 250 kB of parameters a layer over 1 MB/s: replicating costs 0.5 s and more, so layers that take
  // 0.03 s each are a straight pipeline: 2 + 2 layers would be equal, but the first is longer.
  const std::vector<Stage> stages =
      pipedream_stages(chain({0.02, 0.01, 0.01, 0.01}), hosts({1, 2}));
  REQUIRE(stages.size() == 2);
  CHECK(stages[0].layers == Names{"layer0", "layer1"});
  CHECK(stages[0].replicas == std::vector<Replica>{{.host = "node2", .share = 1}});
  CHECK(stages[1].layers == Names{"layer2", "layer3"});
  CHECK(stages[1].replicas == std::vector<Replica>{{.host = "node1", .share = 1}});
}

TEST_CASE("PipeDream's replicas share by speed", "[planner][pipedream]") {
  // Layers of minutes on a link that moves their parameters in half a second are replicated.
  const std::vector<Stage> stages = pipedream_stages(chain({100, 130}), hosts({1, 2, 1}));
  REQUIRE(stages.size() == 1);
  CHECK(stages[0].replicas == replicas_by_speed(hosts({1, 2, 1}), {0, 1, 2}));
}

TEST_CASE("PipeDream's stages are a plan on any cluster", "[planner][pipedream]") {
  const Profile profile = worlds::two_branches({0.3, 0.2, 0.25, 0.3, 0.01, 0.2});
  for (std::size_t num_hosts = 2; num_hosts <= 6; ++num_hosts) {
    std::vector<double> speeds;
    for (std::size_t h = 0; h < num_hosts; ++h) speeds.push_back(1.0 / static_cast<double>(h + 1));
    const Cluster cluster = hosts(speeds);
    const std::vector<Stage> stages = pipedream_stages(profile, cluster);
    REQUIRE(!stages.empty());
    const Plan plan = best_setting("pipedream", stages, 8, {1, 2, 4, 8}, profile, cluster);
    CHECK(plan.predicted.step_s > 0);
    std::size_t num_layers = 0;
    for (const Stage& stage : stages) num_layers += stage.layers.size();
    CHECK(num_layers == profile.model.layers.size());
  }
  CHECK(pipedream_stages(profile, hosts({1})).empty());
}
