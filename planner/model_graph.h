#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace cadastre {

class JsonPlace;

/// A tensor's extent per sample, without the batch dimension: (C, H, W) for images, (F) for
/// features.
using Shape = std::vector<std::int64_t>;

[[nodiscard]] std::int64_t num_elements(const Shape& shape);

inline constexpr std::int64_t kBytesPerElement = 4;  // float32 throughout

// The layer kinds, by the names and defaults that PyTorch gives them.
struct Conv2d {
  std::int64_t out_channels = 0;
  std::int64_t kernel_size = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  std::int64_t dilation = 1;
  bool operator==(const Conv2d&) const = default;
};

/// Statistics are taken over groups of `ModelGraph::batch_norm_group_samples` consecutive samples.
struct BatchNorm2d {
  double eps = 1e-5;
  double momentum = 0.1;
  bool operator==(const BatchNorm2d&) const = default;
};

struct Relu {
  bool operator==(const Relu&) const = default;
};

struct MaxPool2d {
  std::int64_t kernel_size = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;
  bool operator==(const MaxPool2d&) const = default;
};

struct AdaptiveAvgPool2d {
  std::int64_t output_size = 1;
  bool operator==(const AdaptiveAvgPool2d&) const = default;
};

/// The middle `size` × `size` pixels. Of an even number of rows more than `size`, one more is left
/// out above than below, so that with size 1 what is left is the pixel around which a patch lies.
struct CenterCrop2d {
  std::int64_t size = 1;
  bool operator==(const CenterCrop2d&) const = default;
};

/// Where the middle `size` of `extent` pixels begin.
[[nodiscard]] constexpr std::int64_t center_crop_begin(std::int64_t extent, std::int64_t size) {
  return (extent - size + 1) / 2;
}

struct Flatten {
  bool operator==(const Flatten&) const = default;
};

struct Linear {
  std::int64_t out_features = 0;
  bool bias = true;
  bool operator==(const Linear&) const = default;
};

struct Dropout {
  double p = 0.5;
  bool operator==(const Dropout&) const = default;
};

/// Joins its inputs along the first dimension of a sample (channels or features).
struct Concat {
  bool operator==(const Concat&) const = default;
};

struct Add {
  bool operator==(const Add&) const = default;
};

/// A layer of an imported profile, known only by its measurements and sizes: it can be planned and
/// simulated, but not executed. Its output is flat, whatever the shapes of its inputs.
struct Profiled {
  std::string description;  ///< what the profile calls it
  std::int64_t output_elements = 1;
  std::int64_t parameter_elements = 0;
  bool operator==(const Profiled&) const = default;
};

/// A tensor that a layer holds between steps, float32.
struct TensorSlot {
  std::string name;  ///< where the module it was imported from has it: "layer3.0.conv1.weight"
  Shape shape;       ///< the whole of it, no dimension left out; empty: one number
  bool operator==(const TensorSlot&) const = default;
};

/// The running statistics of a batch norm among a layer's buffers.
struct RunningStatistics {
  int mean = 0;  ///< index into the layer's buffers, like `variance`
  int variance = 0;
  double momentum = 0.1;
  bool operator==(const RunningStatistics&) const = default;
};

/// A layer of an imported PyTorch model: a function in TorchScript, with what it holds.
///
/// `code` is the text of its graph. What goes in: the layer's inputs (N, …), the parameters, the
/// buffers, for each of `batch_norms` the sums of its statistics, and the context of the pass (see
/// executor/torchscript/layer_code.h). What comes out: one tensor (N, …).
struct TorchScript {
  std::string code;
  std::vector<Shape> input_shapes;  ///< per sample, as those of all tensors that pass between layers
  Shape output_shape;
  std::vector<TensorSlot> parameters;  ///< trained
  std::vector<TensorSlot> buffers;     ///< not trained: running statistics, constants, frozen weights
  std::vector<RunningStatistics> batch_norms;
  double flops_per_sample = 0;  ///< forward
  // What autograd keeps of a forward pass, measured at import.
  std::int64_t saved_bytes_per_sample = 0;  ///< beside inputs and output
  std::vector<int> kept_inputs;             ///< indices into the layer's inputs
  bool keeps_output = false;
  bool is_view = false;  ///< the output is memory of the first input
  bool operator==(const TorchScript&) const = default;
};

