#include "planner/fidelity/ablation.h"

#include <cmath>

#include "planner/fidelity/summary.h"

namespace cadastre {

namespace {

void without_micro_batch_sizes(PlanDocument& document) {
  for (LayerProfile& layer : document.profile.layers)
    layer.measurements = {layer.measurements.back()};
}

void without_optimizers_own_cost(PlanDocument& document) {
  document.profile.adamw_s_per_parameter_byte = 0;
  document.profile.average_s_per_parameter_byte = 0;
}

void without_optimizer(PlanDocument& document) {
  without_optimizers_own_cost(document);
  document.profile.optimizer_s_per_parameter_byte = 0;
}

void without_cache_effect(PlanDocument& document) { document.profile.caches = {}; }

void without_wait_effect(PlanDocument& document) { document.profile.waits = {}; }

void without_part_effect(PlanDocument& document) { document.profile.parts = {}; }

void without_loading(PlanDocument& document) {
  document.profile.load_s_per_sample = 0;
  document.profile.load_s_per_micro_batch = 0;
}

void without_messages(PlanDocument& document) { document.cluster.network.message_s = 0; }

void without_transport(PlanDocument& document) {
  document.cluster.network.transport_s_per_byte = 0;
}

void without_transport_speeds(PlanDocument& document) {
  for (Host& host : document.cluster.hosts) host.transport_speed.reset();
}

void without_reduction(PlanDocument& document) {
  document.cluster.network.reduction_s_per_byte = 0;
}

/// Links give all that they say, at once.
void without_protocol(PlanDocument& document) {
  document.cluster.network.model.bandwidth_factor = 1;
  document.cluster.network.model.latency_factor = 1;
}

void without_bursts(PlanDocument& document) { document.cluster.network.burst_bytes = 0; }

void without_variation(PlanDocument& document) {
  for (Host& host : document.cluster.hosts) host.speed_spread = 0;
}

void without_latency(PlanDocument& document) {
  document.cluster.network.latency_s = 0;
  for (Host& host : document.cluster.hosts) host.latency_s.reset();
}

AblationEffect effect_of(const Fidelity& with, const Fidelity& without,
                         StepFigures FidelityPoint::*predictor, bool only_held_out) {
  constexpr double kLeastChange = 0.005;
  std::vector<double> errors_with;
  std::vector<double> errors_without;
  for (std::size_t i = 0; i < with.points.size(); ++i) {
    const FidelityPoint& point = with.points[i];
    const FidelityPoint& other = without.points[i];
    if (!has_figures(point) || !has_figures(other)) continue;
    if (only_held_out && !with.groups[point.group].held_out) continue;
    const double step_s = (point.*predictor).step_s;
    const double other_s = (other.*predictor).step_s;
    if (std::abs(relative_error(other_s, step_s)) <= kLeastChange) continue;
    errors_with.push_back(relative_error(step_s, point.measured.step_s));
    errors_without.push_back(relative_error(other_s, point.measured.step_s));
  }
  return {.num_points = errors_with.size(),
          .error_with = error_summary(errors_with).median,
          .error_without = error_summary(errors_without).median};
}

}  // namespace

AblationFigures ablation_figures(const Ablation& ablation, const Fidelity& with,
                                 const Fidelity& without) {
  constexpr auto kSimulated = &FidelityPoint::simulated;
  constexpr auto kPredicted = &FidelityPoint::predicted;
  return {.name = ablation.name,
          .left_out = ablation.left_out,
          .simulated = effect_of(with, without, kSimulated, false),
          .predicted = effect_of(with, without, kPredicted, false),
          .held_out_simulated = effect_of(with, without, kSimulated, true),
          .held_out_predicted = effect_of(with, without, kPredicted, true)};
}

const std::vector<Ablation>& ablations() {
  static const std::vector<Ablation> all = {
      {"micro-batch sizes", "each layer's cost at the sizes below the batch's",
       without_micro_batch_sizes},
      {"caches", "what backward takes longer after other micro-batches' passes",
       without_cache_effect},
      {"parts", "what layers take less on hosts that hold a part of the network",
       without_part_effect},
      {"waits", "what computing takes longer after waiting", without_wait_effect},
      {"contention", "what hosts that share a machine's memory take of each other's speed",
       [](PlanDocument&) {}, &Assumptions::hosts_contend},
      {"threads", "what several threads of a host take of what one takes, beside their number",
       [](PlanDocument&) {}, &Assumptions::threads_are_measured},
      {"speeds",
       "how fast hosts with other processors than the profiled ones are, beside what they state",
       [](PlanDocument&) {}, &Assumptions::speeds_are_measured},
      {"moments", "how fast the machine's other tenants let its processors be in a run",
       [](PlanDocument&) {}, &Assumptions::moments_differ},
      {"variation", "that hosts that wait for each other are seldom at their quickest together",
       without_variation},
      {"optimizer", "the optimizer step", without_optimizer},
      {"optimizer kind", "what AdamW and the average of the weights take beside SGD, as measured",
       without_optimizers_own_cost},
      {"loading", "loading samples", without_loading},
      {"messages", "what a rank takes to hand over a message", without_messages},
      {"transport", "what the transport of messages takes of the processors", without_transport},
      {"transport speeds", "that transport is not as slow as a slow host's layers",
       without_transport_speeds},
      {"reduction", "adding up and copying what a reduction receives", without_reduction},
      {"protocol", "what links deliver of what they state", without_protocol},
      {"bursts", "what links that were idle let through at once", without_bursts},
      {"latency", "the latency of the links", without_latency}};
  return all;
}

}  // namespace cadastre
