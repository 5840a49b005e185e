#include "planner/pipedream/strategy.h"

#include "planner/prediction.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::pipedream;
using worlds::chain;
using worlds::hosts;

TEST_CASE("PipeDream's stages as a baseline: most work a machine to the fastest hosts",
          "[planner][pipedream]") {
  // 250 kB of parameters a layer over 1 MB/s: replicating costs 0.5 s and more, so layers that take
  // 0.03 s each are a straight pipeline: 2 + 2 layers would be equal, but the first is longer.
  const std::optional<Draft> draft =
      pipedream_draft(chain({0.02, 0.01, 0.01, 0.01}), hosts({1, 2}));
  REQUIRE(draft.has_value());
  CHECK(draft->stage_of_layer == std::vector<int>{0, 0, 1, 1});
  CHECK(draft->stage_hosts == std::vector<std::vector<int>>{{1}, {0}});
}

TEST_CASE("PipeDream replicates a stage whose work outweighs its parameters",
          "[planner][pipedream]") {
  // Layers of minutes on a link that moves their parameters in half a second are replicated.
  const std::optional<Draft> draft = pipedream_draft(chain({100, 130}), hosts({1, 2, 1}));
  REQUIRE(draft.has_value());
  CHECK(draft->stage_hosts == std::vector<std::vector<int>>{{0, 1, 2}});
}

TEST_CASE("PipeDream's stages are a plan on any cluster", "[planner][pipedream]") {
  const Profile profile = worlds::two_branches({0.3, 0.2, 0.25, 0.3, 0.01, 0.2});
  for (std::size_t num_hosts = 2; num_hosts <= 6; ++num_hosts) {
    std::vector<double> speeds;
    for (std::size_t h = 0; h < num_hosts; ++h) speeds.push_back(1.0 / static_cast<double>(h + 1));
    const Cluster cluster = hosts(speeds);
    const std::optional<Draft> draft = pipedream_draft(profile, cluster);
    REQUIRE(draft.has_value());
    const PlanningProblem problem(profile, cluster);
    const std::optional<Candidate> best =
        best_setting(*draft, 0, 64, {1, 2, 4, 8}, {}, problem);
    REQUIRE(best.has_value());
    CHECK(best->predicted.step_s > 0);
  }
  CHECK_FALSE(pipedream_draft(profile, hosts({1})).has_value());
}
