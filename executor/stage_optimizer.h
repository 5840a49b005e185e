#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/network.h"
#include "planner/optimizer.h"

namespace cadastre {

/// What a step does to the parameters, once their gradients are known.
struct UpdateSettings {
  OptimizerKind kind = OptimizerKind::kSgd;
  double learning_rate = 0.05;
  double momentum = 0.9;  ///< of SGD
  double weight_decay = 1e-4;
  double gradient_scale = 1;  ///< gradients are multiplied by it first
};

/// Updates a stage's parameters, and keeps what its optimizer remembers of them. Replicas whose
/// gradients were reduced do the same to the same numbers.
///
/// Weights decay; biases and batch norm's parameters, which only shift and scale, do not (He et al.
/// 2019, section 3.1; torch.optim decays all that it is given).
class StageOptimizer {
 public:
  explicit StageOptimizer(StageNetwork& network);

  /// The kind is that of the first step.
  void step(const UpdateSettings& settings);

  /// As after so many steps, with zeros for what is remembered of them.
  void restore(OptimizerKind kind, std::int64_t num_steps);

  /// What is remembered, like `StageNetwork::flat_parameters`: SGD's momentum, or AdamW's mean and
  /// square. Not defined before the first step, or where the kind has none.
  [[nodiscard]] const at::Tensor& momentum() const { return momentum_; }

  [[nodiscard]] const at::Tensor& square() const { return square_; }

 private:
  /// Consecutive parameters that all decay, or none.
  struct Run {
    at::Tensor parameters;  ///< a view, like the others
    at::Tensor gradients;
    at::Tensor momentum;  ///< or AdamW's mean
    at::Tensor square;    ///< of AdamW
    bool decays = false;
  };

  void make_state(OptimizerKind kind);

  std::vector<Run> runs_;
  at::Tensor momentum_;
  at::Tensor square_;
  std::int64_t num_parameters_ = 0;
  std::int64_t num_steps_ = 0;
};

/// A moving average of a stage's parameters and running statistics (Polyak and Juditsky 1992; with
/// weights that fall by a constant factor).
class WeightAverage {
 public:
  /// `num_steps`: that were taken since the last call. The first steps count for more: the average
  /// is over about a tenth of the steps so far until that is what `decay` says.
  void add(StageNetwork& network, double decay, std::int64_t num_steps);

  [[nodiscard]] bool is_defined() const { return average_.defined(); }

  /// As after so many steps of a stage that has always been as it is.
  void restore(StageNetwork& network, std::int64_t num_steps);

  /// Like `StageNetwork::flat_state`; not defined before the first step.
  [[nodiscard]] const at::Tensor& values() const { return average_; }

  /// Exchanges the average and the network's own values.
  void swap_with(StageNetwork& network);

 private:
  at::Tensor average_;  ///< like `StageNetwork::flat_state`
  std::int64_t num_steps_ = 0;
};

}  // namespace cadastre
