#include "executor/torchscript/layer_function.h"

#include <torch/csrc/jit/ir/irparser.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <stdexcept>
#include <string>
#include <variant>

#include "executor/torchscript/operators.h"
#include "planner/error.h"

namespace cadastre {

struct LayerFunction::Parsed {
  torch::jit::Code code;
};

LayerFunction::LayerFunction(const TorchScript& script) : parsed_(std::make_unique<Parsed>()) {
  register_operators();
  const auto graph = std::make_shared<torch::jit::Graph>();
  try {
    torch::jit::parseIR(script.code, graph.get());
    graph->lint();
    parsed_->code = torch::jit::Code(graph, "layer");
  } catch (const std::exception& error) {
    const std::string message = error.what();
    throw std::invalid_argument("a layer's code cannot be run by this LibTorch: " +
                                message.substr(0, message.find('\n')));
  }
  const std::size_t expected = script.input_shapes.size() + script.parameters.size() +
                               script.buffers.size() + script.batch_norms.size() + 1;
  if (parsed_->code.num_inputs() != expected || parsed_->code.num_outputs() != 1)
    throw std::invalid_argument("a layer's code takes " +
                                std::to_string(parsed_->code.num_inputs()) + " values and not " +
                                std::to_string(expected));
}

LayerFunction::~LayerFunction() = default;
LayerFunction::LayerFunction(LayerFunction&&) noexcept = default;
LayerFunction& LayerFunction::operator=(LayerFunction&&) noexcept = default;

void check_layer_codes(const ModelGraph& model, const std::string& file,
                       const std::string& pointer) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const auto* script = std::get_if<TorchScript>(&model.layers[i].operation);
    if (script == nullptr) continue;
    try {
      const LayerFunction parsed(*script);
    } catch (const std::invalid_argument& error) {
      throw InputError(
          file, pointer + "/layers/" + std::to_string(i) + "/code",
          std::string("expected TorchScript that this LibTorch can run, found ") + error.what());
    }
  }
}

at::Tensor LayerFunction::operator()(const std::vector<at::Tensor>& inputs,
                                     const ScriptTensors& tensors,
                                     const LayerContext& context) const {
  torch::jit::Stack stack;
  stack.reserve(parsed_->code.num_inputs());
  for (const auto* of_kind : {&inputs, &tensors.parameters, &tensors.buffers, &tensors.sums})
    for (const at::Tensor& tensor : *of_kind) stack.emplace_back(tensor);
  stack.push_back(pass_context(context));
  torch::jit::InterpreterState(parsed_->code).run(stack);
  return stack.front().toTensor();
}

}  // namespace cadastre
