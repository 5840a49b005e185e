// A run that is broken off goes on from its checkpoint, under the same plan or another, as if it
// had never been.
#include <algorithm>
#include <cmath>
#include <functional>

#include "executor/checkpoint/checkpoint_reader.h"
#include "executor/training_run.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/validate.h"
#include "tests/executor/processes.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::branch_stages;
using test::pipeline_stages;
using test::with_replicas;

constexpr std::int64_t kNumSteps = 12;
constexpr std::int64_t kEvery = 3;
constexpr double kTolerance = 1e-5;

class World {
 public:
  World() : model_(test::training_model(test::WithDropout::kYes)) {
    test::write_training_scene(path("scene"));
  }

  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }

  [[nodiscard]] const ModelGraph& model() const { return model_; }

  [[nodiscard]] std::vector<Stage> branches() const {
    return branch_stages(model_, {"image", "height", ""});
  }

  RunRequest request(const std::vector<Stage>& stages, const std::string& output,
                     std::int64_t averaging_period = 0) const {
    PlanDocument document = test::plan_document(model_, stages, 2, Schedule::kGpipe);
    document.plan.averaging_period = averaging_period;
    return request(document, output);
  }

  RunRequest request(const PlanDocument& document, const std::string& output) const {
    write_file(path("plan.json"), json_text(to_json(document)));
    RunRequest request;
    request.plan = path("plan.json");
    request.scene = path("scene");
    request.output = path(output);
    request.training = {.epochs = 2,
                        .max_steps = kNumSteps,
                        .optimizer = OptimizerKind::kAdamW,
                        .learning_rate = 0.01,
                        .average_decay = 0.9,
                        .settle_steps = 1,
                        .seed = 7};
    request.checkpoint_every = kEvery;
    return request;
  }

  /// Ends the run once it has checkpoints of so many steps.
  void break_off(const RunRequest& request, std::int64_t num_steps) const {
    const fs::path awaited = checkpoint_directory(request.output / "checkpoints", num_steps);
    const auto stop = [&](const RunProgress& now) {
      // Steps go on meanwhile: it is broken off anywhere after the checkpoint.
      if (now.done >= num_steps && fs::exists(awaited)) throw std::runtime_error("broken off");
    };
    // On a machine that has much else to do, training can be through before the checkpoint is
    // written.
    constexpr int kMostTries = 20;
    std::string why;
    for (int i = 0; i < kMostTries && why.empty(); ++i) {
      fs::remove_all(request.output);
      try {
        static_cast<void>(run_training(request, stop));
      } catch (const std::runtime_error& error) {
        why = error.what();
      }
    }
    CHECK_THAT(why, Catch::Contains("broken off"));
    CHECK(test::processes_that_name(directory_.path()).empty());
  }

 private:
  TemporaryDirectory directory_;
  ModelGraph model_;
};

RunRecord trained(const RunRequest& request) {
  return run_training(request, [](const RunProgress&) {});
}

double weight_difference(const fs::path& one, const fs::path& other) {
  const Weights first = read_weights(one / "weights.pt");
  const Weights second = read_weights(other / "weights.pt");
  REQUIRE(first.size() == second.size());
  double worst = 0;
  for (const auto& [name, tensor] : first) {
    const double largest = std::max(1e-12, second.at(name).abs().max().item<double>());
    worst = std::max(worst, (tensor - second.at(name)).abs().max().item<double>() / largest);
  }
  return worst;
}

double loss_difference(const RunRecord& one, const RunRecord& other) {
  REQUIRE(one.steps.size() == other.steps.size());
  double worst = 0;
  for (std::size_t i = 0; i < one.steps.size(); ++i)
    worst = std::max(worst, std::abs(one.steps[i].loss / other.steps[i].loss - 1));
  return worst;
}

