#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace cadastre {

/// What a training step on one processor consists of.
enum class StepPart { kLoad, kForward, kLoss, kBackward, kAdamW, kAverage };

/// The seconds that the parts of training steps took, step after step, for several batch sizes; and
/// what a part is taken to last.
///
/// That is a quantile of repeats, which whatever the batch size are of as many samples: of several
/// steps where it is smaller, as what disturbs a machine for longer than a step would spare the
/// quickest of short ones. But quantiles do not add up: of parts that vary each on its own, the
/// lower quartiles together are less than the lower quartile of whole steps. What one batch size's
/// parts last is therefore scaled to the quantile of its steps, which is what runs are judged by.
class StepTimings {
 public:
  /// `most_samples`: the largest batch size, in samples. `quantile`: in [0, 1].
  StepTimings(std::int64_t most_samples, double quantile)
      : most_samples_(most_samples), quantile_(quantile) {}

  /// Of the parts of one size, each has to be added as often.
  void add(std::int64_t batch_size, StepPart part, double seconds) {
    seconds_[batch_size][part].push_back(seconds);
  }

  /// What the part lasts in a step of a size that was added.
  [[nodiscard]] double taken_s(std::int64_t batch_size, StepPart part) const;

  /// The quantile of the repeats of something else that was timed once in each step.
  [[nodiscard]] double quantile_s(std::int64_t batch_size,
                                  const std::vector<double>& seconds) const;

  /// The quantile of whole steps of that size to the sum of their parts' quantiles.
  [[nodiscard]] double whole_to_parts(std::int64_t batch_size) const;

 private:
  std::int64_t most_samples_;
  double quantile_;
  std::map<std::int64_t, std::map<StepPart, std::vector<double>>> seconds_;
};

}  // namespace cadastre
