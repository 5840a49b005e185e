#include "tests/executor/torchscript/archives.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "executor/network.h"
#include "executor/random.h"
#include "executor/torchscript/layer_function.h"
#include "planner/files.h"
#include "planner/sample_split.h"
#include "tests/executor/torchscript/first_tensor.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"

namespace cadastre::archives {

namespace fs = std::filesystem;

namespace {

/// A Python that has PyTorch; empty: none.
std::string python() {
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    const std::string command = std::string(candidate) + " -c 'import torch' 2>/dev/null";
    if (std::system(command.c_str()) == 0) return candidate;
  }
  return {};
}

at::Tensor classes(std::int64_t num_samples, const at::Tensor& scores) {
  const std::int64_t num_classes = scores.size(1);
  if (scores.dim() == 2) return torch::arange(num_samples).remainder(num_classes);
  return torch::arange(num_samples * scores.size(2) * scores.size(3))
      .remainder(num_classes)
      .view({num_samples, scores.size(2), scores.size(3)});
}

/// What `command(interpreter, folder)` writes there, anew where it is older than the scripts; empty
/// where the command cannot be run here.
fs::path made_folder(
    const fs::path& made, const std::vector<fs::path>& scripts,
    const std::function<std::string(const std::string&, const fs::path&)>& command) {
  const bool is_new =
      fs::exists(made) && std::all_of(scripts.begin(), scripts.end(), [&](const fs::path& script) {
        return fs::last_write_time(made) >= fs::last_write_time(script);
      });
  if (is_new) return made;
  const std::string interpreter = python();
  if (interpreter.empty()) {
    WARN("skipped: no Python here has PyTorch (python3-torch)");
    return {};
  }
  // Another process may be at it.
  const fs::path beside = made.string() + "." + std::to_string(::getpid());
  fs::create_directories(beside);
  const std::string full = command(interpreter, beside) + " 2>/dev/null";
  constexpr int kSkipped = 77;
  const int status = std::system(full.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) {
    WARN("skipped: Python has no torchvision (python3-torchvision)");
    fs::remove_all(beside);
    return {};
  }
  if (status != 0) FAIL("failed: " << full);
  std::error_code error;
  fs::remove_all(made, error);
  fs::rename(beside, made, error);
  if (error) fs::remove_all(beside, error);
  return made;
}

}  // namespace

fs::path folder() {
  const fs::path script = source_directory() / "tests/executor/torchscript/small_models.py";
  return made_folder(CADASTRE_TEST_ARCHIVES, {script},
                     [&](const std::string& interpreter, const fs::path& to) {
                       return interpreter + " -B '" + script.string() + "' '" + to.string() + "'";
                     });
}

fs::path zoo_folder() {
  const fs::path scripts = source_directory() / "tests/torchscript";
  return made_folder(std::string(CADASTRE_TEST_ARCHIVES) + "_zoo",
                     {scripts / "models.py", scripts / "own_networks.py"},
                     [&](const std::string& interpreter, const fs::path& to) {
                       std::string command = interpreter + " -B '";
                       command += (scripts / "models.py").string();
                       command += "' --no-dropout --into '" + to.string() + "'";
                       return command +
                              " two_branch:trace two_branch:script transformer:trace "
                              "transformer:script unet:trace unet:script tuples:script "
                              "shared_parameters:script in_place:trace in_place:script "
                              "control_flow:script resnet18:script";
                     });
}

std::vector<std::string> names(const fs::path& folder) {
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".pt" && entry.path().filename().string().rfind("bad_", 0) != 0)
      found.push_back(entry.path().stem().string());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<ModelInput> inputs_of(const fs::path& folder, const std::string& name) {
  static const std::map<std::string, std::vector<ModelInput>> known = {
      {"residual", {{.name = "x", .shape = {3, 12, 12}}}},
      {"dropping", {{.name = "x", .shape = {3, 12, 12}}}},
      {"two_branches",
       {{.name = "hsi", .shape = {4, 8, 8}}, {.name = "lidar", .shape = {2, 16, 16}}}},
      {"shared", {{.name = "x", .shape = {4, 8, 8}}}},
      {"dense", {{.name = "x", .shape = {3, 6, 6}}}},
      {"deciding", {{.name = "x", .shape = {3, 6, 6}}}},
      {"named", {{.name = "x", .shape = {3, 6, 6}}}},
      {"attention", {{.name = "x", .shape = {6, 4, 4}}}},
      {"attending", {{.name = "x", .shape = {6, 4, 4}}}},
      {"sensors",
       {{.name = "image", .shape = {2, 5, 5}}, {.name = "height", .shape = {1, 10, 10}}}},
      {"rows", {{.name = "x", .shape = {2, 5, 6}}}},
      {"windows", {{.name = "x", .shape = {4, 4, 4}}}}};
  const std::string model = name.substr(0, name.find('.'));
  if (const fs::path facts = folder / (model + ".json"); fs::exists(facts)) {
    std::vector<ModelInput> inputs;
    const nlohmann::json described = nlohmann::json::parse(read_file(facts));
    for (const nlohmann::json& input : described.at("inputs"))
      inputs.push_back(
          {.name = input.at("name").get<std::string>(), .shape = input.at("shape").get<Shape>()});
    return inputs;
  }
  const auto found = known.find(model);
  if (found != known.end()) return found->second;
  return {{.name = "x", .shape = {3, 8, 8}}};
}

