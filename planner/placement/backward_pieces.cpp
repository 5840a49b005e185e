#include "planner/placement/backward_pieces.h"

#include <algorithm>
#include <utility>

#include "planner/graph/strong_components.h"

namespace cadastre {

namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

/// Whether every pair (from, to) of groups is joined by a path, for pairs sorted by `from`. 64
/// different groups are followed at a time; gives up, with false, when there are very many.
bool all_joined(const PieceGraph& graph, const std::vector<Pair>& pairs) {
  constexpr std::size_t kBits = 64;
  constexpr std::size_t kMostRounds = 64;
  std::vector<std::uint64_t> reached_from(graph.num_groups());
  std::size_t next = 0;
  for (std::size_t round = 0; next < pairs.size(); ++round) {
    if (round == kMostRounds) return false;
    std::fill(reached_from.begin(), reached_from.end(), 0);
    std::size_t num_sources = 0;
    std::size_t end = next;
    while (end < pairs.size()) {
      const bool is_new = end == next || pairs[end].first != pairs[end - 1].first;
      if (is_new && num_sources == kBits) break;
      if (is_new) reached_from[pairs[end].first] |= std::uint64_t{1} << num_sources++;
      ++end;
    }
    // Sources mark themselves; groups are numbered in a topological order.
    for (std::size_t g = 0; g < graph.num_groups(); ++g)
      for (const std::uint32_t before : graph.predecessors[g])
        reached_from[g] |= reached_from[before];
    num_sources = 0;
    for (; next < end; ++next) {
      if (next == 0 || pairs[next].first != pairs[next - 1].first || num_sources == 0)
        ++num_sources;
      if (((reached_from[pairs[next].second] >> (num_sources - 1)) & 1) == 0) return false;
    }
  }
  return true;
}

/// The pairs that no single edge joins, sorted.
std::vector<Pair> without_edge(std::vector<Pair> pairs, const PieceGraph& graph) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  std::erase_if(pairs, [&](const Pair& pair) {
    const auto after = graph.successors[pair.first];
    return std::binary_search(after.begin(), after.end(), pair.second);
  });
  return pairs;
}

}  // namespace

BackwardPieces::BackwardPieces(const PlacementProblem& problem, const PieceGraph& graph)
    : group_of_(graph.group_of_node) {
  std::vector<Pair> along;
  std::vector<Pair> against;
  std::vector<Pair> source_pairs;
  std::vector<Pair> target_pairs;
  for (const PlacementEdge& edge : problem.edges) {
    if (!problem.nodes[edge.source].is_backward) continue;
    const auto from = static_cast<std::uint32_t>(edge.source);
    const auto to = static_cast<std::uint32_t>(edge.target);
    source_pairs.emplace_back(to, from);
    target_pairs.emplace_back(from, to);
    if (group_of_[from] == group_of_[to]) continue;
    along.emplace_back(group_of_[from], group_of_[to]);
    against.emplace_back(group_of_[to], group_of_[from]);
  }
  follow_forward_ = all_joined(graph, without_edge(std::move(against), graph)) ||
                    all_joined(graph, without_edge(std::move(along), graph));
  if (follow_forward_) return;

  sources_ = Rows(problem.nodes.size(), source_pairs);
  const std::vector<std::uint32_t> place =
      strong_components(Rows(problem.nodes.size(), target_pairs), problem.nodes.size());
  for (std::uint32_t v = 0; v < problem.nodes.size(); ++v)
    if (problem.nodes[v].is_backward) order_.push_back(v);
  std::sort(order_.begin(), order_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return place[a] < place[b]; });
}

bool BackwardPieces::contiguous(const std::vector<char>& in_piece) const {
  if (follow_forward_) return true;
  constexpr char kFromPiece = 1;  // something it needs is in the piece
  constexpr char kHasLeft = 2;    // … and a path from there has left the piece
  std::vector<char> state(group_of_.size(), 0);
  for (const std::uint32_t v : order_) {
    char& mine = state[v];
    for (const std::uint32_t u : sources_[v]) mine = std::max(mine, state[u]);
    if (in_piece[group_of_[v]] != 0) {
      if (mine == kHasLeft) return false;
      mine = kFromPiece;
    } else if (mine == kFromPiece) {
      mine = kHasLeft;
    }
  }
  return true;
}

}  // namespace cadastre
