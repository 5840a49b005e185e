#include "planner/model_shapes.h"

#include <algorithm>

#include "planner/refusal.h"

namespace cadastre {

namespace {

// 4 TiB of float32: more than any host holds, and small enough that bytes of a whole batch
// (at most 2^20 samples, see plan_json.cpp) still fit in 63 bits.
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

constexpr std::int64_t kMostDilation = std::int64_t{1} << 16;

bool within_limit(const std::vector<std::int64_t>& factors) {
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (factor > kMostElements / product) return false;
    product *= factor;
  }
  return true;
}

/// The shape rules of each operation, as PyTorch states them for one sample.
class ShapeRules {
 public:
  ShapeRules(const std::vector<NamedShape>& inputs, std::int64_t group_samples,
             const JsonPlace& place, const std::string& pointer)
      : inputs_(inputs), group_samples_(group_samples), place_(place), pointer_(pointer) {}

  Shape operator()(const Conv2d& conv) const {
    const Shape& in = image();
    if (in[0] % conv.groups != 0 || conv.out_channels % conv.groups != 0)
      fail("/groups", "expected a divisor of " + std::to_string(in[0]) + " input channels and " +
                          std::to_string(conv.out_channels) + " output channels, found " +
                          std::to_string(conv.groups));
    check_parameters({conv.out_channels, in[0] / conv.groups, conv.kernel_size, conv.kernel_size});
    if (conv.dilation > kMostDilation)
      fail("/dilation", "expected at most " + std::to_string(kMostDilation) + ", found " +
                            std::to_string(conv.dilation));
    return windowed(conv.out_channels, conv.dilation * (conv.kernel_size - 1) + 1, conv.stride,
                    conv.padding);
  }

  Shape operator()(const BatchNorm2d&) const {
    const Shape& in = image();
    if (group_samples_ == 1 && in[1] * in[2] == 1)
      fail("",
           "expected more than one value per channel to normalise, found one sample of 1 x 1; "
           "give batch_norm_group_samples of at least 2");
    return in;
  }

  Shape operator()(const MaxPool2d& pool) const {
    const Shape& in = image();
    // A window must not lie in the padding alone.
    if (pool.padding > pool.kernel_size / 2)
      fail("/padding", "expected at most half of kernel_size " + std::to_string(pool.kernel_size) +
                           ", found " + std::to_string(pool.padding));
    return windowed(in[0], pool.kernel_size, pool.stride, pool.padding);
  }

  Shape operator()(const AdaptiveAvgPool2d& pool) const {
    return {image()[0], pool.output_size, pool.output_size};
  }

  Shape operator()(const CenterCrop2d& crop) const {
    const Shape& in = image();
    if (crop.size > std::min(in[1], in[2]))
      fail("/size", "expected at most the input's " + std::to_string(in[1]) + " x " +
                        std::to_string(in[2]) + ", found " + std::to_string(crop.size));
    return {in[0], crop.size, crop.size};
  }

  Shape operator()(const Relu&) const { return only(); }

  Shape operator()(const Dropout&) const { return only(); }

  Shape operator()(const Flatten&) const { return {num_elements(only())}; }

  Shape operator()(const Linear& linear) const {
    const Shape& in = only();
    if (in.size() != 1)
      fail("/inputs/0",
           "expected features (F), found " + described(0) + "; put a flatten layer between");
    check_parameters({linear.out_features, in[0]});
    return {linear.out_features};
  }

  Shape operator()(const Concat&) const {
    at_least_two();
    Shape joined = inputs_[0].shape;
    for (std::size_t i = 1; i < inputs_.size(); ++i) {
      const Shape& shape = inputs_[i].shape;
      if (shape.size() != joined.size() ||
          !std::equal(shape.begin() + 1, shape.end(), joined.begin() + 1))
        fail("/inputs/" + std::to_string(i), "expected a shape that differs from " + described(0) +
                                                 " in its first extent only, found " +
                                                 described(i));
      joined[0] += shape[0];
    }
    return joined;
  }

  Shape operator()(const Add&) const {
    at_least_two();
    for (std::size_t i = 1; i < inputs_.size(); ++i)
      if (inputs_[i].shape != inputs_[0].shape)
        fail("/inputs/" + std::to_string(i),
             "expected the shape of " + described(0) + ", found " + described(i));
    return inputs_[0].shape;
  }

  Shape operator()(const Profiled& profiled) const { return {profiled.output_elements}; }

  Shape operator()(const TorchScript& script) const {
    if (inputs_.size() != script.input_shapes.size())
      fail("/inputs", "expected " + std::to_string(script.input_shapes.size()) + " inputs, found " +
                          std::to_string(inputs_.size()));
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i].shape != script.input_shapes[i])
        fail("/inputs/" + std::to_string(i),
             "expected the shape that the model was imported for, " +
                 shape_text(script.input_shapes[i]) + ", found " + described(i));
    for (const TensorSlot& slot : script.parameters) check_parameters(slot.shape);
    for (const TensorSlot& slot : script.buffers) check_parameters(slot.shape);
    return script.output_shape;
  }

  [[noreturn]] void fail(const std::string& below, const std::string& message) const {
    refuse(place_, pointer_ + below, message);
  }

 private:
  std::string described(std::size_t input) const {
    return shape_text(inputs_[input].shape) + " of " + in_quotes(inputs_[input].name);
  }

  const Shape& only() const {
    if (inputs_.size() != 1)
      fail("/inputs", "expected 1 input, found " + std::to_string(inputs_.size()));
    return inputs_[0].shape;
  }

  void at_least_two() const {
    if (inputs_.size() < 2)
      fail("/inputs", "expected at least 2 inputs, found " + std::to_string(inputs_.size()));
  }

  const Shape& image() const {
    const Shape& shape = only();
    if (shape.size() != 3) fail("/inputs/0", "expected an image (C, H, W), found " + described(0));
    return shape;
  }

  void check_parameters(const std::vector<std::int64_t>& factors) const {
    if (!within_limit(factors))
      fail("", "expected a weight of at most 2^40 elements, found " + shape_text(factors));
  }

  /// What a window that slides over the padded image gives, rounded down.
  Shape windowed(std::int64_t channels, std::int64_t kernel_size, std::int64_t stride,
                 std::int64_t padding) const {
    const Shape& in = inputs_[0].shape;
    const std::int64_t height = in[1] + 2 * padding;
    const std::int64_t width = in[2] + 2 * padding;
    if (kernel_size > std::min(height, width))
      fail("/kernel_size", "expected at most the padded input's " + std::to_string(height) + " x " +
                               std::to_string(width) + ", found " + std::to_string(kernel_size));
    return {channels, (height - kernel_size) / stride + 1, (width - kernel_size) / stride + 1};
  }

  const std::vector<NamedShape>& inputs_;
  std::int64_t group_samples_;
  const JsonPlace& place_;
  const std::string& pointer_;
};

}  // namespace

std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

void check_tensor_size(const Shape& shape, const JsonPlace& place, const std::string& pointer) {
  if (!within_limit(shape))
    refuse(place, pointer,
           "expected a tensor of at most 2^40 elements, found " + shape_text(shape));
}

Shape layer_output_shape(const Layer& layer, const std::vector<NamedShape>& inputs,
                         std::int64_t batch_norm_group_samples, const JsonPlace& place,
                         const std::string& pointer) {
  const ShapeRules rules(inputs, batch_norm_group_samples, place, pointer);
  Shape shape = std::visit(rules, layer.operation);
  check_tensor_size(shape, place, pointer);
  return shape;
}

}  // namespace cadastre
