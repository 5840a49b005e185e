#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/cluster.h"

namespace cadastre {

class JsonPlace;

/// How runs become figures. What else a shared machine does mostly adds to a duration, so the
/// figure of a run is a quantile of its steps below the median, as are the layers' times. How fast
/// the machine is also changes over minutes: profiles and runs take turns, and of both what counts
/// is the median, as the least of one beside the mean of the other would differ where nothing does.
struct FidelityMethod {
  std::int64_t num_steps = 100;     ///< of a run, warm-up included; rounds of local steps
  std::int64_t warm_up_steps = 10;  ///< that do not count
  double quantile = 0.1;            ///< of the steps that count: the run's figure; 0.5: the median
  std::int64_t num_runs = 2;        ///< of each plan that must agree
  std::int64_t most_runs = 5;       ///< until they do
  double tolerance = 0.03;          ///< runs agree that are so near to the median one
  std::int64_t profile_repeats = 30;  ///< steps of each size, each time a model is profiled
  bool operator==(const FidelityMethod&) const = default;
};

/// What is asked of `cadastre plan`.
struct FidelityPlan {
  std::string strategy;
  std::optional<std::int64_t> micro_batches;     ///< the best number where absent
  std::optional<std::int64_t> averaging_period;  ///< of parameter averaging
  bool operator==(const FidelityPlan&) const = default;
};

/// Plans for the same work, which a planner would choose from.
struct FidelityGroup {
  std::string model;    ///< name in the suite
  std::string cluster;  ///< likewise
  std::int64_t batch_size = 1;
  bool held_out = false;  ///< from all calibration
  std::vector<FidelityPlan> plans;
  bool operator==(const FidelityGroup&) const = default;
};

/// `cadastre-suite/1`: what predictions are compared with runs on. The hosts of its clusters are
/// made on this machine, with `cores` x `relative_speed` of its processors each.
struct FidelitySuite {
  std::string name;
  std::string description;
  FidelityMethod method;
  std::map<std::string, std::filesystem::path> models;  ///< documents; relative to the suite's
  std::map<std::string, Cluster> clusters;              ///< written out, or documents likewise
  std::vector<FidelityGroup> groups;
  bool operator==(const FidelitySuite&) const = default;
};

[[nodiscard]] FidelitySuite read_suite(const std::filesystem::path& file);
[[nodiscard]] FidelitySuite suite_from_json(const JsonPlace& place);
/// Models by their absolute paths.
[[nodiscard]] nlohmann::json to_json(const FidelitySuite& suite);

[[nodiscard]] nlohmann::json to_json(const FidelityMethod& method);
[[nodiscard]] FidelityMethod method_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const FidelityPlan& plan);
[[nodiscard]] FidelityPlan fidelity_plan_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const FidelityGroup& group);
[[nodiscard]] FidelityGroup fidelity_group_from_json(const JsonPlace& place);

/// Of all groups.
[[nodiscard]] std::size_t num_points(const FidelitySuite& suite);

/// `pipeline`, `pipeline, 8 micro-batches`.
[[nodiscard]] std::string plan_name(const FidelityPlan& plan);

/// `multimodal-cnn on two-hosts, batch 64`.
[[nodiscard]] std::string group_name(const FidelityGroup& group);

}  // namespace cadastre
