// Validation beside training: what it decides, and that nobody's speed does.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "executor/training_run.h"
#include "executor/validation.h"
#include "executor/weights.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/validate.h"
#include "tests/executor/raster_fixture.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

/// The scene of training_world.h, a part of whose test pixels is there to validate.
void write_validated_scene(const fs::path& directory) {
  test::write_training_scene(directory);
  constexpr int kSide = 24;
  constexpr int kFirstTestRow = 16;
  test::write_tiny_raster(
      directory / "split.tif", {.rows = kSide, .columns = kSide, .is_float = false},
      [](int, int row, int column) { return row < kFirstTestRow ? 1 : column % 2 == 0 ? 2 : 3; });
  nlohmann::json scene = parse_json(read_file(directory / "scene.json"), "scene.json");
  scene["split"]["validation"] = 3;
  write_file(directory / "scene.json", json_text(scene));
}

RunRecord run(const fs::path& directory, const std::vector<Stage>& stages,
              const TrainingSettings& training, const std::string& name) {
  const ModelGraph model = test::training_model();
  const fs::path plan = directory / (name + ".json");
  write_file(plan, json_text(to_json(test::plan_document(model, stages, 2, Schedule::kGpipe))));
  RunRequest request;
  request.plan = plan;
  request.scene = directory / "scene";
  request.output = directory / name;
  request.training = training;
  RunRecord record = run_training(request, [](const RunProgress&) {});
  CHECK(validate_document(request.output / "run.json") == "run");
  CHECK(read_run(request.output / "run.json") == record);
  return record;
}

TrainingSettings patient_training() {
  TrainingSettings training;
  training.steps = 300;
  training.optimizer = OptimizerKind::kAdamW;
  training.learning_rate = 0.01;
  training.average_decay = 0.5;
  training.settle_steps = 2;
  training.class_balance = 0.5;
  training.augmentation = {.dihedral = true, .gain = 0.1, .offset = 0.1, .noise = 0.1};
  training.validate_every = 4;
  training.patience = 3;
  training.seed = 5;
  return training;
}

TEST_CASE("training stops when validation gets no better, and the best weights are kept",
          "[executor]") {
  const TemporaryDirectory directory;
  write_validated_scene(directory.path() / "scene");
  const ModelGraph model = test::training_model();
  const std::vector<Stage> whole = test::pipeline_stages(model, {});
  const RunRecord single = run(directory.path(), whole, patient_training(), "single");

  // Three validations without a greater kappa, and the one after them; then the settling.
  CHECK(single.end == RunEnd::kPatience);
  REQUIRE(single.validation.has_value());
  const Validation& validation = *single.validation;
  const std::vector<ValidationPoint>& curve = validation.curve;
  REQUIRE(curve.size() >= 5);
  std::size_t first_best = 0;
  for (std::size_t i = 0; i + 1 < curve.size(); ++i) {
    CHECK(curve[i].num_steps == 4 * static_cast<std::int64_t>(i + 1));
    if (curve[i].kappa > curve[first_best].kappa) first_best = i;
  }
  CHECK(curve.size() == first_best + 1 + 3 + 1);
  CHECK(single.steps.size() == 4 * curve.size() + 2);
  CHECK(single.steps.back().learning_rate == 0);

  // What was kept is the best of them.
  double best_kappa = -1;
  for (const ValidationPoint& point : curve) best_kappa = std::max(best_kappa, point.kappa);
  CHECK(validation.metrics.kappa == best_kappa);
  Validator validator(read_scene(directory.path() / "scene"), model, 0);
  CHECK(validator.num_samples() == validation.num_samples);
  const ValidationResult again =
      validator.validate(read_weights(directory.path() / "single" / "weights.pt"), 2);
  CHECK(again.metrics == validation.metrics);

  // However the network is divided, and whoever is faster.
  const RunRecord divided =
      run(directory.path(), test::with_replicas(whole, {{0.5, 0.25, 0.25}}), patient_training(),
          "divided");
  CHECK(divided.steps.size() == single.steps.size());
  REQUIRE(divided.validation.has_value());
  CHECK(divided.validation->best_num_steps == validation.best_num_steps);
  CHECK(divided.validation->metrics == validation.metrics);
}

TEST_CASE("the seed changes what is random, and without it nothing changes", "[executor]") {
  const TemporaryDirectory directory;
  write_validated_scene(directory.path() / "scene");
  const std::vector<Stage> whole = test::pipeline_stages(test::training_model(), {});
  TrainingSettings training = patient_training();
  training.steps = 6;
  const RunRecord first = run(directory.path(), whole, training, "first");
  const RunRecord second = run(directory.path(), whole, training, "second");
  CHECK(read_file(directory.path() / "first" / "weights.pt") ==
        read_file(directory.path() / "second" / "weights.pt"));
  CHECK(first.validation == second.validation);
  training.seed = 6;
  const RunRecord other = run(directory.path(), whole, training, "other");
  CHECK(other.steps.front().loss != first.steps.front().loss);
}

}  // namespace
}  // namespace cadastre
