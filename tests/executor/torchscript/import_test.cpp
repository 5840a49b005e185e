#include "executor/torchscript/import.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "planner/error.h"
#include "planner/json_reader.h"
#include "tests/executor/torchscript/archives.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 1e-5;

std::set<std::string> ids(const ModelGraph& model) {
  std::set<std::string> found;
  for (const Layer& layer : model.layers) found.insert(layer.id);
  return found;
}

std::string refusal(const fs::path& file, const std::vector<ModelInput>& inputs) {
  try {
    static_cast<void>(import_model(file, {.inputs = inputs}));
  } catch (const InputError& error) {
    const std::string text = error.what();
    return text.substr(std::min(text.size(), file.string().size()));
  }
  return "nothing";
}

std::vector<int> all_layers(const ModelGraph& model) {
  std::vector<int> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i) layers.push_back(static_cast<int>(i));
  return layers;
}

TEST_CASE("an imported model gives the module's own loss, gradients and statistics",
          "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  for (const std::string& name : archives::names(folder)) {
    // LibTorch draws dropout by a generator of its own.
    if (name.rfind("dropping", 0) == 0 || name.rfind("attending", 0) == 0 ||
        name.rfind("sensors", 0) == 0)
      continue;
    INFO(name);
    // A traced module has its mode in its code: the scripted one tells what training gives.
    const ImportedModel imported = archives::imported(folder, name);
    const bool is_traced = name.find(".trace") != std::string::npos;
    const std::string trained = is_traced ? name.substr(0, name.find('.')) + ".script" : name;
    const archives::Step expected =
        archives::step_of_module(folder / (trained + ".pt"), imported.model);
    const archives::Step found =
        archives::divided_step(imported, {all_layers(imported.model)}, archives::kNumSamples);
    CHECK(std::abs(found.loss - expected.loss) < kTolerance * expected.loss);
    CHECK(archives::largest_difference(found.gradients, expected.gradients) < kTolerance);
    for (const auto& [buffer, tensor] : expected.buffers) {
      const auto of_layers = found.buffers.find(buffer);
      if (of_layers == found.buffers.end()) continue;  // a constant may have gone into the code
      CHECK(at::allclose(of_layers->second, tensor, kTolerance, kTolerance));
    }
  }
}

TEST_CASE("an imported model cut anywhere computes the same", "[executor][torchscript][property]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  for (const std::string& name : archives::names(folder)) {
    const ImportedModel imported = archives::imported(folder, name);
    const archives::Step whole =
        archives::divided_step(imported, {all_layers(imported.model)}, archives::kNumSamples);
    constexpr std::uint64_t kNumCuts = 6;
    for (std::uint64_t seed = 0; seed < kNumCuts; ++seed) {
      INFO(name << ", seed " << seed);
      const auto stages =
          archives::random_stages(imported.model, 2 + static_cast<int>(seed % 3), seed + 100);
      const archives::Step divided =
          archives::divided_step(imported, stages, archives::kNumSamples);
      CHECK(std::abs(divided.loss - whole.loss) < kTolerance * whole.loss);
      CHECK(archives::largest_difference(divided.gradients, whole.gradients) < kTolerance);
      CHECK(archives::largest_difference(divided.buffers, whole.buffers) < kTolerance);
    }
  }
}

TEST_CASE("micro-batches of an imported model compute the same with groups and dropout",
          "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  for (const std::string name :
       {"dropping.script", "dropping.trace", "attending.script", "windows.script"}) {
    INFO(name);
    ImportedModel imported = archives::imported(folder, name);
    imported.model.batch_norm_group_samples = 2;
    const archives::Step whole =
        archives::divided_step(imported, {all_layers(imported.model)}, archives::kNumSamples);
    const archives::Step cut =
        archives::divided_step(imported, archives::random_stages(imported.model, 3, 4), 2);
    CHECK(std::abs(cut.loss - whole.loss) < kTolerance * whole.loss);
    CHECK(archives::largest_difference(cut.gradients, whole.gradients) < kTolerance);
    CHECK(archives::largest_difference(cut.buffers, whole.buffers) < kTolerance);
  }
}

TEST_CASE("an imported model's document is read back as it was written",
          "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  for (const std::string& name : archives::names(folder)) {
    INFO(name);
    const ModelGraph model = archives::imported(folder, name).model;
    const std::string file = "model.json";
    const nlohmann::json document = nlohmann::json::parse(to_json(model).dump());
    CHECK(model_from_json(JsonPlace(document, file, "")) == model);
  }
}

