#include "planner/fidelity/summary.h"

#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::WithinAbs;
using Catch::WithinRel;

FidelityPoint point(std::size_t group, const std::string& strategy, double measured_s,
                    double simulated_s) {
  FidelityPoint point{.group = group, .asked = {.strategy = strategy}};
  point.plan = {
      .batch_size = 8,
      .stages = {{.first_layer = "a", .last_layer = "b", .num_layers = 2, .hosts = {"h"}}}};
  point.num_hosts = 1;
  point.runs = {{.step_s = measured_s, .median_s = measured_s, .agrees = true},
                {.step_s = 1.01 * measured_s, .median_s = measured_s, .agrees = true}};
  point.measured = {.step_s = measured_s,
                    .traffic_bytes = 10,
                    .hosts = {{.host = "h", .compute_s = measured_s, .peak_memory_bytes = 150}}};
  point.predicted = {.step_s = simulated_s,
                     .traffic_bytes = 10,
                     .hosts = {{.host = "h", .compute_s = simulated_s, .peak_memory_bytes = 50}}};
  point.simulated = point.predicted;
  point.explanation = "why";
  return point;
}

/// Two groups: in the first the best plan is chosen, in the second, held out, one that is 10 %
/// worse.
Fidelity two_groups() {
  Fidelity fidelity{.suite = "two", .description = "", .machine = "a machine", .num_processors = 2};
  const auto group = [](const std::string& model, bool held_out) {
    return FidelityGroup{.model = model,
                         .cluster = "c",
                         .batch_size = 8,
                         .held_out = held_out,
                         .plans = {{.strategy = "single"}, {.strategy = "pipeline"}}};
  };
  fidelity.groups = {group("first", false), group("second", true)};
  fidelity.points = {point(0, "single", 2, 2.1), point(0, "pipeline", 1, 0.98),
                     point(1, "single", 1.1, 1), point(1, "pipeline", 1, 1.2)};
  return fidelity;
}

TEST_CASE("errors are summed up by size, and their mean keeps the sign", "[planner]") {
  const ErrorSummary summary = error_summary({-0.1, 0.02, 0.04});
  CHECK(summary.median == 0.04);
  CHECK_THAT(summary.p95, WithinRel(0.094, 1e-9));
  CHECK(summary.worst == 0.1);
  CHECK_THAT(summary.mean, WithinAbs(-0.04 / 3, 1e-12));
  CHECK(error_summary({}).median == 0);
}

TEST_CASE("Kendall's tau counts pairs in order, and allows for ties", "[planner]") {
  CHECK(kendall_tau({1, 2, 3}, {10, 20, 30}) == 1);
  CHECK(kendall_tau({1, 2, 3}, {30, 20, 10}) == -1);
  // Of three pairs two are in order, one is not.
  CHECK_THAT(kendall_tau({1, 2, 3}, {10, 30, 20}), WithinRel(1.0 / 3, 1e-12));
  // scipy.stats.kendalltau([1, 2, 2, 3], [1, 2, 3, 4]): 0.912870929175277.
  CHECK_THAT(kendall_tau({1, 2, 2, 3}, {1, 2, 3, 4}), WithinRel(0.912870929175277, 1e-12));
  CHECK(kendall_tau({1, 1}, {1, 2}) == 0);
}

TEST_CASE("regret is what choosing by the prediction costs", "[planner]") {
  const std::vector<RankedGroup> ranked = rank_groups(two_groups(), &FidelityPoint::simulated);
  REQUIRE(ranked.size() == 2);
  CHECK(ranked[0].tau == 1);
  CHECK(ranked[0].chosen == 1);
  CHECK(ranked[0].regret == 0);
  CHECK(ranked[1].tau == -1);
  CHECK(ranked[1].chosen == 2);
  CHECK(ranked[1].best == 3);
  CHECK_THAT(ranked[1].regret, WithinRel(0.1, 1e-9));
}

TEST_CASE("two strategies that came to the same plan are one", "[planner]") {
  Fidelity fidelity = two_groups();
  // What is predicted to be best, once more; it ran slower this time.
  fidelity.groups[0].plans.push_back({.strategy = "auto"});
  FidelityPoint again = point(0, "auto", 1.2, 0.98);
  fidelity.points.insert(fidelity.points.begin(), again);
  std::vector<RankedGroup> ranked = rank_groups(fidelity, &FidelityPoint::simulated);
  CHECK(ranked[0].num_plans == 2);
  CHECK(ranked[0].chosen == ranked[0].best);
  CHECK(ranked[0].regret == 0);
  // Of other shares, it is another.
  again.predicted.step_s = 0.97;
  fidelity.points.front() = again;
  ranked = rank_groups(fidelity, &FidelityPoint::predicted);
  CHECK(ranked[0].num_plans == 3);
  CHECK_THAT(ranked[0].regret, WithinRel(0.2, 1e-9));
}

TEST_CASE("plans that average parameters and plans without figures are no rivals", "[planner]") {
  Fidelity fidelity = two_groups();
  fidelity.points[1].plan.averaging_period = 4;
  fidelity.points[2].error = "did not run";
  CHECK(rank_groups(fidelity, &FidelityPoint::simulated).empty());
}

TEST_CASE("what is held out is summed up apart", "[planner]") {
  const std::vector<FidelitySummary> summaries = summarize(two_groups());
  REQUIRE(summaries.size() == 3);
  CHECK(summaries[0].part == "all");
  CHECK(summaries[0].num_points == 4);
  const FidelitySummary& held_out = summaries[2];
  CHECK(held_out.part == "held out");
  CHECK(held_out.num_points == 2);
  CHECK_THAT(held_out.simulated.step.worst, WithinRel(0.2, 1e-9));
  CHECK(held_out.simulated.num_traffic_exact == 2);
  CHECK(held_out.simulated.num_groups == 1);
  CHECK(held_out.simulated.num_best == 0);
  CHECK(held_out.process_bytes == 100);
  CHECK(held_out.memory.worst == 0);
  CHECK_THAT(held_out.median_noise, WithinRel(0.01, 1e-9));
}

