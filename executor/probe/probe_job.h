#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/frame.h"
#include "executor/probe/measurements.h"
#include "executor/probe/way_schedule.h"

namespace cadastre {

/// What a rank of a probe is told to do.
struct ProbeJob {
  int rank = 0;
  int num_threads = 1;
  double compute_s = 2;  ///< as `ProbeOptions::compute_s`
  bool has_other_machines = false;
  bool one_is_alone_first = false;  ///< rank 0 is timed before all ranks are
  std::vector<WayRound> rounds;
  std::vector<std::string> names;  ///< of hosts, to be looked up
  std::string model;               ///< its document; empty: `default_model`
};

[[nodiscard]] Frame to_frame(const ProbeJob& job);
/// Throws FrameError.
[[nodiscard]] ProbeJob probe_job_from(const Frame& frame);

/// What a rank says of itself, when it is through.
struct ProbeReport {
  std::string address;  ///< that it was reached at
  TimingSummary pass;
  TimingSummary pass_alone;  ///< of the rank that is timed alone first
  double wall_minus_steady_clock_s = 0;
  std::int64_t num_samples = 0;  ///< of a pass
  std::vector<LoopbackName> loopback_names;
  std::optional<double> speed_spread;  ///< as `ProbedHost::speed_spread`
  std::optional<ProbedLoad> load;
};

[[nodiscard]] Frame to_frame(const ProbeReport& report);
[[nodiscard]] ProbeReport probe_report_from(const Frame& frame);

[[nodiscard]] Frame to_frame(const ProbedWay& way);
[[nodiscard]] ProbedWay probed_way_from(const Frame& frame);

[[nodiscard]] Frame to_frame(const ProbedReduction& reduction);
[[nodiscard]] ProbedReduction probed_reduction_from(const Frame& frame);

/// Seconds that this machine's wall clock shows more than its steady one.
[[nodiscard]] double wall_minus_steady_clock_s();

}  // namespace cadastre
