#include "planner/run_calibration/fit.h"

#include <cstdio>

#include "planner/run_calibration/hold_out.h"
#include "tests/planner/run_calibration/synthetic_runs.h"
#include "tests/support/catch.h"

using namespace cadastre;
using namespace cadastre::run_calibration;

namespace {

RunFit fit(const std::vector<MeasuredRun>& runs) {
  return fit_constants(runs, starting_point(runs));
}

const FittedParameter& named(const RunFit& fit, const std::string& name) {
  for (const FittedParameter& fitted : fit.parameters)
    if (fitted.parameter.name == name) return fitted;
  FAIL("no parameter " + name);
  return fit.parameters.front();
}

double value_in(const synthetic::Truth& truth, const Parameter& parameter) {
  const Constants constants{.cluster = truth.cluster, .profiles = {truth.profile}};
  return parameter.kind->get(constants, parameter.index);
}

}  // namespace

TEST_CASE("without noise a fit finds the constants that the runs were made with", "[planner]") {
  const synthetic::Truth truth = synthetic::truth();
  const RunFit fitted = fit(synthetic::runs(truth, synthetic::thought(), {}, 1));
  for (const FittedParameter& of : fitted.parameters) {
    INFO(of.parameter.name << " " << verdict_name(of.verdict) << " " << of.value);
    if (of.parameter.kind->is_extra) {
      CHECK(of.verdict == Verdict::kNotNeeded);
      continue;
    }
    if (of.parameter.name == "AdamW") {
      CHECK(of.verdict == Verdict::kNotIdentified);  // no run used it
      continue;
    }
    CHECK(of.verdict == Verdict::kFitted);
    CHECK_THAT(of.value, WithinRel(value_in(truth, of.parameter), 1e-3));
    REQUIRE(of.interval);
    CHECK(of.interval->least <= of.value);
    CHECK(of.interval->most >= of.value);
  }
}

TEST_CASE("intervals hold the truth as often as they say, with noise and outliers", "[planner]") {
  const synthetic::Truth truth = synthetic::truth();
  const synthetic::Truth thought = synthetic::thought();
  constexpr unsigned kSeeds = 8;
  int num_intervals = 0;
  int num_held = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    const RunFit fitted = fit(synthetic::runs(
        truth, thought, {.of_run = 0.02, .of_instruction = 0.02, .outliers = 0.02}, seed));
    for (const FittedParameter& of : fitted.parameters) {
      if (!of.interval) continue;
      ++num_intervals;
      const double expected = value_in(truth, of.parameter);
      const bool holds = of.interval->least <= expected && expected <= of.interval->most;
      if (holds) ++num_held;
    }
  }
  std::printf("%d of %d intervals of 95 %% hold the truth\n", num_held, num_intervals);
  // Of the ten kinds but the network's latency and link bandwidths, in nearly every seed.
  CHECK(num_intervals >= 7 * static_cast<int>(kSeeds));
  // 95 % less thrice the standard deviation of so many.
  CHECK(num_held >= 0.86 * num_intervals);
}

TEST_CASE("what runs do not tell stays where it was", "[planner]") {
  const synthetic::Truth truth = synthetic::truth();
  const std::vector<MeasuredRun> all = synthetic::runs(truth, synthetic::thought(), {}, 1);
  // The first host alone: nothing of the others, nothing of the network.
  const std::vector<MeasuredRun> one_host = {all[0]};
  const RunFit fitted = fit(one_host);
  CHECK(named(fitted, "relative speed of node1").verdict == Verdict::kFitted);
  CHECK_THAT(named(fitted, "relative speed of node1").value, WithinRel(0.9, 1e-3));
  const Cluster before = all[0].document.cluster;
  for (const char* name : {"relative speed of node2", "relative speed of node3", "bandwidth factor",
                           "latency factor", "reduction"}) {
    INFO(name);
    CHECK(named(fitted, name).verdict == Verdict::kNotIdentified);
    CHECK_FALSE(named(fitted, name).interval);
  }
  Cluster expected = before;
  expected.hosts[0].relative_speed = fitted.constants.cluster.hosts[0].relative_speed;
  CHECK((fitted.constants.cluster == expected));
}

