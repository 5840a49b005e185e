#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "planner/model_facts.h"
#include "planner/wire_dtype.h"

namespace cadastre {

/// What a stage's replicas reduce in one go.
struct ReductionBucket {
  /// Whose gradients (or, where parameters are averaged, whose parameters and running statistics)
  /// it holds: consecutive layers of the stage, those without parameters included, in descending
  /// order, as the backward pass comes to them. None: the sums of batch statistics of all of the
  /// stage's layers, in ascending order, which are complete after the last forward pass.
  std::vector<int> layers;
  std::int64_t bytes = 0;  ///< on the wire, whether or not `Program` spreads them over steps
  bool operator==(const ReductionBucket&) const = default;
};

/// A bucket is closed once it holds so many bytes on the wire, or the stage's bytes divided by
/// `kMostGradientBuckets` where that is more: small messages pay their latency for little, large
/// ones begin late (Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
/// Training", VLDB 2020, sections 3.2.2 and 5.2). A quarter of DistributedDataParallel's first bucket:
/// 2 ms at 1 Gbit/s.
inline constexpr std::int64_t kBucketBytes = std::int64_t{1} << 18;
inline constexpr int kMostGradientBuckets = 8;

/// The bytes at which a bucket is closed, in a stage with so many bytes of gradients on the wire.
[[nodiscard]] constexpr std::int64_t enough_bucket_bytes(std::int64_t gradient_bytes) {
  return std::max(kBucketBytes, (gradient_bytes + kMostGradientBuckets - 1) / kMostGradientBuckets);
}

/// The buckets of a stage of these layers (ascending), in the order in which they are reduced. The
/// sums of batch statistics come first, if any, in a bucket of their own: they are float64 on any
/// wire. None where no layer has parameters.
[[nodiscard]] std::vector<ReductionBucket> gradient_buckets(const std::vector<int>& layers,
                                                            const ModelFacts& model,
                                                            WireDtype wire_dtype);

/// What replicas average that take steps of their own: parameters, and the running statistics of
/// batch norm.
[[nodiscard]] ReductionBucket averaging_bucket(const std::vector<int>& layers,
                                               const ModelFacts& model, WireDtype wire_dtype);

}  // namespace cadastre