ImportedModel imported(const fs::path& folder, const std::string& name) {
  return import_model(folder / (name + ".pt"),
                      {.inputs = inputs_of(folder, name), .batch_norm_group_samples = kNumSamples});
}

std::vector<at::Tensor> samples(const ModelGraph& model, std::int64_t num_samples) {
  std::vector<at::Tensor> inputs;
  for (const ModelInput& input : model.inputs) {
    Shape shape{num_samples};
    shape.insert(shape.end(), input.shape.begin(), input.shape.end());
    at::Generator generator = at::detail::createCPUGenerator(mix(5, input.name));
    inputs.push_back(at::empty(shape, at::kFloat).normal_(0, 1, generator));
  }
  return inputs;
}

Step step_of_module(const fs::path& file, const ModelGraph& model, Arithmetic arithmetic) {
  torch::jit::Module module = torch::jit::load(file.string());
  module.train();
  std::vector<at::Tensor> inputs = samples(model, kNumSamples);
  if (arithmetic == Arithmetic::kDouble) module.to(at::kDouble);
  for (at::Tensor& input : inputs) {
    if (arithmetic == Arithmetic::kReversed) input = input.flip(0);
    if (arithmetic == Arithmetic::kDouble) input = input.to(at::kDouble);
  }
  Step step;
  const at::Tensor scores = first_tensor(module.forward({inputs.begin(), inputs.end()}));
  at::Tensor labels = classes(kNumSamples, scores);
  if (arithmetic == Arithmetic::kReversed) labels = labels.flip(0);
  const at::Tensor loss = cross_entropy_sum(scores, labels);
  (loss / static_cast<double>(kNumSamples)).backward();
  step.scores = scores.detach();
  step.loss = loss.item<double>() / static_cast<double>(kNumSamples);
  std::set<const void*> seen;  // what is shared goes by its first name
  for (const auto& parameter : module.named_parameters())
    if (parameter.value.grad().defined() && seen.insert(parameter.value.data_ptr()).second)
      step.gradients[parameter.name] = parameter.value.grad();
  for (const auto& buffer : module.named_buffers())
    if (buffer.value.is_floating_point()) step.buffers[buffer.name] = buffer.value.clone();
  return step;
}

Step divided_step(const ImportedModel& imported, const std::vector<std::vector<int>>& divisions,
                  std::int64_t micro_batch) {
  const ModelGraph& model = imported.model;
  const std::vector<at::Tensor> batch = samples(model, kNumSamples);
  std::vector<StageNetwork> stages;
  for (const std::vector<int>& layers : divisions) {
    stages.emplace_back(model, layers, 1);
    set_weights(stages.back(), imported.weights, "archive");
  }
  Step step;
  std::vector<at::Tensor> all_scores;
  const auto output = static_cast<std::size_t>(layer_index(model, model.output));
  for (std::int64_t begin = 0; begin < kNumSamples; begin += micro_batch) {
    const SampleRange range{.begin = begin, .end = begin + micro_batch};
    const ForwardContext context{
        .mode = ForwardMode::kTraining, .seed = 9, .step = 2, .samples = range};
    std::vector<at::Tensor> made(model.layers.size());
    std::vector<std::vector<at::Tensor>> inputs(stages.size());
    std::vector<std::vector<at::Tensor>> outputs(stages.size());
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (const Source& source : stages[s].inputs()) {
        const auto index = static_cast<std::size_t>(source.index);
        // As it comes over the wire: contiguous, with a gradient to be sent back.
        inputs[s].push_back(source.is_model_input
                                ? batch[index].narrow(0, range.begin, range.size())
                                : made[index].detach().contiguous().clone().requires_grad_());
      }
      outputs[s] = stages[s].forward(inputs[s], context);
      for (std::size_t k = 0; k < outputs[s].size(); ++k)
        made[static_cast<std::size_t>(stages[s].outputs()[k])] = outputs[s][k];
    }
    const at::Tensor scores = made[output].detach().requires_grad_();
    const at::Tensor of_batch = classes(kNumSamples, scores).narrow(0, range.begin, range.size());
    const at::Tensor loss = cross_entropy_sum(scores, of_batch);
    (loss / static_cast<double>(kNumSamples)).backward();
    step.loss += loss.item<double>() / static_cast<double>(kNumSamples);
    all_scores.push_back(scores.detach());
    std::vector<at::Tensor> gradients(model.layers.size());
    gradients[output] = scores.grad();
    for (std::size_t s = stages.size(); s-- > 0;) {
      std::vector<at::Tensor> of_outputs;
      for (const int layer : stages[s].outputs())
        of_outputs.push_back(gradients[static_cast<std::size_t>(layer)]);
      stages[s].backward(outputs[s], of_outputs);
      for (std::size_t k = 0; k < inputs[s].size(); ++k) {
        const Source& source = stages[s].inputs()[k];
        const at::Tensor gradient = inputs[s][k].grad();
        if (source.is_model_input || !gradient.defined()) continue;
        at::Tensor& sum = gradients[static_cast<std::size_t>(source.index)];
        sum = sum.defined() ? sum + gradient : gradient;
      }
    }
  }
  step.scores = at::cat(all_scores, 0);
  for (StageNetwork& stage : stages) {
    for (const NamedTensor& parameter : stage.parameters())
      step.gradients[parameter.name] = parameter.tensor.grad().clone();
    stage.update_running_statistics();
    for (const NamedTensor& buffer : stage.buffers())
      step.buffers[buffer.name] = buffer.tensor.clone();
  }
  return step;
}