using Operation =
    std::variant<Conv2d, BatchNorm2d, Relu, MaxPool2d, AdaptiveAvgPool2d, CenterCrop2d, Flatten,
                 Linear, Dropout, Concat, Add, Profiled, TorchScript>;

/// The names of the operations in documents, in the variant's order: conv2d, batch_norm2d, relu, …
[[nodiscard]] const std::vector<std::string>& kind_names();
[[nodiscard]] std::string kind_name(const Operation& operation);

/// What enters the network: one tensor per modality of a scene.
struct ModelInput {
  std::string name;  ///< the modality it reads
  Shape shape;       ///< (C, H, W); imported models may have others, which no scene gives
  bool operator==(const ModelInput&) const = default;
};

struct Layer {
  std::string id;
  Operation operation;
  std::vector<std::string> inputs;  ///< ids of layers or names of model inputs
  Shape output_shape;               ///< derived by `check_model`, never written in a model file
  bool operator==(const Layer&) const = default;
};

/// A DAG of layers in topological order. The output is the class scores: of the pixel in the middle
/// of the inputs, shape (num_classes), or, of a dense model, of every pixel of the reference grid
/// that they show, (num_classes, P, P). The loss is the cross-entropy of it.
struct ModelGraph {
  std::string name;
  std::vector<ModelInput> inputs;
  std::vector<Layer> layers;
  std::string output;  ///< id of the layer that gives the class scores
  /// Batch-norm statistics are taken over groups of this many consecutive samples of the global
  /// batch, whatever the division into micro-batches and replicas (which are cut at multiples of
  /// it), so that every division computes the same function ("ghost batch normalisation", Hoffer,
  /// Hubara and Soudry 2017, algorithm 1). 1 in models without batch norm.
  std::int64_t batch_norm_group_samples = 1;
  bool operator==(const ModelGraph&) const = default;
};

/// Where a layer's input comes from.
struct Source {
  bool is_model_input = false;
  int index = 0;  ///< into `ModelGraph::inputs` or `ModelGraph::layers`
  bool operator==(const Source&) const = default;
};

/// For each layer, its inputs resolved. The model must have passed `check_model`.
[[nodiscard]] std::vector<std::vector<Source>> layer_sources(const ModelGraph& model);

/// For each layer, the layers that read its output, ascending.
[[nodiscard]] std::vector<std::vector<int>> layer_consumers(const ModelGraph& model);

[[nodiscard]] int layer_index(const ModelGraph& model, const std::string& id);  ///< -1 when absent

/// Bytes of the layer's trainable parameters, given its (checked) model.
[[nodiscard]] std::int64_t parameter_bytes(const ModelGraph& model, const Layer& layer);

/// The same of every layer: looking up one takes as long as the model has layers.
[[nodiscard]] std::vector<std::int64_t> parameter_bytes(const ModelGraph& model);

[[nodiscard]] bool has_batch_norm(const ModelGraph& model);

/// Whether it was imported: its weights come from the file that it was imported from, or a run.
[[nodiscard]] bool is_imported(const ModelGraph& model);

/// The shape of the class scores. The model must have passed `check_model`.
[[nodiscard]] const Shape& score_shape(const ModelGraph& model);

[[nodiscard]] std::int64_t num_classes(const ModelGraph& model);

/// Whether the model scores every pixel of a patch.
[[nodiscard]] bool is_dense(const ModelGraph& model);

/// Puts the layers in topological order (keeping the given order where it already is one) and
/// derives every output shape. `place` is the model's place in its document: a cycle, a missing
/// input, a shape that does not fit or a layer nobody uses is refused by InputError there.
void check_model(ModelGraph& model, const JsonPlace& place);

/// Throws InputError at `file` unless `given` is the model `of_plan`, that a plan was made for.
void check_same_model(const ModelGraph& of_plan, const ModelGraph& given, const std::string& file);

/// Throws InputError when the model has a layer that cannot be executed (`Profiled`). `file` and
/// `pointer` say where the model is.
void check_executable(const ModelGraph& model, const std::string& file, const std::string& pointer);

[[nodiscard]] ModelGraph read_model(const std::filesystem::path& file);
[[nodiscard]] ModelGraph model_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const ModelGraph& model);

}  // namespace cadastre
