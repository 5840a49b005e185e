#include "executor/torchscript/tensor_facts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cadastre {

namespace {

/// Where exactly one dimension goes with the batch: that, and how many entries a sample has in it.
std::optional<std::pair<std::int64_t, std::int64_t>> batch_dimension(const Shape& small,
                                                                     const Shape& large) {
  if (small.size() != large.size()) return std::nullopt;
  std::optional<std::pair<std::int64_t, std::int64_t>> found;
  for (std::size_t i = 0; i < small.size(); ++i) {
    if (small[i] == large[i]) continue;
    if (found || small[i] * kLargeBatch != large[i] * kSmallBatch) return std::nullopt;
    found = {static_cast<std::int64_t>(i), small[i] / kSmallBatch};
  }
  return found;
}

Shape sample_shape(const Shape& shape, const Packing& packing) {
  Shape of_sample;
  if (packing.outer != 1) of_sample.push_back(packing.outer);
  if (packing.inner != 1) of_sample.push_back(packing.inner);
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (static_cast<std::int64_t>(i) != packing.dim) of_sample.push_back(shape[i]);
  return of_sample;
}

/// Other batch sizes may take other kernels: nearly the same is the same. Of large tensors some
/// thousand elements, spread over all, tell.
bool nearly_equal(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != at::kFloat) return at::equal(a, b);
  const at::Tensor a_flat = a.reshape(-1);
  const at::Tensor b_flat = b.reshape(-1);
  const std::int64_t size = a_flat.numel();
  constexpr std::int64_t kMostCompared = 8192;
  const std::int64_t step = std::max<std::int64_t>(1, size / kMostCompared) | 1;
  const float* const a_values = a_flat.data_ptr<float>();
  const float* const b_values = b_flat.data_ptr<float>();
  float greatest = 0;
  float difference = 0;
  for (std::int64_t i = 0; i < size; i += step) {
    if (std::isnan(a_values[i]) || std::isnan(b_values[i])) {
      if (std::isnan(a_values[i]) != std::isnan(b_values[i])) return false;
      continue;
    }
    if (a_values[i] == b_values[i]) continue;  // infinities, too
    greatest = std::max(greatest, std::abs(a_values[i]));
    difference = std::max(difference, std::abs(a_values[i] - b_values[i]));
  }
  constexpr float kTolerance = 1e-3F;
  return difference <= kTolerance * greatest;
}

}  // namespace

at::Tensor packed(const at::Tensor& tensor, const Packing& packing) {
  if (packing.is_plain()) return tensor;
  if (packing.outer == 1 && packing.inner == 1) return tensor.movedim(packing.dim, 0);
  std::vector<std::int64_t> split = tensor.sizes().vec();
  const auto dim = static_cast<std::size_t>(packing.dim);
  const std::int64_t num_samples = split[dim] / (packing.outer * packing.inner);
  split[dim] = num_samples;
  // One of the two is 1.
  const bool samples_first = packing.outer == 1;
  split.insert(split.begin() + packing.dim + (samples_first ? 1 : 0),
               samples_first ? packing.inner : packing.outer);
  const std::int64_t sample_dim = packing.dim + (samples_first ? 0 : 1);
  const std::int64_t other_dim = packing.dim + (samples_first ? 1 : 0);
  return tensor.reshape(split).movedim({sample_dim, other_dim}, {0, 1});
}

TensorFacts tensor_facts(const at::Tensor& small, const at::Tensor& large) {
  TensorFacts facts;
  facts.small_shape = small.sizes().vec();
  facts.large_shape = large.sizes().vec();
  facts.dtype = large.scalar_type();
  const auto found = batch_dimension(facts.small_shape, facts.large_shape);
  if (!found) return facts;
  const auto [dim, per_sample] = *found;
  // A sample's entries lie together, or each a batch apart: the numbers tell which.
  std::vector<Packing> candidates{
      {.dim = dim, .outer = 1, .inner = per_sample, .sample_shape = {}}};
  if (per_sample != 1)
    candidates.push_back({.dim = dim, .outer = per_sample, .inner = 1, .sample_shape = {}});
  for (Packing& candidate : candidates) {
    const at::Tensor first = packed(large, candidate).narrow(0, 0, kSmallBatch);
    if (!nearly_equal(first, packed(small, candidate))) continue;
    candidate.sample_shape = sample_shape(facts.large_shape, candidate);
    facts.packing = candidate;
    facts.follows_samples = true;
    break;
  }
  return facts;
}

}  // namespace cadastre
