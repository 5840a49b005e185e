#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/normalization.h"
#include "planner/plan.h"
#include "planner/scene.h"
#include "planner/training_settings.h"

namespace cadastre {

struct ClassMetrics {
  std::string name;
  std::int64_t num_samples = 0;  ///< reference samples of the class
  double precision = 0;          ///< user's accuracy
  double recall = 0;             ///< producer's accuracy
  double f1 = 0;
  bool operator==(const ClassMetrics&) const = default;
};

/// Accuracy against held-out labels. Classes without reference samples count in no average.
struct Metrics {
  double overall_accuracy = 0;
  double average_accuracy = 0;  ///< mean recall over the classes
  double kappa = 0;             ///< Cohen 1960
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [reference class][predicted class]
  bool operator==(const Metrics&) const = default;
};

struct TrainingStep {
  std::int64_t step = 0;
  double loss = 0;  ///< mean cross-entropy over the global batch
  double learning_rate = 0;
  double end_s = 0;  ///< since the first step began
  bool operator==(const TrainingStep&) const = default;
};

/// Accuracy on validation samples after so many steps.
struct ValidationPoint {
  std::int64_t num_steps = 0;
  double loss = 0;  ///< mean cross-entropy, neither weighted nor smoothed
  double overall_accuracy = 0;
  double average_accuracy = 0;
  double kappa = 0;
  bool operator==(const ValidationPoint&) const = default;
};

/// How a run got on by validation samples, which it did not learn from.
struct Validation {
  std::int64_t num_samples = 0;
  std::vector<ValidationPoint> curve;  ///< of the last steps, too
  std::int64_t best_num_steps = 0;     ///< whose weights were kept: the greatest kappa
  Metrics metrics;                     ///< of these
  bool operator==(const Validation&) const = default;
};

/// What the host of a rank did for a step, as its kernel counts: the mean over the training steps
/// after the first, so many that each has its part of the averaging where parameters are averaged.
struct HostUse {
  std::string host;
  double cores = 1;             ///< that the rank may use: part of one, where a quota says so
  double cpu_s_per_step = 0;    ///< of all threads of the rank
  double step_s = 0;            ///< mean of the same steps
  double sent_bytes_per_step = 0;      ///< by all network interfaces of the host but the loopback,
  double received_bytes_per_step = 0;  ///< whoever sent them: headers and other programs, too
  bool operator==(const HostUse&) const = default;
};

/// A host that failed while a run trained, and how the run went on.
struct RunFailure {
  std::string host;
  std::string cause;              ///< "was killed by signal 9 (Killed)"
  std::int64_t num_steps = 0;     ///< that were done when it was noticed
  std::int64_t went_on_from = 0;  ///< steps of the checkpoint
  double restart_s = 0;           ///< from when it was noticed to the end of the first step after it
  bool is_left_out = false;       ///< of the plan, from then on
  bool operator==(const RunFailure&) const = default;
};

/// Why training ended.
enum class RunEnd { kSteps, kPatience };

/// `cadastre-run/1`: what a training run was and gave.
struct RunRecord {
  ModelGraph model;
  std::string strategy;
  std::int64_t batch_size = 1;
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  WireDtype wire_dtype = WireDtype::kFloat32;  ///< of what was sent
  std::vector<Stage> stages;
  TrainingSettings training;
  Scene scene;  ///< with absolute raster paths
  Normalization normalization = {};     ///< of the scene's training pixels; empty in older records
  std::vector<std::string> notes = {};  ///< about the scene: what a reader of the figures should know
  double predicted_step_s = 0;
  std::optional<double> simulated_step_s;
  double measured_step_s = 0;         ///< median over the steps after the first
  double measured_step_spread_s = 0;  ///< between the quartiles
  double wall_s = 0;
  std::int64_t traffic_bytes_per_step = 0;  ///< as counted by the ranks
  std::vector<HostUse> host_use = {};  ///< by rank; none of a run too short, or in older records
  std::vector<TrainingStep> steps;
  RunEnd end = RunEnd::kSteps;
  std::vector<RunFailure> failures = {};  ///< that it outlived
  std::optional<Validation> validation;
  std::optional<Metrics> metrics;  ///< on test samples
  bool operator==(const RunRecord&) const = default;
};

/// Steps ascend, and so do the times of their ends.
[[nodiscard]] std::vector<TrainingStep> steps_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const std::vector<TrainingStep>& steps);
[[nodiscard]] Validation validation_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Validation& validation);

[[nodiscard]] RunRecord read_run(const std::filesystem::path& file);
[[nodiscard]] RunRecord run_from_json(const JsonPlace& place);
/// Written as `predicted.step_s`, `simulated.step_s`, `measured.{step_s, step_spread_s, wall_s, hosts}`.
[[nodiscard]] nlohmann::json to_json(const RunRecord& run);

}  // namespace cadastre
