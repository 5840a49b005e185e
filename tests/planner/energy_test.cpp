#include "planner/prediction.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

TEST_CASE("a host draws its idle watts all step and the others while it computes", "[planner]") {
  // Each stage computes 4 samples of 1 s forward and 2 s backward; the step is longer by what each
  // waits for the other.
  const Profile profile = chain({1, 1});
  Cluster cluster = two_hosts();
  cluster.hosts[0].watts = 200;
  cluster.hosts[0].idle_watts = 50;
  cluster.hosts[1].watts = 100;
  const Plan plan = worlds::pipeline(profile.model, cluster, {1, 1}, 4, 2);
  const Prediction prediction = predict(plan, profile, cluster);
  REQUIRE_THAT(prediction.hosts[0].compute_s, WithinRel(12, 1e-12));
  REQUIRE(prediction.step_s > 12.5);
  CHECK_THAT(prediction.energy_j_per_step,
             WithinRel(50 * prediction.step_s + 150 * 12 + 100 * prediction.step_s, 1e-12));
}
