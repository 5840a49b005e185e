#pragma once

#include <vector>

#include "planner/cost_table.h"
#include "planner/division.h"
#include "planner/program.h"

namespace cadastre {

/// What each instruction computes on its rank, [rank][instruction]. The cost model and the
/// simulator both start from these; how long a rank has waited (`RankWaits`) they find out.
struct ProgramCosts {
  /// 0 for sends, receives and reductions, whose time is the network's.
  std::vector<std::vector<double>> seconds;
  /// More than that, at most, after waiting (see WaitEffect); empty where nothing is known of it.
  std::vector<std::vector<double>> after_waiting_s;
  double wait_constant_s = 0;  ///< after which 1 - 1/e of that is lost
};

[[nodiscard]] ProgramCosts program_costs(const Program& program, const Plan& plan,
                                         const Profile& profile, const Cluster& cluster);

/// The same by numbers, for the search.
[[nodiscard]] ProgramCosts program_costs(const Program& program, const Division& division,
                                         const CostTable& table, const Cluster& cluster);

}  // namespace cadastre
