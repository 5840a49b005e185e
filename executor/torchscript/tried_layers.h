#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "executor/layer_forward.h"
#include "executor/torchscript/layer_function.h"
#include "executor/weights.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Random samples of a model's inputs, the same each time.
[[nodiscard]] std::vector<at::Tensor> samples_of(const ModelGraph& model, std::int64_t num_samples);

/// The layers of an imported model, to be run one after the other with the weights that it was
/// saved with, of which none is copied.
class TriedLayers {
 public:
  /// `model` outlives it, as it is but for what `measure` fills in.
  TriedLayers(const ModelGraph& model, const Weights& weights);

  /// The class scores of (N, …) inputs in evaluation.
  [[nodiscard]] at::Tensor evaluate(const std::vector<at::Tensor>& inputs) const;

  /// Fills in what autograd keeps of each layer in training. Throws std::invalid_argument where
  /// batch norm has too few values in a group.
  void measure(ModelGraph& model) const;

 private:
  const ModelGraph& model_;
  std::vector<LayerFunction> functions_;  ///< [layer]
  std::vector<ScriptTensors> tensors_;    ///< [layer]
};

}  // namespace cadastre
