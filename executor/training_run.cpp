#include "executor/training_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "executor/communicator.h"
#include "executor/learning_rate.h"
#include "executor/local_launcher.h"
#include "executor/predictor.h"
#include "executor/process_setup.h"
#include "executor/rank_job.h"
#include "executor/run_steps.h"
#include "executor/scene_data.h"
#include "executor/step_window.h"
#include "executor/timing.h"
#include "executor/weights.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/program.h"
#include "planner/refusal.h"
#include "planner/timeline.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLoopback = "127.0.0.1";

/// Everything that the ranks will read, seen to be sound before one of them starts.
struct CheckedInput {
  PlanDocument plan;
  Scene scene;
  std::int64_t num_train_samples = 0;
};

CheckedInput check_input(const RunRequest& request) {
  CheckedInput input{.plan = read_plan(request.plan), .scene = {}};
  const ModelGraph& model = input.plan.profile.model;
  check_executable(model, request.plan.string(), "/profile/model");
  if (!request.model.empty())
    check_same_model(model, read_model(request.model), request.model.string());
  // Its ranks would reduce what is no gradient: better no run than a wrong one.
  if (input.plan.plan.averaging_period != 0)
    throw InputError(request.plan.string(), "/averaging_period",
                     "expected 0, as runs reduce gradients in every step, found " +
                         std::to_string(input.plan.plan.averaging_period));
  if (const AllReduceAlgorithm algorithm = input.plan.plan.all_reduce.algorithm;
      algorithm != AllReduceAlgorithm::kRing)
    throw InputError(request.plan.string(), "/all_reduce/algorithm",
                     "expected \"ring\", which is how runs reduce gradients, found \"" +
                         all_reduce_name(algorithm) + "\"");
  input.scene = read_scene(request.scene, request.rasters);
  const Shape& scores =
      model.layers[static_cast<std::size_t>(layer_index(model, model.output))].output_shape;
  if (scores.front() != static_cast<std::int64_t>(input.scene.classes.size()))
    throw InputError(request.scene.string(), "/classes",
                     "expected " + std::to_string(scores.front()) +
                         " classes, as the model has outputs, found " +
                         std::to_string(input.scene.classes.size()));
  static_cast<void>(patch_size(input.scene, model.inputs));
  return input;
}

int num_processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

/// "stage 2", "stages 0, 2"
std::string stages_text(const RankProgram& rank) {
  std::string text = rank.parts.size() == 1 ? "stage " : "stages ";
  for (std::size_t i = 0; i < rank.parts.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(rank.parts[i].stage);
  }
  return text;
}

std::vector<RankProcess> rank_processes(const RunRequest& request, const PlanDocument& document,
                                        const Program& program, const fs::path& parts,
                                        const Rendezvous& rendezvous) {
  const auto num_ranks = static_cast<int>(program.ranks.size());
  std::vector<RankProcess> processes;
  for (int r = 0; r < num_ranks; ++r) {
    const RankProgram& rank = program.ranks[static_cast<std::size_t>(r)];
    const int host_cores = document.cluster.hosts[static_cast<std::size_t>(rank.host_index)].cores;
    const int num_threads = std::clamp(host_cores, 1, std::max(1, num_processors() / num_ranks));
    const TrainingSettings& training = request.training;
    std::vector<std::string> arguments = {"rank",
                                          "--plan",
                                          request.plan,
                                          "--data",
                                          request.scene,
                                          "--parts",
                                          parts,
                                          "--epochs",
                                          std::to_string(training.epochs),
                                          "--samples-per-epoch",
                                          std::to_string(training.samples_per_epoch),
                                          "--max-steps",
                                          std::to_string(training.max_steps),
                                          "--learning-rate",
                                          number_text(training.learning_rate),
                                          "--momentum",
                                          number_text(training.momentum),
                                          "--weight-decay",
                                          number_text(training.weight_decay),
                                          "--seed",
                                          std::to_string(training.seed),
                                          "--threads",
                                          std::to_string(num_threads)};
    if (!request.rasters.empty()) arguments.insert(arguments.end(), {"--rasters", request.rasters});
    processes.push_back(
        {.arguments = std::move(arguments),
         .environment = {{"RANK", std::to_string(r)},
                         {"WORLD_SIZE", std::to_string(num_ranks)},
                         {"MASTER_ADDR", rendezvous.address},
                         {"MASTER_PORT", std::to_string(rendezvous.port)},
                         {"OMP_NUM_THREADS", std::to_string(num_threads)},
                         // Threads that spin while they wait take processors from other ranks.
                         {"OMP_WAIT_POLICY", "passive"}},
         .name =
             "rank " + std::to_string(r) + " (host " + rank.host + ", " + stages_text(rank) + ")",
         .num_threads = num_threads});
  }
  return processes;
}

/// A directory for what the ranks leave, gone when the run ends, however it does; and so is the
/// output's, when it was made for this run and nothing came of it.
class PartsDirectory {
 public:
  explicit PartsDirectory(const fs::path& output)
      : output_(output), path_(output / ".parts"), output_is_new_(!fs::exists(output)) {
    std::error_code error;
    if (fs::exists(path_)) fs::remove_all(path_, error);  // of a run that was killed
    fs::create_directories(path_, error);
    if (error)
      throw InputError(output.string(), "",
                       "expected a directory that can be written, found: " + error.message());
  }

