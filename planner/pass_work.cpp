#include "planner/pass_work.h"

#include "planner/model_facts.h"
#include "planner/program.h"

namespace cadastre {

namespace {

constexpr auto kBytes = static_cast<double>(kBytesPerElement);

/// Elements of one sample of a layer's tensors, and which gradients are asked for.
struct LayerTensorSizes {
  double inputs = 0;  ///< of all of them
  double output = 0;
  double parameters = 0;
  std::size_t num_inputs = 1;
  std::int64_t first_extent = 0;  ///< of the first input: channels or features
  std::int64_t height = 1;        ///< of the first input
  std::int64_t width = 1;         ///< likewise
  bool input_gradient = false;    ///< a layer before this one learns

  [[nodiscard]] bool learns() const { return parameters > 0; }
};

/// Elements that adaptive pooling from `size` to `pooled` reads along one dimension: window i
/// begins at floor(i size / pooled) and ends at ceil((i + 1) size / pooled).
double adaptive_window_elements(std::int64_t size, std::int64_t pooled) {
  double elements = 0;
  for (std::int64_t i = 0; i < pooled; ++i) {
    const std::int64_t begin = i * size / pooled;
    const std::int64_t end = ((i + 1) * size + pooled - 1) / pooled;
    elements += static_cast<double>(end - begin);
  }
  return elements;
}

/// Counts `flops` and element moves of each kind; bytes are added by the caller.
class WorkOf {
 public:
  explicit WorkOf(const LayerTensorSizes& sizes) : sizes_(sizes) {}

  LayerWork operator()(const Conv2d& conv) const {
    const double per_output = 2 * static_cast<double>(sizes_.first_extent / conv.groups) *
                              static_cast<double>(conv.kernel_size * conv.kernel_size);
    return product(per_output, conv.bias);
  }

  LayerWork operator()(const Linear& linear) const {
    return product(2 * static_cast<double>(sizes_.first_extent), linear.bias);
  }

  LayerWork operator()(const BatchNorm2d&) const {
    // Forward: sum, square and sum, subtract, scale and shift. Backward: the two sums of its
    // equation (Ioffe and Szegedy 2015, section 3) and the gradient from them.
    LayerWork work = elementwise(7, 2, 9, 4);
    work.forward.bytes += kBytes * sizes_.parameters;
    work.backward.bytes += 2 * kBytes * sizes_.parameters;
    return work;
  }

  LayerWork operator()(const Relu&) const { return elementwise(1, 1, 1, 2); }

  LayerWork operator()(const MaxPool2d& pool) const {
    const auto window = static_cast<double>(pool.kernel_size * pool.kernel_size);
    // Backward reads the gradient and the index of each output, and writes all inputs.
    LayerWork work = moved(sizes_.inputs + 2 * sizes_.output, 2 * sizes_.output + sizes_.inputs);
    work.forward.flops_per_sample = window * sizes_.output;
    work.backward.flops_per_sample = sizes_.output;
    return work;
  }

  LayerWork operator()(const AdaptiveAvgPool2d& pool) const {
    LayerWork work = moved(sizes_.inputs + sizes_.output, sizes_.output + sizes_.inputs);
    const double read = static_cast<double>(sizes_.first_extent) *
                        adaptive_window_elements(sizes_.height, pool.output_size) *
                        adaptive_window_elements(sizes_.width, pool.output_size);
    work.forward.flops_per_sample = read + sizes_.output;
    work.backward.flops_per_sample = read + sizes_.output;
    return work;
  }

  LayerWork operator()(const CenterCrop2d&) const {
    // Backward clears the input's gradient, and copies the output's into it.
    return moved(2 * sizes_.output, sizes_.inputs + 2 * sizes_.output);
  }

  LayerWork operator()(const Flatten&) const { return {}; }

  LayerWork operator()(const Dropout& dropout) const {
    if (dropout.p == 0) return {};
    // A mask is drawn and kept, then multiplied with.
    return elementwise(3, 3, 1, 2);
  }

  LayerWork operator()(const Concat&) const {
    return moved(sizes_.inputs + sizes_.output, sizes_.output + sizes_.inputs);
  }

