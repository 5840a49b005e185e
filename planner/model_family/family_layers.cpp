#include "planner/model_family/family_layers.h"

namespace cadastre {

std::string FamilyLayers::add(const std::string& id, Operation operation,
                              std::vector<std::string> inputs) {
  model_->layers.push_back(
      {.id = id, .operation = std::move(operation), .inputs = std::move(inputs), .output_shape = {}});
  return id;
}

std::string FamilyLayers::join(const std::string& id, const std::vector<std::string>& inputs) {
  return inputs.size() == 1 ? inputs.front() : add(id, Concat{}, inputs);
}

std::string FamilyLayers::convolution(const std::string& prefix, Conv2d shape,
                                      const std::string& input) {
  shape.bias = false;  // the norm behind it has one
  add(prefix + ".conv", shape, {input});
  add(prefix + ".norm", BatchNorm2d{}, {prefix + ".conv"});
  return add(prefix + ".relu", Relu{}, {prefix + ".norm"});
}

std::string FamilyLayers::residual_block(const std::string& prefix, std::int64_t width,
                                         std::int64_t dilation, const std::string& input) {
  const Conv2d shape{.out_channels = width,
                     .kernel_size = 3,
                     .padding = dilation,
                     .bias = false,
                     .dilation = dilation};
  const std::string inner = convolution(prefix + ".first", shape, input);
  add(prefix + ".second.conv", shape, {inner});
  add(prefix + ".second.norm", BatchNorm2d{}, {prefix + ".second.conv"});
  add(prefix + ".add", Add{}, {prefix + ".second.norm", input});
  return add(prefix + ".relu", Relu{}, {prefix + ".add"});
}

}  // namespace cadastre
