#include "executor/torchscript/layer_code.h"

#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

namespace cadastre {

namespace aten = c10::aten;
namespace prim = c10::prim;

namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

const TensorFacts& facts_of(const LiftedGraph& lifted, const Value* value) {
  return lifted.facts.at(value);
}

Shape sample_shape(const TensorFacts& facts) { return facts.packing.value().sample_shape; }

/// Operations whose backward pass does not look at their output, which may then be written to.
bool gives_overwritable(const Node& node) {
  static const std::set<std::string> kinds = {
      "aten::_convolution", "aten::convolution", "aten::conv2d", "aten::linear",
      "aten::addmm",        "aten::add",         "aten::sub",    "cadastre::batch_norm"};
  return kinds.count(node.kind().toQualString()) != 0;
}

/// `relu(x)` writes to x where x is made in the same layer for it alone: as fast as what was
/// traced.
void write_in_place(Graph& graph) {
  for (Node* node : graph.nodes()) {
    if (node->kind() != aten::relu && node->kind() != aten::hardtanh) continue;
    const Value* x = node->input(0);
    if (x->uses().size() != 1 || !gives_overwritable(*x->node())) continue;
    const std::string name = std::string(node->kind().toQualString()) + "_";
    Node* written = graph.create(c10::Symbol::fromQualString(name), node->inputs(), 1);
    written->output()->setType(node->output()->type());
    written->insertBefore(node);
    node->output()->replaceAllUsesWith(written->output());
  }
}

}  // namespace

/// Puts a group's graph together.
struct LayerCodes::Writer {
  const LayerCodes& codes;
  std::size_t group;
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::unordered_map<const Value*, Value*> copies;
  std::vector<std::string> inputs;
  std::vector<Shape> input_shapes;
  std::map<std::string, Value*> input_values;
  Value* num_samples = nullptr;

  Value* integer(std::int64_t value) { return graph->insertConstant(value); }

  Value* integers(const std::vector<std::int64_t>& values) {
    std::vector<Value*> elements;
    for (const std::int64_t value : values) elements.push_back(integer(value));
    return graph->insertNode(graph->createList(c10::IntType::get(), elements))->output();
  }

  Value* tensor(c10::Symbol kind, const std::vector<Value*>& arguments) {
    Value* made = graph->insertNode(graph->create(kind, arguments, 1))->output();
    made->setType(c10::TensorType::get());
    return made;
  }

  Value* samples() {
    if (num_samples == nullptr)
      num_samples = graph->insert(aten::size, {input_values.at(inputs.front()), integer(0)});
    return num_samples;
  }

  /// (N, then these extents): of `sample` elements.
  Value* extents(const std::vector<std::int64_t>& of_sample) {
    std::vector<Value*> elements{samples()};
    for (const std::int64_t extent : of_sample) elements.push_back(integer(extent));
    return graph->insertNode(graph->createList(c10::IntType::get(), elements))->output();
  }

  Value* moved(Value* x, std::int64_t from, std::int64_t to) {
    return tensor(c10::Symbol::aten("movedim"), {x, integer(from), integer(to)});
  }

  /// (N, …), see `packed`.
  Value* pack(Value* x, const TensorFacts& facts) {
    const Packing& packing = *facts.packing;
    if (packing.is_plain()) return x;
    if (packing.outer == 1 && packing.inner == 1) return moved(x, packing.dim, 0);
    // One of them is 1: (…, inner or outer with N, …) to (N, inner or outer, …).
    const bool samples_first = packing.outer == 1;
    const std::int64_t factor = samples_first ? packing.inner : packing.outer;
    std::vector<Value*> split;
    for (std::size_t i = 0; i < facts.small_shape.size(); ++i) {
      if (static_cast<std::int64_t>(i) != packing.dim) {
        split.push_back(integer(facts.small_shape[i]));
        continue;
      }
      split.push_back(samples_first ? samples() : integer(factor));
      split.push_back(samples_first ? integer(factor) : samples());
    }
    Value* shape = graph->insertNode(graph->createList(c10::IntType::get(), split))->output();
    Value* whole = tensor(aten::reshape, {x, shape});
    const std::int64_t sample = packing.dim + (samples_first ? 0 : 1);
    const std::int64_t other = packing.dim + (samples_first ? 1 : 0);
    return tensor(c10::Symbol::aten("movedim"),
                  {whole, integers({sample, other}), integers({0, 1})});
  }

