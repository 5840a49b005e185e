// Modules' attributes, and the tensors among them.

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/api/function_impl.h>

#include "executor/torchscript/lifter.h"
#include "planner/error.h"

namespace cadastre {

namespace {

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

bool reads_training(const torch::jit::Block& block) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::GetAttr && node->s(c10::attr::name) == "training") return true;
    for (const torch::jit::Block* inner : node->blocks())
      if (reads_training(*inner)) return true;
  }
  return false;
}

bool holds_tensors(const c10::IValue& value) {
  if (value.isTensor()) return true;
  if (value.isList()) {
    for (const c10::IValue& element : value.toListRef())
      if (holds_tensors(element)) return true;
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements())
      if (holds_tensors(element)) return true;
  }
  return false;
}

}  // namespace

Lifter::TensorKey Lifter::key_of(const at::Tensor& tensor) {
  return {tensor.defined() && tensor.numel() > 0 ? tensor.data_ptr() : nullptr,
          tensor.sizes().vec(), tensor.strides().vec()};
}

bool Lifter::mentions_training(const torch::jit::Module& module) const {
  for (const torch::jit::Module& part : module.modules())
    for (torch::jit::Function* method : part.type()->methods())
      if (auto* function = torch::jit::tryToGraphFunction(*method))
        if (reads_training(*function->graph()->block())) return true;
  return false;
}

SeenValue Lifter::attribute(const Node& node, const Seen& object) {
  const std::string& name = node.s(c10::attr::name);
  if (object.kind != Seen::Kind::kModule)
    refuse(node, "attributes of modules only", "one of " + object.type->repr_str());
  const auto of_object = object.module.toObject();
  const c10::ClassTypePtr type = of_object->type();
  // What is trained is training's forward, whatever mode the model was saved in.
  if (name == "training" && node.output()->type()->kind() == c10::TypeKind::BoolType)
    return constant(true, c10::BoolType::get());
  const std::size_t slot = type->getAttributeSlot(name);
  return from_attribute(of_object->getSlot(slot), node.output()->type(), below(object.path, name),
                        type->is_parameter(slot));
}

SeenValue Lifter::from_attribute(const c10::IValue& value, const c10::TypePtr& type,
                                 const std::string& path, bool is_parameter) {
  if (value.isObject()) {
    auto object = std::make_shared<Seen>();
    object->kind = Seen::Kind::kModule;
    object->type = type;
    object->module = value;
    object->path = path;
    return object;
  }
  if (value.isTensor()) return slot(value.toTensor(), path, is_parameter);
  const bool is_list = value.isList();
  if (is_list || value.isTuple()) {
    std::vector<SeenValue> elements;
    const c10::ArrayRef<c10::IValue> values =
        is_list ? value.toListRef() : c10::ArrayRef<c10::IValue>(value.toTupleRef().elements());
    for (std::size_t i = 0; i < values.size(); ++i)
      elements.push_back(from_attribute(
          values[i], is_list ? value.type()->containedType(0) : value.type()->containedType(i),
          path + "." + std::to_string(i), false));
    return sequence(std::move(elements), value.type());
  }
  return constant(value, type);
}

void Lifter::find_parameters() {
  for (const auto& parameter : module_.named_parameters())
    if (parameter.value.numel() > 0)
      parameters_.emplace(key_of(parameter.value), std::pair(parameter.name, parameter.value));
}

SeenValue Lifter::slot(at::Tensor tensor, std::string name, bool is_parameter) {
  if (tensor.defined() && tensor.numel() > 0)
    if (const auto known = parameters_.find(key_of(tensor)); known != parameters_.end()) {
      std::tie(name, tensor) = known->second;
      is_parameter = true;
    }
  // Single numbers are written as such.
  if (!is_parameter && tensor.defined() && tensor.dim() == 0 && name == "constant") {
    SeenValue number = constant(tensor, c10::TensorType::get());
    return number;
  }
  const TensorKey key = key_of(tensor);
  std::size_t index = lifted_.slots.size();
  const auto known = slot_of_.find(key);
  if (known != slot_of_.end() && std::get<0>(key) != nullptr) {
    index = known->second;
  } else {
    slot_of_[key] = index;
    LiftedSlot made;
    made.name = name;
    if (name == "constant") made.name += std::to_string(index);
    made.tensor = tensor.detach();
    made.is_trained = is_parameter && tensor.requires_grad();
    made.value = lifted_.graph->addInput()->setType(c10::TensorType::get());
    lifted_.slots.push_back(std::move(made));
  }
  const LiftedSlot& found = lifted_.slots[index];
  if (found.is_trained && found.tensor.scalar_type() != at::kFloat)
    throw InputError(file_, "",
                     "expected parameters of float32, found " + found.name + " of " +
                         std::string(c10::toString(found.tensor.scalar_type())) +
                         "; call model.float() before it is traced or scripted");
  const c10::IValue value = found.tensor;
  SeenValue seen = plain({value, value}, c10::TensorType::get(), false);
  seen->slot = index;
  if (found.tensor.scalar_type() == at::kFloat) {
    seen->lifted = found.value;
    remember(seen);
    kept_seen_.push_back(seen);
  }
  return seen;
}

}  // namespace cadastre
