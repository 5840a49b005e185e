#include "executor/torchscript/import.h"

#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "executor/torchscript/archive.h"
#include "executor/torchscript/group_flops.h"
#include "executor/torchscript/grouping.h"
#include "executor/torchscript/layer_code.h"
#include "executor/torchscript/lifting.h"
#include "executor/torchscript/tried_layers.h"
#include "planner/error.h"
#include "planner/json_reader.h"
#include "planner/model_shapes.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

/// forward's arguments without `self`, those that must be given or are.
std::vector<std::string> argument_names(const torch::jit::Module& module) {
  std::vector<std::string> names;
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  for (std::size_t i = 1; i < arguments.size(); ++i) names.push_back(arguments[i].name());
  return names;
}

std::size_t num_required(const torch::jit::Module& module) {
  std::size_t required = 0;
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  for (std::size_t i = 1; i < arguments.size(); ++i)
    if (!arguments[i].default_value()) required = i;
  return required;
}

/// Those that must be given are tensors.
void check_arguments(const torch::jit::Module& module, const std::string& file) {
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  for (std::size_t i = 1; i <= num_required(module); ++i)
    if (!c10::TensorType::get()->isSubtypeOf(*arguments[i].type()))
      throw InputError(file, "",
                       "expected a forward that takes tensors, found " +
                           in_quotes(arguments[i].name()) + " of type " +
                           arguments[i].type()->repr_str() +
                           "; give it a default, or wrap the model in a module that does");
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// The model's inputs in the order of forward's arguments.
std::vector<ModelInput> ordered_inputs(const torch::jit::Module& module,
                                       const ImportOptions& options, const std::string& file) {
  const std::vector<std::string> names = argument_names(module);
  check_arguments(module, file);
  const std::vector<ModelInput>& given = options.inputs;
  const std::size_t required = num_required(module);
  if (given.size() < required || given.size() > names.size())
    throw InputError(file, "",
                     "expected " + std::string(given.size() > names.size() ? "at most " : "") +
                         std::to_string(given.size() > names.size() ? names.size() : required) +
                         (required == 1 && names.size() == 1 ? " input shape" : " input shapes") +
                         ", for " + listed(names) + ", found " + std::to_string(given.size()) +
                         "; give --input-shape [NAME=]C,H,W for each");
  const bool by_name = std::all_of(given.begin(), given.end(), [&](const ModelInput& input) {
    return std::find(names.begin(), names.end(), input.name) != names.end();
  });
  std::vector<ModelInput> inputs = given;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (by_name) {
      const auto named = std::find_if(given.begin(), given.end(), [&](const ModelInput& input) {
        return input.name == names[i];
      });
      if (named == given.end())
        throw InputError(file, "",
                         "expected a shape for the input " + in_quotes(names[i]) + ", found none");
      inputs[i] = *named;
    }
    if (inputs[i].name.empty()) inputs[i].name = names[i];
  }
  return inputs;
}

/// float32 is what layers hold and pass: what else is held must fit in it.
void check_slots(const LiftedGraph& lifted, const std::string& file) {
  constexpr std::int64_t kExact = std::int64_t{1} << 24;
  bool learns = false;
  for (const LiftedSlot& slot : lifted.slots) {
    const at::ScalarType dtype = slot.tensor.scalar_type();
    learns = learns || slot.is_trained;
    if (at::isIntegralType(dtype, false) && slot.tensor.numel() > 0 &&
        slot.tensor.abs().max().item<std::int64_t>() > kExact)
      throw InputError(file, "",
                       "expected whole numbers up to 2^24 in buffers, found " + slot.name +
                           " with greater ones");
    if (at::isComplexType(dtype) || at::isQIntType(dtype))
      throw InputError(file, "",
                       "expected tensors of real numbers, found " + slot.name + " of " +
                           std::string(c10::toString(dtype)));
  }
  if (!learns)
    throw InputError(file, "",
                     "expected a model with parameters to train, found none that requires a "
                     "gradient and leads to its output");
}

void check_scores(const LiftedGraph& lifted, const std::string& file) {
  const auto facts = lifted.facts.find(lifted.graph->outputs().front());
  const bool known = facts != lifted.facts.end();
  if (known && facts->second.packing && facts->second.packing->is_plain() &&
      facts->second.dtype == at::kFloat) {
    const Shape& shape = facts->second.packing->sample_shape;
    if (shape.size() == 1 || (shape.size() == 3 && shape[1] == shape[2])) return;
  }
  std::string found = "no tensor";
  if (known) {
    const TensorFacts& of = facts->second;
    found = std::string(c10::toString(of.dtype)) + " of " + shape_text(of.small_shape) + " for " +
            std::to_string(kSmallBatch) + " samples and " + shape_text(of.large_shape) + " for " +
            std::to_string(kLargeBatch);
    if (!of.packing && of.small_shape != of.large_shape && of.dtype == at::kFloat)
      found += ", where a sample's scores depend on the other samples";
  }
  throw InputError(file, "",
                   "expected class scores of (samples, classes), or (samples, classes, P, P) for "
                   "the pixels of a "
                   "square, found " +
                       found +
                       "; end the model with them, and take the number of samples from x.shape[0]");
}

/// Frozen tensors that several layers hold get a name in each.
void name_slots_once(std::vector<WrittenLayer>& layers) {
  std::map<std::string, int> times;
  for (WrittenLayer& written : layers) {
    auto& script = std::get<TorchScript>(written.layer.operation);
    for (TensorSlot& slot : script.buffers)
      if (const int time = ++times[slot.name]; time > 1) {
        slot.name += '@';
        slot.name += std::to_string(time);
      }
  }
}

