#include "planner/run_calibration/hold_out.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/run_calibration/outcome.h"
#include "tests/planner/run_calibration/synthetic_runs.h"
#include "tests/support/catch.h"

using namespace cadastre;
using namespace cadastre::run_calibration;

namespace {

const synthetic::Noise kNoise = {.of_run = 0.01, .of_instruction = 0.01};

std::vector<MeasuredRun> noisy_runs(int num_rounds = 1) {
  return synthetic::runs(synthetic::truth(), synthetic::thought(), kNoise, 5, num_rounds);
}

}  // namespace

TEST_CASE("a fit is judged by runs that it did not see", "[planner]") {
  std::vector<MeasuredRun> runs = noisy_runs(2);
  std::vector<bool> is_used(runs.size(), true);
  is_used[3] = is_used[6] = false;
  const Judged judged = fit_and_judge(runs, is_used);
  REQUIRE(judged.held_out.runs.size() == 2);
  CHECK(judged.held_out.runs[0].run == "run4");
  CHECK(judged.held_out.runs[1].run == "run7");
  CHECK(judged.used.size() == runs.size() - 2);
  // Links and hosts are not as they were thought to be: a step is off by tens of per cent.
  CHECK(errors_before(judged.held_out.runs).median > 0.15);
  CHECK(errors_after(judged.held_out.runs).worst < 0.05);

  // What a held-out run measured changes nothing.
  runs[3].step_s *= 3;
  CHECK((fit_and_judge(runs, is_used).fit.parameters == judged.fit.parameters));
}

TEST_CASE("without runs held out each is judged by a fit to others", "[planner]") {
  // Of single hosts, which are fitted soonest.
  std::vector<MeasuredRun> all = noisy_runs(2);
  std::vector<MeasuredRun> runs = {all[0], all[1], all[8], all[9], all[0], all[1]};
  const Judged judged = fit_and_judge(runs, std::vector<bool>(runs.size(), true));
  CHECK(judged.held_out.method == "leave one out");
  REQUIRE(judged.held_out.runs.size() == runs.size());
  CHECK(errors_after(judged.held_out.runs).median < errors_before(judged.held_out.runs).median / 3);
  // Left out itself, a run does not judge itself: with another step it is judged by the same fit.
  const double after_s = judged.held_out.runs[4].after_s;
  runs[4].step_s *= 2;
  CHECK(fit_and_judge(runs, std::vector<bool>(runs.size(), true)).held_out.runs[4].after_s ==
        after_s);

  const std::vector<MeasuredRun> one = {runs[0]};
  CHECK(fit_and_judge(one, {true}).held_out.method == "none");
  const std::vector<MeasuredRun> many(11, runs[0]);
  CHECK(cross_validate(many, starting_point(many)).method == "5 folds");
}

TEST_CASE("a fraction of the runs is held out evenly, and never all or none", "[planner]") {
  CHECK(evenly_used(6, 0.34) == std::vector<bool>{true, false, true, true, false, true});
  for (std::size_t count = 2; count < 20; ++count)
    for (const double fraction : {1e-9, 0.3, 0.5, 1 - 1e-9}) {
      const std::vector<bool> is_used = evenly_used(count, fraction);
      const auto held = std::count(is_used.begin(), is_used.end(), false);
      CHECK(held >= 1);
      CHECK(held < static_cast<std::ptrdiff_t>(count));
    }
}

TEST_CASE("the fitted cluster says once what it was fitted to", "[planner]") {
  const std::vector<MeasuredRun> runs = noisy_runs();
  std::vector<bool> is_used(runs.size(), true);
  is_used[7] = false;
  Judged judged = fit_and_judge(runs, is_used);
  judged.fit.constants.cluster.description = "Three machines. Calibrated by 2 runs (x, y): z.";
  const std::string description = described_cluster(judged).description;
  CHECK(description.starts_with(
      "Three machines. Calibrated by 7 runs (run1, run2, run3, run4, run5, run6 and 1 more): "
      "relative speed of node1 0."));
  CHECK(description.find("runs that were not used (runs held out)") != std::string::npos);
  CHECK(description.find("(x, y)") == std::string::npos);
  const nlohmann::json document = outcome_json(judged);
  CHECK(document.at("parameters").size() == judged.fit.parameters.size());
  CHECK(document.at("held_out").at("runs").size() == 1);
}
