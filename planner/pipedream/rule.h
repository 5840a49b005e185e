#pragma once

#include <cstddef>
#include <vector>

#include "planner/pipedream/weighted_graph.h"

namespace cadastre::pipedream {

/// Equal machines (or groups of those of the level below) with one bandwidth among them.
struct MachineLevel {
  int num_machines = 1;
  double bandwidth_bytes_per_s = 0;  ///< > 0
};

/// A convex set of nodes replicated on `num_machines` of its level. Above the innermost level these
/// are groups, and `stages` says how each group divides the nodes.
struct RuleStage {
  int num_machines = 1;
  std::vector<int> nodes;         ///< ascending
  std::vector<RuleStage> stages;  ///< empty at the innermost level
};

/// The seconds from one mini-batch to the next by PipeDream's model (Narayanan et al., SOSP 2019,
/// section 3.1, as its optimizer computes them): the greatest stage time, where a stage on m
/// machines takes (c + 4 (m - 1) p / (b m)) / m. c is the seconds of its nodes, or of its inner
/// pipeline; p their parameter bytes; b the level's bandwidth. Of each pipeline above the innermost
/// level, the first stage's p is divided by the number of machines at the next level below: its
/// optimizer does so for the first stage only, so comparisons need it.
///
/// Not modelled: moving activations, memory, what differs between machines.
[[nodiscard]] double pipeline_s(const WeightedGraph& graph, const std::vector<MachineLevel>& levels,
                                const std::vector<RuleStage>& stages);

struct RuleOptions {
  double time_limit_s = 10;
  std::size_t most_cuts = 1'000'000;  ///< see CutLattice
};

struct RuleResult {
  double pipeline_s = 0;
  double lower_bound_s = 0;     ///< no plan of this rule is faster
  bool proven_optimal = false;  ///< the two differ by at most one part in 10^9
  double single_machine_s = 0;  ///< all nodes on one machine
  double search_s = 0;
  int num_cuts = 0;
  std::vector<RuleStage> stages;
};

/// The least pipeline_s over all chains of downsets and numbers of machines, at most those of
/// `levels` (innermost first, at least one). A machine that would only slow the pipeline down is
/// left idle, which PipeDream's optimizer does on request only. Exact unless the time limit ends it
/// or the graph has more than `most_cuts` downsets; the result says so.
[[nodiscard]] RuleResult apply_rule(const WeightedGraph& graph,
                                    const std::vector<MachineLevel>& levels,
                                    const RuleOptions& options);

}  // namespace cadastre::pipedream