  ~PartsDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    // Refused by the file system while anything is in it.
    if (output_is_new_) fs::remove(output_, ignored);
  }

  PartsDirectory(const PartsDirectory&) = delete;
  PartsDirectory& operator=(const PartsDirectory&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path output_;
  fs::path path_;
  bool output_is_new_;
};

Scene with_absolute_paths(Scene scene) {
  for (Modality& modality : scene.modalities) modality.raster = fs::absolute(modality.raster);
  scene.labels = fs::absolute(scene.labels);
  scene.split.raster = fs::absolute(scene.split.raster);
  return scene;
}

/// Every k-th of the samples, row by row, so that the choice is spread over the scene.
std::vector<Sample> even_choice(const std::vector<Sample>& samples, std::int64_t most) {
  const auto num_samples = static_cast<std::int64_t>(samples.size());
  if (most <= 0 || num_samples <= most) return samples;
  std::vector<Sample> chosen;
  for (std::int64_t i = 0; i < most; ++i)
    chosen.push_back(samples[static_cast<std::size_t>(i * num_samples / most)]);
  return chosen;
}

Metrics test(const RunRequest& request, const ModelGraph& model, const Scene& scene,
             const Weights& weights, const std::function<void(const RunProgress&)>& on_progress) {
  prepare_process(1);
  StageNetwork network = whole_network(model, 0);
  set_weights(network, weights, request.output / "weights.pt");
  SceneData data = load_scene(scene, model.inputs);
  data.test = even_choice(data.test, request.max_test_samples);
  return test_metrics(
      network, data, patch_size(scene, model.inputs), scene.classes,
      {.num_threads = num_processors(), .progress = [&](std::int64_t done, std::int64_t total) {
         on_progress(
             {.part = RunProgress::Part::kTesting, .done = done, .total = total, .loss = 0});
       }});
}

RunRecord record_of(const RunRequest& request, const CheckedInput& input, const RunSteps& steps,
                    double began_s) {
  const Plan& plan = input.plan.plan;
  RunRecord record{.model = input.plan.profile.model,
                   .strategy = plan.strategy,
                   .batch_size = plan.batch_size,
                   .micro_batches = plan.micro_batches,
                   .schedule = plan.schedule,
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
         .learning_rate = learning_rate(request.training.learning_rate, i, steps.num_complete()),
         .end_s = ends_s[static_cast<std::size_t>(i)] - began_s});
  const std::vector<double> durations_s = steps.durations_s();
  if (!durations_s.empty()) {
    const TimingSummary summary = summarize(durations_s);
    record.measured_step_s = summary.median_s;
    record.measured_step_spread_s = summary.spread_s;
  } else if (!record.steps.empty()) {
    record.measured_step_s = record.steps.front().end_s;
  }
  record.wall_s = record.steps.empty() ? 0 : record.steps.back().end_s;
  return record;
}

}  // namespace

RunRecord run_training(const RunRequest& request,
                       const std::function<void(const RunProgress&)>& on_progress) {
  const CheckedInput input = check_input(request);
  const ModelGraph& model = input.plan.profile.model;
  const Program program = lower(input.plan.plan, model, input.plan.cluster);
  const auto num_ranks = static_cast<int>(program.ranks.size());
  // Only labels and split here: enough to know the number of steps.
  const SceneData labels = load_scene(input.scene, {});
  const StepCount step_total = step_count(
      request.training, static_cast<std::int64_t>(labels.train.size()), input.plan.plan.batch_size);

  const PartsDirectory parts(request.output);
  RunSteps steps(num_ranks, input.plan.plan.batch_size, step_total.total);
  double began_s = 0;
  {
    const RendezvousServer server(kLoopback);
    began_s = steady_clock_s();
    run_local_ranks(rank_processes(request, input.plan, program, parts.path(), server.rendezvous()),
                    [&](int, const RankMessage& message) {
                      const std::int64_t before = steps.num_complete();
                      steps.add(message);
                      if (steps.num_complete() > before)
                        on_progress({.part = RunProgress::Part::kTraining,
                                     .done = steps.num_complete(),
                                     .total = step_total.total,
                                     .loss = steps.loss(steps.num_complete() - 1)});
                    });
  }

  RunRecord record = record_of(request, input, steps, began_s);
  std::vector<StepWindow> windows;
  for (int r = 0; r < num_ranks; ++r) {
    windows.push_back(read_step_window(parts.path() / ("rank-" + std::to_string(r) + ".json")));
    record.traffic_bytes_per_step += windows.back().traffic_bytes_per_step;
  }
  std::vector<Weights> stage_parts;
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s)
    stage_parts.push_back(read_weights(parts.path() / ("stage-" + std::to_string(s) + ".pt")));
  const Weights weights = merge_weights(stage_parts);

  record.metrics = test(request, model, input.scene, weights, on_progress);

  const Timeline timeline = typical_step(program, windows, steps.ends_s());
  write_weights(request.output / "weights.pt", weights);
  write_file(request.output / "timeline.json", json_text(to_json(timeline)));
  write_file(request.output / "trace.json", json_text(chrome_trace(timeline)));
  write_file(request.output / "run.json", json_text(to_json(record)));
  return record;
}

}  // namespace cadastre
