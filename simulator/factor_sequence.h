#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cadastre {

/// The factors of one host or link, step after step, as `StepVariation` describes them: log-normal,
/// of median 1, `relative_spread` (>= 0) between their quartiles.
class FactorSequence {
 public:
  /// `resource` is "host NAME" or "link NAME".
  FactorSequence(std::uint64_t seed, const std::string& resource, double relative_spread,
                 double correlation_steps);

  /// Of a step (>= 0), whenever it is asked for.
  [[nodiscard]] double at(int step);

 private:
  std::mt19937_64 bits_;
  double deviation_;
  double renewal_;               ///< probability that a step has a factor of its own
  std::vector<double> factors_;  ///< [step] so far
};

}  // namespace cadastre
