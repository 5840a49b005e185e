#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/profile.h"
#include "tests/command_line/program.h"
#include "tests/planner/onnx/model_builder.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using test::Finished;

namespace {

const std::string kDevice = (scenario_directory() / "devices/server-core.json").string();

}  // namespace

TEST_CASE("cadastre import turns an ONNX model into a profile that plan accepts",
          "[planner][onnx]") {
  const TemporaryDirectory directory;
  const ModelGraph model = read_model(scenario_directory() / "models/multimodal-cnn.json");
  test::onnx_of(model, 2).save(directory.path() / "model.onnx");
  const Finished imported = test::run_program(
      directory.path(),
      {"import", "onnx", "model.onnx", "--device", kDevice, "-o", "profile.json", "--json"});
  INFO(imported.err);
  REQUIRE(imported.status == 0);
  const nlohmann::json result = nlohmann::json::parse(imported.out);
  CHECK(result.at("num_inputs") == model.inputs.size());
  CHECK(result.at("product_flops_per_sample").get<double>() > 0);
  CHECK(read_profile(directory.path() / "profile.json").model.name == "model");

  const Finished planned = test::run_program(
      directory.path(), {"plan", "--profile", "profile.json", "--cluster",
                         (scenario_directory() / "clusters/lab-four-1gbe.json").string(),
                         "--batch-size", "8", "--time-limit", "1", "--json", "--quiet"});
  INFO(planned.err);
  REQUIRE(planned.status == 0);
  CHECK(nlohmann::json::parse(planned.out).at("step_s").get<double>() > 0);
}

TEST_CASE("cadastre import onnx says what is wrong with its request", "[planner][onnx]") {
  const TemporaryDirectory directory;
  const ModelGraph model = read_model(scenario_directory() / "models/lidar-only.json");
  test::onnx_of(model, 1).save(directory.path() / "model.onnx");
  const auto said = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"import", "onnx", "model.onnx", "-o", "p.json"});
    const Finished finished = test::run_program(directory.path(), words);
    CHECK(finished.status == 2);
    CHECK_FALSE(std::filesystem::exists(directory.path() / "p.json"));
    return finished.err;
  };
  CHECK(said({}) == "error: --device: expected a device to estimate costs on, found none\n");
  CHECK(said({"--device", kDevice, "--input-shape", "3,x"}) ==
        "error: --input-shape: expected extents without the samples, such as 3,64,64 or "
        "image=3,64,64, found \"3,x\"\n");
  CHECK(
      said({"--device", kDevice, "--input-shape", "lidarr=3,9,9"}).find("did you mean \"lidar\"?") !=
      std::string::npos);
}
