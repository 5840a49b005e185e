#pragma once

#include <cstdint>
#include <functional>

#include "planner/search/estimate.h"

namespace cadastre {

struct LocalSearchOptions {
  std::uint32_t seed = 1;
  std::int64_t num_proposals = 10000;
  double temperature = 0.02;  ///< at the start: a part of the value that is accepted as a loss
  bool interleave = true;     ///< may give a host several stages
  /// Where set, proposals that the estimate does not rule out are weighed by this instead: the
  /// exact value of a draft, infinite when it is not acceptable. Above the second number, it need
  /// not be exact.
  std::function<double(const Draft&, double)> exact = {};
  std::int64_t num_weighed = 0;                       ///< by `exact`, at most
  std::function<bool()> stop = [] { return false; };  ///< asked now and then
};

/// Simulated annealing (Kirkpatrick et al. 1983) on the estimate, from `start`, mostly at the
/// stage that the step time is due to: layers move to neighbouring stages, hosts change places,
/// join stages and leave them, stages are cut in two and united. The best draft met is returned.
/// With `exact`, a proposal is weighed only if its estimate is not above the value that it would
/// have to reach. The same seed gives the same answer.
[[nodiscard]] Draft improve(const Draft& start, const Estimator& estimator,
                            const LocalSearchOptions& options);

}  // namespace cadastre
