// What a run of an imported model must come to: trains the module itself, whole, by LibTorch, on
// the samples that the run took, and writes its weights as the run's are written.
//
//   module_training RUN ARCHIVE.pt OUT.pt [reversed|double]
//
// `reversed`: the samples that batch norm sees together in the other order, which changes no sum
// but by rounding. `double`: gradients in double precision, of weights in float32. How far these
// are from the plain one is what float32 leaves open.

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/torch.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "executor/learning_rate.h"
#include "executor/network.h"
#include "executor/process_setup.h"
#include "executor/stage_optimizer.h"
#include "executor/training_data.h"
#include "executor/weights.h"
#include "planner/run_record.h"
#include "tests/executor/torchscript/first_tensor.h"

namespace cadastre {
namespace {

std::map<std::string, at::Tensor> trained_parameters(const torch::jit::Module& module) {
  std::map<std::string, at::Tensor> parameters;
  for (const auto& parameter : module.named_parameters())
    if (parameter.value.requires_grad()) parameters[parameter.name] = parameter.value;
  return parameters;
}

void train(const std::filesystem::path& run_directory, const std::string& archive,
           const std::filesystem::path& output, const std::string& how) {
  const RunRecord run = read_run(run_directory / "run.json");
  torch::jit::Module module = torch::jit::load(archive);
  module.train();
  if (how == "double") module.to(at::kDouble);
  const std::map<std::string, at::Tensor> of_module = trained_parameters(module);

  // Only as where the optimizer finds parameters and gradients.
  StageNetwork holder = whole_network(run.model, 0);
  StageOptimizer optimizer(holder);
  const at::NoGradGuard no_grad;
  for (const NamedTensor& parameter : holder.parameters())
    parameter.tensor.detach().copy_(of_module.at(parameter.name));

  std::set<std::size_t> all;
  for (std::size_t i = 0; i < run.model.inputs.size(); ++i) all.insert(i);
  TrainingData data(run.scene, run.model, all, run.training, run.batch_size);
  const ClassLoss loss = data.loss();
  const auto num_steps = static_cast<std::int64_t>(run.steps.size());
  const std::int64_t together =
      has_batch_norm(run.model) ? run.model.batch_norm_group_samples : run.batch_size;
  for (std::int64_t step = 0; step < num_steps; ++step) {
    for (const auto& [name, parameter] : of_module)
      if (parameter.grad().defined()) parameter.grad().zero_();
    for (std::int64_t begin = 0; begin < run.batch_size; begin += together) {
      LoadedSamples loaded = data.load(step, {.begin = begin, .end = begin + together},
                                       {all.begin(), all.end()}, TrainingData::Variation::kVaried);
      if (how == "double")
        for (at::Tensor& input : loaded.inputs) input = input.to(at::kDouble);
      if (how == "reversed") {
        for (at::Tensor& input : loaded.inputs) input = input.flip(0);
        loaded.class_indices = loaded.class_indices.flip(0);
      }
      const at::AutoGradMode with_graph(true);
      const at::Tensor scores =
          archives::first_tensor(module.forward({loaded.inputs.begin(), loaded.inputs.end()}));
      const at::Tensor sum = class_loss_sum(scores, loaded.class_indices, loss);
      (sum / static_cast<double>(run.batch_size)).backward();
    }
    holder.zero_gradients();
    for (const NamedTensor& parameter : holder.parameters())
      if (const at::Tensor gradient = of_module.at(parameter.name).grad(); gradient.defined())
        parameter.tensor.mutable_grad().copy_(gradient);
    optimizer.step({.kind = run.training.optimizer,
                    .learning_rate = learning_rate(run.training.learning_rate, step, num_steps),
                    .momentum = run.training.momentum,
                    .weight_decay = run.training.weight_decay});
    for (const NamedTensor& parameter : holder.parameters())
      of_module.at(parameter.name).detach().copy_(parameter.tensor);
  }
  Weights weights;
  for (const NamedTensor& parameter : holder.parameters())
    weights[parameter.name] = parameter.tensor.detach();
  write_weights(output, weights);
}

}  // namespace
}  // namespace cadastre

int main(int argc, char** argv) {
  constexpr int kLeast = 4;
  if (argc < kLeast) {
    std::fprintf(stderr, "usage: module_training RUN ARCHIVE.pt OUT.pt [reversed|double]\n");
    return 2;
  }
  try {
    cadastre::prepare_process(1);
    cadastre::train(argv[1], argv[2], argv[3], argc > kLeast ? argv[kLeast] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
