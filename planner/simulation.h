#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/conditions.h"
#include "planner/plan.h"
#include "planner/timeline.h"

namespace cadastre {

/// How long the measured steps took.
struct StepStatistics {
  std::int64_t num_steps = 0;
  double mean_s = 0;  ///< the whole of the measured steps, outages included, over their number
  double p5_s = 0;    ///< the fifth percentile of the steps
  double median_s = 0;
  double p95_s = 0;
  bool operator==(const StepStatistics&) const = default;
};

struct MemoryPoint {
  double at_s = 0;
  std::int64_t bytes = 0;  ///< held from then on
  bool operator==(const MemoryPoint&) const = default;
};

/// Where a host's seconds of a step go, which sum to the mean of its own steps (from the end of one
/// of its steps to that of the next: with jitter, a host may end its last sooner than another), and
/// what it moves and holds. Seconds and joules are means over the measured steps; bytes and memory are of the last, which the
/// timeline shows.
struct SimulatedHost {
  std::string host;
  double compute_s = 0;
  double receiving_s = 0;  ///< blocked, while what it waits for is on the network
  double sending_s = 0;    ///< blocked otherwise, while something of its own is on the network
  double waiting_s = 0;    ///< blocked, with nothing on the network: bubble and imbalance
  std::int64_t sent_bytes = 0;
  std::int64_t received_bytes = 0;
  double energy_j = 0;
  double price = 0;
  std::int64_t peak_memory_bytes = 0;
  std::vector<MemoryPoint> memory;
  bool operator==(const SimulatedHost&) const = default;
};

/// Bytes from one host to another in a step.
struct HostTraffic {
  std::string from;
  std::string to;
  std::int64_t bytes = 0;
  bool operator==(const HostTraffic&) const = default;
};

/// How much of a link (one direction of a cable) is in use in the last step, background traffic
/// included.
struct LinkUse {
  std::string link;
  double bandwidth_bytes_per_s = 0;
  double bytes = 0;                 ///< that crossed it
  std::vector<double> utilisation;  ///< in [0, 1], by equal parts of the step, which ends where
                                    ///< the timeline does
  bool operator==(const LinkUse&) const = default;
};

/// A failure, and what the run did about it.
struct Restart {
  Resource resource;
  double failed_at_s = 0;
  double resumed_at_s = 0;
  std::int64_t from_step = 0;  ///< the first step that is done again
  double lost_s = 0;           ///< of work that is done again
  bool operator==(const Restart&) const = default;
};

/// The whole run: the first step, the measured ones, checkpoints and outages.
struct SimulatedRun {
  double run_s = 0;
  double checkpoint_s = 0;  ///< that the slowest rank spent on checkpoints
  std::vector<Restart> restarts;
  bool operator==(const SimulatedRun&) const = default;
};

/// What the simulator says of a plan beside its timeline.
struct SimulationFigures {
  StepStatistics steps;
  std::vector<SimulatedHost> hosts;  ///< by rank
  std::vector<HostTraffic>
      traffic;                 ///< in order of the hosts in the cluster; what is 0 is left out
  std::vector<LinkUse> links;  ///< that carried anything
  SimulatedRun run;
  bool operator==(const SimulationFigures&) const = default;
};

/// One plan as the simulator replayed it.
struct SimulatedPlan {
  std::string strategy;
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  double predicted_step_s = 0;
  double simulated_step_s = 0;  ///< the mean of the measured steps
  std::int64_t traffic_bytes_per_step = 0;
  bool fits_memory = true;
  std::int64_t averaging_period = 0;  ///< as `Plan::averaging_period`
  Timeline timeline;                  ///< of the last step
  SimulationFigures figures;
  bool operator==(const SimulatedPlan&) const = default;
};

/// `cadastre-simulation/1`: a plan and its alternatives, replayed.
struct Simulation {
  std::string network_model;  ///< the simulator's model and its constants, in words
  std::string cluster;
  Conditions conditions;
  int best = 0;  ///< index of the plan with the least simulated step among those that fit; a
                 ///< plan that averages parameters computes another function and is no rival
  std::vector<SimulatedPlan> plans;  ///< the document's plan first, then its alternatives
  bool operator==(const Simulation&) const = default;
};

[[nodiscard]] Simulation read_simulation(const std::filesystem::path& file);
[[nodiscard]] Simulation simulation_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Simulation& simulation);

[[nodiscard]] SimulatedPlan simulated_plan_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const SimulatedPlan& plan);
[[nodiscard]] SimulationFigures figures_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const SimulationFigures& figures);

}  // namespace cadastre
