#include "executor/training_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor/checkpoint/checkpoint_reader.h"
#include "executor/launch/rank_hello.h"
#include "executor/learning_rate.h"
#include "executor/predictor.h"
#include "executor/process_setup.h"
#include "executor/restarts.h"
#include "executor/run_check.h"
#include "executor/run_directory.h"
#include "executor/scene_data.h"
#include "executor/timing.h"
#include "executor/trained_ranks.h"
#include "executor/validation.h"
#include "executor/weights.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

int num_processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

Scene with_absolute_paths(Scene scene) {
  for_each_path(scene, [](fs::path& path) { path = fs::absolute(path); });
  return scene;
}

/// Accuracy on the test samples, and how the scene was seen: with what is needed to see another so.
void test(const RunRequest& request, const Weights& weights,
          const std::function<void(const RunProgress&)>& on_progress, RunRecord& record) {
  prepare_process(1);
  StageNetwork network = whole_network(record.model, 0);
  set_weights(network, weights, request.output / "weights.pt");
  SceneData data = load_scene(record.scene, record.model.inputs);
  record.normalization = normalization_of(data);
  record.notes = data.notes;
  data.test = even_choice(data.test, request.max_test_samples);
  record.metrics = test_metrics(
      network, data, patch_size(record.scene, record.model.inputs), record.scene.classes,
      {.num_threads = num_processors(), .progress = [&](std::int64_t done, std::int64_t total) {
         on_progress(
             {.part = RunProgress::Part::kTesting, .done = done, .total = total, .loss = 0});
       }});
}

void check_restarts(const LauncherEnvironment& environment, const RunRequest& request) {
  if (request.max_restarts > 0 || request.replans)
    throw InputError("", "",
                     "expected no --max-restarts and no --replan where " + environment.launcher +
                         " starts the ranks: only it can do so again, with --resume");
}

void check_world_size(const LauncherEnvironment& environment, const CheckedRun& run) {
  const auto num_ranks = static_cast<int>(run.program.ranks.size());
  if (environment.num_ranks != num_ranks)
    throw InputError("", "",
                     "expected " + std::to_string(num_ranks) + " ranks, as the plan has, found " +
                         std::to_string(environment.num_ranks) + " that " + environment.launcher +
                         " started");
}

RunRecord record_of(const RunRequest& request, const CheckedRun& input,
                    const TrainedRanks& trained) {
  const RunSteps& steps = trained.steps;
  const Plan& plan = input.plan.plan;
  RunRecord record{.model = input.plan.profile.model,
                   .strategy = plan.strategy,
                   .batch_size = plan.batch_size,
                   .micro_batches = plan.micro_batches,
                   .schedule = plan.schedule,
                   .wire_dtype = plan.wire_dtype,
                   .stages = plan.stages,
                   .training = request.training,
                   .scene = with_absolute_paths(input.scene),
                   .predicted_step_s = plan.predicted.step_s,
                   .simulated_step_s = plan.simulated_step_s};
  const std::vector<double> ends_s = steps.ends_s();
  for (std::int64_t i = 0; i < steps.num_complete(); ++i)
    record.steps.push_back(
        {.step = i,
         .loss = steps.loss(i),
         .learning_rate = i < trained.num_training_steps
                              ? learning_rate(request.training.learning_rate, i,
                                              input.schedule.num_steps)
                              : 0,
         .end_s = ends_s[static_cast<std::size_t>(i)] - trained.began_s});
  const std::vector<double> durations_s = steps.durations_s();
  if (!durations_s.empty()) {
    const TimingSummary summary = summarize(durations_s);
    record.measured_step_s = summary.median_s;
    record.measured_step_spread_s = summary.spread_s;
  } else if (!record.steps.empty()) {
    record.measured_step_s = record.steps.front().end_s;
  }
  record.end = trained.end;
  record.validation = trained.validation;
  record.wall_s = record.steps.empty() ? 0 : record.steps.back().end_s;
  return record;
}

/// By rank, where all ranks counted.
std::vector<HostUse> host_use_of(const std::vector<StepWindow>& windows, const Timeline& ranks) {
  std::vector<HostUse> all;
  for (std::size_t rank = 0; rank < windows.size(); ++rank) {
    const StepsUse& use = windows[rank].use;
    if (use.num_steps == 0) return {};
    const auto num_steps = static_cast<double>(use.num_steps);
    HostUse& of = all.emplace_back();
    of.host = ranks.ranks[rank].host;
    of.cores = use.cores;
    of.cpu_s_per_step = use.counts.cpu_s / num_steps;
    of.step_s = use.seconds / num_steps;
    of.sent_bytes_per_step = static_cast<double>(use.counts.sent_bytes) / num_steps;
    of.received_bytes_per_step = static_cast<double>(use.counts.received_bytes) / num_steps;
  }
  return all;
}

}  // namespace

std::string request_fingerprint(const RunRequest& request) {
  std::string text = read_file(request.plan) + to_json(request.training).dump();
  if (request.wire_dtype) text += wire_dtype_name(*request.wire_dtype);
  return fingerprint(text);
}

std::vector<std::string> rank_arguments(const RunRequest& request) {
  // What ssh starts is in another directory.
  const auto path = [&](const fs::path& given) {
    return request.launch.hosts.empty() ? given.string() : fs::absolute(given).string();
  };
  std::vector<std::string> arguments = {"rank", "--data", path(request.scene)};
  if (!request.rasters.empty())
    arguments.insert(arguments.end(), {"--rasters", path(request.rasters)});
  return arguments;
}

RunRecord run_training(const RunRequest& request,
                       const std::function<void(const RunProgress&)>& on_progress) {
  const std::optional<LauncherEnvironment> environment = started_by(request.launch);
  std::optional<CheckedRun> checked;
  std::optional<RunDirectory> output;
  try {
    checked = check_run(request);
    if (environment) {
      check_restarts(*environment, request);
      check_world_size(*environment, *checked);
    }
    output.emplace(request.output);
  } catch (const InputError& error) {
    if (environment) refuse_ranks(request.launch, *environment, error.what());
    throw;
  }
  std::vector<std::string> notes;
  const OutlivedTraining outlived = train_with_restarts(
      request, std::move(*checked), on_progress, [&](const std::vector<std::string>& more) {
        for (const std::string& note : more) {
          notes.push_back(note);
          on_progress({.part = RunProgress::Part::kTraining, .notice = note});
        }
      });
  const CheckedRun& run = outlived.run;
  const TrainedRanks& trained = outlived.trained;

  RunRecord record = record_of(request, run, trained);
  record.failures = outlived.failures;
  for (const StepWindow& window : trained.windows)
    record.traffic_bytes_per_step += window.traffic_bytes_per_step;
  record.host_use = host_use_of(trained.windows, timeline_of(run.program, "measured"));
  test(request, trained.weights, on_progress, record);
  const Timeline timeline = typical_step(run.program, trained.windows, trained.steps.ends_s(),
                                         request.timeline_quantile);
  for (const std::vector<std::string>& more : {notes, trained.notes})
    record.notes.insert(record.notes.end(), more.begin(), more.end());
  write_weights(request.output / "weights.pt", trained.weights);
  // As it was carried out: with the request's type on the wire, without the hosts that were lost.
  write_file(request.output / "plan.json", json_text(to_json(run.plan)));
  write_file(request.output / "timeline.json", json_text(to_json(timeline)));
  write_file(request.output / "trace.json", json_text(chrome_trace(timeline)));
  write_file(request.output / "run.json", json_text(to_json(record)));
  mark_finished(request.output / "checkpoints");
  return record;
}

}  // namespace cadastre
