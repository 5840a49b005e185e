#include "executor/torchscript/group_flops.h"

#include <set>
#include <string>

namespace cadastre {

namespace {

/// As far as it is known.
Shape shape_of(const LiftedGraph& lifted, const torch::jit::Value* value) {
  for (const LiftedSlot& slot : lifted.slots)
    if (slot.value == value) return slot.tensor.sizes().vec();
  const auto facts = lifted.facts.find(value);
  return facts == lifted.facts.end() ? Shape{} : facts->second.small_shape;
}

bool is_attention(const std::string& kind) { return kind.find("attention") != std::string::npos; }

/// Products that are summed for one element of the output.
double summed(const LiftedGraph& lifted, const torch::jit::Node& node) {
  static const std::set<std::string> convolutions = {
      "aten::_convolution", "aten::convolution", "aten::conv1d", "aten::conv2d", "aten::conv3d"};
  static const std::set<std::string> products = {"aten::matmul", "aten::mm", "aten::bmm",
                                                 "aten::linear"};
  static const std::set<std::string> added_products = {"aten::addmm", "aten::baddbmm"};
  const std::string kind = node.kind().toQualString();
  if (convolutions.count(kind) != 0) {
    const Shape weight = shape_of(lifted, node.input(1));
    return weight.empty()
               ? 0
               : static_cast<double>(num_elements(weight)) / static_cast<double>(weight.front());
  }
  if (products.count(kind) != 0 || added_products.count(kind) != 0) {
    const Shape left = shape_of(lifted, node.input(products.count(kind) != 0 ? 0 : 1));
    return left.empty() ? 0 : static_cast<double>(left.back());
  }
  if (is_attention(kind)) {
    // Twice as many: each weight, too, is a product of that many.
    const Shape key = shape_of(lifted, node.input(1));
    return key.size() < 2 ? 0 : 2 * static_cast<double>(key[key.size() - 2]);
  }
  return 0.5;
}

}  // namespace

double flops_per_sample(const LiftedGraph& lifted, const NodeGroup& group) {
  double flops = 0;
  for (const torch::jit::Node* node : group.nodes)
    for (const torch::jit::Value* output : node->outputs()) {
      if (output->offset() > 0 && is_attention(node->kind().toQualString())) break;
      flops += 2 * summed(lifted, *node) *
               static_cast<double>(num_elements(shape_of(lifted, output))) /
               static_cast<double>(kSmallBatch);
    }
  return flops;
}

}  // namespace cadastre
