#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "planner/command_line.h"

namespace CLI {
class App;
}

namespace cadastre {

/// `cadastre plan --placement-problem FILE`: solves a published placement problem in place of
/// planning a profile on a cluster.
struct PlacementRequest {
  std::string problem;  ///< empty: not asked for
  std::filesystem::path output;
  double time_limit_s = 0;
};

/// Adds the option to the verb `plan`, after its others; with it, none of them is required.
[[nodiscard]] std::shared_ptr<PlacementRequest> add_placement_problem(CLI::App& plan);

/// Does it. Throws InputError when `plan` got an option that says nothing about such a problem.
void run_placement(const CLI::App& plan, const PlacementRequest& request,
                   const VerbOptions& options);

}  // namespace cadastre
