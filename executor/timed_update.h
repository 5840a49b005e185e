#pragma once

#include "executor/network.h"
#include "executor/stage_optimizer.h"

namespace cadastre {

/// Updates as in training, by so little that the weights stay what they are.
class TimedUpdate {
 public:
  explicit TimedUpdate(StageNetwork& network) : network_(network), sgd_(network), adamw_(network) {}

  void by_sgd();    ///< and lets go of the gradients
  void by_adamw();  ///< likewise
  void average();   ///< of the weights

 private:
  void by(StageOptimizer& optimizer, OptimizerKind kind);

  StageNetwork& network_;
  StageOptimizer sgd_;
  StageOptimizer adamw_;
  WeightAverage average_;
};

}  // namespace cadastre
