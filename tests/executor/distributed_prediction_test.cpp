// Maps that several ranks make: the same bytes as one process's, whatever the plan, and whatever
// becomes of a rank that is not needed.
#include <csignal>
#include <map>

#include "executor/predict/map_prediction.h"
#include "executor/training_run.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
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
using test::with_replicas;

/// A network trained for two steps, and a scene of nine tiles to classify.
class World {
 public:
  explicit World(ModelGraph model = test::training_model()) : model_(std::move(model)) {
    test::write_training_scene(path("scene"));
    constexpr int kSide = 140;
    test::write_training_scene(path("large"), kSide);
    write_plan("single.json", pipeline_stages(model_, {}));
    static_cast<void>(run_training({.plan = path("single.json"),
                                    .model = {},
                                    .scene = path("scene"),
                                    .rasters = {},
                                    .output = path("run"),
                                    .training = {.epochs = 1, .max_steps = 2}},
                                   [](const RunProgress&) {}));
  }

  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }

  [[nodiscard]] const ModelGraph& model() const { return model_; }

  void write_plan(const std::string& name, std::vector<Stage> stages,
                  Schedule schedule = Schedule::kGpipe) const {
    write_file(path(name),
               json_text(to_json(test::plan_document(model_, std::move(stages), 1, schedule))));
  }

  [[nodiscard]] PredictRequest request(const std::string& map) const {
    PredictRequest request;
    request.run = path("run");
    request.scene = path("large");
    request.output = path(map + "/map.tif");
    request.probabilities = true;
    return request;
  }

  /// The ranks that this test has started and that live.
  [[nodiscard]] std::vector<pid_t> ranks() const {
    return test::processes_that_name(directory_.path());
  }

 private:
  TemporaryDirectory directory_;
  ModelGraph model_;
};

MapResult predicted(const PredictRequest& request) {
  return predict_map(request, [](const PredictProgress&) {});
}

void check_same_map(const PredictRequest& one, const PredictRequest& other) {
  for (const char* name : {"map.tif", "map-probabilities.tif", "map.png", "map.json"}) {
    INFO(name);
    // CHECK would print megabytes.
    const bool are_equal = read_file(one.output.parent_path() / name) ==
                           read_file(other.output.parent_path() / name);
    CHECK(are_equal);
  }
}

TEST_CASE("ranks of whole networks make the map of one process", "[executor]") {
  const World world;
  const PredictRequest alone = world.request("alone");
  CHECK(predicted(alone).ranks.empty());

  PredictRequest local = world.request("local");
  local.num_local_ranks = 3;
  const MapResult result = predicted(local);
  check_same_map(alone, local);
  REQUIRE(result.ranks.size() == 3);
  CHECK(result.ranks[0].num_tiles + result.ranks[1].num_tiles + result.ranks[2].num_tiles == 9);
  CHECK(!result.predicted_pixels_per_s);
  CHECK(result.notes.empty());

  world.write_plan("plan.json", with_replicas(pipeline_stages(world.model(), {}), {{0.75, 0.25}}));
  PredictRequest planned = world.request("planned");
  planned.plan = world.path("plan.json");
  const MapResult by_plan = predicted(planned);
  check_same_map(alone, planned);
  CHECK(by_plan.ranks.size() == 2);
  CHECK(by_plan.ranks[0].host == "node1");
  CHECK(!by_plan.predicted_pixels_per_s);  // of patches that share nothing: it would be too low
  CHECK(world.ranks().empty());
}

TEST_CASE("a divided network makes the map of the whole one, however it is divided", "[executor]") {
  const World world;
  const ModelGraph& model = world.model();
  const std::vector<Stage> branches = branch_stages(model, {"image", "height", ""});
  const std::map<std::string, std::vector<Stage>> plans = {
      {"pipeline", pipeline_stages(model, {"image.norm1", "height.conv1"})},
      {"branches", branches},
      {"replicas", with_replicas(branches, {{0.5, 0.5}, {1}, {0.25, 0.75}})},
      {"two stages on a host", on_hosts(branches, {{1}, {2}, {1}})},
  };
  PredictRequest alone = world.request("alone");
  alone.averages_views = true;
  static_cast<void>(predicted(alone));
  for (const auto& [name, stages] : plans) {
    INFO(name);
    world.write_plan("plan.json", stages, Schedule::kInterleaved);
    PredictRequest divided = world.request(name);
    divided.plan = world.path("plan.json");
    divided.averages_views = true;
    CHECK(predicted(divided).ranks.size() > 1);
    check_same_map(alone, divided);
  }
  CHECK(world.ranks().empty());
}

