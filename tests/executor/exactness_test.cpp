// The heart of the runtime: however a network is divided, it trains as it would undivided.
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "executor/training_run.h"
#include "executor/weights.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/program.h"
#include "planner/timeline.h"
#include "planner/validate.h"
#include "tests/executor/processes.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::branch_stages;
using test::on_hosts;
using test::pipeline_stages;
using test::recomputing;
using test::with_replicas;

/// Relative; per tensor, of the largest absolute value. Over the twelve steps here a float32's
/// rounding (6e-8) grows a few dozen times.
constexpr double kTolerance = 1e-5;

/// More than an epoch, so that two sample orders are seen.
constexpr std::int64_t kNumSteps = 12;
static_assert(kNumSteps > test::kNumTrainSamples / test::kBatchSize);

constexpr Schedule kGpipe = Schedule::kGpipe;
constexpr Schedule kOneForwardOneBackward = Schedule::kOneForwardOneBackward;
constexpr Schedule kInterleaved = Schedule::kInterleaved;

struct Training {
  RunRecord record;
  Weights weights;
  Timeline timeline;
  std::string weights_bytes;
};

/// Trains in a directory of its own, and looks at what a run must always leave, and must not.
class Trainer {
 public:
  explicit Trainer(test::WithDropout dropout = test::WithDropout::kNo)
      : model_(test::training_model(dropout)) {
    test::write_training_scene(directory_.path() / "scene");
  }

  [[nodiscard]] const ModelGraph& model() const { return model_; }

  Training train(const std::vector<Stage>& stages, std::int64_t micro_batches, Schedule schedule) {
    const fs::path plan = directory_.path() / "plan.json";
    const fs::path output = directory_.path() / ("run" + std::to_string(num_runs_++));
    const PlanDocument document = test::plan_document(model_, stages, micro_batches, schedule);
    write_file(plan, json_text(to_json(document)));
    std::int64_t last_step = 0;
    Training training;
    training.record = run_training({.plan = plan,
                                    .model = {},
                                    .scene = directory_.path() / "scene",
                                    .rasters = {},
                                    .output = output,
                                    .training = {.epochs = 2, .max_steps = kNumSteps, .seed = 7},
                                    .checkpoint_every = 0},
                                   [&](const RunProgress& progress) {
                                     if (progress.part != RunProgress::Part::kTraining) return;
                                     CHECK(progress.done > last_step);
                                     CHECK(progress.total == kNumSteps);
                                     last_step = progress.done;
                                   });
    CHECK(last_step == kNumSteps);
    CHECK(validate_document(output / "run.json") == "run");
    CHECK(validate_document(output / "timeline.json") == "timeline");
    CHECK(read_plan(output / "plan.json").profile == document.profile);
    CHECK(read_plan(output / "plan.json").cluster == document.cluster);
    // In parentheses: they cannot be printed.
    CHECK((read_plan(output / "plan.json").plan.stages == document.plan.stages));
    CHECK(read_run(output / "run.json") == training.record);
    CHECK_FALSE(fs::exists(output / ".parts"));
    CHECK(std::distance(fs::directory_iterator(output), {}) == 5);
    CHECK(test::processes_that_name(directory_.path()).empty());
    training.weights = read_weights(output / "weights.pt");
    training.weights_bytes = read_file(output / "weights.pt");
    training.timeline = read_timeline(output / "timeline.json");
    check_program(document, training);
    return training;
  }

 private:
  /// What was measured is the program, instruction by instruction.
  static void check_program(const PlanDocument& document, const Training& training) {
    const Program program = lower(document.plan, document.profile.model, document.cluster);
    CHECK(training.record.traffic_bytes_per_step == traffic_bytes(program));
    CHECK(training.timeline.source == "measured");
    std::vector<Instruction> planned;
    for (const RankProgram& rank : program.ranks)
      for (Instruction instruction : rank.instructions) {
        instruction.samples = {};
        instruction.message = -1;
        instruction.bucket = -1;
        planned.push_back(instruction);
      }
    std::vector<Instruction> measured;
    for (const TimelineEvent& event : training.timeline.events) {
      measured.push_back({.kind = event.kind,
                          .stage = event.stage,
                          .micro_batch = event.micro_batch,
                          .samples = {},
                          .layer = event.layer,
                          .peer = event.peer,
                          .message = -1,
                          .bytes = event.bytes});
      CHECK(event.end_s >= event.start_s);
    }
    CHECK((planned == measured));  // in parentheses: they cannot be printed
  }

  TemporaryDirectory directory_;
  ModelGraph model_;
  int num_runs_ = 0;
};

