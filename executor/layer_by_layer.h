#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "executor/network.h"
#include "planner/model_graph.h"
#include "planner/profile.h"

namespace cadastre {

/// One network per layer, run one after the other as if they were one.
class LayerByLayer {
 public:
  LayerByLayer(const ModelGraph& model, std::uint64_t seed);

  /// One pass forward and backward, and what each layer took. `model_inputs`: (N, …), of all of the
  /// model's inputs; `output_gradient`: (N, K) or (N, K, P, P), of its scores.
  std::vector<LayerCost> pass(const std::vector<at::Tensor>& model_inputs,
                              const at::Tensor& output_gradient, const ForwardContext& context);

 private:
  std::size_t output_;  ///< the layer that gives the class scores
  std::vector<StageNetwork> stages_;
};

}  // namespace cadastre