TEST_CASE("layers are named after modules, and cheap operations are parts of them",
          "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  for (const std::string kind : {".trace", ".script"}) {
    INFO(kind);
    CHECK(ids(archives::imported(folder, "residual" + kind).model) ==
          std::set<std::string>{"stem.0", "blocks.0.conv1", "blocks.0.conv2",
                                "blocks.0.downsample.0", "blocks.1.conv1", "blocks.1.conv2",
                                "blocks.1.downsample.0", "fc"});
  }
}

TEST_CASE("what cannot be cut is one layer, and said to be", "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  const auto notes = [&](const std::string& name) {
    std::string text;
    for (const std::string& note : archives::imported(folder, name).notes) text += note + "\n";
    return text;
  };
  const ModelGraph shared = archives::imported(folder, "shared.script").model;
  CHECK(ids(shared) == std::set<std::string>{"conv", "apart", "fc"});
  CHECK_THAT(notes("shared.script"), Catch::Matchers::Contains("share the parameter conv.weight"));
  CHECK_THAT(notes("writing.script"), Catch::Matchers::Contains("writes to what they read") &&
                                          Catch::Matchers::Contains("small_models.py:"));
  CHECK_THAT(notes("deciding.script"), Catch::Matchers::Contains("keeps a loop") &&
                                           Catch::Matchers::Contains("keeps a branch"));
  CHECK_THAT(notes("tuples.script"), Catch::Matchers::Contains("output[0] is taken"));
}

TEST_CASE("what cannot be imported is refused with what to do", "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  using Catch::Matchers::Contains;
  const std::vector<ModelInput> inputs = {{.name = "x", .shape = {3, 6, 6}}};
  const auto of = [&](const char* name) {
    return refusal(folder / ("bad_" + std::string(name) + ".pt"), inputs);
  };
  CHECK_THAT(of("baked_batch"), Contains("any number of samples") || Contains("x.shape[0]"));
  CHECK_THAT(of("mixed_samples"), Contains("depend on the other samples") || Contains("depends"));
  CHECK_THAT(of("random"), Contains("aten::rand") && Contains("small_models.py:") &&
                               Contains("torch.nn.Dropout"));
  CHECK_THAT(of("written_buffer"), Contains("writes to count") && Contains("small_models.py:"));
  CHECK_THAT(of("raises"), Contains("never fits"));
  CHECK_THAT(of("no_scores"), Contains("expected class scores"));
  CHECK_THAT(of("unstated_norm"), Contains("track_running_stats=True"));
  CHECK_THAT(of("cumulative_norm"), Contains("momentum"));
  CHECK_THAT(of("untrainable"), Contains("_transformer_encoder_layer_fwd in encoder at ") &&
                                    Contains("small_models.py:") && Contains("torch.no_grad()"));
  CHECK_THAT(of("no_parameters"), Contains("parameters to train"));
  CHECK_THAT(of("weights_alone"), Contains("what torch.save writes"));
  CHECK_THAT(refusal(folder / "residual.script.pt", {{.name = "x", .shape = {4, 12, 12}}}),
             Contains("stem.0") && Contains("(2, 4, 12, 12)"));
  CHECK_THAT(refusal(folder / "two_branches.script.pt", inputs),
             Contains("hsi, lidar") && Contains("--input-shape"));
  CHECK_THAT(refusal(folder / "bad_double.pt", {{.name = "x", .shape = {3, 12, 12}}}),
             Contains("float"));
}

TEST_CASE("a file that is no whole archive is refused by what it is", "[executor][torchscript]") {
  const fs::path folder = archives::folder();
  if (folder.empty()) return;
  using Catch::Matchers::Contains;
  const TemporaryDirectory directory;
  const std::vector<ModelInput> inputs = {{.name = "x", .shape = {3, 12, 12}}};
  const fs::path cut = directory.path() / "cut.pt";
  fs::copy_file(folder / "residual.script.pt", cut);
  const auto size = fs::file_size(cut);
  for (const std::uintmax_t left : {size - 1, size / 2, size / 10, std::uintmax_t{3}}) {
    fs::resize_file(cut, left);
    INFO(left);
    CHECK_THAT(refusal(cut, inputs), Contains("truncated or damaged"));
  }
  fs::resize_file(cut, 0);
  CHECK_THAT(refusal(cut, inputs), Contains("an empty file"));
  CHECK_THAT(refusal(directory.path() / "absent.pt", inputs), Contains("expected a file"));
  CHECK_THAT(refusal(directory.path(), inputs), Contains("a directory"));
}

}  // namespace
}  // namespace cadastre