  /// The other way.
  Value* unpack(Value* x, const TensorFacts& facts) {
    const Packing& packing = *facts.packing;
    if (packing.is_plain()) return x;
    if (packing.outer == 1 && packing.inner == 1) return moved(x, 0, packing.dim);
    const bool samples_first = packing.outer == 1;
    const std::int64_t sample = packing.dim + (samples_first ? 0 : 1);
    const std::int64_t other = packing.dim + (samples_first ? 1 : 0);
    Value* turned =
        tensor(c10::Symbol::aten("movedim"), {x, integers({0, 1}), integers({sample, other})});
    std::vector<Value*> joined;
    for (std::size_t i = 0; i < facts.small_shape.size(); ++i)
      joined.push_back(
          static_cast<std::int64_t>(i) == packing.dim
              ? graph->insert(aten::mul, {samples(), integer(packing.inner * packing.outer)})
              : integer(facts.small_shape[i]));
    return tensor(
        aten::reshape,
        {turned, graph->insertNode(graph->createList(c10::IntType::get(), joined))->output()});
  }

  /// The graph's input that is another layer's output or a model's input.
  Value* input(const std::string& name, const Shape& shape) {
    Value*& value = input_values[name];
    if (value != nullptr) return value;
    // Behind the inputs so far, before slots, which come once all are known.
    value = graph->addInput()->setType(c10::TensorType::get());
    inputs.push_back(name);
    input_shapes.push_back(shape);
    return value;
  }

  Value* outside(const Value* value) {
    const LiftedGraph& lifted = codes.lifted_;
    const auto model_input = std::find(lifted.inputs.begin(), lifted.inputs.end(), value);
    const TensorFacts& facts = facts_of(lifted, value);
    if (model_input != lifted.inputs.end())
      return input(
          codes.input_names_[static_cast<std::size_t>(model_input - lifted.inputs.begin())],
          sample_shape(facts));
    const Place& place = codes.places_.at(value);
    const Value* whole = input(codes.groups_[place.group].id, codes.output_shape(place.group));
    if (place.is_alone) return unpack(const_cast<Value*>(whole), facts);
    const Shape shape = sample_shape(facts);
    Value* part = tensor(aten::narrow, {const_cast<Value*>(whole), integer(1), integer(place.begin),
                                        integer(num_elements(shape))});
    return unpack(tensor(aten::reshape, {part, extents(shape)}), facts);
  }

  /// A slot or the like is an input, too; these are put in order at the end.
  Value* held(const Value* value) {
    Value* made = graph->addInput()->setType(value->type());
    copies[value] = made;
    return made;
  }

  Value* copy_of(Value* value) {
    if (const auto known = copies.find(value); known != copies.end()) return known->second;
    const LiftedGraph& lifted = codes.lifted_;
    if (value == lifted.num_samples) return copies[value] = samples();
    if (value == lifted.context || codes.slot_.count(value) != 0 || codes.norm_.count(value) != 0)
      return held(value);
    const bool is_input =
        std::find(lifted.inputs.begin(), lifted.inputs.end(), value) != lifted.inputs.end();
    if (is_input || codes.places_.count(value) != 0) return copies[value] = outside(value);
    // Repeated in each layer that needs it.
    add(value->node());
    return copies.at(value);
  }

  void add(Node* node) {
    Node* copy = graph->createClone(node, [this](Value* value) { return copy_of(value); });
    graph->insertNode(copy);
    for (std::size_t i = 0; i < node->outputs().size(); ++i)
      copies[node->outputs()[i]] = copy->outputs()[i];
  }
};

LayerCodes::LayerCodes(const LiftedGraph& lifted, const std::vector<NodeGroup>& groups,
                       std::vector<std::string> input_names)
    : lifted_(lifted), groups_(groups), input_names_(std::move(input_names)) {
  for (std::size_t s = 0; s < lifted.slots.size(); ++s) slot_[lifted.slots[s].value] = s;
  for (std::size_t n = 0; n < lifted.norms.size(); ++n) norm_[lifted.norms[n].sums] = n;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::int64_t begin = 0;
    for (const Value* output : groups[g].outputs) {
      places_[output] = {.group = g, .begin = begin, .is_alone = groups[g].outputs.size() == 1};
      begin += num_elements(sample_shape(facts_of(lifted, output)));
    }
  }
}

Shape LayerCodes::output_shape(std::size_t group) const {
  const std::vector<Value*>& outputs = groups_[group].outputs;
  if (outputs.size() == 1) return sample_shape(facts_of(lifted_, outputs.front()));
  std::int64_t size = 0;
  for (const Value* output : outputs) size += num_elements(sample_shape(facts_of(lifted_, output)));
  return {size};
}

