#include "planner/onnx/import.h"

#include <algorithm>
#include <filesystem>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/pass_work.h"
#include "planner/profile_estimate.h"
#include "tests/planner/onnx/model_builder.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::onnx_import;
using test::Extents;
using test::OnnxBuilder;
namespace fs = std::filesystem;

namespace {

const Device kDevice{.name = "device",
                     .flops_per_s = 1e9,
                     .memory_bandwidth_bytes_per_s = 1e9,
                     .layer_overhead_s = 1e-5};

OnnxImport imported(const OnnxBuilder& builder, const std::vector<InputShape>& given = {}) {
  const TemporaryDirectory directory;
  const fs::path file = directory.path() / "model.onnx";
  builder.save(file);
  return import_model(file, kDevice, given);
}

/// What is said without the file's name.
std::string refusal(const OnnxBuilder& builder, const std::vector<InputShape>& given = {}) {
  try {
    (void)imported(builder, given);
  } catch (const InputError& error) {
    const std::string text = error.what();
    const std::size_t name = text.find("model.onnx: ");
    return name == std::string::npos ? text
                                     : text.substr(name + std::string("model.onnx: ").size());
  }
  return "accepted";
}

/// Where adaptive pooling has windows of different sizes, which ONNX has not, all pools are global.
ModelGraph with_even_pooling(ModelGraph model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  bool is_even = true;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const auto* pool = std::get_if<AdaptiveAvgPool2d>(&model.layers[i].operation);
    if (pool == nullptr) continue;
    const auto from = static_cast<std::size_t>(sources[i].front().index);
    const Shape& input = sources[i].front().is_model_input ? model.inputs[from].shape
                                                           : model.layers[from].output_shape;
    is_even = is_even && input[1] % pool->output_size == 0 && input[2] % pool->output_size == 0;
  }
  for (Layer& of_model : model.layers)
    if (auto* pool = std::get_if<AdaptiveAvgPool2d>(&of_model.operation); pool && !is_even)
      pool->output_size = 1;
  return worlds::checked(std::move(model));
}

const LayerProfile& layer(const Profile& profile, const std::string& id) {
  const int index = layer_index(profile.model, id);
  REQUIRE(index >= 0);
  return profile.layers[static_cast<std::size_t>(index)];
}

/// `x -> a (Gemm 4 to 3) -> b (Gemm 3 to 2)`.
OnnxBuilder two_products(const Extents& input = {1, 4}) {
  OnnxBuilder builder;
  builder.input("x", input).weight("a.w", {4, 3}).weight("b.w", {3, 2});
  builder.node("Gemm", {"x", "a.w"}, {"a"}).node("Gemm", {"a", "b.w"}, {"b"}).output("b");
  return builder;
}

}  // namespace

TEST_CASE("a model that is native as well costs what the native one does", "[planner][onnx]") {
  for (const auto& entry : fs::directory_iterator(scenario_directory() / "models")) {
    INFO(entry.path());
    const ModelGraph read = read_model(entry.path());
    if (is_imported(read)) continue;  // its layers are TorchScript, which has no ONNX twin
    const ModelGraph model = with_even_pooling(read);
    const Profile native = estimated_profile(model, kDevice, "", "");
    const OnnxImport found = imported(test::onnx_of(model, 1));
    double flops = 0;
    double backward_flops = 0;
    for (const LayerWork& work : layer_work(model)) {
      flops += work.forward.flops_per_sample;
      backward_flops += work.backward.flops_per_sample;
    }
    CHECK(found.forward_flops_per_sample == Approx(flops));
    CHECK(found.backward_flops_per_sample == Approx(backward_flops));
    // Grouped otherwise, but the same in sum.
    const auto sums = [](const Profile& profile, std::size_t size) {
      std::array<double, 4> result{};
      for (const LayerProfile& of_layer : profile.layers) {
        result[0] += of_layer.measurements[size].forward_s;
        result[1] += of_layer.measurements[size].backward_s;
        result[2] += static_cast<double>(of_layer.saved_bytes_per_sample);
        result[3] += static_cast<double>(of_layer.parameter_bytes);
      }
      return result;
    };
    for (const std::size_t size : {std::size_t{0}, std::size_t{3}}) {
      const auto expected = sums(native, size);
      const auto sum = sums(found.profile, size);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        INFO(i);
        CHECK(sum[i] == Approx(expected[i]));
      }
    }
    CHECK(found.profile.load_s_per_sample == Approx(native.load_s_per_sample));
    CHECK(found.profile.loss_s_per_sample == Approx(native.loss_s_per_sample));
    CHECK(found.profile.model.inputs == native.model.inputs);
  }
}