  LayerWork operator()(const Add&) const {
    LayerWork work = moved(sizes_.inputs + sizes_.output, sizes_.output + sizes_.inputs);
    work.forward.flops_per_sample = static_cast<double>(sizes_.num_inputs - 1) * sizes_.output;
    return work;
  }

  LayerWork operator()(const Profiled&) const { return {}; }

  LayerWork operator()(const TorchScript& script) const {
    LayerWork work = moved(sizes_.inputs + sizes_.output, sizes_.inputs + sizes_.output);
    work.forward.flops_per_sample = script.flops_per_sample;
    work.forward.bytes = kBytes * sizes_.parameters;
    // As of a product: the gradient of the parameters, and that of the input.
    const double passes = sizes_.learns() && sizes_.input_gradient ? 2 : 1;
    work.backward.flops_per_sample = passes * script.flops_per_sample;
    work.backward.bytes_per_sample *= passes;
    work.backward.bytes = passes * kBytes * sizes_.parameters;
    return work;
  }

 private:
  /// Every output element is a sum of `per_output` / 2 products.
  [[nodiscard]] LayerWork product(double per_output, bool bias) const {
    const double flops = per_output * sizes_.output;
    const double activations = sizes_.inputs + sizes_.output;
    LayerWork work;
    work.forward = {.flops_per_sample = flops + (bias ? sizes_.output : 0),
                    .bytes_per_sample = kBytes * activations,
                    .bytes = kBytes * sizes_.parameters};
    // The gradient of the parameters, from the input and the output's gradient.
    work.backward = {.flops_per_sample = flops + (bias ? sizes_.output : 0),
                     .bytes_per_sample = kBytes * activations,
                     .bytes = kBytes * sizes_.parameters};
    if (!sizes_.input_gradient) return work;
    work.backward.flops_per_sample += flops;
    work.backward.bytes_per_sample += kBytes * activations;
    work.backward.bytes += kBytes * sizes_.parameters;
    return work;
  }

  /// Per element: operations forward, tensors read forward (one more is written), and the same
  /// backward.
  [[nodiscard]] LayerWork elementwise(double forward_flops, double forward_reads,
                                      double backward_flops, double backward_reads) const {
    LayerWork work =
        moved((forward_reads + 1) * sizes_.output, (backward_reads + 1) * sizes_.output);
    work.forward.flops_per_sample = forward_flops * sizes_.output;
    work.backward.flops_per_sample = backward_flops * sizes_.output;
    return work;
  }

  [[nodiscard]] static LayerWork moved(double forward_elements, double backward_elements) {
    return {.forward = {.bytes_per_sample = kBytes * forward_elements},
            .backward = {.bytes_per_sample = kBytes * backward_elements}};
  }

  const LayerTensorSizes& sizes_;
};

}  // namespace

std::vector<LayerWork> layer_work(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::vector<std::int64_t> parameters = parameter_bytes(model);
  const std::vector<bool> has_gradient = layers_with_gradient(model);
  std::vector<LayerWork> works;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerTensorSizes sizes{
        .output = static_cast<double>(num_elements(model.layers[i].output_shape)),
        .parameters = static_cast<double>(parameters[i]) / kBytes,
        .num_inputs = sources[i].size()};
    for (std::size_t k = 0; k < sources[i].size(); ++k) {
      const auto index = static_cast<std::size_t>(sources[i][k].index);
      const bool of_model = sources[i][k].is_model_input;
      const Shape& shape = of_model ? model.inputs[index].shape : model.layers[index].output_shape;
      sizes.inputs += static_cast<double>(num_elements(shape));
      if (!of_model && has_gradient[index]) sizes.input_gradient = true;
      if (k > 0) continue;
      sizes.first_extent = shape.front();
      if (shape.size() == 3) {
        sizes.height = shape[1];
        sizes.width = shape[2];
      }
    }
    LayerWork work = std::visit(WorkOf(sizes), model.layers[i].operation);
    if (!has_gradient[i] || !(sizes.learns() || sizes.input_gradient)) work.backward = {};
    works.push_back(work);
  }
  return works;
}

}  // namespace cadastre
