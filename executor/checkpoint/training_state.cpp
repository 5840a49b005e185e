#include "executor/checkpoint/training_state.h"

#include "planner/error.h"

namespace cadastre {

namespace {

constexpr const char* kMomentum = "momentum/";
constexpr const char* kMean = "mean/";
constexpr const char* kSquare = "square/";
constexpr const char* kAverage = "average/";

/// Parts of `flat`, which lies as the network's `flat_state` or its beginning, by the names of the
/// network's tensors.
template <typename Visit>
void for_each_part(const StageNetwork& network, const at::Tensor& flat, const Visit& visit) {
  std::int64_t begin = 0;
  for (const std::vector<NamedTensor>* tensors : {&network.parameters(), &network.buffers()})
    for (const NamedTensor& named : *tensors) {
      const std::int64_t size = named.tensor.numel();
      if (begin + size > flat.numel()) return;
      visit(named.name, flat.narrow(0, begin, size).view(named.tensor.sizes()));
      begin += size;
    }
}

void add(const std::string& prefix, const StageNetwork& network, const at::Tensor& flat,
         Weights& to) {
  if (!flat.defined()) return;
  for_each_part(network, flat, [&](const std::string& name, const at::Tensor& part) {
    to[prefix + name] = part.clone();
  });
}

void take(const std::string& prefix, const StageNetwork& network, const at::Tensor& flat,
          const Weights& from, const std::filesystem::path& file) {
  const at::NoGradGuard no_grad;
  for_each_part(network, flat, [&](const std::string& name, const at::Tensor& part) {
    const auto found = from.find(prefix + name);
    if (found == from.end() || found->second.sizes() != part.sizes())
      throw InputError(file.string(), "",
                       "expected a tensor \"" + prefix + name + "\" of the layer's shape, found " +
                           (found == from.end() ? "none" : "another"));
    at::Tensor to = part;
    to.copy_(found->second);
  });
}

}  // namespace

TrainingState training_state(const StagePart& part) {
  const StageNetwork& network = part.network();
  TrainingState state;
  state.weights = stage_weights(network);
  const StageOptimizer& optimizer = part.optimizer();
  const bool is_adamw = optimizer.square().defined();
  add(is_adamw ? kMean : kMomentum, network, optimizer.momentum(), state.optimizer);
  add(kSquare, network, optimizer.square(), state.optimizer);
  add(kAverage, network, part.average().values(), state.optimizer);
  return state;
}

void restore(StagePart& part, const TrainingState& state, OptimizerKind kind, bool averages_weights,
             std::int64_t num_steps, const std::filesystem::path& file) {
  StageNetwork& network = part.network();
  set_weights(network, state.weights, file);
  if (num_steps == 0) return;
  part.optimizer().restore(kind, num_steps);
  const bool is_adamw = kind == OptimizerKind::kAdamW;
  take(is_adamw ? kMean : kMomentum, network, part.optimizer().momentum(), state.optimizer, file);
  if (is_adamw) take(kSquare, network, part.optimizer().square(), state.optimizer, file);
  if (!averages_weights) return;
  part.average().restore(network, num_steps);
  take(kAverage, network, part.average().values(), state.optimizer, file);
}

}  // namespace cadastre