TEST_CASE("a divided network that scores whole windows makes the map of the whole one",
          "[executor]") {
  const World world(test::dense_training_model());
  const PredictRequest alone = world.request("alone");
  static_cast<void>(predicted(alone));
  world.write_plan("plan.json", branch_stages(world.model(), {"image", "height", ""}));
  PredictRequest divided = world.request("divided");
  divided.plan = world.path("plan.json");
  const MapResult result = predicted(divided);
  CHECK(result.ranks.size() == 3);
  CHECK(result.predicted_pixels_per_s.value_or(0) > 0);
  check_same_map(alone, divided);
}

TEST_CASE("the tiles of a rank that is killed go to the others", "[executor]") {
  const World world;
  const PredictRequest alone = world.request("alone");
  static_cast<void>(predicted(alone));
  PredictRequest shared = world.request("shared");
  shared.num_local_ranks = 3;
  bool has_killed = false;
  const MapResult result = predict_map(shared, [&](const PredictProgress&) {
    if (has_killed) return;
    has_killed = true;
    const std::vector<pid_t> ranks = world.ranks();
    if (!ranks.empty()) ::kill(ranks.back(), SIGKILL);
  });
  check_same_map(alone, shared);
  CHECK(world.ranks().empty());
  int num_lost = 0;
  for (const ScoringRank& rank : result.ranks) num_lost += rank.was_lost ? 1 : 0;
  CHECK(num_lost == 1);
  REQUIRE(result.notes.size() == 1);
  CHECK(result.notes[0].find("was killed by signal 9 (Killed), after ") != std::string::npos);
}

TEST_CASE("a divided network that loses a rank names it, and another plan goes on with its work",
          "[executor]") {
  const World world;
  const PredictRequest alone = world.request("alone");
  static_cast<void>(predicted(alone));
  world.write_plan("plan.json", branch_stages(world.model(), {"image", "height", ""}));
  PredictRequest divided = world.request("divided");
  divided.plan = world.path("plan.json");
  bool has_killed = false;
  const auto kill_one = [&](const PredictProgress&) {
    if (has_killed) return;
    has_killed = true;
    const std::vector<pid_t> ranks = world.ranks();
    if (!ranks.empty()) ::kill(ranks.front(), SIGKILL);
  };
  CHECK_THROWS_WITH(predict_map(divided, kill_one),
                    Catch::Contains("was killed by signal 9 (Killed), after ") &&
                        Catch::Contains(" tiles; the other ranks were ended") &&
                        Catch::Contains("(host node"));
  CHECK(world.ranks().empty());

  PredictRequest rest = world.request("divided");
  rest.num_local_ranks = 2;
  CHECK(predicted(rest).num_resumed > 0);
  check_same_map(alone, rest);
}

TEST_CASE("a prediction on ranks is refused where it cannot be", "[executor]") {
  const World world;
  PredictRequest request = world.request("map");
  SECTION("the plan is for another model") {
    const ModelGraph other = test::dense_training_model();
    write_file(world.path("other.json"),
               json_text(to_json(test::plan_document(
                   other, branch_stages(other, {"image", "height", ""}), 1, Schedule::kGpipe))));
    request.plan = world.path("other.json");
    CHECK_THROWS_AS(predicted(request), InputError);
  }
  SECTION("the plan has other ranks") {
    world.write_plan("plan.json", branch_stages(world.model(), {"image", ""}));
    request.plan = world.path("plan.json");
    request.num_local_ranks = 3;
    CHECK_THROWS_WITH(predicted(request), Catch::Contains("2 ranks, as the plan has"));
  }
  SECTION("here and elsewhere") {
    request.num_local_ranks = 2;
    request.launch.hosts = world.path("hosts.txt");
    CHECK_THROWS_WITH(predicted(request), Catch::Contains("found both"));
  }
  SECTION("a raster goes bad") {
    fs::resize_file(world.path("large/image.tif"), 2000);
    request.num_local_ranks = 2;
    CHECK_THROWS_WITH(predicted(request), Catch::Contains("image.tif"));
  }
  CHECK(!fs::exists(request.output));
  CHECK(!fs::exists(request.output.string() + ".partial"));
  CHECK(world.ranks().empty());
}

}  // namespace
}  // namespace cadastre
