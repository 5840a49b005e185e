#include "simulator/program_check.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "planner/program_check.h"

namespace cadastre {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("the program cannot be replayed: " + what);
}

std::string rank_text(std::size_t rank) { return "rank " + std::to_string(rank); }

void check_hosts(const Program& program, std::size_t num_hosts) {
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    if (static_cast<std::size_t>(program.ranks[r].host_index) >= num_hosts)
      refuse(rank_text(r) + " is on host " + std::to_string(program.ranks[r].host_index) + " of " +
             std::to_string(num_hosts));
  const DividedAllReduce& all_reduce = program.all_reduce;
  if (all_reduce.root_host < -1 ||
      (all_reduce.root_host >= 0 && static_cast<std::size_t>(all_reduce.root_host) >= num_hosts))
    refuse("the root of its reductions is host " + std::to_string(all_reduce.root_host) + " of " +
           std::to_string(num_hosts));
  if (all_reduce.algorithm == AllReduceAlgorithm::kHierarchical &&
      all_reduce.host_groups.size() != num_hosts)
    refuse("expected groups of " + std::to_string(num_hosts) + " hosts, found " +
           std::to_string(all_reduce.host_groups.size()));
}

void check_seconds(const Program& program, const std::vector<std::vector<double>>& costs) {
  if (costs.size() != program.ranks.size())
    refuse("expected costs of " + std::to_string(program.ranks.size()) + " ranks, found " +
           std::to_string(costs.size()));
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const RankProgram& rank = program.ranks[r];
    if (costs[r].size() != rank.instructions.size())
      refuse("expected costs of " + std::to_string(rank.instructions.size()) + " instructions on " +
             rank_text(r) + ", found " + std::to_string(costs[r].size()));
    for (std::size_t i = 0; i < costs[r].size(); ++i)
      if (!(std::isfinite(costs[r][i]) && costs[r][i] >= 0))
        refuse("expected the cost of " + instruction_text(rank.instructions[i]) + " on " +
               rank_text(r) + " to be a number >= 0, found " + std::to_string(costs[r][i]));
  }
}

void check_costs(const Program& program, const ProgramCosts& costs) {
  check_seconds(program, costs.seconds);
  if (costs.after_waiting_s.empty()) return;
  check_seconds(program, costs.after_waiting_s);
  if (!(costs.wait_constant_s > 0))
    refuse("expected a time constant of waiting > 0, found " +
           std::to_string(costs.wait_constant_s));
}

}  // namespace

void check_replay(const Program& program, const ProgramCosts& costs, std::size_t num_hosts) {
  check_hosts(program, num_hosts);
  check_program(program);
  check_costs(program, costs);
}

}  // namespace cadastre