Step double_step(const ImportedModel& imported) {
  const ModelGraph& model = imported.model;
  std::map<std::string, at::Tensor> values;
  const std::vector<at::Tensor> inputs = samples(model, kNumSamples);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    values[model.inputs[i].name] = inputs[i].to(at::kDouble);
  std::map<std::string, at::Tensor> parameters;
  for (const Layer& layer : model.layers) {
    const auto& script = std::get<TorchScript>(layer.operation);
    ScriptTensors tensors;
    for (const TensorSlot& slot : script.parameters)
      tensors.parameters.push_back(
          parameters[slot.name] = imported.weights.at(slot.name).to(at::kDouble).requires_grad_());
    for (const TensorSlot& slot : script.buffers)
      tensors.buffers.push_back(imported.weights.at(slot.name).to(at::kDouble));
    for (const RunningStatistics& norm : script.batch_norms)
      tensors.sums.push_back(at::zeros(
          {2 * num_elements(script.buffers[static_cast<std::size_t>(norm.mean)].shape) + 1},
          at::kDouble));
    std::vector<at::Tensor> read;
    for (const std::string& name : layer.inputs) read.push_back(values.at(name));
    LayerContext context;
    context.batch_norm_group_samples = kNumSamples;
    values[layer.id] = LayerFunction(script)(read, tensors, context);
  }
  Step step;
  const at::Tensor& scores = values.at(model.output);
  const at::Tensor loss = cross_entropy_sum(scores, classes(kNumSamples, scores));
  (loss / static_cast<double>(kNumSamples)).backward();
  step.scores = scores.detach();
  step.loss = loss.item<double>() / static_cast<double>(kNumSamples);
  for (const auto& [name, parameter] : parameters)
    step.gradients[name] =
        parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter);
  return step;
}

std::vector<std::vector<int>> random_stages(const ModelGraph& model, int num_stages,
                                            std::uint64_t seed) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<std::uint64_t> stage_of(model.layers.size());
  std::vector<std::vector<int>> stages(static_cast<std::size_t>(num_stages));
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    std::uint64_t least = 0;
    for (const Source& source : sources[i])
      if (!source.is_model_input)
        least = std::max(least, stage_of[static_cast<std::size_t>(source.index)]);
    const std::uint64_t draw = mix(seed, i);
    // Mostly where what it reads is, so that stages are of several layers.
    const auto last = static_cast<std::uint64_t>(num_stages) - 1;
    stage_of[i] = draw % 4 == 0 ? least + (draw / 4) % (last - least + 1) : least;
    stages[stage_of[i]].push_back(static_cast<int>(i));
  }
  stages.erase(std::remove_if(stages.begin(), stages.end(),
                              [](const std::vector<int>& layers) { return layers.empty(); }),
               stages.end());
  return stages;
}

double largest_difference(const std::map<std::string, at::Tensor>& a,
                          const std::map<std::string, at::Tensor>& b) {
  double greatest = 0;
  for (const auto& [name, tensor] : b) greatest = std::max(greatest, tensor.norm().item<double>());
  double largest = 0;
  for (const auto& [name, tensor] : b) {
    const auto found = a.find(name);
    if (found == a.end() || found->second.sizes() != tensor.sizes()) return 2;
    const double difference = (found->second - tensor).norm().item<double>();
    const double size = tensor.norm().item<double>();
    // Gradients that are zero but for rounding, as of a bias before batch norm, are equal to it.
    largest = std::max(largest, difference / std::max(size, 1e-2 * greatest));
  }
  // What nothing led to has no gradient there and zeros here.
  for (const auto& [name, tensor] : a)
    if (b.count(name) == 0 && tensor.norm().item<double>() > 0) return 2;
  return largest;
}

}  // namespace cadastre::archives
