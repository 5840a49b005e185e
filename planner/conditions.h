#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

class JsonObject;
class JsonPlace;

/// What a condition is about: a host of the cluster, or a link of its network (both directions).
/// One of the two is named.
struct Resource {
  std::string host;
  std::string link;
  bool operator==(const Resource&) const = default;
};

/// From `at_s` on, the resource gives `factor` of its speed or bandwidth.
struct TimedFactor {
  double at_s = 0;
  double factor = 1;  ///< in (0, 1]
  bool operator==(const TimedFactor&) const = default;
};

/// A host or a link that is slower for a while: a second user, a hot machine, a shared line. A host
/// that shares a machine with others slows them all. One for each resource.
struct Slowdown {
  Resource resource;
  std::vector<TimedFactor> profile;  ///< ascending in time; 1 before the first
  std::optional<double> every_s;     ///< the profile begins again after so long
  bool operator==(const Slowdown&) const = default;
};

/// A flow that is none of the program's: it takes its fair part of each link on its way, and no
/// more than `bandwidth_bytes_per_s`.
struct BackgroundTraffic {
  std::string from;
  std::string to;
  double bandwidth_bytes_per_s = 0;
  double from_s = 0;
  std::optional<double> until_s;  ///< for ever where absent
  bool operator==(const BackgroundTraffic&) const = default;
};

/// How much a host's speed or a link's bandwidth varies from step to step: the distance between the
/// quartiles over the median, in [0, kMostStepSpread].
struct ResourceSpread {
  Resource resource;
  double spread = 0;
  bool operator==(const ResourceSpread&) const = default;
};

/// Whole steps vary, which does not average out within one as the jitter of instructions does: a
/// host that another program visits is slow for a step or several, and so is a shared line. In each
/// step, each host has its speed times a factor, and each link (both directions) its bandwidth
/// times one: log-normal, of median 1. A factor lasts for a geometric number of steps, and then
/// another is drawn. Draws depend on the seed, the name of the host or link and the number of the
/// step alone: plans that are compared meet the same good and bad steps, wherever their ranks are.
struct StepVariation {
  double correlation_steps = 4;  ///< that a factor lasts in the mean, >= 1 (1: drawn each step)
  /// Where they differ from those of the cluster (`Host::speed_spread`, `bandwidth_spread`).
  std::vector<ResourceSpread> spreads = {};
  bool operator==(const StepVariation&) const = default;
};

/// Compute times vary: each instruction takes its seconds times a log-normal factor of median 1.
struct Jitter {
  std::uint64_t seed = 1;
  /// Spread between the quartiles over the median, the same for all instructions; where absent,
  /// that of each layer's measurements in the profile.
  std::optional<double> relative_spread;
  std::optional<StepVariation> between_steps = std::nullopt;
  bool operator==(const Jitter&) const = default;
};

/// A host or link that fails ends every rank of the run.
struct Failure {
  Resource resource;
  double at_s = 0;
  std::optional<double> back_after_s;  ///< for ever where absent
  bool operator==(const Failure&) const = default;
};

/// What the run does about failures.
struct Recovery {
  std::int64_t checkpoint_every_steps = 0;  ///< 0: none, a restart begins at the first step
  double checkpoint_s = 0;                  ///< that each rank takes to write its part
  double detection_s = 0;                   ///< from the failure until all ranks have ended
  double restart_s = 0;  ///< from then, or from when the resource is back, until ranks run again
  bool operator==(const Recovery&) const = default;
};

/// `cadastre-conditions/1`: what happens to a cluster while a program runs on it. Times count from
/// the start of the run, whose first step fills the pipeline and is not among those measured.
struct Conditions {
  std::int64_t num_steps = 1;  ///< measured, after the first
  std::optional<Jitter> jitter;
  std::vector<BackgroundTraffic> background_traffic;
  std::vector<Slowdown> slowdowns;
  std::vector<Failure> failures;
  Recovery recovery;
  bool operator==(const Conditions&) const = default;
};

[[nodiscard]] Conditions read_conditions(const std::filesystem::path& file);
[[nodiscard]] Conditions conditions_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Conditions& conditions);

/// The members "host" or "link" of an object.
[[nodiscard]] Resource read_resource(JsonObject& object);
[[nodiscard]] nlohmann::json to_json(const Resource& resource);

}  // namespace cadastre
