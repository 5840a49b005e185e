#include "planner/fidelity/measured_group.h"

#include <fstream>

#include "planner/error.h"
#include "planner/json_reader.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

TEST_CASE("a run's figure is a quantile of its steps after the warm-up", "[planner]") {
  // Steps of 9, 9, 1, 2, 3, 4, 5 s: the first two are the warm-up.
  const std::vector<double> ends_s = {9, 18, 19, 21, 24, 28, 33};
  const FidelityRun run =
      run_figure(ends_s, {.warm_up_steps = 2, .quantile = 0.25}, /*averaging_period=*/0);
  CHECK(run.step_s == 2);
  CHECK(run.median_s == 3);
  CHECK(run.spread_s == 2);
}

TEST_CASE("where parameters are averaged, rounds are measured", "[planner]") {
  // Rounds of 1 + 5 and 2 + 6 s; a step that is left over does not count.
  const std::vector<double> ends_s = {9, 10, 15, 17, 23, 24};
  const FidelityRun run =
      run_figure(ends_s, {.warm_up_steps = 1, .quantile = 0}, /*averaging_period=*/2);
  CHECK(run.step_s == 3);
  CHECK(run.median_s == 3.5);
}

TEST_CASE("as many rounds count as of other plans steps", "[planner]") {
  const FidelityMethod method{.num_steps = 30, .warm_up_steps = 10};
  CHECK(num_steps_of_run(method, 0) == 30);
  CHECK(num_steps_of_run(method, 4) == 90);
}

TEST_CASE("a run without steps that count is refused", "[planner]") {
  CHECK_THROWS_WITH(run_figure({1, 2}, {.warm_up_steps = 2}, 0),
                    "expected more than 3 steps, found 2");
}

TEST_CASE("runs farther from the median one than the tolerance allows do not agree", "[planner]") {
  const FidelityMethod method{.num_runs = 2, .tolerance = 0.05};
  std::vector<FidelityRun> runs = {{.step_s = 1.2}, {.step_s = 1}};
  CHECK_FALSE(note_agreement(runs, method));
  CHECK_FALSE(runs[0].agrees);
  CHECK(runs[1].agrees);
  runs.push_back({.step_s = 1.04});
  CHECK(note_agreement(runs, method));
  // A faster one by itself disturbs none.
  runs.push_back({.step_s = 0.9});
  CHECK(note_agreement(runs, method));
  CHECK_FALSE(runs[3].agrees);
  std::vector<FidelityRun> none;
  CHECK_FALSE(note_agreement(none, method));
}

TEST_CASE("what was measured of a group comes back from its file", "[planner]") {
  const TemporaryDirectory directory;
  MeasuredGroup group{.request = {{"model", "m"}}, .num_profiles = 2, .is_done = true};
  group.profile_failures["node2"] = {"profile 1: too little memory"};
  MeasuredPlan& pipeline = group.plans.emplace_back();
  pipeline.asked.strategy = "pipeline";
  pipeline.asked.micro_batches = 4;
  pipeline.failures = {"run 2: killed"};
  pipeline.runs = {{.step_s = 1, .median_s = 2, .spread_s = 0.5}};
  pipeline.places = {{.directory = "pipeline-4/run-1",
                      .after_profile = 1,
                      .yardsticks_s = {{"node1", 0.5}, {"node2", 0.25}}}};
  group.yardsticks_s = {{"profile-1.json", 0.5}};
  MeasuredPlan& branch = group.plans.emplace_back();
  branch.asked.strategy = "branch";
  branch.error = "no branches";
  const std::filesystem::path file = directory.path() / "measured.json";
  std::ofstream(file) << json_text(to_json(group));
  CHECK(read_measured_group(file) == group);
  // One that was written before there were yardsticks has none.
  nlohmann::json earlier = to_json(group);
  earlier.erase("yardsticks_s");
  earlier["plans"][0]["runs"][0].erase("yardsticks_s");
  std::ofstream(file) << json_text(earlier);
  CHECK(read_measured_group(file).yardsticks_s.empty());
  CHECK(read_measured_group(file).plans[0].places[0].yardsticks_s.empty());
  std::ofstream(file) << "{}";
  CHECK_THROWS_AS(read_measured_group(file), InputError);
}

TEST_CASE("a plan's costs are those of the moments next to its runs that agree", "[planner]") {
  MeasuredPlan plan;
  CHECK(profiles_beside_runs(plan).empty());
  plan.runs = {{.step_s = 1, .agrees = true}, {.step_s = 2}, {.step_s = 1, .agrees = true}};
  plan.places = {{.after_profile = 1}, {.after_profile = 2}, {.after_profile = 2}};
  CHECK(profiles_beside_runs(plan) == std::vector<std::int64_t>{1, 2, 2, 3});
}

TEST_CASE("a plan's moments are those of its runs that agree", "[planner]") {
  MeasuredPlan plan;
  CHECK(yardsticks_beside_runs(plan).empty());
  plan.runs = {{.step_s = 1, .agrees = true}, {.step_s = 2}, {.step_s = 1, .agrees = true}};
  plan.places.resize(3);
  plan.places[0].yardsticks_s = {{"node1", 1}, {"node2", 1}};
  plan.places[1].yardsticks_s = {{"node1", 8}, {"node2", 8}};
  plan.places[2].yardsticks_s = {{"node1", 2}};
  CHECK(yardsticks_beside_runs(plan) == std::map<std::string, double>{{"node1", 1.5}});
}

TEST_CASE("each plan of a group has a directory of its own", "[planner]") {
  CHECK(directory_name({.strategy = "auto"}) == "auto");
  CHECK(directory_name(
            {.strategy = "parameter-averaging", .micro_batches = 2, .averaging_period = 8}) ==
        "parameter-averaging-2-every-8");
}

}  // namespace
}  // namespace cadastre
