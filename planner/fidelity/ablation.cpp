#include "planner/fidelity/ablation.h"

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

void without_loading(PlanDocument& document) { document.profile.load_s_per_sample = 0; }

void without_messages(PlanDocument& document) { document.cluster.network.message_s = 0; }

void without_transport(PlanDocument& document) {
  document.cluster.network.transport_s_per_byte = 0;
}

void without_reduction(PlanDocument& document) {
  document.cluster.network.reduction_s_per_byte = 0;
}

/// Links give all that they say, at once.
void without_protocol(PlanDocument& document) {
  document.cluster.network.model.bandwidth_factor = 1;
  document.cluster.network.model.latency_factor = 1;
}

void without_latency(PlanDocument& document) {
  document.cluster.network.latency_s = 0;
  for (Host& host : document.cluster.hosts) host.latency_s.reset();
}

}  // namespace

const std::vector<Ablation>& ablations() {
  static const std::vector<Ablation> all = {
      {"micro-batch sizes", "each layer's cost at the sizes below the batch's",
       without_micro_batch_sizes},
      {"optimizer", "the optimizer step", without_optimizer},
      {"optimizer kind", "what AdamW and the average of the weights take beside SGD, as measured",
       without_optimizers_own_cost},
      {"loading", "loading samples", without_loading},
      {"messages", "what a rank takes to hand over a message", without_messages},
      {"transport", "what the transport of messages takes of the processors", without_transport},
      {"reduction", "adding up and copying what a reduction receives", without_reduction},
      {"protocol", "what links deliver of what they state", without_protocol},
      {"latency", "the latency of the links", without_latency}};
  return all;
}

}  // namespace cadastre
