#pragma once

#include <torch/csrc/jit/api/module.h>

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "executor/torchscript/lifted_graph.h"
#include "executor/torchscript/seen.h"
#include "planner/model_graph.h"

namespace cadastre {

/// The work of `lift`, see there.
class Lifter {
 public:
  Lifter(const torch::jit::Module& module, const std::vector<ModelInput>& inputs,
         const std::string& file);

  [[nodiscard]] LiftedGraph lift();

 private:
  using Node = torch::jit::Node;
  using Block = torch::jit::Block;
  using Value = torch::jit::Value;
  using Both = std::array<c10::IValue, 2>;

  /// Where a tensor's numbers lie, its sizes and strides.
  using TensorKey = std::tuple<const void*, std::vector<std::int64_t>, std::vector<std::int64_t>>;
  static TensorKey key_of(const at::Tensor& tensor);

  /// A call of a function or method.
  struct Frame {
    std::string path;  ///< of the module
    std::unordered_map<const Value*, SeenValue> values;
  };

  // lifter.cpp: the way through the code
  SeenValue call(torch::jit::Function& function, std::vector<SeenValue> arguments,
                 const std::string& path);
  std::vector<SeenValue> walk(const Block& block, Frame& frame);
  void visit(const Node& node, Frame& frame);
  void visit_if(const Node& node, Frame& frame);
  void visit_loop(const Node& node, Frame& frame);
  void keep_if(const Node& node, Frame& frame);
  void keep_loop(const Node& node, Frame& frame, const SeenValue& most_trips,
                 const SeenValue& condition, std::vector<SeenValue> carried);
  void keep_lists(const Node& node, Frame& frame);
  void try_kept(Node& kept, const Node& node, Frame& frame);
  SeenValue& seen(const Value* value, Frame& frame);
  std::vector<SeenValue> inputs_of(const Node& node, Frame& frame);
  void set(const Node& node, Frame& frame, SeenValue output);

  // lifter_modules.cpp: attributes and slots
  SeenValue attribute(const Node& node, const Seen& object);
  SeenValue from_attribute(const c10::IValue& value, const c10::TypePtr& type,
                           const std::string& path, bool is_parameter);
  SeenValue slot(at::Tensor tensor, std::string name, bool is_parameter);
  void find_parameters();
  bool mentions_training(const torch::jit::Module& module) const;

  // lifter_containers.cpp: tuples, lists, dictionaries
  bool visit_container(const Node& node, Frame& frame);

  // lifter_operations.cpp: operations on tensors and numbers
  void visit_operation(const Node& node, Frame& frame);
  bool visit_replaced(const Node& node, Frame& frame);
  void batch_norm(const Node& node, Frame& frame);
  void dropout(const Node& node, Frame& frame, bool whole_channels, bool in_place);
  bool attention(const Node& node, Frame& frame);
  bool refuse_random(const Node& node, Frame& frame);
  bool write(const Node& node, Frame& frame, const std::vector<SeenValue>& inputs);
  std::array<std::vector<c10::IValue>, 2> run_both(
      const Node& node, const std::vector<std::array<c10::IValue, 2>>& inputs);
  void set_outputs(const Node& node, Frame& frame, Node* lifted,
                   std::array<std::vector<c10::IValue>, 2>* tried, bool derived);
  SeenValue taken_apart(Value* lifted, const Both& tried, const c10::TypePtr& type, bool derived);

  // lifter_emission.cpp: what goes to the lifted graph
  Value* lifted(const SeenValue& seen);
  Value* constant_value(const c10::IValue& value);
  Node* add_node(c10::Symbol kind, const std::vector<Value*>& inputs, std::size_t num_outputs,
                 const Node& source);
  void note_tensor(Value* lifted, const Both& tried);
  [[nodiscard]] TensorFacts facts_of(const Seen& tensor) const;
  void remember(const SeenValue& seen);

  [[noreturn]] void refuse(const Node& node, const std::string& expected,
                           const std::string& found) const;
  [[nodiscard]] std::string operation_at(const Node& node) const;

  const torch::jit::Module& module_;
  const std::vector<ModelInput>& model_inputs_;
  const std::string& file_;
  LiftedGraph lifted_;
  bool has_training_flags_ = false;
  bool is_running_ = true;  ///< not inside of what only runs later
  std::vector<const Node*> calls_;
  std::string path_;  ///< of the frame
  std::map<TensorKey, std::size_t> slot_of_;
  /// Parameters by their memory: lists of them, as recurrent networks have, hold the same.
  std::map<TensorKey, std::pair<std::string, at::Tensor>> parameters_;
  std::unordered_map<const Value*, std::weak_ptr<Seen>> seen_of_;
  std::vector<SeenValue> kept_seen_;  ///< slots and inputs, for as long as the lifting takes
  std::int64_t num_dropouts_ = 0;
};

}  // namespace cadastre
