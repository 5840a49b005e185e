#include "planner/onnx/node_attributes.h"

#include "planner/refusal.h"

namespace cadastre::onnx_import {

const onnx::AttributeProto* attribute(const onnx::NodeProto& node, const std::string& name) {
  for (const onnx::AttributeProto& attribute : node.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

std::int64_t integer(const onnx::NodeProto& node, const std::string& name, std::int64_t otherwise) {
  const onnx::AttributeProto* found = attribute(node, name);
  return found != nullptr ? found->i() : otherwise;
}

std::vector<std::int64_t> integers(const onnx::NodeProto& node, const std::string& name,
                                   std::vector<std::int64_t> otherwise) {
  const onnx::AttributeProto* found = attribute(node, name);
  if (found == nullptr) return otherwise;
  return {found->ints().begin(), found->ints().end()};
}

std::string text(const onnx::NodeProto& node, const std::string& name,
                 const std::string& otherwise) {
  const onnx::AttributeProto* found = attribute(node, name);
  return found != nullptr ? found->s() : otherwise;
}

std::string node_text(const onnx::NodeProto& node) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0) name = node.output(0);
  std::string text = node.domain().empty() ? "" : node.domain() + ".";
  text += node.op_type();
  text += " ";
  return text + in_quotes(name);
}

}  // namespace cadastre::onnx_import