/// The class scores that the module itself gives in evaluation; undefined where it gives none that
/// is known.
at::Tensor scores_of_module(const torch::jit::Module& module,
                            const std::vector<at::Tensor>& inputs) {
  const at::NoGradGuard no_grad;
  torch::jit::Module evaluated = module;
  evaluated.eval();
  c10::IValue output = evaluated.forward({inputs.begin(), inputs.end()});
  while (!output.isTensor()) {
    if (output.isTuple())
      output = c10::IValue(output.toTupleRef().elements()[0]);
    else if (output.isList())
      output = c10::IValue(output.toListRef()[0]);
    else if (output.isGenericDict())
      output = output.toGenericDict().contains("out") ? output.toGenericDict().at("out")
                                                      : output.toGenericDict().begin()->value();
    else
      return {};
  }
  return output.toTensor();
}

bool are_close(const at::Tensor& found, const at::Tensor& wanted) {
  constexpr double kTolerance = 1e-3;
  return found.sizes() == wanted.sizes() &&
         at::allclose(found, wanted, kTolerance,
                      kTolerance * std::max(1e-6, wanted.abs().max().item<double>()), true);
}

/// The layers give what the model gives, in evaluation.
void check_scores(const torch::jit::Module& module, const TriedLayers& layers,
                  const ModelGraph& model, const std::string& file) {
  // Other numbers of samples than the model was lifted with: one costs least, but where a model
  // takes a single one for something else, four tell.
  constexpr std::int64_t kFew = 1;
  constexpr std::int64_t kMore = 4;
  for (const std::int64_t num_samples : {kFew, kMore}) {
    const bool is_last = num_samples == kMore;
    const std::vector<at::Tensor> inputs = samples_of(model, num_samples);
    try {
      const at::Tensor wanted = scores_of_module(module, inputs);
      if (!wanted.defined() || are_close(layers.evaluate(inputs), wanted)) return;
    } catch (const std::exception& error) {
      const std::string message = error.what();
      if (is_last)
        throw InputError(file, "",
                         "expected a model that takes any number of samples, found that it fails "
                         "for " +
                             std::to_string(num_samples) + ": " +
                             message.substr(0, message.find('\n')));
    }
  }
  throw InputError(
      file, "",
      "expected a model whose evaluation differs from its training in batch norm and "
      "dropout alone, and that takes any number of samples, found another output for " +
          std::to_string(kMore) +
          " samples; take the number of samples from x.shape[0] and leave "
          "self.training to PyTorch's own modules");
}

/// Runs the layers, in training for what is measured, and beside the module.
void try_layers(const torch::jit::Module& module, const LiftedGraph& lifted, ModelGraph& model,
                const Weights& weights, const std::string& file) {
  const TriedLayers layers(model, weights);
  try {
    layers.measure(model);
  } catch (const std::invalid_argument& error) {
    // Batch norm over groups too small for it, say.
    throw InputError(file, "",
                     std::string("expected layers that can be trained, found that ") +
                         error.what() + "; give --batch-norm-group of at least 2");
  }
  if (!lifted.draws_or_counts) check_scores(module, layers, model, file);
}

}  // namespace

ImportedModel import_model(const std::filesystem::path& path, const ImportOptions& options) {
  const std::string file = path.string();
  const torch::jit::Module module = load_archive(path);
  if (!module.find_method("forward"))
    throw InputError(file, "", "expected a module with a forward, found none");
  ImportedModel imported;
  imported.model.name = path.stem().string();
  imported.model.inputs = ordered_inputs(module, options, file);
  const LiftedGraph lifted = lift(module, imported.model.inputs, file);
  check_slots(lifted, file);
  check_scores(lifted, file);
  const Grouping grouping = group_nodes(lifted, file);

  std::vector<std::string> input_names;
  for (const ModelInput& input : imported.model.inputs) input_names.push_back(input.name);
  std::set<std::string> used(input_names.begin(), input_names.end());
  std::vector<NodeGroup> groups = grouping.groups;
  for (NodeGroup& group : groups)
    while (!used.insert(group.id).second) group.id += "#";
  const LayerCodes codes(lifted, groups, input_names);
  std::vector<WrittenLayer> layers;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    layers.push_back(codes.write(g));
    std::get<TorchScript>(layers.back().layer.operation).flops_per_sample =
        flops_per_sample(lifted, groups[g]);
  }
  name_slots_once(layers);
  for (const WrittenLayer& written : layers) {
    const auto& script = std::get<TorchScript>(written.layer.operation);
    for (std::size_t i = 0; i < written.parameters.size(); ++i)
      imported.weights[script.parameters[i].name] =
          lifted.slots[written.parameters[i]].tensor.contiguous();
    for (std::size_t i = 0; i < written.buffers.size(); ++i)
      imported.weights[script.buffers[i].name] =
          lifted.slots[written.buffers[i]].tensor.to(at::kFloat).contiguous();
    imported.model.layers.push_back(written.layer);
  }
  imported.model.output = groups.back().id;
  for (const NodeGroup& group : groups)
    for (const torch::jit::Value* output : group.outputs)
      if (output == lifted.graph->outputs().front()) imported.model.output = group.id;
  imported.model.batch_norm_group_samples =
      has_batch_norm(imported.model) ? options.batch_norm_group_samples : 1;
  const nlohmann::json nowhere;
  check_model(imported.model, JsonPlace(nowhere, file, ""));
  if (options.depth == ImportDepth::kWhole)
    try_layers(module, lifted, imported.model, imported.weights, file);
  imported.notes = lifted.notes;
  imported.notes.insert(imported.notes.end(), grouping.notes.begin(), grouping.notes.end());
  return imported;
}

}  // namespace cadastre