TEST_CASE("a fit keeps to the bounds of its parameters, and says so", "[planner]") {
  synthetic::Truth truth = synthetic::truth();
  // Links twice as fast as nominal are not those of the cluster.
  truth.cluster.network.model.bandwidth_factor = 2;
  const RunFit fitted = fit(synthetic::runs(truth, synthetic::thought(), {}, 1));
  const FittedParameter& bandwidth = named(fitted, "bandwidth factor");
  CHECK(bandwidth.verdict == Verdict::kAtBound);
  CHECK_THAT(bandwidth.value, WithinRel(bandwidth.parameter.kind->most, 1e-9));
  CHECK_FALSE(bandwidth.interval);
  for (const FittedParameter& of : fitted.parameters) {
    CHECK(of.value >= of.parameter.kind->least);
    CHECK(of.value <= of.parameter.kind->most);
  }
}

TEST_CASE("a host whose link is slower than the others' gets its own bandwidth", "[planner]") {
  synthetic::Truth truth = synthetic::truth();
  truth.cluster.hosts[1].bandwidth_bytes_per_s = 20e6;
  const synthetic::Noise noise{.of_instruction = 0.01};
  std::vector<MeasuredRun> all = synthetic::runs(truth, synthetic::thought(), noise, 3, 2);
  // As many that talk over the other links alone.
  Cluster others = truth.cluster;
  others.hosts.erase(others.hosts.begin() + 1);
  const ModelGraph& model = truth.profile.model;
  std::mt19937 random(5);
  for (const Plan& plan : {worlds::data_parallel(model, others, {0.5, 0.5}, 512),
                           worlds::data_parallel(model, others, {0.25, 0.75}, 512),
                           worlds::pipeline(model, others, {1, 3}, 512, 2),
                           worlds::pipeline(model, others, {3, 1}, 512, 4)})
    for (int i = 0; i < 2; ++i)
      all.push_back(synthetic::run_of("other" + std::to_string(all.size()), plan, truth,
                                      synthetic::thought(), noise, random));
  const RunFit fitted = fit(all);
  const FittedParameter& link = named(fitted, "link bandwidth of node2");
  CHECK(link.verdict == Verdict::kFitted);
  CHECK_THAT(link.value * fitted.constants.cluster.network.model.bandwidth_factor,
             WithinRel(20e6 * 0.8, 0.1));
  CHECK(named(fitted, "link bandwidth of node1").verdict == Verdict::kNotNeeded);
  CHECK_FALSE(fitted.constants.cluster.hosts[0].bandwidth_bytes_per_s);
}

TEST_CASE("several models share hosts and network, and each has its rates", "[planner]") {
  const synthetic::Truth truth = synthetic::truth();
  synthetic::Truth other = truth;
  other.profile.model.name = "other";
  other.profile.load_s_per_sample *= 4;
  synthetic::Truth other_thought = synthetic::thought();
  other_thought.profile.model.name = "other";
  std::vector<MeasuredRun> runs = synthetic::runs(truth, synthetic::thought(), {}, 1);
  for (MeasuredRun& run : synthetic::runs(other, other_thought, {}, 1))
    runs.push_back(std::move(run));
  const RunFit fitted = fit(runs);
  REQUIRE(fitted.constants.profiles.size() == 2);
  CHECK_THAT(named(fitted, "loading of chain").value, WithinRel(2.5e-6, 1e-2));
  CHECK_THAT(named(fitted, "loading of other").value, WithinRel(1e-5, 1e-2));
  CHECK_THAT(named(fitted, "relative speed of node2").value, WithinRel(0.55, 1e-3));
}
