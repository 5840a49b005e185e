#include "planner/run_record.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using nlohmann::json;

namespace {

RunRecord sound() {
  const PlanDocument document = worlds::two_stage_document();
  RunRecord run{.model = document.profile.model,
                .strategy = "pipeline",
                .batch_size = 4,
                .micro_batches = 2,
                .schedule = Schedule::kOneForwardOneBackward,
                .stages = document.plan.stages,
                .training = {.epochs = 3, .samples_per_epoch = 100, .max_steps = 7, .seed = 5},
                .scene = {.name = "park",
                          .description = "",
                          .modalities = {{.name = "x", .raster = "/data/x.tif"}},
                          .labels = "/data/labels.tif",
                          .classes = {{.id = 1, .name = "Water", .color = {}}},
                          .split = {.raster = "/data/split.tif"}},
                .predicted_step_s = 0.5,
                .simulated_step_s = 0.625,
                .measured_step_s = 0.75,
                .measured_step_spread_s = 0.01,
                .wall_s = 12,
                .traffic_bytes_per_step = 8000,
                .steps = {{.step = 0, .loss = 2.5, .learning_rate = 0.01, .end_s = 0.5},
                          {.step = 1, .loss = 1.0 / 3, .learning_rate = 0.02, .end_s = 1.5}}};
  run.metrics = Metrics{
      .overall_accuracy = 0.9,
      .average_accuracy = 0.8,
      .kappa = -0.1,
      .classes = {{.name = "Water", .num_samples = 10, .precision = 0.5, .recall = 1, .f1 = 0.75},
                  {.name = "Forest"}},
      .confusion = {{9, 1}, {0, 0}}};
  return run;
}

std::string refused(const json& document) { return refusal_of(document, run_from_json); }

}  // namespace

TEST_CASE("a run goes to JSON and back unchanged", "[planner]") {
  RunRecord run = sound();
  CHECK(documents::reread(to_json(run), run_from_json) == run);
  run.metrics.reset();
  run.simulated_step_s.reset();
  CHECK(documents::reread(to_json(run), run_from_json) == run);
}

TEST_CASE("what a run's hosts did goes to JSON and back unchanged", "[planner]") {
  RunRecord run = sound();
  HostUse use;
  use.host = "node1";
  use.cores = 0.5;
  use.cpu_s_per_step = 0.25;
  use.step_s = 0.75;
  use.sent_bytes_per_step = 1000.5;
  use.received_bytes_per_step = 2000;
  run.host_use = {use, use};
  CHECK(documents::reread(to_json(run), run_from_json) == run);
  json document = to_json(run);
  document["measured"]["hosts"][1]["cores"] = -1;
  CHECK(refused(document).find("/measured/hosts/1/cores: expected") != std::string::npos);
}

TEST_CASE("a run's training and validation go to JSON and back unchanged", "[planner]") {
  RunRecord run = sound();
  run.training = recommended_training(OptimizerKind::kAdamW);
  run.training.loss = {.class_weight_power = 0.5, .focal_gamma = 2, .label_smoothing = 0.1};
  run.training.augmentation.modality_dropout = 0.25;
  run.training.settle_steps = 3;
  run.training.patience = 4;
  run.training.validate_every = 5;
  run.end = RunEnd::kPatience;
  Validation validation;
  validation.num_samples = 12;
  validation.curve = {{.num_steps = 5, .loss = 1, .overall_accuracy = 0.5, .kappa = -0.5},
                      {.num_steps = 10, .loss = 0.5, .average_accuracy = 0.5, .kappa = 0.5}};
  validation.best_num_steps = 10;
  validation.metrics = *run.metrics;
  run.validation = validation;
  CHECK(documents::reread(to_json(run), run_from_json) == run);
  json document = to_json(run);
  document["validation"]["best_num_steps"] = 7;
  CHECK(refused(document).find("/validation/best_num_steps: expected the steps of a point of the "
                               "curve") != std::string::npos);
}

TEST_CASE("runs whose documents do not say trained by SGD, samples as they are", "[planner]") {
  json document = to_json(sound());
  for (const char* key : {"steps", "optimizer", "average_decay", "settle_steps", "loss",
                          "class_balance", "augmentation", "validate_every", "patience"})
    document["training"].erase(key);
  document.erase("ended_by");
  CHECK(documents::reread(document, run_from_json) == sound());
}

TEST_CASE("a run's document has the names that others read", "[planner]") {
  const json document = to_json(sound());
  CHECK(document.at("/predicted/step_s"_json_pointer) == 0.5);
  CHECK(document.at("/simulated/step_s"_json_pointer) == 0.625);
  CHECK(document.at("/measured/step_s"_json_pointer) == 0.75);
  CHECK(document.at("/measured/wall_s"_json_pointer) == 12);
  CHECK(document.at("/steps/0/loss"_json_pointer) == 2.5);
  CHECK(document.at("/metrics/kappa"_json_pointer) == -0.1);
}

TEST_CASE("a confusion matrix that is not square is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/metrics/confusion", {{9, 1}})) ==
        "/metrics/confusion: expected an array of 2, one for each class, found an array of 1");
  CHECK(refused(with(to_json(sound()), "/metrics/confusion/1", {0, 0, 0})) ==
        "/metrics/confusion/1: expected an array of 2, one for each class, found an array of 3");
  CHECK(refused(with(to_json(sound()), "/metrics/confusion/1/0", -1)) ==
        "/metrics/confusion/1/0: expected an integer >= 0, found -1");
}

TEST_CASE("steps that do not ascend are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/steps/1/step", 0)) ==
        "/steps/1/step: expected more than 0, the step before it, found 0");
  CHECK(refused(with(to_json(sound()), "/steps/1/end_s", 0.25)) ==
        "/steps/1/end_s: expected at least 0.5, the end of the step before it, found 0.25");
}

TEST_CASE("absurd numbers in a run are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/metrics/overall_accuracy", 90)) ==
        "/metrics/overall_accuracy: expected a number from 0 to 1, found 90");
  CHECK(refused(with(to_json(sound()), "/training/epochs", 0)) ==
        "/training/epochs: expected an integer >= 1, found 0");
  CHECK(refused(with(to_json(sound()), "/training/learning_rate", -0.1)) ==
        "/training/learning_rate: expected a number > 0, found -0.1");
  CHECK(refused(with(to_json(sound()), "/steps/0/loss", nullptr)) ==
        "/steps/0/loss: expected a number >= 0, found null");
  CHECK(refused(with(to_json(sound()), "/traffic_bytes_per_step", -1)) ==
        "/traffic_bytes_per_step: expected an integer >= 0, found -1");
}

TEST_CASE("a run's stages are those of its model", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/stages/1/layers/0", "layer5")) ==
        "/stages/1/layers/0: expected a layer of the model \"chain\", found \"layer5\", did you "
        "mean \"layer0\"?");
}

TEST_CASE("an unknown key in a run is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/measured/step", 1)) ==
        "/measured/step: expected no such key");
  CHECK(refused(with(to_json(sound()), "/metric", 1)) ==
        "/metric: expected no such key, did you mean \"metrics\"?");
}
