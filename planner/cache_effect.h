#pragma once

#include <vector>

namespace cadastre {

/// Backward of a micro-batch finds what its forward kept in the processor's caches, unless others
/// passed through the network since: then it takes longer, in proportion to what these kept
/// meanwhile, up to `bytes`.
struct CacheEffect {
  double backward_ratio = 1;  ///< of backward's seconds, at `bytes` and beyond
  double bytes = 0;
  bool operator==(const CacheEffect&) const = default;
};

/// Of backward's seconds, where others kept `bytes_beside`.
[[nodiscard]] double backward_ratio(const CacheEffect& effect, double bytes_beside);

/// One measurement: how much longer backward took.
struct BackwardBeside {
  double bytes_beside = 0;
  double ratio = 1;
};

/// What fits them best (least squares); none without measurements, or where backward took no
/// longer.
[[nodiscard]] CacheEffect fit_cache_effect(const std::vector<BackwardBeside>& measured);

}  // namespace cadastre
