#include "executor/torchscript/lifter.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <functional>
#include <set>
#include <utility>

#include "executor/torchscript/lifting.h"
#include "executor/torchscript/operators.h"
#include "executor/torchscript/python_place.h"
#include "executor/torchscript/tensor_facts.h"
#include "planner/error.h"
#include "planner/model_shapes.h"

namespace cadastre {

namespace prim = c10::prim;

namespace {

/// Values that are not read after a node, nested blocks included, of those that the block makes.
std::unordered_map<const torch::jit::Node*, std::vector<const torch::jit::Value*>> last_readers(
    const torch::jit::Block& block) {
  std::unordered_map<const torch::jit::Value*, const torch::jit::Node*> last;
  for (const torch::jit::Node* node : block.nodes())
    for (const torch::jit::Value* output : node->outputs()) {
      last[output] = node;
      for (const torch::jit::Use& use : output->uses()) {
        const torch::jit::Node* reader = use.user;
        while (reader->owningBlock() != &block && reader->owningBlock()->owningNode() != nullptr)
          reader = reader->owningBlock()->owningNode();
        if (reader == block.return_node() || reader->isAfter(last[output])) last[output] = reader;
        if (reader == block.return_node()) break;
      }
    }
  std::unordered_map<const torch::jit::Node*, std::vector<const torch::jit::Value*>> readers;
  for (const auto& [value, node] : last) readers[node].push_back(value);
  return readers;
}

bool changes_lists(const torch::jit::Block& block) {
  static const std::set<std::string> changing = {"aten::append",  "aten::insert",    "aten::pop",
                                                 "aten::extend",  "aten::_set_item", "aten::clear",
                                                 "aten::reverse", "aten::Delete",    "aten::sort"};
  for (const torch::jit::Node* node : block.nodes()) {
    if (changing.count(node->kind().toQualString()) != 0) return true;
    for (const torch::jit::Block* inner : node->blocks())
      if (changes_lists(*inner)) return true;
  }
  return false;
}

void captured(const torch::jit::Block& block, std::set<const torch::jit::Value*>& values) {
  for (const torch::jit::Node* node : block.nodes()) {
    values.insert(node->inputs().begin(), node->inputs().end());
    for (const torch::jit::Block* inner : node->blocks()) captured(*inner, values);
  }
  values.insert(block.outputs().begin(), block.outputs().end());
}

constexpr std::int64_t kMostUnrolled = 10'000;

}  // namespace

Lifter::Lifter(const torch::jit::Module& module, const std::vector<ModelInput>& inputs,
               const std::string& file)
    : module_(module), model_inputs_(inputs), file_(file) {
  register_operators();
  lifted_.module = module;
  lifted_.graph = std::make_shared<torch::jit::Graph>();
}

LiftedGraph Lifter::lift() {
  const at::NoGradGuard no_grad;
  has_training_flags_ = mentions_training(module_);
  find_parameters();
  lifted_.num_samples = lifted_.graph->addInput("n")->setType(c10::IntType::get());
  lifted_.context = lifted_.graph->addInput("context")->setType(c10::ListType::ofInts());
  SeenValue num_samples = plain({kSmallBatch, kLargeBatch}, c10::IntType::get(), true);
  num_samples->lifted = lifted_.num_samples;
  const c10::IValue context = pass_context({.mode = ForwardMode::kEvaluation});
  SeenValue context_seen = plain({context, context}, c10::ListType::ofInts(), false);
  context_seen->lifted = lifted_.context;
  kept_seen_ = {num_samples, context_seen};
  for (const SeenValue& kept : kept_seen_) remember(kept);

  torch::jit::Function& forward = module_.get_method("forward").function();
  auto self = std::make_shared<Seen>();
  self->kind = Seen::Kind::kModule;
  self->module = module_._ivalue();
  self->type = module_.type();
  std::vector<SeenValue> arguments{self};
  std::uint64_t seed = 1;
  for (const ModelInput& input : model_inputs_) {
    Shape shape{kLargeBatch};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    at::Generator generator = at::detail::createCPUGenerator(seed++);
    const at::Tensor large = at::empty(shape, at::kFloat).normal_(0, 1, generator);
    SeenValue seen =
        plain({large.narrow(0, 0, kSmallBatch).clone(), large}, c10::TensorType::get(), false);
    seen->lifted = lifted_.graph->addInput()->setType(c10::TensorType::get());
    lifted_.inputs.push_back(seen->lifted);
    note_tensor(seen->lifted, *seen->tried);
    remember(seen);
    arguments.push_back(std::move(seen));
  }
  // What is not given has a default.
  const auto& formals = forward.getSchema().arguments();
  for (std::size_t i = arguments.size(); i < formals.size(); ++i)
    arguments.push_back(
        constant(formals[i].default_value().value_or(c10::IValue()), formals[i].type()));

  SeenValue output = call(forward, std::move(arguments), "");
  // Of several outputs, the first tensor is the class scores.
  std::string which;
  while (output->kind == Seen::Kind::kSequence || output->kind == Seen::Kind::kDictionary) {
    if (output->elements.empty()) break;
    std::size_t chosen = 0;
    if (output->kind == Seen::Kind::kDictionary)
      for (std::size_t i = 0; i < output->keys.size(); ++i)
        if (output->keys[i].isString() && output->keys[i].toStringRef() == "out") chosen = i;
    which += '[';
    which += std::to_string(chosen);
    which += ']';
    output = output->elements[chosen];
  }
  if (!which.empty())
    lifted_.notes.push_back("the model gives several tensors: output" + which +
                            " is taken for the class scores, and only what leads to it is trained");
  if (output->type->kind() != c10::TypeKind::TensorType || output->kind != Seen::Kind::kPlain)
    throw InputError(file_, "",
                     "expected a model that gives class scores, found one that gives " +
                         output->type->repr_str());
  lifted_.graph->registerOutput(lifted(output));
  torch::jit::EliminateDeadCode(lifted_.graph);
  return std::move(lifted_);
}

SeenValue Lifter::call(torch::jit::Function& function, std::vector<SeenValue> arguments,
                       const std::string& path) {
  const std::shared_ptr<torch::jit::Graph> graph = torch::jit::toGraphFunction(function).graph();
  Frame frame;
  frame.path = path;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    frame.values[graph->inputs()[i]] = std::move(arguments[i]);
  arguments.clear();
  const std::string outer = std::exchange(path_, path);
  std::vector<SeenValue> outputs = walk(*graph->block(), frame);
  path_ = outer;
  return outputs.front();
}

std::vector<SeenValue> Lifter::walk(const Block& block, Frame& frame) {
  const auto readers = last_readers(block);
  for (const Node* node : block.nodes()) {
    visit(*node, frame);
    const auto dead = readers.find(node);
    if (dead == readers.end()) continue;
    for (const Value* value : dead->second) frame.values.erase(value);
  }
  std::vector<SeenValue> outputs;
  for (const Value* output : block.outputs()) outputs.push_back(seen(output, frame));
  return outputs;
}

SeenValue& Lifter::seen(const Value* value, Frame& frame) { return frame.values.at(value); }

std::vector<SeenValue> Lifter::inputs_of(const Node& node, Frame& frame) {
  std::vector<SeenValue> inputs;
  for (const Value* input : node.inputs()) inputs.push_back(seen(input, frame));
  return inputs;
}

void Lifter::set(const Node& node, Frame& frame, SeenValue output) {
  frame.values[node.output()] = std::move(output);
}

void Lifter::visit(const Node& node, Frame& frame) {
  switch (node.kind()) {
    case prim::Constant: {
      // Functions are called by their type.
      if (node.output()->type()->kind() == c10::TypeKind::FunctionType) {
        set(node, frame, constant({}, node.output()->type()));
        return;
      }
      const c10::IValue value = torch::jit::toIValue(node.output()).value_or(c10::IValue());
      set(node, frame, from_attribute(value, node.output()->type(), "constant", false));
      return;
    }
    case prim::GetAttr:
      set(node, frame, attribute(node, *seen(node.input(), frame)));
      return;
    case prim::CallMethod: {
      std::vector<SeenValue> arguments = inputs_of(node, frame);
      const Seen& object = *arguments.front();
      if (object.kind != Seen::Kind::kModule)
        refuse(node, "methods of modules only", "one of " + object.type->repr_str());
      torch::jit::Function& method =
          object.module.toObjectRef().type()->getMethod(node.s(c10::attr::name));
      const std::string path = object.path;
      calls_.push_back(&node);
      set(node, frame, call(method, std::move(arguments), path));
      calls_.pop_back();
      return;
    }
    case prim::CallFunction: {
      std::vector<SeenValue> arguments = inputs_of(node, frame);
      torch::jit::Function* function =
          node.input(0)->type()->expect<c10::FunctionType>()->function();
      arguments.erase(arguments.begin());
      calls_.push_back(&node);
      set(node, frame, call(*function, std::move(arguments), frame.path));
      calls_.pop_back();
      return;
    }
    case prim::If:
      visit_if(node, frame);
      return;
    case prim::Loop:
      visit_loop(node, frame);
      return;
    case prim::SetAttr:
      refuse(node, "a forward that leaves its modules as they are",
             "one that sets the attribute \"" + node.s(c10::attr::name) +
                 "\"; keep what changes in a buffer of batch norm, or out of forward");
    case prim::RaiseException: {
      if (is_running_) {
        const SeenValue& text = seen(node.input(0), frame);
        refuse(node, "inputs that the model takes",
               is_fixed(*text) ? "that it raises \"" + fixed_value(*text).toStringRef() + "\""
                               : "that it raises an error");
      }
      std::vector<Value*> inputs;
      for (const SeenValue& input : inputs_of(node, frame)) inputs.push_back(lifted(input));
      add_node(prim::RaiseException, inputs, 0, node);
      return;
    }
    case prim::Uninitialized: {
      if (is_running_) {
        set(node, frame, constant({}, node.output()->type()));
        return;
      }
      SeenValue nothing = std::make_shared<Seen>();
      nothing->type = node.output()->type();
      nothing->lifted =
          lifted_.graph->insertNode(lifted_.graph->createUninitialized(nothing->type))->output();
      set(node, frame, std::move(nothing));
      return;
    }
    default:
      if (!visit_container(node, frame)) visit_operation(node, frame);
  }
}

void Lifter::visit_if(const Node& node, Frame& frame) {
  const SeenValue& condition = seen(node.input(), frame);
  if (!is_fixed(*condition)) {
    keep_if(node, frame);
    return;
  }
  const Block& branch = *node.blocks().at(fixed_value(*condition).toBool() ? 0 : 1);
  std::vector<SeenValue> outputs = walk(branch, frame);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    frame.values[node.outputs()[i]] = std::move(outputs[i]);
}

void Lifter::visit_loop(const Node& node, Frame& frame) {
  const SeenValue most_trips = seen(node.inputs()[0], frame);
  SeenValue condition = seen(node.inputs()[1], frame);
  std::vector<SeenValue> carried;
  for (std::size_t i = 2; i < node.inputs().size(); ++i)
    carried.push_back(seen(node.inputs()[i], frame));
  const Block& body = *node.blocks().at(0);
  bool is_known = is_fixed(*most_trips);
  const std::int64_t most = is_known ? fixed_value(*most_trips).toInt() : 0;
  for (std::int64_t trip = 0; is_known && trip < most; ++trip) {
    // Where the body is first found to decide by values, what is left of the loop stays one.
    if (!is_fixed(*condition)) {
      keep_loop(node, frame, constant(most - trip, c10::IntType::get()), condition,
                std::move(carried));
      return;
    }
    if (!fixed_value(*condition).toBool()) break;
    if (trip == kMostUnrolled)
      refuse(node, "a loop of at most " + std::to_string(kMostUnrolled) + " rounds", "more");
    frame.values[body.inputs()[0]] = constant(trip, c10::IntType::get());
    for (std::size_t i = 0; i < carried.size(); ++i)
      frame.values[body.inputs()[i + 1]] = carried[i];
    std::vector<SeenValue> outputs = walk(body, frame);
    condition = outputs.front();
    carried.assign(outputs.begin() + 1, outputs.end());
  }
  if (!is_known) {
    keep_loop(node, frame, most_trips, condition, std::move(carried));
    return;
  }
  for (std::size_t i = 0; i < carried.size(); ++i)
    frame.values[node.outputs()[i]] = std::move(carried[i]);
}

void Lifter::keep_lists(const Node& node, Frame& frame) {
  for (const Block* block : node.blocks()) {
    if (!changes_lists(*block)) continue;
    std::set<const Value*> values;
    captured(*block, values);
    for (const Value* value : values) {
      const auto found = frame.values.find(value);
      if (found == frame.values.end()) continue;
      Seen& list = *found->second;
      if (list.kind != Seen::Kind::kSequence || list.type->kind() != c10::TypeKind::ListType)
        continue;
      const std::optional<Both> tried = tried_values(list);
      Value* whole = lifted(found->second);
      list.kind = Seen::Kind::kPlain;
      list.elements.clear();
      list.tried = tried;
      list.lifted = whole;
      remember(found->second);
    }
  }
}

void Lifter::keep_if(const Node& node, Frame& frame) {
  keep_lists(node, frame);
  Node* kept = add_node(prim::If, {lifted(seen(node.input(), frame))}, 0, node);
  const bool ran = std::exchange(is_running_, false);
  for (const Block* block : node.blocks()) {
    Block* copy = kept->addBlock();
    const torch::jit::WithInsertPoint inside(copy);
    for (const SeenValue& output : walk(*block, frame)) copy->registerOutput(lifted(output));
  }
  is_running_ = ran;
  for (const Value* output : node.outputs()) kept->addOutput()->setType(output->type());
  try_kept(*kept, node, frame);
}

void Lifter::keep_loop(const Node& node, Frame& frame, const SeenValue& most_trips,
                       const SeenValue& condition, std::vector<SeenValue> carried) {
  keep_lists(node, frame);
  std::vector<Value*> inputs{lifted(most_trips), lifted(condition)};
  for (const SeenValue& value : carried) inputs.push_back(lifted(value));
  Node* kept = add_node(prim::Loop, inputs, 0, node);
  const bool ran = std::exchange(is_running_, false);
  const Block& body = *node.blocks().at(0);
  Block* copy = kept->addBlock();
  {
    const torch::jit::WithInsertPoint inside(copy);
    for (const Value* input : body.inputs()) {
      auto inner = std::make_shared<Seen>();
      inner->type = input->type();
      inner->lifted = copy->addInput()->setType(input->type());
      frame.values[input] = std::move(inner);
    }
    for (const SeenValue& output : walk(body, frame)) copy->registerOutput(lifted(output));
  }
  is_running_ = ran;
  for (const Value* output : node.outputs()) kept->addOutput()->setType(output->type());
  try_kept(*kept, node, frame);
}

void Lifter::try_kept(Node& kept, const Node& node, Frame& frame) {
  std::array<std::vector<c10::IValue>, 2> tried;
  if (is_running_) {
    auto graph = std::make_shared<torch::jit::Graph>();
    std::vector<SeenValue> inputs;
    std::unordered_map<const Value*, Value*> copies;
    // Constants and what is put together of values seen are made again.
    const std::function<Value*(Value*)> copy_of = [&](Value* value) -> Value* {
      if (const auto known = copies.find(value); known != copies.end()) return known->second;
      const auto found = seen_of_.find(value);
      SeenValue outer = found == seen_of_.end() ? nullptr : found->second.lock();
      if (outer == nullptr) {
        Node* again = graph->insertNode(graph->createClone(value->node(), copy_of));
        return copies[value] = again->outputs()[value->offset()];
      }
      inputs.push_back(std::move(outer));
      return copies[value] = graph->addInput()->setType(value->type());
    };
    Node* copy = graph->createClone(&kept, copy_of);
    graph->insertNode(copy);
    for (Value* output : copy->outputs()) graph->registerOutput(output);
    const torch::jit::Code code(graph, "tried");
    for (std::size_t run = 0; run < 2; ++run) {
      for (const SeenValue& input : inputs) tried[run].push_back(input->tried.value()[run]);
      torch::jit::InterpreterState(code).run(tried[run]);
    }
  }
  set_outputs(node, frame, &kept, is_running_ ? &tried : nullptr, false);
}

LiftedGraph lift(const torch::jit::Module& module, const std::vector<ModelInput>& inputs,
                 const std::string& file) {
  return Lifter(module, inputs, file).lift();
}

void Lifter::refuse(const Node& node, const std::string& expected, const std::string& found) const {
  throw InputError(file_, "",
                   "expected " + expected + ", found " + found + " (" + operation_at(node) + ")");
}

std::string Lifter::operation_at(const Node& node) const {
  std::string text = node.kind().toQualString();
  if (!path_.empty()) text += " in " + path_;
  const std::string place = python_place(node, calls_);
  if (!place.empty()) text += " at " + place;
  return text;
}

}  // namespace cadastre
