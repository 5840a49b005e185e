#include "planner/reduction_buckets.h"

#include <algorithm>
#include <cstddef>

namespace cadastre {

std::vector<ReductionBucket> gradient_buckets(const std::vector<int>& layers,
                                              const ModelFacts& model, WireDtype wire_dtype) {
  std::int64_t statistics_bytes = 0;
  std::int64_t gradient_bytes = 0;
  for (const int layer : layers) {
    statistics_bytes += model.statistics_bytes[static_cast<std::size_t>(layer)];
    gradient_bytes +=
        wire_bytes(model.parameter_bytes[static_cast<std::size_t>(layer)], wire_dtype);
  }
  std::vector<ReductionBucket> buckets;
  if (gradient_bytes == 0) return buckets;
  if (statistics_bytes > 0) buckets.push_back({.layers = {}, .bytes = statistics_bytes});
  const std::int64_t enough = enough_bucket_bytes(gradient_bytes);
  std::int64_t left = gradient_bytes;
  bool is_open = false;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    // What follows the last gradient in the backward pass goes with it.
    if (!is_open && left > 0) buckets.emplace_back();
    ReductionBucket& bucket = buckets.back();
    const std::int64_t bytes =
        wire_bytes(model.parameter_bytes[static_cast<std::size_t>(*layer)], wire_dtype);
    bucket.layers.push_back(*layer);
    bucket.bytes += bytes;
    left -= bytes;
    is_open = bucket.bytes < enough;
  }
  return buckets;
}

ReductionBucket averaging_bucket(const std::vector<int>& layers, const ModelFacts& model,
                                 WireDtype wire_dtype) {
  ReductionBucket bucket{.layers = {layers.rbegin(), layers.rend()}};
  for (const int number : layers) {
    const auto layer = static_cast<std::size_t>(number);
    bucket.bytes += wire_bytes(model.parameter_bytes[layer] + model.running_statistics_bytes[layer],
                               wire_dtype);
  }
  return bucket;
}

}  // namespace cadastre
