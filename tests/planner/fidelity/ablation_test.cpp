#include "planner/fidelity/ablation.h"

#include "planner/fidelity/step_speeds.h"
#include "planner/prediction.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinRel;

/// A plan whose step has a part of every cause.
PlanDocument everything() {
  PlanDocument document{.profile = worlds::chain({1, 2}), .cluster = worlds::two_hosts()};
  Profile& profile = document.profile;
  for (LayerProfile& layer : profile.layers) {
    const double forward_s = layer.measurements.back().forward_s;
    layer.measurements = {{.batch_size = 2, .forward_s = forward_s, .backward_s = forward_s},
                          {.batch_size = 8, .forward_s = 2 * forward_s, .backward_s = forward_s}};
  }
  profile.load_s_per_sample = 0.25;
  profile.caches = {.backward_ratio = 1.5, .bytes = 1000};
  profile.waits = {.forward_s = 0.1, .backward_s = 0.1, .update_s = 0, .time_constant_s = 0.01};
  profile.parts = {.forward_saving = 0.25, .backward_saving = 0.25, .update_saving = 0.25};
  profile.optimizer_s_per_parameter_byte = 1e-6;
  profile.adamw_s_per_parameter_byte = 3e-6;
  profile.average_s_per_parameter_byte = 2e-6;
  Network& network = document.cluster.network;
  network.bandwidth_bytes_per_s = 1e5;
  network.latency_s = 0.125;
  network.reduction_s_per_byte = 1e-6;
  network.message_s = 0.0625;
  network.transport_s_per_byte = 1e-6;
  network.burst_bytes = 500;
  network.model.bandwidth_factor = 0.5;
  for (Host& host : document.cluster.hosts) {
    host.transport_speed = 0.125;
    host.speed_spread = 0.5;
  }
  document.plan = worlds::pipeline(profile.model, document.cluster, {1, 1}, 8, 4);
  document.plan.optimizer = {.kind = OptimizerKind::kAdamW, .averages_weights = true};
  return document;
}

double step_s(const PlanDocument& document) {
  constexpr double kQuarter = 0.25;
  return predict(document.plan, document.profile, at_step_quantile(document, kQuarter)).step_s;
}

TEST_CASE("without a cause, a step that has it is predicted otherwise", "[planner]") {
  const PlanDocument document = everything();
  for (const Ablation& ablation : ablations()) {
    if (ablation.assumption != nullptr) continue;
    INFO(ablation.name);
    PlanDocument without = document;
    if (ablation.name == "reduction")
      without.plan = worlds::data_parallel(document.profile.model, document.cluster, {0.5, 0.5}, 8);
    const double with_s = step_s(without);
    ablation.apply(without);
    CHECK(step_s(without) != with_s);
    // A second time there is nothing left to take out.
    const double without_s = step_s(without);
    ablation.apply(without);
    CHECK(step_s(without) == without_s);
  }
}

FidelityPoint point(std::size_t group, double simulated_s, double predicted_s) {
  FidelityPoint point{.group = group};
  point.measured.step_s = 1;
  point.simulated.step_s = simulated_s;
  point.predicted.step_s = predicted_s;
  return point;
}

TEST_CASE("a cause is worth what it takes off the errors of the points that it changes",
          "[planner]") {
  Fidelity with;
  with.groups = {{.held_out = false}, {.held_out = true}};
  with.points = {point(0, 1.01, 0.9), point(1, 0.98, 0.9), point(1, 1.04, 0.9), point(0, 1, 1)};
  with.points[3].error = "did not run";
  Fidelity without = with;
  without.points[0].simulated.step_s = 0.8;
  without.points[1].simulated.step_s = 0.9;
  without.points[2].simulated.step_s = 1.0395;  // changes by less than counts
  without.points[3].simulated.step_s = 0.5;
  const AblationFigures figures = ablation_figures(ablations().front(), with, without);
  CHECK(figures.name == ablations().front().name);
  CHECK(figures.simulated.num_points == 2);
  CHECK_THAT(figures.simulated.error_with, WithinRel(0.015, 1e-9));
  CHECK_THAT(figures.simulated.error_without, WithinRel(0.15, 1e-9));
  CHECK(figures.held_out_simulated.num_points == 1);
  CHECK_THAT(figures.held_out_simulated.error_without, WithinRel(0.1, 1e-9));
  CHECK(figures.predicted == AblationEffect{});
}

}  // namespace
}  // namespace cadastre