WrittenLayer LayerCodes::write(std::size_t group) const {
  const NodeGroup& nodes = groups_[group];
  Writer writer{.codes = *this, .group = group};
  // Other layers' outputs first: they are the first inputs, and say how many samples there are.
  std::set<const Value*> own;
  for (const Node* node : nodes.nodes) own.insert(node->outputs().begin(), node->outputs().end());
  std::function<void(const Node&)> find_inputs = [&](const Node& node) {
    const auto visit = [&](const Value* value) {
      const bool is_input =
          std::find(lifted_.inputs.begin(), lifted_.inputs.end(), value) != lifted_.inputs.end();
      const auto place = places_.find(value);
      if (is_input || (place != places_.end() && own.count(value) == 0)) {
        if (is_input)
          static_cast<void>(writer.outside(value));
        else
          static_cast<void>(
              writer.input(groups_[place->second.group].id, output_shape(place->second.group)));
      }
    };
    for (const Value* input : node.inputs()) visit(input);
    for (const Block* block : node.blocks()) {
      for (const Node* inner : block->nodes()) find_inputs(*inner);
      for (const Value* output : block->outputs()) visit(output);
    }
  };
  for (const Node* node : nodes.nodes) find_inputs(*node);
  for (Node* node : nodes.nodes) writer.add(node);

  Graph& graph = *writer.graph;
  std::vector<Value*> outputs;
  for (Value* output : nodes.outputs) {
    Value* packed = writer.pack(writer.copies.at(output), facts_of(lifted_, output));
    if (nodes.outputs.size() > 1)
      packed = writer.tensor(aten::flatten, {packed, writer.integer(1), writer.integer(-1)});
    outputs.push_back(packed);
  }
  if (outputs.size() == 1) {
    graph.registerOutput(outputs.front());
  } else {
    Value* list = graph.insertNode(graph.createList(c10::TensorType::get(), outputs))->output();
    graph.registerOutput(writer.tensor(aten::cat, {list, writer.integer(1)}));
  }

  WrittenLayer written;
  TorchScript script;
  // Inputs in the order that `TorchScript` states.
  std::vector<Value*> ordered;
  std::vector<std::pair<std::size_t, Value*>> parameters;
  std::vector<std::pair<std::size_t, Value*>> buffers;
  std::vector<std::pair<std::size_t, Value*>> norms;
  Value* context = nullptr;
  std::vector<Value*> layer_inputs;
  for (const std::string& name : writer.inputs)
    layer_inputs.push_back(writer.input_values.at(name));
  for (const auto& [of_lifted, value] : writer.copies) {
    if (of_lifted == lifted_.context) context = value;
    if (const auto slot = slot_.find(of_lifted); slot != slot_.end())
      (lifted_.slots[slot->second].is_trained ? parameters : buffers)
          .emplace_back(slot->second, value);
    if (const auto norm = norm_.find(of_lifted); norm != norm_.end())
      norms.emplace_back(norm->second, value);
  }
  for (auto* items : {&parameters, &buffers, &norms}) std::sort(items->begin(), items->end());
  ordered = layer_inputs;
  for (const auto* items : {&parameters, &buffers, &norms})
    for (const auto& [index, value] : *items) ordered.push_back(value);
  const std::size_t num_before = graph.inputs().size();
  for (Value* old : ordered) {
    Value* again = graph.addInput()->setType(old->type());
    old->replaceAllUsesWith(again);
  }
  Value* last = graph.addInput("context")->setType(c10::ListType::ofInts());
  if (context != nullptr) context->replaceAllUsesWith(last);
  for (std::size_t i = num_before; i-- > 0;) graph.eraseInput(i);
  write_in_place(graph);
  torch::jit::EliminateDeadCode(writer.graph);

  std::unordered_map<std::size_t, int> buffer_place;
  for (const auto& [slot, value] : parameters) {
    script.parameters.push_back(
        {.name = lifted_.slots[slot].name, .shape = lifted_.slots[slot].tensor.sizes().vec()});
    written.parameters.push_back(slot);
  }
  for (const auto& [slot, value] : buffers) {
    buffer_place[slot] = static_cast<int>(script.buffers.size());
    script.buffers.push_back(
        {.name = lifted_.slots[slot].name, .shape = lifted_.slots[slot].tensor.sizes().vec()});
    written.buffers.push_back(slot);
  }
  for (const auto& [norm, value] : norms) {
    const LiftedNorm& of = lifted_.norms[norm];
    script.batch_norms.push_back({.mean = buffer_place.at(of.mean),
                                  .variance = buffer_place.at(of.variance),
                                  .momentum = of.momentum});
  }
  script.input_shapes = writer.input_shapes;
  script.output_shape = output_shape(group);
  script.code = graph.toString(/*print_source_locations=*/false);
  written.layer.id = nodes.id;
  written.layer.inputs = writer.inputs;
  written.layer.output_shape = script.output_shape;
  written.layer.operation = std::move(script);
  return written;
}

}  // namespace cadastre
