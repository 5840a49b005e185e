#include "planner/pipedream/rule.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <tuple>

#include "planner/pipedream/cut_lattice.h"
#include "planner/pipedream/reach.h"

namespace cadastre::pipedream {

namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

/// Relative difference up to which a plan counts as proven best.
constexpr double kProven = 1e-9;

/// Seconds of a stage whose nodes (or inner pipeline) take `compute_s`. See `pipeline_s`.
double stage_s(const std::vector<MachineLevel>& levels, int level, double compute_s, double bytes,
               int num_machines, bool is_first) {
  const auto m = static_cast<double>(num_machines);
  double synchronisation_s = 4 * (m - 1) * bytes / (levels[index(level)].bandwidth_bytes_per_s * m);
  if (is_first && level > 0) synchronisation_s /= levels[index(level - 1)].num_machines;
  return (compute_s + synchronisation_s) / m;
}

double level_pipeline_s(const WeightedGraph& graph, const std::vector<MachineLevel>& levels,
                        int level, const std::vector<RuleStage>& stages) {
  double greatest_s = 0;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    double compute_s = 0;
    double bytes = 0;
    for (const int node : stages[s].nodes) {
      compute_s += graph.nodes[index(node)].compute_s;
      bytes += graph.nodes[index(node)].parameter_bytes;
    }
    if (level > 0) compute_s = level_pipeline_s(graph, levels, level - 1, stages[s].stages);
    greatest_s = std::max(greatest_s,
                          stage_s(levels, level, compute_s, bytes, stages[s].num_machines, s == 0));
  }
  return greatest_s;
}

/// A pipeline of one stage at each level.
struct SingleStage {
  double seconds = 0;
  std::vector<int> num_machines;  ///< at each level, innermost first
};

SingleStage best_single_stage(const std::vector<MachineLevel>& levels, int level,
                              const WeightedGraph::Node& weight) {
  SingleStage best{.seconds = weight.compute_s, .num_machines = {}};
  for (int l = 0; l <= level; ++l) {
    const double inner_s = best.seconds;
    best.num_machines.push_back(1);
    for (int m = 2; m <= levels[index(l)].num_machines; ++m) {
      const double seconds = stage_s(levels, l, inner_s, weight.parameter_bytes, m, true);
      if (seconds >= best.seconds) continue;
      best.seconds = seconds;
      best.num_machines.back() = m;
    }
  }
  return best;
}

class RuleSearch {
 public:
  RuleSearch(const WeightedGraph& graph, Reach& reach) : graph_(graph), reach_(reach) {}

  struct Optimum {
    double pipeline_s = 0;
    double lower_bound_s = 0;  ///< over the cuts of the lattice
    std::vector<RuleStage> stages;
  };

  /// The best pipeline of the nodes between two cuts on one full set of machines of `level`.
  const Optimum& optimum(int level, int from, int to) {
    const auto [found, is_new] = optima_.try_emplace({level, from, to});
    if (is_new) found->second = search(level, from, to);
    return found->second;
  }

 private:
  Optimum search(int level, int from, int to) {
    Optimum best = single_stage(level, from, to);
    double reached_s = best.pipeline_s;  // a limit that can be kept
    double step = 1e-3;
    bool is_bracketed = false;
    for (int turn = 0; reached_s - best.lower_bound_s > kProven * reached_s; ++turn) {
      const double limit_s = [&] {
        if (!is_bracketed) {
          // From below: the tighter the limit, the fewer cuts are of use.
          constexpr double kGrowth = 4;
          const double next_s = best.lower_bound_s * (1 + step);
          step *= kGrowth;
          if (next_s < reached_s) return next_s;
        }
        // A plan is often the best one itself before bisection could tell.
        constexpr double kNear = 1e-3;
        if (reached_s - best.lower_bound_s < kNear * reached_s && turn % 2 == 0)
          return reached_s * (1 - kProven);
        return best.lower_bound_s + (reached_s - best.lower_bound_s) / 2;
      }();
      const std::vector<Reach::Link> links = reach_.chain(level, from, to, limit_s);
      if (reach_.out_of_time()) break;
      if (links.empty()) {
        best.lower_bound_s = limit_s;
        continue;
      }
      is_bracketed = true;
      std::vector<RuleStage> stages = stages_of(level, links);
      const double seconds = level_pipeline_s(graph_, reach_.levels(), level, stages);
      if (seconds < best.pipeline_s) {
        best.pipeline_s = seconds;
        best.stages = std::move(stages);
      }
      reached_s = std::min({reached_s, seconds, limit_s});
    }
    best.lower_bound_s = std::min(best.lower_bound_s, best.pipeline_s);
    return best;
  }

