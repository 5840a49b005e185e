#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "executor/layer_forward.h"
#include "planner/model_graph.h"
#include "planner/program.h"
#include "planner/sample_split.h"

namespace cadastre {

struct NamedTensor {
  std::string name;  ///< "layer.weight", "layer.running_mean", …; an imported layer's slots' own
  at::Tensor tensor;
};

/// Where in the training a forward pass is: enough to draw the same dropout under every division.
struct ForwardContext {
  ForwardMode mode = ForwardMode::kTraining;
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  SampleRange samples;  ///< the rows of the inputs, as samples of the step's global batch
};

/// Some layers of a network, as LibTorch parameters and forward code: what one rank holds.
///
/// Initial parameters depend on (seed, layer id) only and forward on the samples only, so any
/// division of a network computes the same function.
///
/// Gradients accumulate: `backward` adds to `gradients()` until `zero_gradients`.
class StageNetwork {
 public:
  /// `layers`: indices into `model.layers`, ascending. The model must have passed `check_model`.
  StageNetwork(const ModelGraph& model, std::vector<int> layers, std::uint64_t seed);

  /// What the stage reads and does not compute: model inputs first, then other stages' layers, each
  /// ascending.
  [[nodiscard]] const std::vector<Source>& inputs() const { return inputs_; }

  /// The layers whose output another stage reads or is the model's output, ascending.
  [[nodiscard]] const std::vector<int>& outputs() const { return outputs_; }

  /// Outputs, in the order of `outputs()`, for inputs in the order of `inputs()`: float32 (N, …).
  /// Inputs are never written to. A layer's output is let go of when its last reader has read it,
  /// unless autograd keeps it. Throws std::invalid_argument for another number of inputs.
  [[nodiscard]] std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                                const ForwardContext& context);

  /// Adds the parameters' gradients to `gradients()`, and the inputs' to the `.grad` of those
  /// inputs of `forward` that require it. `output_gradients` in the order of `outputs()`.
  void backward(const std::vector<at::Tensor>& outputs,
                const std::vector<at::Tensor>& output_gradients);

  /// Trainable tensors, views of `flat_parameters()`, layer by layer, weight before bias.
  [[nodiscard]] const std::vector<NamedTensor>& parameters() const { return parameters_; }

  /// Batch norm's running mean and variance, and what else imported layers hold that is not
  /// trained, layer by layer.
  [[nodiscard]] const std::vector<NamedTensor>& buffers() const { return buffers_; }

  /// The trainable tensors of a layer (index in the model), which is one of the stage's.
  [[nodiscard]] std::vector<at::Tensor> layer_parameters(int layer) const;

  /// All parameters one after the other (P), and their gradients (P): one tensor to reduce, one
  /// loop to update.
  [[nodiscard]] at::Tensor& flat_parameters() { return flat_parameters_; }

  [[nodiscard]] at::Tensor& gradients() { return gradients_; }

  /// The gradients of consecutive layers of the stage, a view of `gradients()`.
  [[nodiscard]] at::Tensor gradients_of(const std::vector<int>& layers) const;

  /// The flat parameters and behind them the running statistics: what replicas average that take
  /// steps of their own.
  [[nodiscard]] at::Tensor& flat_state() { return flat_state_; }

  void zero_gradients() { gradients_.zero_(); }

  /// Sums of batch-norm statistics since the last update, float64: to be summed over a stage's
  /// replicas before `update_running_statistics`. Empty without batch norm.
  [[nodiscard]] at::Tensor& pending_statistics() { return pending_; }

  /// Moves the running statistics by the pending ones (see batch_norm.h) and clears these;
  /// `momentum`: instead of the layers' own.
  void update_running_statistics(std::optional<double> momentum = {});

 private:
  struct StageLayer {
    int index = 0;  // into ModelGraph::layers
    Operation operation;
    std::vector<int> reads;               // positions among: stage inputs, then stage layers
    std::vector<std::size_t> last_reads;  // of these, layers that nobody reads after this one
    bool may_overwrite_input = false;
    std::uint64_t name_hash = 0;
    LayerTensors tensors;
    std::int64_t first_parameter = 0;  // in the flat parameters
    std::int64_t num_parameters = 0;
  };

  void find_inputs_and_outputs(const ModelGraph& model, const std::vector<int>& layers);
  void find_last_reads();
  void make_tensors(const ModelGraph& model, std::uint64_t seed);
  void make_pending();
  /// `visit(mean, variance, sums, momentum)` for every batch norm.
  template <typename Visit>
  void for_each_norm(const Visit& visit);

  std::vector<StageLayer> layers_;
  std::vector<Source> inputs_;
  std::vector<int> outputs_;
  std::vector<std::size_t> output_positions_;
  std::int64_t batch_norm_group_samples_ = 1;
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;
  at::Tensor flat_state_;
  at::Tensor flat_parameters_;  // view of `flat_state_`
  at::Tensor gradients_;
  at::Tensor pending_;
};

/// All layers of a model as one stage.
[[nodiscard]] StageNetwork whole_network(const ModelGraph& model, std::uint64_t seed);

/// Sum over the samples of the cross-entropy of `scores` (N, K) against `class_indices` (N), int64:
/// divided by the global batch's size it is the mean, however the batch was cut.
[[nodiscard]] at::Tensor cross_entropy_sum(const at::Tensor& scores,
                                           const at::Tensor& class_indices);

}  // namespace cadastre
