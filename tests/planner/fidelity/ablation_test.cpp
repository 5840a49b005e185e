#include "planner/fidelity/ablation.h"

#include "planner/prediction.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

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
  profile.optimizer_s_per_parameter_byte = 1e-6;
  profile.adamw_s_per_parameter_byte = 3e-6;
  profile.average_s_per_parameter_byte = 2e-6;
  Network& network = document.cluster.network;
  network.bandwidth_bytes_per_s = 1e5;
  network.latency_s = 0.125;
  network.reduction_s_per_byte = 1e-6;
  network.message_s = 0.0625;
  network.transport_s_per_byte = 1e-6;
  network.model.bandwidth_factor = 0.5;
  document.plan = worlds::pipeline(profile.model, document.cluster, {1, 1}, 8, 4);
  document.plan.optimizer = {.kind = OptimizerKind::kAdamW, .averages_weights = true};
  return document;
}

double step_s(const PlanDocument& document) {
  return predict(document.plan, document.profile, document.cluster).step_s;
}

TEST_CASE("without a cause, a step that has it is predicted otherwise", "[planner]") {
  const PlanDocument document = everything();
  for (const Ablation& ablation : ablations()) {
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

}  // namespace
}  // namespace cadastre
