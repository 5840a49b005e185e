#pragma once

#include <cstdint>
#include <vector>

namespace cadastre {

/// Consecutive samples of the global batch of one step: [begin, end).
struct SampleRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t size() const { return end - begin; }

  bool operator==(const SampleRange&) const = default;
};

/// Cuts [0, num_samples) into consecutive ranges as near to `shares` as multiples of `granularity`
/// allow (largest remainder; ties to the earlier). A range may be empty.
/// `num_samples` must be a multiple of `granularity`.
[[nodiscard]] std::vector<SampleRange> split_samples(std::int64_t num_samples,
                                                     const std::vector<double>& shares,
                                                     std::int64_t granularity);

/// The shares of `speeds` that let the slowest replica finish earliest, if time goes with samples:
/// one granule after the other goes to the replica that then has the least samples / speed. None
/// when a replica would get no granule, or there are no speeds.
[[nodiscard]] std::vector<double> balanced_shares(std::int64_t num_samples,
                                                  const std::vector<double>& speeds,
                                                  std::int64_t granularity);

/// The sample ranges of a plan's micro-batches; sizes differ by one granule at most.
[[nodiscard]] std::vector<SampleRange> micro_batch_ranges(std::int64_t batch_size,
                                                          std::int64_t micro_batches,
                                                          std::int64_t granularity);

}  // namespace cadastre
