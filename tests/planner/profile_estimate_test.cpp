#include "planner/profile_estimate.h"

#include <filesystem>

#include "planner/pass_work.h"
#include "planner/saved_bytes.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;
namespace fs = std::filesystem;

namespace {

const fs::path kModels = source_directory() / "scenarios/models";

/// `x (3, 8, 8) -> conv (4, 8, 8) -> relu -> pool (4, 4, 4) -> flatten -> linear (10)`.
ModelGraph small_cnn() {
  const auto layer = [](std::string id, Operation operation, std::string input) {
    return Layer{.id = std::move(id), .operation = operation, .inputs = {std::move(input)}};
  };
  return worlds::checked(
      {.name = "small-cnn",
       .inputs = {{.name = "x", .shape = {3, 8, 8}}},
       .layers = {layer("conv", Conv2d{.out_channels = 4, .kernel_size = 3, .padding = 1}, "x"),
                  layer("relu", Relu{}, "conv"), layer("pool", MaxPool2d{}, "relu"),
                  layer("flatten", Flatten{}, "pool"),
                  layer("linear", Linear{.out_features = 10}, "flatten")},
       .output = "linear"});
}

Device device(double flops_per_s, double bytes_per_s, double overhead_s = 0) {
  return {.name = "device",
          .flops_per_s = flops_per_s,
          .memory_bandwidth_bytes_per_s = bytes_per_s,
          .layer_overhead_s = overhead_s};
}

Profile estimated(const ModelGraph& model, const Device& on) {
  return estimated_profile(model, on, "model.json", "");
}

}  // namespace

TEST_CASE("a layer's work is counted from its shapes", "[planner][estimate]") {
  const std::vector<LayerWork> work = layer_work(small_cnn());
  // Each of 4 * 8 * 8 outputs is a sum of 3 * 3 * 3 products, and a bias.
  CHECK(work[0].forward.flops_per_sample == 256 * (2 * 27 + 1));
  CHECK(work[0].forward.bytes_per_sample == 4 * (192 + 256));
  CHECK(work[0].forward.bytes == 4 * (4 * 27 + 4));
  // The input is the model's: only the parameters' gradient.
  CHECK(work[0].backward == work[0].forward);
  CHECK(work[1].forward.flops_per_sample == 256);
  CHECK(work[1].forward.bytes_per_sample == 4 * 2 * 256);
  CHECK(work[2].forward.flops_per_sample == 64 * 4);
  CHECK(work[3] == LayerWork{});
  CHECK(work[4].forward.flops_per_sample == 10 * (2 * 64 + 1));
  CHECK(work[4].backward.flops_per_sample == 10 * (4 * 64 + 1));
}

TEST_CASE("adaptive pooling reads every window, those that overlap twice", "[planner][estimate]") {
  ModelGraph model = small_cnn();
  model.layers[2].operation = AdaptiveAvgPool2d{.output_size = 3};
  // Of 8: [0, 3), [2, 6), [5, 8): 10 along each dimension, of 4 channels; then 9 divisions each.
  CHECK(layer_work(worlds::checked(model))[2].forward.flops_per_sample == 4 * 100 + 4 * 9);
}

TEST_CASE("a layer takes as long as the longer of its operations and its bytes",
          "[planner][estimate]") {
  const double flops = 256 * 55;
  const double bytes = 4 * (192 + 256);
  const double parameter_bytes = 4 * 112;
  const Profile computing = estimated(small_cnn(), device(1e9, 1e15, 1e-3));
  const Profile moving = estimated(small_cnn(), device(1e18, 1e6));
  for (const Measurement& measured : computing.layers[0].measurements)
    CHECK_THAT(measured.forward_s,
               WithinRel(1e-3 + flops * static_cast<double>(measured.batch_size) / 1e9, 1e-12));
  for (const Measurement& measured : moving.layers[0].measurements)
    CHECK_THAT(measured.forward_s,
               WithinRel((bytes * static_cast<double>(measured.batch_size) + parameter_bytes) / 1e6,
                         1e-12));
  // A view takes no time, and is not begun either.
  CHECK(computing.layers[3].measurements.back().forward_s == 0);
  CHECK_THAT(moving.optimizer_s_per_parameter_byte, WithinRel(6e-6, 1e-12));
  CHECK_THAT(moving.load_s_per_sample, WithinRel(2 * 4 * 192 / 1e6, 1e-12));
}

