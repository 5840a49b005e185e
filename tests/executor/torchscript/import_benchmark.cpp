// Hidden from ordinary runs: `torchscript_tests "[!benchmark]"` prints the times. With
// CADASTRE_ARCHIVE (NAME.pt) and CADASTRE_SHAPE (3,224,224), of that model too.
#include <ATen/Parallel.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "executor/network.h"
#include "executor/process_setup.h"
#include "executor/timing.h"
#include "tests/executor/torchscript/archives.h"
#include "tests/executor/torchscript/first_tensor.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

struct Timed {
  std::string name;
  fs::path file;
  Shape shape;
  std::int64_t num_samples = 8;
};

Shape shape_of(const char* text) {
  Shape shape;
  std::stringstream stream(text);
  for (std::string extent; std::getline(stream, extent, ',');) shape.push_back(std::stoll(extent));
  return shape;
}

/// Forward and backward of the module, and of the layers on one stage, in turn.
void compare(const Timed& timed, int num_repeats) {
  ImportedModel imported =
      import_model(timed.file, {.inputs = {{.name = "x", .shape = timed.shape}},
                                .batch_norm_group_samples = timed.num_samples});
  torch::jit::Module module = torch::jit::load(timed.file.string());
  module.train();
  StageNetwork network = whole_network(imported.model, 1);
  set_weights(network, imported.weights, timed.file);
  const std::vector<at::Tensor> inputs = archives::samples(imported.model, timed.num_samples);
  const std::vector<c10::IValue> arguments(inputs.begin(), inputs.end());
  const at::Tensor classes = torch::arange(timed.num_samples).remainder(5);
  std::int64_t step = 0;
  const auto step_of_layers = [&] {
    network.zero_gradients();
    const std::vector<at::Tensor> outputs = network.forward(
        inputs, {.step = step++, .samples = {.begin = 0, .end = timed.num_samples}});
    cross_entropy_sum(outputs.front(), classes).backward();
  };
  const auto step_of_module = [&] {
    for (const at::Tensor& parameter : module.parameters())
      if (parameter.grad().defined()) parameter.grad().zero_();
    cross_entropy_sum(archives::first_tensor(module.forward(arguments)), classes).backward();
  };
  constexpr int kWarmUp = 3;  // the module's executor optimises what it has seen twice
  for (int i = 0; i < kWarmUp; ++i) {
    step_of_layers();
    step_of_module();
  }
  std::vector<double> layers_s;
  std::vector<double> module_s;
  std::vector<double> ratios;
  for (int i = 0; i < num_repeats; ++i) {  // in turn, so that both see the same machine
    layers_s.push_back(seconds_of(step_of_layers));
    module_s.push_back(seconds_of(step_of_module));
    ratios.push_back(layers_s.back() / module_s.back());
  }
  std::printf(
      "%-24s layers %8.2f ms, module %8.2f ms, ratio of medians %.3f, median ratio %.3f\n",
      timed.name.c_str(), 1e3 * summarize(layers_s).median_s, 1e3 * summarize(module_s).median_s,
      summarize(layers_s).median_s / summarize(module_s).median_s, summarize(ratios).median_s);
  std::fflush(stdout);
}

TEST_CASE("an imported model of one stage beside its module", "[.][!benchmark]") {
  const fs::path folder = archives::zoo_folder();
  if (folder.empty()) return;
  constexpr int kRepeats = 40;
  std::vector<Timed> all{{"resnet18", folder / "resnet18.script.pt", {3, 64, 64}}};
  if (const char* archive = std::getenv("CADASTRE_ARCHIVE"); archive != nullptr)
    all.push_back({fs::path(archive).stem(), archive, shape_of(std::getenv("CADASTRE_SHAPE"))});
  prepare_process(1);
  for (const Timed& timed : all) compare(timed, kRepeats);
}

TEST_CASE("the import of a model", "[.][!benchmark]") {
  const char* archive = std::getenv("CADASTRE_ARCHIVE");
  if (archive == nullptr) {
    WARN("skipped: CADASTRE_ARCHIVE is not set");
    return;
  }
  prepare_process(1);
  constexpr int kRepeats = 5;
  std::vector<double> seconds;
  std::size_t num_layers = 0;
  for (int i = 0; i < kRepeats; ++i)
    seconds.push_back(seconds_of([&] {
      num_layers =
          import_model(
              archive,
              {.inputs = {{.name = "x", .shape = shape_of(std::getenv("CADASTRE_SHAPE"))}}})
              .model.layers.size();
    }));
  std::printf("%s: %zu layers imported in %.2f s (the first time %.2f s)\n", archive, num_layers,
              summarize(seconds).median_s, seconds.front());
}

}  // namespace
}  // namespace cadastre
