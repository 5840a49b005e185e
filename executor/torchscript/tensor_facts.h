#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre {

/// The model is tried with these many samples; those of the small batch begin the large one.
inline constexpr std::int64_t kSmallBatch = 2;
inline constexpr std::int64_t kLargeBatch = 3;

/// How a tensor of a batch is taken apart into its samples.
struct Packing {
  std::int64_t dim = 0;    ///< the samples' dimension
  std::int64_t outer = 1;  ///< of which it is (outer, N, inner)
  std::int64_t inner = 1;
  Shape sample_shape;  ///< the other dimensions, `outer` and `inner` first where they are not 1

  /// Samples are rows as they are.
  [[nodiscard]] bool is_plain() const { return dim == 0 && outer == 1 && inner == 1; }
};

/// What two batches say of a tensor inside a model.
struct TensorFacts {
  Shape small_shape;  ///< the whole of it, in the small batch
  Shape large_shape;
  at::ScalarType dtype = at::kFloat;
  std::optional<Packing> packing;  ///< none: it is no tensor of samples
  bool follows_samples = false;    ///< a sample's part depends on that sample alone
};

/// `small` and `large`: the same tensor in both batches.
[[nodiscard]] TensorFacts tensor_facts(const at::Tensor& small, const at::Tensor& large);

/// (N, …), a view where it can be.
[[nodiscard]] at::Tensor packed(const at::Tensor& tensor, const Packing& packing);

}  // namespace cadastre