TEST_CASE("costs are of a sample, however many the file was made with", "[planner][onnx]") {
  const Profile one = imported(two_products({1, 4})).profile;
  CHECK(imported(two_products({6, 4})).profile == one);
  CHECK(imported(two_products({0, 4})).profile == one);
  CHECK(one.model.inputs == std::vector<ModelInput>{{.name = "x", .shape = {4}}});
  CHECK(layer(one, "Gemm").activation_bytes_per_sample == 4 * 3);
  CHECK(layer(one, "Gemm2").parameter_bytes == 4 * 6);
}

TEST_CASE("statistics of batch norm are no parameters", "[planner][onnx]") {
  OnnxBuilder builder;
  builder.input("x", {1, 3, 4, 4}).weight("w", {8, 3, 1, 1});
  for (const char* name : {"scale", "bias", "mean", "variance"}) builder.weight(name, {8});
  builder.node("Conv", {"x", "w"}, {"a"})
      .node("BatchNormalization", {"a", "scale", "bias", "mean", "variance"}, {"b"})
      .node("Relu", {"b"}, {"c"})
      .output("c");
  const Profile profile = imported(builder).profile;
  REQUIRE(profile.layers.size() == 1);  // cheap ones join the convolution
  CHECK(profile.layers[0].parameter_bytes == 4 * (24 + 2 * 8));
  CHECK(std::get<Profiled>(profile.model.layers[0].operation).description ==
        "Conv, BatchNormalization, Relu");
}

TEST_CASE("several outputs are joined, and what is left over is left out", "[planner][onnx]") {
  OnnxBuilder builder = two_products();
  builder.output("a").node("Relu", {"a"}, {"nobody"}).input("unused", {1, 2});
  const OnnxImport found = imported(builder);
  CHECK(found.num_nodes == 2);
  REQUIRE(found.profile.model.layers.size() == 3);
  const Layer& join = found.profile.model.layers.back();
  CHECK(found.profile.model.output == join.id);
  CHECK(join.inputs.size() == 2);
  CHECK(join.output_shape == Shape{5});
  CHECK(found.profile.layers.back().measurements.front().forward_s == 0);
  CHECK(found.notes == std::vector<std::string>{
                           "input \"unused\" is left out: no output depends on it",
                           "the 2 outputs are joined by layer \"join\", which costs nothing"});
}

TEST_CASE("layers that share a weight are one, and that is said", "[planner][onnx]") {
  OnnxBuilder builder;
  builder.input("x", {1, 4}).weight("w", {4, 4});
  builder.node("MatMul", {"x", "w"}, {"a"})
      .node("Relu", {"a"}, {"b"})
      .node("Transpose", {"w"}, {"t"})  // of the weight: no work on samples
      .node("MatMul", {"b", "t"}, {"c"})
      .output("c");
  const OnnxImport found = imported(builder);
  REQUIRE(found.profile.layers.size() == 1);
  CHECK(found.num_nodes == 3);
  CHECK(found.profile.layers[0].parameter_bytes == 4 * 16);
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0] ==
        "the 3 operations of \"MatMul\" are one layer, as they share \"w\" or lie between those "
        "that do");
}

TEST_CASE("what computes shapes is computed", "[planner][onnx]") {
  // x.view(x.shape[0], -1), as exporters write it where the samples are open.
  OnnxBuilder builder;
  builder.input("x", {0, 3, 2, 2})
      .integers("zero", {0})
      .integers("rest", {-1})
      .weight("w", {12, 5});
  builder.node("Shape", {"x"}, {"shape"})
      .node("Gather", {"shape", "zero"}, {"samples"})
      .node("Concat", {"samples", "rest"}, {"to"}, {{"axis", std::int64_t{0}}})
      .node("Reshape", {"x", "to"}, {"flat"})
      .node("MatMul", {"flat", "w"}, {"y"})
      .output("y");
  const OnnxImport found = imported(builder);
  CHECK(found.num_nodes == 2);
  CHECK(found.product_flops_per_sample == 2 * 12 * 5);
}

TEST_CASE("an input's shape may be said, and is asked for", "[planner][onnx]") {
  OnnxBuilder builder;
  builder.input("x", {0, 3, 0, 0}).weight("w", {2, 3, 1, 1});
  builder.node("Conv", {"x", "w"}, {"y"}).output("y");
  CHECK(refusal(builder) ==
        "expected the shape of input \"x\", found (open, 3, open, open); say it with "
        "--input-shape x=C,H,W, without the samples");
  CHECK(imported(builder, {{.name = "x", .shape = {3, 4, 5}}}).product_flops_per_sample ==
        20 * 2 * 2 * 3);
  CHECK(imported(builder, {{.name = "", .shape = {3, 4, 5}}}).num_nodes == 1);
  CHECK(refusal(builder, {{.name = "x", .shape = {4, 4, 5}}}) ==
        "expected for input \"x\" a shape that fits (open, 3, open, open), found 4 in dimension 1");
  CHECK(refusal(builder, {{.name = "x", .shape = {3, 4}}}) ==
        "expected for input \"x\" a shape that fits (open, 3, open, open) without its first, found "
        "one of 2 dimensions");
  CHECK(refusal(builder, {{.name = "y", .shape = {3, 4, 5}}}) ==
        "--input-shape: expected the name of an input (x), found \"y\", did you mean "
        "\"x\"?");
}