TEST_CASE("a run goes on under the same plan to the same bytes", "[executor]") {
  const World world;
  const RunRequest whole = world.request(world.branches(), "whole");
  const RunRecord undisturbed = trained(whole);
  RunRequest broken = world.request(world.branches(), "broken");
  world.break_off(broken, 6);
  broken.resumes = true;
  const RunRecord resumed = trained(broken);
  CHECK(read_file(whole.output / "weights.pt") == read_file(broken.output / "weights.pt"));
  CHECK(loss_difference(resumed, undisturbed) < 1e-12);
  REQUIRE(!resumed.notes.empty());
  CHECK(resumed.notes.back().find("went on from ") != std::string::npos);
  CHECK(resumed.measured_step_s > 0);
  // Only the last are kept.
  CHECK(checkpoint_directories(broken.output / "checkpoints").size() == 2);
}

TEST_CASE("a run goes on under any other plan as it would have", "[executor]") {
  const World world;
  const RunRecord undisturbed = trained(world.request(world.branches(), "whole"));
  const RunRequest broken = world.request(world.branches(), "broken");
  world.break_off(broken, 6);
  const std::vector<Stage> whole = pipeline_stages(world.model(), {});
  const std::vector<Stage> three = pipeline_stages(world.model(), {"image.norm1", "fusion"});
  const std::vector<Stage> four =
      pipeline_stages(world.model(), {"image.relu1", "image.norm2", "height.relu1"});

  struct Other {
    std::string name;
    std::vector<Stage> stages;
    std::int64_t micro_batches;
    Schedule schedule;
  };

  const std::vector<Other> others = {
      {"single", whole, 4, Schedule::kGpipe},
      {"replicas", with_replicas(whole, {{0.5, 0.25, 0.25}}), 2, Schedule::kGpipe},
      {"pipeline", three, 4, Schedule::kOneForwardOneBackward},
      {"interleaved", test::on_hosts(three, {{1}, {2}, {1}}), 4, Schedule::kInterleaved},
      {"hybrid", with_replicas(world.branches(), {{0.5, 0.5}, {1}, {0.75, 0.25}}), 2,
       Schedule::kGpipe},
      {"recomputing replicas of several stages",
       test::recomputing(test::on_hosts(four, {{1, 2}, {3, 1, 2}, {2}, {2, 1}}), {0, 1}), 2,
       Schedule::kInterleaved},
  };
  for (const auto& [name, stages, micro_batches, schedule] : others) {
    INFO(name);
    RunRequest other =
        world.request(test::plan_document(world.model(), stages, micro_batches, schedule), name);
    fs::copy(broken.output, other.output, fs::copy_options::recursive);
    other.resumes = true;
    const RunRecord resumed = trained(other);
    CHECK(loss_difference(resumed, undisturbed) < kTolerance);
    CHECK(weight_difference(other.output, world.path("whole")) < kTolerance);
  }
}

TEST_CASE("replicas that average go on with what each remembers", "[executor]") {
  const World world;
  const std::vector<Stage> replicas =
      with_replicas(pipeline_stages(world.model(), {}), {{0.5, 0.5}});
  const RunRequest whole = world.request(replicas, "whole", 2);
  static_cast<void>(trained(whole));
  RunRequest broken = world.request(replicas, "broken", 2);
  world.break_off(broken, 4);  // of every 3, as often as they average
  broken.resumes = true;
  static_cast<void>(trained(broken));
  CHECK(read_file(whole.output / "weights.pt") == read_file(broken.output / "weights.pt"));
}

/// Damages the newest of a run's checkpoints.
struct Damage {
  std::string reason;  ///< that is given
  std::function<void(const fs::path& newest)> apply;
};

std::vector<Damage> damages() {
  const auto part = [](const fs::path& newest) { return newest / "weights-0.pt"; };
  return {
      {"expected checksum ",
       [=](const fs::path& newest) {
         std::string bytes = read_file(part(newest));
         bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
         write_file(part(newest), bytes);
       }},
      {" bytes, found ",
       [=](const fs::path& newest) {
         fs::resize_file(part(newest), fs::file_size(part(newest)) - 1);
       }},
      {"weights-0.pt: expected a file, found none",
       [=](const fs::path& newest) { fs::remove(part(newest)); }},
      {"manifest.json: expected ",
       [](const fs::path& newest) { fs::resize_file(newest / kManifestName, 40); }},
      {"cadastre-checkpoint/9",
       [](const fs::path& newest) {
         std::string text = read_file(newest / kManifestName);
         text.replace(text.find("checkpoint/1"), 12, "checkpoint/9");
         write_file(newest / kManifestName, text);
       }},
  };
}

