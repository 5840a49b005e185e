// Operations on tensors and numbers.

#include <torch/csrc/jit/runtime/operator.h>

#include <set>

#include "executor/torchscript/lifter.h"
#include "executor/torchscript/node_run.h"

namespace cadastre {

namespace aten = c10::aten;
namespace prim = c10::prim;

namespace {

/// They ask a tensor for its shape or kind, not for its values.
bool asks_for_shape(const torch::jit::Node& node) {
  static const std::set<std::string> asking = {
      "aten::size",          "aten::dim",          "aten::len",        "aten::numel",
      "aten::sym_size",      "aten::stride",       "prim::dtype",      "prim::device",
      "prim::layout",        "prim::is_cuda",      "prim::is_mkldnn",  "prim::is_sparse",
      "prim::is_quantized",  "prim::is_nested",    "aten::is_complex", "aten::is_floating_point",
      "aten::is_contiguous", "aten::element_size", "prim::ndim",       "aten::_shape_as_tensor",
      "prim::is_cpu",        "prim::is_mps",       "prim::is_meta",    "prim::is_xla",
      "aten::__is__",        "aten::__isnot__"};
  return asking.count(node.kind().toQualString()) != 0;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool has_tensor(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::TensorType) return true;
  for (const c10::TypePtr& inner : type->containedTypes())
    if (has_tensor(inner)) return true;
  return false;
}

}  // namespace

std::array<std::vector<c10::IValue>, 2> Lifter::run_both(
    const Node& node, const std::vector<std::array<c10::IValue, 2>>& inputs) {
  std::array<std::vector<c10::IValue>, 2> outputs;
  for (std::size_t run = 0; run < 2; ++run) {
    std::vector<c10::IValue> stack;
    for (const auto& both : inputs) stack.push_back(both[run]);
    try {
      outputs[run] = run_operation(node, std::move(stack));
    } catch (const std::exception& error) {
      std::string shapes;
      for (const auto& both : inputs)
        if (both[run].isTensor() && both[run].toTensor().defined()) {
          std::string shape;
          for (const std::int64_t extent : both[run].toTensor().sizes())
            shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
          shapes += (shapes.empty() ? "(" : " and (") + shape + ")";
        }
      refuse(node, "inputs of float32 that fit the model, with any number of samples",
             "tensors of " + (shapes.empty() ? std::string("no shape") : shapes) + " of " +
                 std::to_string(run == 0 ? kSmallBatch : kLargeBatch) + " samples, for which \"" +
                 first_line(error.what()) +
                 "\"; see --input-shape, and take the number of samples from x.shape[0]");
    }
  }
  return outputs;
}

void Lifter::visit_operation(const Node& node, Frame& frame) {
  const auto kind = node.kind();
  if (kind == aten::warn || kind == prim::Print) return;
  if (kind == prim::requires_grad || kind == c10::Symbol::aten("is_grad_enabled")) {
    set(node, frame, constant(true, c10::BoolType::get()));
    return;
  }
  if (kind == c10::Symbol::aten("is_autocast_enabled")) {
    set(node, frame, constant(false, c10::BoolType::get()));
    return;
  }
  if (!node.blocks().empty() || node.maybeOperator() == nullptr)
    refuse(node, "operations of PyTorch that an interpreter can run one by one",
           kind == prim::CreateObject ? std::string("objects of a class of its own")
                                      : std::string("another"));
  if (visit_replaced(node, frame)) return;
  if (refuse_random(node, frame)) return;

  const std::vector<SeenValue> inputs = inputs_of(node, frame);
  if (write(node, frame, inputs)) return;
  bool derived = true;
  bool all_tried = true;
  std::vector<std::array<c10::IValue, 2>> tried;
  for (const SeenValue& input : inputs) {
    derived = derived && is_derived(*input);
    const auto values = tried_values(*input);
    if (values)
      tried.push_back(*values);
    else
      all_tried = false;
  }
  if (asks_for_shape(node)) derived = true;

  std::array<std::vector<c10::IValue>, 2> results;
  const bool runs = all_tried && (is_running_ || derived);
  if (runs) results = run_both(node, tried);
  tried.clear();

  // Numbers that follow from shapes are written where they are read.
  bool needs_node = !runs || !derived;
  if (!needs_node)
    for (std::size_t i = 0; i < node.outputs().size() && !needs_node; ++i) {
      const c10::TypePtr& type = node.outputs()[i]->type();
      if (has_tensor(type)) {
        needs_node = true;
        continue;
      }
      const SeenValue output = taken_apart(nullptr, {results[0][i], results[1][i]}, type, true);
      const std::vector<SeenValue> parts =
          output->kind == Seen::Kind::kSequence ? output->elements : std::vector{output};
      for (const SeenValue& part : parts)
        if (!is_fixed(*part) && !samples_factor(*part)) needs_node = true;
    }
  if (!needs_node) {
    for (std::size_t i = 0; i < node.outputs().size(); ++i)
      frame.values[node.outputs()[i]] =
          taken_apart(nullptr, {results[0][i], results[1][i]}, node.outputs()[i]->type(), true);
    return;
  }
  std::vector<Value*> values;
  for (const SeenValue& input : inputs) values.push_back(lifted(input));
  Node* added = add_node(kind, values, node.outputs().size(), node);
  added->copyAttributes(node);
  for (std::size_t i = 0; i < node.outputs().size(); ++i)
    added->outputs()[i]->setType(has_tensor(node.outputs()[i]->type()) &&
                                         node.outputs()[i]->type()->kind() ==
                                             c10::TypeKind::TensorType
                                     ? c10::TensorType::get()
                                     : node.outputs()[i]->type());
  set_outputs(node, frame, added, runs ? &results : nullptr, derived);
}

void Lifter::set_outputs(const Node& node, Frame& frame, Node* lifted,
                         std::array<std::vector<c10::IValue>, 2>* tried, bool derived) {
  for (std::size_t i = 0; i < node.outputs().size(); ++i) {
    const c10::TypePtr& type = node.outputs()[i]->type();
    if (tried != nullptr) {
      frame.values[node.outputs()[i]] =
          taken_apart(lifted->outputs()[i], {std::move((*tried)[0][i]), std::move((*tried)[1][i])},
                      type, derived);
      continue;
    }
    auto unknown = std::make_shared<Seen>();
    unknown->type = type;
    unknown->lifted = lifted->outputs()[i];
    frame.values[node.outputs()[i]] = std::move(unknown);
  }
}

SeenValue Lifter::taken_apart(Value* lifted, const Both& tried, const c10::TypePtr& type,
                              bool derived) {
  const auto elements_of = [](const c10::IValue& value) -> std::vector<c10::IValue> {
    if (value.isList()) return value.toListRef().vec();
    if (value.isTuple()) {
      const auto& elements = value.toTupleRef().elements();
      return std::vector<c10::IValue>(elements.begin(), elements.end());
    }
    return {};
  };
  const bool is_list = tried[0].isList();
  if (is_list || tried[0].isTuple()) {
    // From lists of ints, as of shapes, to their elements; a list that is a tensor's, likewise.
    std::array<std::vector<c10::IValue>, 2> parts{elements_of(tried[0]), elements_of(tried[1])};
    if (parts[0].size() == parts[1].size()) {
      Node* unpack = nullptr;
      if (lifted != nullptr && !parts[0].empty()) {
        unpack = is_list ? lifted_.graph->createListUnpack(lifted, parts[0].size())
                         : lifted_.graph->createTupleUnpack(lifted);
        lifted_.graph->insertNode(unpack);
        lifted_.origins[unpack] = lifted_.origins[lifted->node()];
      }
      std::vector<SeenValue> elements;
      for (std::size_t i = 0; i < parts[0].size(); ++i)
        elements.push_back(taken_apart(unpack == nullptr ? nullptr : unpack->outputs()[i],
                                       {parts[0][i], parts[1][i]},
                                       type->containedType(is_list ? 0 : i), derived));
      return sequence(std::move(elements), type);
    }
  }
  SeenValue made = plain(tried, type, derived);
  made->lifted = lifted;
  if (lifted != nullptr) {
    remember(made);
    note_tensor(lifted, tried);
  }
  return made;
}

}  // namespace cadastre