TEST_CASE("every scenario model has an estimate that its document holds", "[planner][estimate]") {
  for (const fs::directory_entry& entry : fs::directory_iterator(kModels)) {
    CAPTURE(entry.path());
    const ModelGraph model = read_model(entry.path());
    const Profile profile = estimated(model, device(1e11, 1e10, 1e-5));
    CHECK(documents::reread(to_json(profile), profile_from_json) == profile);
    const std::vector<std::int64_t> saved = saved_bytes_per_sample(model);
    for (std::size_t i = 0; i < profile.layers.size(); ++i) {
      CHECK(profile.layers[i].saved_bytes_per_sample == saved[i]);
      double before_s = 0;
      for (const Measurement& measured : profile.layers[i].measurements) {
        CHECK(measured.forward_s >= before_s);
        before_s = measured.forward_s;
      }
    }
  }
}

TEST_CASE("a device is read or refused with its place", "[planner][estimate]") {
  const nlohmann::json sound = to_json(device(1e11, 1e10, 1e-5));
  CHECK(documents::reread(sound, device_from_json) == device(1e11, 1e10, 1e-5));
  const auto refused = [&](const std::string& pointer, const nlohmann::json& value) {
    return documents::refusal_of(documents::with(sound, pointer, value), device_from_json);
  };
  CHECK(refused("/flops_per_s", 0) == "/flops_per_s: expected a number from 1 to 1e+21, found 0");
  CHECK(refused("/layer_overhead_s", "1") ==
        "/layer_overhead_s: expected seconds from 0 to 3600, or text such as \"50us\" or "
        "\"0.1ms\", found \"1\"");
  CHECK(refused("/flops_per", 1) ==
        "/flops_per: expected no such key, did you mean \"flops_per_s\"?");
}

TEST_CASE("a profile carried over to its own model is itself", "[planner][estimate]") {
  Profile profile = estimated(small_cnn(), device(1e9, 1e8, 1e-5));
  profile.adamw_s_per_parameter_byte = 3e-10;
  profile.average_s_per_parameter_byte = 5e-11;
  profile.caches = {.backward_ratio = 1.125, .bytes = 1e7};
  profile.parts = {.forward_saving = 0.0625, .backward_saving = 0.125, .update_saving = 0};
  CHECK(rescaled_profile(profile, small_cnn(), "model.json", "") == profile);
}

TEST_CASE("a changed layer keeps its rate, a new one has the median of its kind",
          "[planner][estimate]") {
  // Rates by layer: 1, 2, 3, 4 ms for the same operations.
  const Profile profile = worlds::chain({1e-3, 2e-3, 3e-3, 4e-3});
  ModelGraph wider = profile.model;
  std::get<Linear>(wider.layers[3].operation).out_features = 3 * worlds::kFeatures;
  wider.layers.push_back({.id = "new",
                          .operation = Linear{.out_features = worlds::kFeatures, .bias = false},
                          .inputs = {"layer3"}});
  wider.output = "new";
  wider = worlds::checked(wider);
  const Profile carried = rescaled_profile(profile, wider, "model.json", "");
  CHECK(carried.layers[0].measurements == profile.layers[0].measurements);
  CHECK_THAT(carried.layers[3].measurements[0].forward_s, WithinRel(3 * 4e-3, 1e-12));
  // It reads three times as many features as those of the median, 2.5 ms.
  CHECK_THAT(carried.layers[4].measurements[0].forward_s, WithinRel(3 * 2.5e-3, 1e-12));
  CHECK(documents::reread(to_json(carried), profile_from_json) == carried);
}

TEST_CASE("what nothing measured compares with is refused by name", "[planner][estimate]") {
  const Profile profile = worlds::chain({1e-3, 2e-3});
  ModelGraph other = profile.model;
  other.layers.push_back({.id = "gate", .operation = Relu{}, .inputs = {"layer1"}});
  other.output = "gate";
  other = worlds::checked(other);
  CHECK(documents::refusal(
            [&] { static_cast<void>(rescaled_profile(profile, other, "model.json", "/model")); }) ==
        "model.json: /model/layers: expected a layer whose cost the profile tells, found "
        "\"gate\", as nothing that was measured compares with it");
  other.layers[2].operation = Profiled{.description = "imported", .output_elements = 250};
  other = worlds::checked(other);
  CHECK(documents::refusal([&] { static_cast<void>(estimated(other, device(1, 1))); }) ==
        "model.json: /layers: expected a layer whose work follows from its shapes, found "
        "\"gate\", which only a profile knows");
}
