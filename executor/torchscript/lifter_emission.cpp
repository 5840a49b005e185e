// What goes to the lifted graph.

#include <torch/csrc/jit/ir/constants.h>

#include "executor/torchscript/lifter.h"
#include "planner/error.h"

namespace cadastre {

namespace aten = c10::aten;
namespace prim = c10::prim;

void Lifter::remember(const SeenValue& seen) { seen_of_[seen->lifted] = seen; }

torch::jit::Value* Lifter::constant_value(const c10::IValue& value) {
  // Text of graphs has numbers, texts and None; the rest is put together of these.
  if (value.isDevice()) return lifted_.graph->insertConstant(c10::IValue());
  return lifted_.graph->insertConstant(value);
}

torch::jit::Value* Lifter::lifted(const SeenValue& seen) {
  torch::jit::Graph& graph = *lifted_.graph;
  if (seen->kind == Seen::Kind::kSequence) {
    std::vector<Value*> elements;
    for (const SeenValue& element : seen->elements) elements.push_back(lifted(element));
    if (seen->type->kind() == c10::TypeKind::ListType)
      return graph.insertNode(graph.createList(seen->type->containedType(0), elements))->output();
    return graph.insertNode(graph.createTuple(elements))->output();
  }
  if (seen->kind == Seen::Kind::kDictionary) {
    std::vector<Value*> keys;
    std::vector<Value*> values;
    for (std::size_t i = 0; i < seen->elements.size(); ++i) {
      keys.push_back(constant_value(seen->keys[i]));
      values.push_back(lifted(seen->elements[i]));
    }
    const auto type = seen->type->expect<c10::DictType>();
    return graph
        .insertNode(graph.createDict(type->getKeyType(), type->getValueType(), keys, values))
        ->output();
  }
  if (is_fixed(*seen)) return constant_value(fixed_value(*seen));
  if (seen->lifted != nullptr) return seen->lifted;
  if (const std::optional<std::int64_t> factor = samples_factor(*seen)) {
    if (*factor == 1) return lifted_.num_samples;
    return graph.insert(aten::mul, {lifted_.num_samples, constant_value(*factor)});
  }
  if (seen->slot) {
    // Whole numbers and truth values that float32 carries exactly.
    const LiftedSlot& slot = lifted_.slots[*seen->slot];
    const auto dtype = static_cast<std::int64_t>(slot.tensor.scalar_type());
    Value* rounded = at::isFloatingType(slot.tensor.scalar_type())
                         ? slot.value
                         : graph.insert(aten::round, {slot.value});
    return graph.insert(aten::to, {rounded, dtype, false, false, c10::IValue()});
  }
  if (seen->tried && (*seen->tried)[0].isTensor() && (*seen->tried)[0].toTensor().dim() == 0) {
    const at::Tensor number = (*seen->tried)[0].toTensor();
    const at::ScalarType dtype = number.scalar_type();
    const c10::IValue value = at::isFloatingType(dtype) ? c10::IValue(number.item<double>())
                              : dtype == at::kBool      ? c10::IValue(number.item<bool>())
                                                        : c10::IValue(number.item<std::int64_t>());
    return graph.insert(aten::tensor, {value}, {{"dtype", static_cast<std::int64_t>(dtype)}});
  }
  // An object, a list inside a constant or the like.
  throw InputError(
      file_, "",
      "expected tensors, numbers and lists of them in a forward, found a value of type " +
          seen->type->repr_str() + (path_.empty() ? "" : " in " + path_) +
          "; keep such objects out of forward (a model is quantized after its training)");
}

torch::jit::Node* Lifter::add_node(c10::Symbol kind, const std::vector<Value*>& inputs,
                                   std::size_t num_outputs, const Node& source) {
  Node* node = lifted_.graph->create(kind, inputs, num_outputs);
  node->setSourceRange(source.sourceRange());
  lifted_.graph->insertNode(node);
  lifted_.origins[node] = {.module = path_, .node = &source, .calls = calls_};
  return node;
}

TensorFacts Lifter::facts_of(const Seen& tensor) const {
  const auto noted = lifted_.facts.find(tensor.lifted);
  if (noted != lifted_.facts.end()) return noted->second;
  return tensor_facts((*tensor.tried)[0].toTensor(), (*tensor.tried)[1].toTensor());
}

void Lifter::note_tensor(Value* lifted, const Both& tried) {
  if (lifted == nullptr || !tried[0].isTensor() || !tried[0].toTensor().defined()) return;
  lifted_.facts[lifted] = tensor_facts(tried[0].toTensor(), tried[1].toTensor());
}

}  // namespace cadastre