TEST_CASE("a summary says how far apart the steps of a run are", "[planner]") {
  Fidelity fidelity = two_groups();
  // Of all runs, whether they agree or not: 10 %, 20 % and 30 %, and nothing of a point without.
  fidelity.points.resize(2);
  fidelity.points[0].runs = {{.step_s = 1.9, .median_s = 2, .spread_s = 0.2, .agrees = true},
                             {.step_s = 2.4, .median_s = 3, .spread_s = 0.9, .agrees = false}};
  fidelity.points[1].runs = {{.step_s = 0.9, .median_s = 1, .spread_s = 0.2, .agrees = true}};
  CHECK_THAT(summarize(fidelity)[0].median_spread, WithinRel(0.2, 1e-9));
  fidelity.points[1].error = "did not run";
  CHECK_THAT(summarize(fidelity)[0].median_spread, WithinRel(0.2, 1e-9));
  fidelity.points[0].runs.resize(1);
  CHECK_THAT(summarize(fidelity)[0].median_spread, WithinRel(0.1, 1e-9));
  CHECK_THAT(to_json(summarize(fidelity)[0]).at("median_spread").get<double>(),
             WithinRel(0.1, 1e-9));
}

TEST_CASE("runs that do not agree show how far apart they are", "[planner]") {
  FidelityPoint disturbed = point(0, "single", 2, 2);
  disturbed.runs[1] = {.step_s = 2.5, .median_s = 2.5, .agrees = false};
  disturbed.runs.push_back({.step_s = 4, .median_s = 4, .agrees = false});
  const FidelityMethod method{.num_runs = 2};
  CHECK(is_disturbed(disturbed, method));
  // 2.5 s is the median; 2 s is nearer to it than 4 s.
  CHECK_THAT(*noise_of(disturbed, method), WithinRel(0.2, 1e-9));
  disturbed.runs.resize(1);
  CHECK_FALSE(noise_of(disturbed, method));
}

TEST_CASE("the points of the largest errors come first", "[planner]") {
  CHECK(worst_points(two_groups(), 2) == std::vector<std::size_t>{3, 2});
}

TEST_CASE("a comparison comes back from JSON, and what follows from it is not read", "[planner]") {
  Fidelity fidelity = two_groups();
  FidelityPoint failed;
  failed.group = 1;
  failed.asked.strategy = "single";
  failed.error = "run 1: killed";
  failed.failures = {"run 1: killed"};
  fidelity.points[2] = failed;
  AblationFigures ablation;
  ablation.name = "transport";
  ablation.left_out = "what messages take";
  ablation.simulated = {.num_points = 2, .error_with = 0.1, .error_without = 0.3};
  ablation.held_out_predicted = {.num_points = 1, .error_with = 0.2};
  fidelity.ablations = {ablation};
  fidelity.host_speeds = {{.group = 1,
                           .host = "h",
                           .num_threads = 2,
                           .stated = 0.5,
                           .measured = 1,
                           .beside_others = 0.9},
                          {.group = 1, .host = "i", .stated = 0.25, .failures = {"profile 1: no"}}};
  nlohmann::json document = to_json(fidelity);
  const std::string file = "fidelity.json";
  CHECK(fidelity_from_json(JsonPlace(document, file, "")) == fidelity);
  CHECK(document.at("summaries").size() == 3);
  document["worst"] = "nonsense";
  CHECK(fidelity_from_json(JsonPlace(document, file, "")) == fidelity);
  document["points"][0]["group"] = 2;
  CHECK_THROWS_WITH(
      fidelity_from_json(JsonPlace(document, file, "")),
      Catch::Contains("fidelity.json: /points/0/group: expected") && Catch::Contains("found 2"));
}

TEST_CASE("a table has a line a point, and fields with commas in quotes", "[planner]") {
  Fidelity fidelity = two_groups();
  fidelity.points[0].asked.micro_batches = 4;
  fidelity.points[2].error = "run 1: \"killed\"";
  fidelity.host_speeds = {
      {.group = 0, .host = "h", .stated = 0.5, .measured = 0.4, .beside_others = 0.3},
      {.group = 1, .host = "i", .stated = 0.25, .failures = {"profile 1: no"}},
      {.group = 1, .host = "j", .num_threads = 2, .stated = 0.5}};
  const std::string csv = fidelity_csv(fidelity);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 5);
  CHECK_THAT(csv, Catch::Contains("\"single, 4 micro-batches\""));
  CHECK_THAT(csv, Catch::Contains("\"run 1: \"\"killed\"\"\""));
  const std::string text = fidelity_text(fidelity);
  CHECK_THAT(text, Catch::Contains("not measured: second on c, batch 8, single: run 1"));
  CHECK_THAT(text, Catch::Contains("+20.0 %"));
  CHECK_THAT(text, Catch::Contains(
                       "first on c, batch 8, h: 0.40 of a whole processor (0.30 beside the other "
                       "hosts), 0.50 stated"));
  CHECK_THAT(text, Catch::Contains("i: 0.25 of a whole processor as stated, not measured\n"
                                   "    profile 1: no\n"));
  CHECK_THAT(text, Catch::Contains("j: 0.50 of 2 whole processors as stated, not measured\n"));
}

}  // namespace
}  // namespace cadastre