  Optimum single_stage(int level, int from, int to) const {
    const std::vector<int> nodes = reach_.lattice().nodes_between(from, to);
    WeightedGraph::Node total;
    Optimum result;
    for (const int node : nodes) {
      const WeightedGraph::Node& weight = graph_.nodes[index(node)];
      total.compute_s += weight.compute_s;
      total.parameter_bytes += weight.parameter_bytes;
      result.lower_bound_s =
          std::max(result.lower_bound_s, best_single_stage(reach_.levels(), level, weight).seconds);
    }
    const SingleStage single = best_single_stage(reach_.levels(), level, total);
    for (const int num_machines : single.num_machines)
      result.stages = {{.num_machines = num_machines, .nodes = nodes, .stages = result.stages}};
    result.pipeline_s = level_pipeline_s(graph_, reach_.levels(), level, result.stages);
    const double machines =
        reach_.machines_in_one(level) * reach_.levels()[index(level)].num_machines;
    result.lower_bound_s = std::max(result.lower_bound_s, total.compute_s / machines);
    return result;
  }

  std::vector<RuleStage> stages_of(int level, const std::vector<Reach::Link>& links) {
    std::vector<RuleStage> stages;
    for (const Reach::Link& link : links) {
      RuleStage stage{.num_machines = link.num_machines,
                      .nodes = reach_.lattice().nodes_between(link.from, link.to),
                      .stages = {}};
      if (level > 0) stage.stages = optimum(level - 1, link.from, link.to).stages;
      stages.push_back(std::move(stage));
    }
    return stages;
  }

  const WeightedGraph& graph_;
  Reach& reach_;
  std::map<std::tuple<int, int, int>, Optimum> optima_;
};

/// Collects the innermost stages in their order.
void collect_leaves(std::vector<RuleStage>& stages, std::vector<RuleStage*>& leaves) {
  for (RuleStage& stage : stages) {
    if (stage.stages.empty())
      leaves.push_back(&stage);
    else
      collect_leaves(stage.stages, leaves);
  }
}

void collect_nodes(RuleStage& stage) {
  if (!stage.stages.empty()) stage.nodes.clear();
  for (RuleStage& inner : stage.stages) {
    collect_nodes(inner);
    stage.nodes.insert(stage.nodes.end(), inner.nodes.begin(), inner.nodes.end());
  }
  std::sort(stage.nodes.begin(), stage.nodes.end());
}

/// Puts the nodes without weight into the first stage that has all they need.
void add_weightless(const WeightedGraph& graph, std::vector<RuleStage>& stages) {
  std::vector<RuleStage*> leaves;
  collect_leaves(stages, leaves);
  std::vector<int> leaf_of(graph.nodes.size(), -1);
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
    for (const int node : leaves[leaf]->nodes) leaf_of[index(node)] = static_cast<int>(leaf);
  for (const int node : topological_order(graph)) {
    int& leaf = leaf_of[index(node)];
    if (leaf >= 0) continue;
    leaf = 0;
    for (const int predecessor : graph.predecessors[index(node)])
      leaf = std::max(leaf, leaf_of[index(predecessor)]);
    leaves[index(leaf)]->nodes.push_back(node);
  }
  for (RuleStage& stage : stages) collect_nodes(stage);
}

}  // namespace

double pipeline_s(const WeightedGraph& graph, const std::vector<MachineLevel>& levels,
                  const std::vector<RuleStage>& stages) {
  return level_pipeline_s(graph, levels, static_cast<int>(levels.size()) - 1, stages);
}

RuleResult apply_rule(const WeightedGraph& graph, const std::vector<MachineLevel>& levels,
                      const RuleOptions& options) {
  const auto start = Reach::Clock::now();
  const auto limit = std::chrono::duration<double>(options.time_limit_s);
  const CutLattice lattice(graph, options.most_cuts);
  Reach reach(lattice, levels, start + std::chrono::duration_cast<Reach::Clock::duration>(limit));
  RuleSearch search(graph, reach);
  const RuleSearch::Optimum& optimum =
      search.optimum(static_cast<int>(levels.size()) - 1, 0, lattice.last_cut());

  RuleResult result{.pipeline_s = optimum.pipeline_s,
                    .lower_bound_s = optimum.lower_bound_s,
                    .num_cuts = lattice.num_cuts(),
                    .stages = optimum.stages};
  double machines = 1;
  for (const MachineLevel& level : levels) machines *= level.num_machines;
  double least_s = 0;
  for (const WeightedGraph::Node& node : graph.nodes) {
    result.single_machine_s += node.compute_s;
    least_s = std::max(
        least_s, best_single_stage(levels, static_cast<int>(levels.size()) - 1, node).seconds);
  }
  // What was not found with some cuts left out may still exist with them.
  if (!lattice.complete())
    result.lower_bound_s =
        std::min(result.pipeline_s, std::max(least_s, result.single_machine_s / machines));
  result.proven_optimal = result.pipeline_s - result.lower_bound_s <= kProven * result.pipeline_s;
  add_weightless(graph, result.stages);
  result.search_s = std::chrono::duration<double>(Reach::Clock::now() - start).count();
  return result;
}

}  // namespace cadastre::pipedream