TEST_CASE("inputs of different numbers of samples are refused", "[planner][onnx]") {
  OnnxBuilder builder;
  builder.input("x", {2, 3}).input("y", {3, 3}).node("Add", {"x", "y"}, {"z"}).output("z");
  CHECK(refusal(builder) ==
        "expected as many samples in the first dimension of input \"y\" as in that of \"x\" (2), "
        "found 3");
}

TEST_CASE("what cannot be counted is refused by name", "[planner][onnx]") {
  OnnxBuilder unknown = two_products();
  unknown.node("RandomNormalLike", {"b"}, {"drawn"}).output("drawn");
  CHECK(refusal(unknown) ==
        "expected operations whose work follows from their shapes, found RandomNormalLike "
        "\"drawn\"");

  OnnxBuilder foreign = two_products();
  foreign.model.add_opset_import()->set_domain("strangers");
  foreign.node("Magic", {"b"}, {"c"}).output("c");
  foreign.model.mutable_graph()->mutable_node(2)->set_domain("strangers");
  foreign.model.mutable_graph()->mutable_node(2)->set_name("trick");
  CHECK(refusal(foreign).find("strangers.Magic \"trick\"") != std::string::npos);

  OnnxBuilder contradiction;
  contradiction.input("x", {1, 4}).weight("w", {5, 3});
  contradiction.node("MatMul", {"x", "w"}, {"y"}).output("y");
  CHECK(refusal(contradiction).find("expected shapes that fit together, found: ") == 0);

  // How many are not zero depends on the values.
  OnnxBuilder open;
  open.input("x", {1, 4}).weight("w", {4});
  open.node("Mul", {"x", "w"}, {"y"})
      .node("NonZero", {"y"}, {"places"})
      .node("Cast", {"places"}, {"z"}, {{"to", std::int64_t{onnx::TensorProto::FLOAT}}})
      .output("z");
  CHECK(refusal(open) ==
        "expected a shape that follows from those of the inputs, found none for \"places\" of "
        "NonZero \"places\"; export the model with fixed shapes (without dynamic_axes)");

  OnnxBuilder early;
  early.input("x", {1, 4});
  early.node("Relu", {"y"}, {"z"}).node("Relu", {"x"}, {"y"}).output("z");
  CHECK(refusal(early) != "accepted");
}

TEST_CASE("a file that is no ONNX model is refused", "[planner][onnx]") {
  const TemporaryDirectory directory;
  const fs::path file = directory.path() / "model.onnx";
  const std::string sound = two_products().model.SerializeAsString();
  const auto said = [&](const std::string& content) -> std::string {
    write_file(file, content);
    try {
      (void)import_model(file, kDevice, {});
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string expected =
      file.string() + ": expected an ONNX model, found another file, or a damaged one";
  CHECK(said("") == expected);
  CHECK(said("a model, honestly") == expected);
  CHECK(said(sound) == "accepted");
  // Wherever it is cut: never accepted as another model, never a crash.
  for (std::size_t size = 1; size < sound.size(); size += 3) {
    INFO(size);
    CHECK(said(sound.substr(0, size)) != "accepted");
  }

  OnnxBuilder newer = two_products();
  newer.model.set_ir_version(1000);
  CHECK(said(newer.model.SerializeAsString()).find("found version 1000") != std::string::npos);
  OnnxBuilder later = two_products();
  later.model.mutable_opset_import(0)->set_version(1000);
  CHECK(
      said(later.model.SerializeAsString()).find("found version 1000; export the model for that") !=
      std::string::npos);
}

TEST_CASE("flipped bits are refused or read, never fatal", "[planner][onnx][property]") {
  const TemporaryDirectory directory;
  const fs::path file = directory.path() / "model.onnx";
  const std::string sound = two_products().model.SerializeAsString();
  for (std::size_t bit = 0; bit < 8 * sound.size(); bit += 5) {
    std::string flipped = sound;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(file, flipped);
    INFO(bit);
    try {
      const Profile profile = import_model(file, kDevice, {}).profile;
      CHECK_FALSE(profile.layers.empty());
    } catch (const InputError& error) {
      CHECK(std::string(error.what()).find("expected") != std::string::npos);
    }
  }
}
