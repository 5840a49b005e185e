#include "executor/timed_update.h"

namespace cadastre {

void TimedUpdate::by_sgd() { by(sgd_, OptimizerKind::kSgd); }

void TimedUpdate::by_adamw() { by(adamw_, OptimizerKind::kAdamW); }

void TimedUpdate::average() {
  constexpr double kDecay = 0.99;
  average_.add(network_, kDecay, 1);
}

void TimedUpdate::by(StageOptimizer& optimizer, OptimizerKind kind) {
  constexpr double kNoLearning = 1e-12;
  optimizer.step({.kind = kind, .learning_rate = kNoLearning});
  network_.zero_gradients();
}

}  // namespace cadastre
