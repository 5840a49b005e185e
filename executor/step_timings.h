#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace cadastre {

/// What a training step on one processor consists of.
enum class StepPart { kLoad, kForward, kLoss, kBackward, kAdamW, kAverage };

/// The seconds that the parts of training steps took, step after step, for several sizes of
/// micro-batches; and what a part is taken to last.
///
/// That is a quantile of the steps, which whatever the size are of as many samples: what disturbs a
/// machine for longer than a micro-batch would spare the quickest of small ones. But quantiles do
/// not add up: of parts that vary each on its own, the lower quartiles together are less than the
/// lower quartile of whole steps. What one size's parts last is therefore scaled to the quantile of
/// its steps, which is what runs are judged by.
class StepTimings {
 public:
  /// `samples`: of a step, as many as the largest size. `quantile`: in [0, 1].
  StepTimings(std::int64_t samples, double quantile) : samples_(samples), quantile_(quantile) {}

  /// Of a step of micro-batches of that size, as far as they are whole.
  [[nodiscard]] std::int64_t num_micro_batches(std::int64_t size) const { return samples_ / size; }

  /// Of the step that is under way.
  void add(StepPart part, double seconds) { step_[part] += seconds; }

  /// It was of micro-batches of that size. Each of a size's steps has to have the same parts.
  void end_step(std::int64_t size);

  /// What the part lasts in a step of micro-batches of a size that was added, in all of them
  /// together.
  [[nodiscard]] double taken_s(std::int64_t size, StepPart part) const;

  /// Likewise in one of them.
  [[nodiscard]] double of_micro_batch_s(std::int64_t size, StepPart part) const {
    return taken_s(size, part) / static_cast<double>(num_micro_batches(size));
  }

  /// The quantile of what else was timed in each step.
  [[nodiscard]] double quantile_s(const std::vector<double>& seconds) const;

  /// What the quartiles of a size's whole steps are apart over their median, the mean over sizes.
  [[nodiscard]] double step_spread() const;

  /// The quantile of whole steps of that size to the sum of their parts' quantiles.
  [[nodiscard]] double whole_to_parts(std::int64_t size) const;

 private:
  using PartSeconds = std::map<StepPart, std::vector<double>>;  // of each step

  /// Of each step, all parts together.
  [[nodiscard]] static std::vector<double> whole_steps(const PartSeconds& parts);

  std::int64_t samples_;
  double quantile_;
  std::map<StepPart, double> step_;
  std::map<std::int64_t, PartSeconds> seconds_;  ///< by size
};

}  // namespace cadastre
