// A short training on real imagery, read from beside the project where it is; it is not shipped.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "executor/training_run.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

double mean_loss(const RunRecord& run, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += run.steps[i].loss;
  return sum / static_cast<double>(end - begin);
}

TEST_CASE("two hosts learn the land cover of Zion from 2,000 pixels", "[executor][slow]") {
  const fs::path source = source_directory();
  const fs::path rasters = source / ".." / "shared" / "data" / "zion_landsat_dem";
  if (!fs::exists(rasters)) {
    WARN("skipped: there is no " << rasters.string());
    return;
  }
  const TemporaryDirectory directory;
  const ModelGraph model = read_model(source / "scenarios/models/zion-two-branch.json");
  // The elevation's branch on one host; the optical one, and what fuses them, on the other.
  PlanDocument plan = test::plan_document(model, test::branch_stages(model, {"elevation", ""}), 2,
                                          Schedule::kOneForwardOneBackward);
  plan.plan.batch_size = 64;
  write_file(directory.path() / "plan.json", json_text(to_json(plan)));

  const RunRecord run = run_training({.plan = directory.path() / "plan.json",
                                      .model = source / "scenarios/models/zion-two-branch.json",
                                      .scene = source / "scenarios/scenes/zion-landsat-dem.json",
                                      .rasters = rasters,
                                      .output = directory.path() / "run",
                                      .training = {.epochs = 1, .samples_per_epoch = 2000},
                                      .max_test_samples = 5000},
                                     [](const RunProgress&) {});

  REQUIRE(run.steps.size() == 2000 / 64);
  const std::size_t num_steps = run.steps.size();
  const double first = mean_loss(run, 0, 5);
  const double last = mean_loss(run, num_steps - 5, num_steps);
  REQUIRE(run.metrics.has_value());
  std::printf("Zion, 2,000 samples: loss %.3f to %.3f, overall accuracy %.1f %%, kappa %.3f\n",
              first, last, 100 * run.metrics->overall_accuracy, run.metrics->kappa);
  CHECK(last < 0.8 * first);
  // Eight classes; the commonest covers 53 % of the test pixels, so kappa says more.
  CHECK(run.metrics->overall_accuracy > 0.45);
  CHECK(run.metrics->kappa > 0.15);
}

}  // namespace
}  // namespace cadastre
