#include "planner/fidelity/step_speeds.h"

#include <cmath>
#include <utility>
#include <vector>

#include "planner/log_normal.h"
#include "planner/prediction.h"
#include "tests/planner/fidelity/two_sizes.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinRel;

constexpr double kQuarter = 0.25;
constexpr double kSpread = 0.4;

/// Links and updates that take next to nothing.
PlanDocument on(Cluster cluster) {
  PlanDocument document{.profile = worlds::chain({1, 1}), .cluster = std::move(cluster)};
  document.cluster.network.bandwidth_bytes_per_s = 1e12;
  document.cluster.network.latency_s = 0;
  return document;
}

double step_s(const PlanDocument& document, double fraction) {
  return predict(document.plan, document.profile, at_step_quantile(document, fraction)).step_s;
}

/// Of a host of that spread, the seconds that a part of steps takes less than, to the lower
/// quartile. `deviations`: of that quantile of the standard normal distribution.
double to_lower_quartile(double deviations) {
  return std::exp(log_normal_deviation(kSpread) * (deviations + kUpperQuartileOfNormal));
}

PlanDocument replicas(const std::vector<double>& speeds) {
  PlanDocument document = on(worlds::hosts(speeds));
  for (Host& host : document.cluster.hosts) host.speed_spread = kSpread;
  document.plan = worlds::data_parallel(
      document.profile.model, document.cluster,
      std::vector<double>(speeds.size(), 1.0 / static_cast<double>(speeds.size())), 12);
  return document;
}

}  // namespace

TEST_CASE("hosts that do not vary have the speeds that they had", "[planner]") {
  PlanDocument document = replicas({1, 1});
  for (Host& host : document.cluster.hosts) host.speed_spread = 0;
  CHECK(at_step_quantile(document, kQuarter) == document.cluster);
}

TEST_CASE("one host's steps take what its profile says of that quantile", "[planner]") {
  PlanDocument document = replicas({1});
  const double as_profiled_s = predict(document.plan, document.profile, document.cluster).step_s;
  for (const double fraction : {0.1, kQuarter, 0.5})
    CHECK_THAT(step_s(document, fraction), WithinRel(as_profiled_s, 0.005));
}

TEST_CASE("of hosts that wait for the slowest, the quick steps are those in which all are",
          "[planner]") {
  // Both are in their quicker half in a quarter of the steps, three in their quicker 0.63.
  PlanDocument two = replicas({1, 1});
  const double two_as_profiled_s = predict(two.plan, two.profile, two.cluster).step_s;
  CHECK_THAT(step_s(two, kQuarter), WithinRel(two_as_profiled_s * to_lower_quartile(0), 0.01));
  PlanDocument three = replicas({1, 1, 1});
  const double three_as_profiled_s = predict(three.plan, three.profile, three.cluster).step_s;
  constexpr double kCubeRootOfQuarter = 0.3318;  // deviations of the quantile 0.62996
  CHECK_THAT(step_s(three, kQuarter),
             WithinRel(three_as_profiled_s * to_lower_quartile(kCubeRootOfQuarter), 0.015));
}

TEST_CASE("a host that is never waited for costs nothing by varying", "[planner]") {
  PlanDocument document = replicas({1, 8});
  const double as_profiled_s = predict(document.plan, document.profile, document.cluster).step_s;
  CHECK_THAT(step_s(document, kQuarter), WithinRel(as_profiled_s, 0.01));
  document.cluster.hosts[0].speed_spread = 0;
  CHECK_THAT(step_s(document, kQuarter), WithinRel(as_profiled_s, 1e-9));
}

TEST_CASE("hosts vary as their profiles' steps, and like those that they are like", "[planner]") {
  PlanDocument document = on(worlds::hosts({1, 0.4, 0.4}));
  const Cluster stated = worlds::hosts({1, 0.5, 0.5});
  document.profile.step_spread = 0.125;
  HostProfile slow{.on_host = test::two_sizes(4, 6), .on_whole = test::two_sizes(1, 2)};
  slow.on_host.step_spread = 0.25;
  const Cluster varying = with_step_spreads(document, stated, {{1, slow}});
  CHECK(varying.hosts[0].speed_spread == 0.125);
  CHECK(varying.hosts[1].speed_spread == 0.25);
  CHECK(varying.hosts[2].speed_spread == 0.25);
  CHECK(varying.hosts[1].relative_speed == 0.4);
  document.profile.step_spread = 100;
  CHECK(with_step_spreads(document, stated, {}).hosts[0].speed_spread == kMostStepSpread);
}

}  // namespace cadastre
