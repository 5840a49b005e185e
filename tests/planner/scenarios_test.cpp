#include <filesystem>
#include <set>

#include "planner/cluster.h"
#include "planner/model_graph.h"
#include "planner/validate.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"

using namespace cadastre;
namespace fs = std::filesystem;

namespace {

const fs::path kScenarios = source_directory() / "scenarios";

std::set<fs::path> documents_in(const std::string& folder) {
  std::set<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(kScenarios / folder))
    files.insert(entry.path());
  return files;
}

/// Layers whose id begins with `prefix`.
std::vector<Layer> branch(const ModelGraph& model, const std::string& prefix) {
  std::vector<Layer> layers;
  for (const Layer& layer : model.layers)
    if (layer.id.starts_with(prefix + ".")) layers.push_back(layer);
  return layers;
}

}  // namespace

TEST_CASE("every scenario model is sound and named after its file", "[planner]") {
  const std::set<fs::path> files = documents_in("models");
  CHECK(files.size() >= 6);
  for (const fs::path& file : files) {
    CAPTURE(file);
    CHECK(read_model(file).name == file.stem().string());
    CHECK(validate_document(file) == "model");
  }
}

TEST_CASE("every scenario cluster is sound, named after its file and says its source",
          "[planner]") {
  const std::set<fs::path> files = documents_in("clusters");
  CHECK(files.size() >= 7);
  for (const fs::path& file : files) {
    CAPTURE(file);
    const Cluster cluster = read_cluster(file);
    CHECK(cluster.name == file.stem().string());
    CHECK(cluster.description.size() > 40);
    if (is_star(cluster.network.topology))
      CHECK(cluster.network.bandwidth_bytes_per_s == 125e6);  // 1 Gb/s
  }
}

TEST_CASE("every scenario's conditions are sound", "[planner]") {
  const std::set<fs::path> files = documents_in("conditions");
  CHECK(!files.empty());
  for (const fs::path& file : files) {
    CAPTURE(file);
    CHECK(validate_document(file) == "conditions");
  }
}

TEST_CASE("a model of one modality is that branch of the whole model", "[planner]") {
  const ModelGraph whole = read_model(kScenarios / "models/multimodal-cnn.json");
  REQUIRE(whole.inputs.size() == 3);
  for (const ModelInput& input : whole.inputs) {
    CAPTURE(input.name);
    const ModelGraph alone = read_model(kScenarios / "models" / (input.name + "-only.json"));
    CHECK(alone.inputs == std::vector<ModelInput>{input});
    CHECK(branch(alone, input.name) == branch(whole, input.name));
    CHECK(alone.batch_norm_group_samples == whole.batch_norm_group_samples);
  }
}