TEST_CASE("what is unsound is passed over, and said to be", "[executor]") {
  const World world;
  const RunRequest broken = world.request(world.branches(), "broken");
  world.break_off(broken, 6);
  const std::vector<fs::path> all = checkpoint_directories(broken.output / "checkpoints");
  REQUIRE(all.size() == 2);
  CHECK(validate_document(all.back() / kManifestName) == "checkpoint");
  RunRequest damaged = broken;
  damaged.output = world.path("damaged");
  for (const Damage& damage : damages()) {
    INFO(damage.reason);
    fs::remove_all(damaged.output);
    fs::copy(broken.output, damaged.output, fs::copy_options::recursive);
    const fs::path directory = damaged.output / "checkpoints";
    damage.apply(directory / all.back().filename());
    std::vector<std::string> notes;
    const std::optional<SoundCheckpoint> found = newest_checkpoint(directory, notes);
    REQUIRE(found);
    CHECK(found->directory == directory / all.front().filename());
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Catch::Contains(damage.reason) && Catch::Contains("passed over"));
  }
  damaged.resumes = true;
  const RunRecord undisturbed = trained(world.request(world.branches(), "whole"));
  const RunRecord resumed = trained(damaged);
  CHECK(loss_difference(resumed, undisturbed) < 1e-12);
  CHECK(std::any_of(resumed.notes.begin(), resumed.notes.end(), [](const std::string& note) {
    return note.find("passed over") != std::string::npos;
  }));
}

TEST_CASE("the newest checkpoint is that of most steps, whatever the clock said", "[executor]") {
  const World world;
  const RunRequest broken = world.request(world.branches(), "broken");
  world.break_off(broken, 6);
  const fs::path directory = broken.output / "checkpoints";
  const std::vector<fs::path> all = checkpoint_directories(directory);
  REQUIRE(all.size() == 2);
  const auto now = fs::file_time_type::clock::now();
  constexpr std::chrono::hours kJump{24 * 365 * 20};
  for (const auto& [checkpoint, time] :
       {std::pair(all.front(), now + kJump), std::pair(all.back(), now - kJump)}) {
    for (const fs::directory_entry& file : fs::directory_iterator(checkpoint))
      fs::last_write_time(file, time);
    fs::last_write_time(checkpoint, time);
  }
  std::vector<std::string> notes;
  const std::optional<SoundCheckpoint> found = newest_checkpoint(directory, notes);
  REQUIRE(found);
  CHECK(found->directory == all.back());
  CHECK(notes.empty());
}

TEST_CASE("a checkpoint of something else is refused by name", "[executor]") {
  const World world;
  RunRequest broken = world.request(world.branches(), "broken");
  world.break_off(broken, 3);
  broken.resumes = true;
  SECTION("of other settings") {
    broken.training.learning_rate = 0.02;
    CHECK_THROWS_WITH(trained(broken), Catch::Contains("manifest.json: /training: expected") &&
                                           Catch::Contains("learning_rate"));
  }
  SECTION("of another model") {
    const ModelGraph other = test::training_model();
    RunRequest request = world.request(
        test::plan_document(other, pipeline_stages(other, {}), 2, Schedule::kGpipe), "broken");
    request.resumes = true;
    CHECK_THROWS_WITH(trained(request), Catch::Contains("manifest.json: /model: expected"));
  }
  SECTION("of other samples") {
    test::write_training_scene(world.path("scene"), 48);
    CHECK_THROWS_WITH(trained(broken), Catch::Contains("/samples: expected"));
  }
  SECTION("of more steps") {
    broken.training.max_steps = 2;
    CHECK_THROWS_AS(trained(broken), InputError);
  }
}

TEST_CASE("where there is no checkpoint training begins, and says so", "[executor]") {
  const World world;
  RunRequest request = world.request(pipeline_stages(world.model(), {}), "run");
  request.resumes = true;
  const RunRecord record = trained(request);
  REQUIRE(!record.notes.empty());
  CHECK(record.notes.back().find("training began anew") != std::string::npos);
}

}  // namespace
}  // namespace cadastre
