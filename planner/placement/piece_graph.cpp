#include "planner/placement/piece_graph.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "planner/graph/strong_components.h"

namespace cadastre {

namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

std::uint32_t index32(std::size_t index) { return static_cast<std::uint32_t>(index); }

void sort_unique(std::vector<Pair>& pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

/// The colour class of every node, numbered from 0 in the order of the nodes.
std::vector<std::uint32_t> color_classes(const PlacementProblem& problem,
                                         std::size_t& num_classes) {
  std::unordered_map<std::int64_t, std::uint32_t> class_of_color;
  std::vector<std::uint32_t> class_of(problem.nodes.size());
  num_classes = 0;
  for (std::size_t v = 0; v < problem.nodes.size(); ++v) {
    const PlacementNode& node = problem.nodes[v];
    if (!node.color) {
      class_of[v] = index32(num_classes++);
      continue;
    }
    const auto [found, is_new] = class_of_color.emplace(*node.color, index32(num_classes));
    if (is_new) ++num_classes;
    class_of[v] = found->second;
  }
  return class_of;
}

/// Pairs (earlier, later) of classes: what the order of the devices must respect.
std::vector<Pair> precedences(const PlacementProblem& problem,
                              const std::vector<std::uint32_t>& class_of, std::size_t num_classes) {
  std::vector<bool> has_forward(num_classes, false);
  for (std::size_t v = 0; v < problem.nodes.size(); ++v)
    if (!problem.nodes[v].is_backward) has_forward[class_of[v]] = true;
  std::vector<Pair> pairs;
  for (const PlacementEdge& edge : problem.edges) {
    const std::uint32_t from = class_of[edge.source];
    const std::uint32_t to = class_of[edge.target];
    if (from == to) continue;
    if (!problem.nodes[edge.target].is_backward)
      pairs.emplace_back(from, to);
    else if (problem.nodes[edge.source].is_backward && !(has_forward[from] && has_forward[to]))
      pairs.emplace_back(to, from);
  }
  sort_unique(pairs);
  return pairs;
}

/// Groups under construction.
struct Draft {
  std::vector<double> accelerator_ms;
  std::vector<double> cpu_ms;
  std::vector<double> size_bytes;
  std::vector<char> runs_on_accelerator;
  std::vector<Pair> precedences;
  std::vector<std::vector<std::uint32_t>> nets;  ///< sorted groups, at least two
  std::vector<double> net_ms;
  std::vector<std::uint32_t> group_of_node;
};

Draft make_draft(const PlacementProblem& problem) {
  std::size_t num_classes = 0;
  const std::vector<std::uint32_t> class_of = color_classes(problem, num_classes);
  std::vector<Pair> pairs = precedences(problem, class_of, num_classes);
  // Classes on a cycle have their places in the order at the same device.
  const std::vector<std::uint32_t> component_of =
      strong_components(Rows(num_classes, pairs), num_classes);
  const std::size_t num_groups = 1 + *std::max_element(component_of.begin(), component_of.end());
  Draft draft{.accelerator_ms = std::vector<double>(num_groups, 0),
              .cpu_ms = std::vector<double>(num_groups, 0),
              .size_bytes = std::vector<double>(num_groups, 0),
              .runs_on_accelerator = std::vector<char>(num_groups, 1),
              .group_of_node = std::vector<std::uint32_t>(problem.nodes.size())};
  for (std::size_t v = 0; v < problem.nodes.size(); ++v) {
    const PlacementNode& node = problem.nodes[v];
    const std::uint32_t g = component_of[class_of[v]];
    draft.group_of_node[v] = g;
    draft.accelerator_ms[g] += node.accelerator_ms;
    draft.cpu_ms[g] += node.cpu_ms;
    draft.size_bytes[g] += node.size_bytes;
    if (!node.runs_on_accelerator) draft.runs_on_accelerator[g] = 0;
  }
  for (const auto& [from, to] : pairs)
    if (component_of[from] != component_of[to])
      draft.precedences.emplace_back(component_of[from], component_of[to]);
  sort_unique(draft.precedences);

  std::vector<Pair> readers;
  for (const PlacementEdge& edge : problem.edges)
    readers.emplace_back(index32(edge.source), draft.group_of_node[edge.target]);
  const Rows readers_of(problem.nodes.size(), readers);
  for (std::size_t v = 0; v < problem.nodes.size(); ++v) {
    if (problem.nodes[v].transfer_ms == 0) continue;
    std::vector<std::uint32_t> net(readers_of[v].begin(), readers_of[v].end());
    net.push_back(draft.group_of_node[v]);
    draft.nets.push_back(std::move(net));
    draft.net_ms.push_back(problem.nodes[v].transfer_ms);
  }
  return draft;
}

/// Makes nets sets of at least two groups, and one net of those of the same groups.
void merge_nets(Draft& draft) {
  std::map<std::vector<std::uint32_t>, double> ms_of_net;
  for (std::size_t e = 0; e < draft.nets.size(); ++e) {
    std::vector<std::uint32_t>& net = draft.nets[e];
    std::sort(net.begin(), net.end());
    net.erase(std::unique(net.begin(), net.end()), net.end());
    if (net.size() > 1) ms_of_net[std::move(net)] += draft.net_ms[e];
  }
  draft.nets.clear();
  draft.net_ms.clear();
  for (auto& [net, ms] : ms_of_net) {
    draft.nets.push_back(net);
    draft.net_ms.push_back(ms);
  }
}

/// Renames group g to `new_name[g]`; what has the same name becomes one group.
void rename_groups(Draft& draft, const std::vector<std::uint32_t>& new_name,
                   std::size_t num_groups) {
  Draft renamed{.accelerator_ms = std::vector<double>(num_groups, 0),
                .cpu_ms = std::vector<double>(num_groups, 0),
                .size_bytes = std::vector<double>(num_groups, 0),
                .runs_on_accelerator = std::vector<char>(num_groups, 1),
                .nets = std::move(draft.nets),
                .net_ms = std::move(draft.net_ms),
                .group_of_node = std::move(draft.group_of_node)};
  for (std::size_t g = 0; g < new_name.size(); ++g) {
    const std::uint32_t name = new_name[g];
    renamed.accelerator_ms[name] += draft.accelerator_ms[g];
    renamed.cpu_ms[name] += draft.cpu_ms[g];
    renamed.size_bytes[name] += draft.size_bytes[g];
    if (draft.runs_on_accelerator[g] == 0) renamed.runs_on_accelerator[name] = 0;
  }
  for (const auto& [from, to] : draft.precedences)
    if (new_name[from] != new_name[to])
      renamed.precedences.emplace_back(new_name[from], new_name[to]);
  sort_unique(renamed.precedences);
  for (std::vector<std::uint32_t>& net : renamed.nets)
    for (std::uint32_t& g : net) g = new_name[g];
  for (std::uint32_t& g : renamed.group_of_node) g = new_name[g];
  draft = std::move(renamed);
  merge_nets(draft);
}

/// A group without work on any device may go to the device of its only predecessor u, or of its
/// only successor u, without a greater load anywhere, when what it exchanges with u alone takes at
/// least as long as what it exchanges without u: the device it leaves pays for nothing new but the
/// latter and no more for the former, and so does the device it comes to. `absorbed_by[g]` is that
/// u, or g itself. Groups that absorb are not absorbed in the same round.
std::vector<std::uint32_t> absorbed_groups(const Draft& draft, double accelerator_bytes) {
  const std::size_t num_groups = draft.accelerator_ms.size();
  std::vector<Pair> backward_pairs;
  for (const auto& [from, to] : draft.precedences) backward_pairs.emplace_back(to, from);
  const Rows successors(num_groups, draft.precedences);
  const Rows predecessors(num_groups, backward_pairs);
  std::vector<Pair> group_net;
  for (std::size_t e = 0; e < draft.nets.size(); ++e)
    for (const std::uint32_t g : draft.nets[e]) group_net.emplace_back(g, index32(e));
  const Rows nets_of(num_groups, group_net);
  const double total_bytes = std::accumulate(draft.size_bytes.begin(), draft.size_bytes.end(), 0.0);
  const bool memory_binds = total_bytes > accelerator_bytes;

  std::vector<std::uint32_t> absorbed_by(num_groups);
  std::iota(absorbed_by.begin(), absorbed_by.end(), std::uint32_t{0});
  std::vector<char> is_taken(num_groups, 0);
  const auto may_join = [&](std::uint32_t g, std::uint32_t u) {
    if (is_taken[u] == 1 ||
        (draft.runs_on_accelerator[g] == 0 && draft.runs_on_accelerator[u] != 0))
      return false;
    double alone_ms = 0;
    double without_ms = 0;
    for (const std::uint32_t e : nets_of[g]) {
      const std::vector<std::uint32_t>& net = draft.nets[e];
      if (!std::binary_search(net.begin(), net.end(), u))
        without_ms += draft.net_ms[e];
      else if (net.size() == 2)
        alone_ms += draft.net_ms[e];
    }
    return alone_ms >= without_ms;
  };
  for (std::uint32_t g = 0; g < num_groups; ++g) {
    if (draft.accelerator_ms[g] != 0 || draft.cpu_ms[g] != 0) continue;
    if (memory_binds && draft.size_bytes[g] != 0) continue;
    if (is_taken[g] != 0) continue;
    for (const Rows* neighbours : {&predecessors, &successors}) {
      if ((*neighbours)[g].size() != 1) continue;
      const std::uint32_t u = (*neighbours)[g].front();
      if (!may_join(g, u)) continue;
      absorbed_by[g] = u;
      is_taken[g] = 1;  // is absorbed
      is_taken[u] = 2;  // absorbs
      break;
    }
  }
  return absorbed_by;
}

void simplify_draft(Draft& draft, double accelerator_bytes) {
  while (true) {
    const std::vector<std::uint32_t> absorbed_by = absorbed_groups(draft, accelerator_bytes);
    std::vector<std::uint32_t> new_name(absorbed_by.size());
    std::uint32_t num_groups = 0;
    for (std::uint32_t g = 0; g < absorbed_by.size(); ++g)
      if (absorbed_by[g] == g) new_name[g] = num_groups++;
    if (num_groups == absorbed_by.size()) return;
    for (std::uint32_t g = 0; g < absorbed_by.size(); ++g)
      if (absorbed_by[g] != g) new_name[g] = new_name[absorbed_by[g]];
    rename_groups(draft, new_name, num_groups);
  }
}

}  // namespace

PieceGraph make_piece_graph(const PlacementProblem& problem, Simplify simplify) {
  Draft draft = make_draft(problem);
  merge_nets(draft);
  if (simplify == Simplify::kYes) simplify_draft(draft, problem.accelerator_bytes);

  const std::size_t num_groups = draft.accelerator_ms.size();
  // Without cycles left, each component is one group, and they come in a topological order.
  rename_groups(draft, strong_components(Rows(num_groups, draft.precedences), num_groups),
                num_groups);
  std::vector<Pair> backward_pairs;
  for (const auto& [from, to] : draft.precedences) backward_pairs.emplace_back(to, from);
  std::vector<Pair> net_group;
  std::vector<Pair> group_net;
  for (std::size_t e = 0; e < draft.nets.size(); ++e)
    for (const std::uint32_t g : draft.nets[e]) {
      net_group.emplace_back(index32(e), g);
      group_net.emplace_back(g, index32(e));
    }
  return {.accelerator_ms = std::move(draft.accelerator_ms),
          .cpu_ms = std::move(draft.cpu_ms),
          .size_bytes = std::move(draft.size_bytes),
          .runs_on_accelerator = std::move(draft.runs_on_accelerator),
          .predecessors = Rows(num_groups, backward_pairs),
          .successors = Rows(num_groups, draft.precedences),
          .groups_of_net = Rows(draft.nets.size(), net_group),
          .nets_of_group = Rows(num_groups, group_net),
          .net_ms = std::move(draft.net_ms),
          .group_of_node = std::move(draft.group_of_node)};
}

}  // namespace cadastre
