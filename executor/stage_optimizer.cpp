#include "executor/stage_optimizer.h"

#include <algorithm>

#include "executor/adamw.h"
#include "executor/sgd.h"

namespace cadastre {

StageOptimizer::StageOptimizer(StageNetwork& network)
    : num_parameters_(network.flat_parameters().numel()) {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool decays = false;
  const auto close_run = [&] {
    if (end > begin)
      runs_.push_back({.parameters = network.flat_parameters().narrow(0, begin, end - begin),
                       .gradients = network.gradients().narrow(0, begin, end - begin),
                       .momentum = {},
                       .square = {},
                       .decays = decays});
    begin = end;
  };
  // In the order in which they lie in the flat tensors.
  for (const NamedTensor& parameter : network.parameters()) {
    const bool is_weight = parameter.tensor.dim() > 1;
    if (is_weight != decays) close_run();
    decays = is_weight;
    end += parameter.tensor.numel();
  }
  close_run();
}

void StageOptimizer::make_state(OptimizerKind kind) {
  momentum_ = at::zeros({num_parameters_}, at::kFloat);
  square_ = kind == OptimizerKind::kAdamW ? at::zeros({num_parameters_}, at::kFloat) : at::Tensor();
  std::int64_t begin = 0;
  for (Run& run : runs_) {
    const std::int64_t size = run.parameters.numel();
    run.momentum = momentum_.narrow(0, begin, size);
    if (square_.defined()) run.square = square_.narrow(0, begin, size);
    begin += size;
  }
}

void StageOptimizer::restore(OptimizerKind kind, std::int64_t num_steps) {
  make_state(kind);
  num_steps_ = num_steps;
}

void StageOptimizer::step(const UpdateSettings& settings) {
  if (num_steps_ == 0) make_state(settings.kind);
  ++num_steps_;
  for (Run& run : runs_) {
    const double weight_decay = run.decays ? settings.weight_decay : 0;
    if (settings.kind == OptimizerKind::kAdamW)
      adamw_step(run.parameters, run.gradients, run.momentum, run.square, num_steps_,
                 {.learning_rate = settings.learning_rate,
                  .weight_decay = weight_decay,
                  .gradient_scale = settings.gradient_scale});
    else
      sgd_step(run.parameters, run.gradients, run.momentum,
               {.learning_rate = settings.learning_rate,
                .momentum = settings.momentum,
                .weight_decay = weight_decay,
                .gradient_scale = settings.gradient_scale});
  }
}

void WeightAverage::add(StageNetwork& network, double decay, std::int64_t num_steps) {
  const at::NoGradGuard no_gradients;
  const at::Tensor& state = network.flat_state();
  if (!average_.defined()) average_ = state.clone();
  double kept = 1;
  for (std::int64_t i = 0; i < num_steps; ++i) {
    ++num_steps_;
    const auto count = static_cast<double>(num_steps_);
    kept *= std::min(decay, count / (count + 9));
  }
  average_.lerp_(state, 1 - kept);
}

void WeightAverage::restore(StageNetwork& network, std::int64_t num_steps) {
  average_ = network.flat_state().clone();
  num_steps_ = num_steps;
}

void WeightAverage::swap_with(StageNetwork& network) {
  const at::NoGradGuard no_gradients;
  const at::Tensor own = network.flat_state().clone();
  network.flat_state().copy_(average_);
  average_.copy_(own);
}

}  // namespace cadastre
