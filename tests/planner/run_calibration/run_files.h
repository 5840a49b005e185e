#pragma once

// Synthetic runs as `cadastre run` leaves them.

#include <nlohmann/json.hpp>
#include <string>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/run_record.h"
#include "tests/planner/run_calibration/synthetic_runs.h"

namespace cadastre::run_calibration::synthetic {

/// Writes run.json, plan.json and timeline.json of a run of five steps.
inline void write_run(const std::filesystem::path& directory, const MeasuredRun& run) {
  RunRecord record;
  record.model = run.document.profile.model;
  record.strategy = run.document.plan.strategy;
  record.batch_size = run.document.plan.batch_size;
  record.micro_batches = run.document.plan.micro_batches;
  record.schedule = run.document.plan.schedule;
  record.stages = run.document.plan.stages;
  record.scene = {.name = "synthetic",
                  .description = "",
                  .modalities = {{.name = "x", .raster = "/data/x.tif"}},
                  .labels = "/data/labels.tif",
                  .classes = {{.id = 1, .name = "Water", .color = {}}},
                  .split = {.raster = "/data/split.tif"}};
  record.measured_step_s = run.step_s;
  constexpr int kSteps = 5;
  for (int step = 0; step < kSteps; ++step)
    record.steps.push_back(
        {.step = step, .loss = 1, .learning_rate = 0.1, .end_s = run.step_s * (step + 2)});
  record.wall_s = record.steps.back().end_s;
  write_file(directory / "run.json", json_text(to_json(record)));
  write_file(directory / "plan.json", json_text(to_json(run.document)));
  write_file(directory / "timeline.json", json_text(to_json(run.timeline)));
}

}  // namespace cadastre::run_calibration::synthetic
