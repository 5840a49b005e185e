#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/plan.h"
#include "planner/timeline.h"

namespace cadastre {

/// One plan as the simulator replayed it.
struct SimulatedPlan {
  std::string strategy;
  std::int64_t micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
  double predicted_step_s = 0;
  double simulated_step_s = 0;
  std::int64_t traffic_bytes_per_step = 0;
  bool fits_memory = true;
  std::int64_t averaging_period = 0;  ///< as `Plan::averaging_period`
  Timeline timeline;
  bool operator==(const SimulatedPlan&) const = default;
};

/// `cadastre-simulation/1`: a plan and its alternatives, replayed.
struct Simulation {
  std::string network_model;  ///< the simulator's model and its constants, in words
  std::string cluster;
  int best = 0;  ///< index of the plan with the least simulated step among those that fit; a
                 ///< plan that averages parameters computes another function and is no rival
  std::vector<SimulatedPlan> plans;  ///< the document's plan first, then its alternatives
  bool operator==(const Simulation&) const = default;
};

[[nodiscard]] Simulation read_simulation(const std::filesystem::path& file);
[[nodiscard]] Simulation simulation_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Simulation& simulation);

}  // namespace cadastre