struct Difference {
  double value = 0;
  std::string where;

  void see(double difference, const std::string& name) {
    // Not `>`: a NaN is the worst of all.
    if (!(difference <= value)) *this = {.value = difference, .where = name};
  }
};

Difference loss_difference(const RunRecord& run, const RunRecord& reference) {
  REQUIRE(run.steps.size() == reference.steps.size());
  Difference worst;
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    worst.see(std::abs(run.steps[i].loss - reference.steps[i].loss) / reference.steps[i].loss,
              "step " + std::to_string(i));
  return worst;
}

Difference weight_difference(const Weights& weights, const Weights& reference) {
  REQUIRE(weights.size() == reference.size());
  Difference worst;
  for (const auto& [name, expected] : reference) {
    REQUIRE(weights.count(name) == 1);
    const at::Tensor& found = weights.at(name);
    REQUIRE(found.sizes() == expected.sizes());
    const at::Tensor scale = expected.to(at::kDouble).abs().max();
    REQUIRE(scale.item<double>() > 0);
    worst.see(
        ((found.to(at::kDouble) - expected.to(at::kDouble)).abs().max() / scale).item<double>(),
        name);
  }
  return worst;
}

void check_same(const std::string& name, const Training& training, const Training& reference) {
  const Difference loss = loss_difference(training.record, reference.record);
  const Difference weights = weight_difference(training.weights, reference.weights);
  std::printf("%-34s loss differs by %.1e (%s), weights by %.1e (%s)\n", name.c_str(), loss.value,
              loss.where.c_str(), weights.value, weights.where.c_str());
  INFO(name);
  CHECK(loss.value <= kTolerance);
  CHECK(weights.value <= kTolerance);
}

struct Case {
  std::string name;
  std::vector<Stage> stages;
  std::int64_t micro_batches = 1;
  Schedule schedule = kGpipe;
};

/// Trains undivided, then as each case says, and compares.
void check_cases(Trainer& trainer, const std::vector<Case>& cases) {
  const Training reference = trainer.train(pipeline_stages(trainer.model(), {}), 1, kGpipe);
  // Else the comparison would say little: the network does learn.
  CHECK(reference.record.steps.back().loss < 0.7 * reference.record.steps.front().loss);
  for (const Case& division : cases)
    check_same(division.name + ", " + std::to_string(division.micro_batches) + " micro-batches, " +
                   schedule_name(division.schedule),
               trainer.train(division.stages, division.micro_batches, division.schedule),
               reference);
}

/// A few of each kind, as processes: `interpreter_test.cpp` has the many.
TEST_CASE("ranks that are processes train as one host does", "[executor]") {
  Trainer trainer;
  const std::vector<Stage> whole = pipeline_stages(trainer.model(), {});
  // The cuts lie inside the residual block or just behind it: tensors skip stages.
  const std::vector<Stage> three = pipeline_stages(trainer.model(), {"image.relu1", "image.conv2"});
  const std::vector<Stage> four =
      pipeline_stages(trainer.model(), {"image.relu1", "image.norm2", "height.relu1"});
  const std::vector<Stage> branches = branch_stages(trainer.model(), {"image", "height", ""});
  check_cases(trainer,
              {{"single", whole, 4, kGpipe},
               // Three groups a micro-batch: the last replica has none, in any of them.
               {"3 replicas", with_replicas(whole, {{0.6, 0.3, 0.1}}), 4, kGpipe},
               {"3 stages", three, 4, kOneForwardOneBackward},
               {"replicas of 2, 1, 2, recomputing",
                recomputing(with_replicas(branches, {{0.4, 0.6}, {1}, {0.7, 0.3}}), {0, 1, 2}), 4,
                kOneForwardOneBackward},
               // Pieces of one tensor come from the rank itself and from others.
               {"stages of 2, 3, 1, 2", on_hosts(four, {{1, 2}, {3, 1, 2}, {2}, {2, 1}}), 2,
                kInterleaved}});
}

TEST_CASE("the same seed gives the same bytes of weights", "[executor]") {
  Trainer trainer;
  const std::vector<Stage> stages =
      with_replicas(branch_stages(trainer.model(), {"image", ""}), {{0.5, 0.5}, {1}});
  const Training first = trainer.train(stages, 2, kOneForwardOneBackward);
  const Training second = trainer.train(stages, 2, kOneForwardOneBackward);
  CHECK(first.weights_bytes == second.weights_bytes);
  CHECK(loss_difference(first.record, second.record).value == 0);
}

}  // namespace
}  // namespace cadastre
