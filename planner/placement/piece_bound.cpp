#include "planner/placement/piece_bound.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kUnreached = 0xFFFFFFFFU;

}  // namespace

// Vertices: the groups, the sink, then two for each net. A cut that has a group on the source's
// side pays for its work; one that divides a net pays for the net.
PieceBound::PieceBound(const PieceGraph& graph) : graph_(graph) {
  const std::size_t num_groups = graph.num_groups();
  const std::size_t num_nets = graph.net_ms.size();
  sink_ = static_cast<std::uint32_t>(num_groups);
  arcs_from_.resize(num_groups + 1 + 2 * num_nets);
  double all_ms = 0;
  for (std::uint32_t g = 0; g < num_groups; ++g) {
    add_arc(g, sink_, graph.accelerator_ms[g]);
    all_ms += graph.accelerator_ms[g];
  }
  for (std::size_t e = 0; e < num_nets; ++e) {
    const auto into = static_cast<std::uint32_t>(num_groups + 1 + 2 * e);
    add_arc(into, into + 1, graph.net_ms[e]);
    all_ms += graph.net_ms[e];
    for (const std::uint32_t g : graph.groups_of_net[e]) {
      add_arc(g, into, kInfinity);
      add_arc(into + 1, g, kInfinity);
    }
  }
  constexpr double kRounding = 1e-13;
  least_residual_ms_ = kRounding * all_ms;
  level_.resize(arcs_from_.size());
  next_arc_.resize(arcs_from_.size());
}

void PieceBound::add_arc(std::uint32_t from, std::uint32_t to, double capacity_ms) {
  arcs_from_[from].push_back(static_cast<std::uint32_t>(arcs_.size()));
  arcs_.push_back({.to = to, .capacity_ms = capacity_ms});
  arcs_from_[to].push_back(static_cast<std::uint32_t>(arcs_.size()));
  arcs_.push_back({.to = from, .capacity_ms = 0});
}

bool PieceBound::find_levels(std::uint32_t source) {
  std::fill(level_.begin(), level_.end(), kUnreached);
  level_[source] = 0;
  std::vector<std::uint32_t> queue = {source};
  for (std::size_t i = 0; i < queue.size(); ++i)
    for (const std::uint32_t a : arcs_from_[queue[i]])
      if (arcs_[a].residual_ms > least_residual_ms_ && level_[arcs_[a].to] == kUnreached) {
        level_[arcs_[a].to] = level_[queue[i]] + 1;
        queue.push_back(arcs_[a].to);
      }
  return level_[sink_] != kUnreached;
}

/// Sends flow along one path of the level graph; 0 when there is none left.
double PieceBound::augment(std::uint32_t source) {
  std::vector<std::uint32_t> path;
  std::uint32_t v = source;
  while (v != sink_) {
    std::uint32_t& next = next_arc_[v];
    while (next < arcs_from_[v].size()) {
      const Arc& arc = arcs_[arcs_from_[v][next]];
      if (arc.residual_ms > least_residual_ms_ && level_[arc.to] == level_[v] + 1) break;
      ++next;
    }
    if (next < arcs_from_[v].size()) {
      path.push_back(arcs_from_[v][next]);
      v = arcs_[path.back()].to;
      continue;
    }
    if (path.empty()) return 0;
    v = arcs_[path.back() ^ 1U].to;  // a dead end: back, and past it
    ++next_arc_[v];
    path.pop_back();
  }
  double flow_ms = kInfinity;
  for (const std::uint32_t a : path) flow_ms = std::min(flow_ms, arcs_[a].residual_ms);
  for (const std::uint32_t a : path) {
    arcs_[a].residual_ms -= flow_ms;
    arcs_[a ^ 1U].residual_ms += flow_ms;
  }
  return flow_ms;
}

void PieceBound::take_out_far_groups(std::uint32_t group, double limit_ms) {
  // The most work on a path from a group to `group`, both included, then on one from there. A piece
  // with both ends has the whole path.
  constexpr double kNoPath = -1;
  std::vector<double> path_ms(graph_.num_groups(), kNoPath);
  const auto visit = [&](std::uint32_t g, const Rows& towards_group) {
    if (g == group) {
      path_ms[g] = graph_.accelerator_ms[g];
      return;
    }
    double longest_ms = kNoPath;
    for (const std::uint32_t next : towards_group[g])
      longest_ms = std::max(longest_ms, path_ms[next]);
    path_ms[g] = longest_ms == kNoPath ? kNoPath : longest_ms + graph_.accelerator_ms[g];
    // Arc 2g is the one to the sink.
    if (path_ms[g] > limit_ms) arcs_[std::size_t{2} * g].residual_ms = kInfinity;
  };
  for (std::uint32_t g = group + 1; g-- > 0;) visit(g, graph_.successors);
  std::fill(path_ms.begin(), path_ms.end(), kNoPath);
  for (std::uint32_t g = group; g < graph_.num_groups(); ++g) visit(g, graph_.predecessors);
}

double PieceBound::least_load_ms(std::uint32_t group, double limit_ms) {
  for (Arc& arc : arcs_) arc.residual_ms = arc.capacity_ms;
  take_out_far_groups(group, limit_ms);
  // Any flow is a bound; a greatest one is the least cut.
  double flow_ms = 0;
  while (find_levels(group)) {
    std::fill(next_arc_.begin(), next_arc_.end(), 0);
    for (double sent_ms = augment(group); sent_ms > 0; sent_ms = augment(group)) flow_ms += sent_ms;
  }
  return flow_ms;
}

double piece_bound_ms(const PieceGraph& graph, const Devices& devices, double known_bound_ms,
                      double known_load_ms, const std::function<bool()>& out_of_time) {
  constexpr std::size_t kMostGroups = 20000;  // beyond, cuts take longer than they are worth
  constexpr std::size_t kMostCuts = 64;
  if (graph.num_groups() > kMostGroups) return known_bound_ms;
  // No more than this for a group: alone on an accelerator, or alone on a CPU.
  std::vector<double> most_ms(graph.num_groups());
  for (std::uint32_t g = 0; g < graph.num_groups(); ++g) {
    most_ms[g] = graph.accelerator_ms[g];
    for (const std::uint32_t e : graph.nets_of_group[g]) most_ms[g] += graph.net_ms[e];
    if (devices.num_cpus > 0) most_ms[g] = std::min(most_ms[g], graph.cpu_ms[g]);
  }
  std::vector<std::uint32_t> dearest(graph.num_groups());
  std::iota(dearest.begin(), dearest.end(), 0U);
  std::stable_sort(dearest.begin(), dearest.end(), [&](std::uint32_t a, std::uint32_t b) {
    return graph.accelerator_ms[a] > graph.accelerator_ms[b];
  });
  double bound_ms = known_bound_ms;
  std::size_t num_cuts = 0;
  std::optional<PieceBound> cuts;
  for (const std::uint32_t g : dearest) {
    if (most_ms[g] <= bound_ms) continue;
    if (num_cuts++ == kMostCuts || out_of_time()) break;
    if (!cuts) cuts.emplace(graph);
    double cpu_ms = kInfinity;
    if (devices.num_cpus > 0) cpu_ms = graph.cpu_ms[g];
    constexpr double kRounding = 1e-12;
    const double accelerator_ms = cuts->least_load_ms(g, known_load_ms) * (1 - kRounding);
    bound_ms = std::max(bound_ms, std::min({accelerator_ms, cpu_ms, known_load_ms}));
    if (bound_ms >= known_load_ms) break;
  }
  return bound_ms;
}

}  // namespace cadastre
