#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "executor/layer_forward.h"
#include "planner/model_graph.h"

namespace cadastre {

/// The code of an imported layer, ready for LibTorch's interpreter, through which autograd records
/// as through any other code.
class LayerFunction {
 public:
  /// Throws std::invalid_argument when the code is none, or takes another number of tensors.
  explicit LayerFunction(const TorchScript& script);
  ~LayerFunction();
  LayerFunction(LayerFunction&&) noexcept;
  LayerFunction& operator=(LayerFunction&&) noexcept;

  /// The layer's output for its inputs, as `layer_forward`.
  [[nodiscard]] at::Tensor operator()(const std::vector<at::Tensor>& inputs,
                                      const ScriptTensors& tensors,
                                      const LayerContext& context) const;

 private:
  struct Parsed;

  std::unique_ptr<Parsed> parsed_;
};

/// Throws InputError in the name of `file`, where `pointer` is the model's place, when the code of
/// one of its imported layers cannot be run.
void check_layer_codes(const ModelGraph& model, const std::string& file,
                       const std::string& pointer);

}  // namespace cadastre
