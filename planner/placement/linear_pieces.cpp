#include "planner/placement/linear_pieces.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>

namespace cadastre {

namespace {

using Order = std::vector<std::uint32_t>;

constexpr std::uint32_t kNone = 0xFFFFFFFFU;

/// Always the group that comes first (or last) by number of those whose predecessors are placed, or
/// the one that has waited longest.
enum class Next { kSmallest, kOldest, kYoungest };

Order topological_order(const PieceGraph& graph, Next next) {
  std::vector<std::size_t> num_missing(graph.num_groups());
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>> ready;
  std::int64_t num_queued = 0;
  const auto enqueue = [&](std::uint32_t g) {
    ++num_queued;
    const std::int64_t key = next == Next::kSmallest ? -static_cast<std::int64_t>(g)
                             : next == Next::kOldest ? -num_queued
                                                     : num_queued;
    ready.emplace(key, g);
  };
  for (std::uint32_t g = 0; g < graph.num_groups(); ++g) {
    num_missing[g] = graph.predecessors[g].size();
    if (num_missing[g] == 0) enqueue(g);
  }
  Order order;
  while (!ready.empty()) {
    const std::uint32_t g = ready.top().second;
    ready.pop();
    order.push_back(g);
    for (const std::uint32_t after : graph.successors[g])
      if (--num_missing[after] == 0) enqueue(after);
  }
  return order;
}

/// Stretches of one order.
class LinearPieces {
 public:
  LinearPieces(const PieceGraph& graph, const Devices& devices, Order order)
      : graph_(graph),
        devices_(devices),
        order_(std::move(order)),
        num_in_net_(graph.net_ms.size(), 0) {
    // More CPUs than this are left idle here.
    constexpr std::size_t kMostCpus = 4;
    num_cpus_ = std::min(devices.num_cpus, kMostCpus);
  }

  /// A placement with no load over `limit_ms`.
  std::optional<PieceChain> within(double limit_ms) {
    // Farthest position after a accelerators, for each number of CPUs used so far, and how.
    const std::size_t row = num_cpus_ + 1;
    std::vector<std::size_t> farthest(row, 0);
    std::vector<Cell> cells(row * (devices_.num_accelerators + 1));
    for (std::size_t a = 0; a <= devices_.num_accelerators; ++a) {
      for (std::size_t c = 0; c < row; ++c) {
        Cell& cell = cells[a * row + c];
        if (a > 0) {
          const std::size_t begin = cells[(a - 1) * row + c].end;
          cell = {begin, accelerator_end(begin, limit_ms), DeviceKind::kAccelerator};
        }
        if (c > 0) {
          const std::size_t begin = cells[a * row + c - 1].end;
          const std::size_t end = cpu_end(begin, limit_ms);
          if (end > cell.end) cell = {begin, end, DeviceKind::kCpu};
        }
        if (cell.end == order_.size()) return chain_to(cells, a, c);
      }
    }
    return std::nullopt;
  }

 private:
  struct Cell {
    std::size_t begin = 0;
    std::size_t end = 0;
    DeviceKind kind = DeviceKind::kAccelerator;
  };

  PieceChain chain_to(const std::vector<Cell>& cells, std::size_t a, std::size_t c) const {
    std::vector<Cell> pieces;
    while (a + c > 0) {
      const Cell& cell = cells[a * (num_cpus_ + 1) + c];
      if (cell.end > cell.begin) pieces.push_back(cell);
      --(cell.kind == DeviceKind::kCpu ? c : a);
    }
    std::reverse(pieces.begin(), pieces.end());
    PieceChain chain{.piece_of_group = std::vector<std::uint32_t>(order_.size(), kNone)};
    for (const Cell& piece : pieces) {
      for (std::size_t i = piece.begin; i < piece.end; ++i)
        chain.piece_of_group[order_[i]] = static_cast<std::uint32_t>(chain.kind_of_piece.size());
      chain.kind_of_piece.push_back(piece.kind);
    }
    return chain;
  }

  std::size_t cpu_end(std::size_t begin, double limit_ms) const {
    double load_ms = 0;
    std::size_t end = begin;
    while (end < order_.size()) {
      load_ms += graph_.cpu_ms[order_[end]];
      if (load_ms > limit_ms) break;
      ++end;
    }
    return end;
  }

  /// The last end of a stretch from `begin` that fits, though shorter ones may not: what it sends
  /// can be dear in the middle.
  std::size_t accelerator_end(std::size_t begin, double limit_ms) {
    double work_ms = 0;
    double transfer_ms = 0;
    double bytes = 0;
    std::size_t best = begin;
    std::size_t end = begin;
    while (end < order_.size()) {
      const std::uint32_t g = order_[end];
      work_ms += graph_.accelerator_ms[g];
      bytes += graph_.size_bytes[g];
      if (graph_.runs_on_accelerator[g] == 0 || work_ms > limit_ms ||
          bytes > devices_.accelerator_bytes)
        break;
      ++end;
      for (const std::uint32_t e : graph_.nets_of_group[g]) {
        if (num_in_net_[e]++ == 0) transfer_ms += graph_.net_ms[e];
        if (num_in_net_[e] == graph_.groups_of_net[e].size()) transfer_ms -= graph_.net_ms[e];
      }
      if (work_ms + transfer_ms <= limit_ms) best = end;
    }
    for (std::size_t i = begin; i < end; ++i)
      for (const std::uint32_t e : graph_.nets_of_group[order_[i]]) num_in_net_[e] = 0;
    return best;
  }

  const PieceGraph& graph_;
  const Devices& devices_;
  Order order_;
  std::size_t num_cpus_ = 0;
  std::vector<std::uint32_t> num_in_net_;
};

}  // namespace

std::optional<PieceChain> best_linear_pieces(const PieceGraph& graph, const Devices& devices,
                                             const std::function<bool()>& out_of_time) {
  const double least_ms = load_bound_ms(graph, CpuRelief(graph), devices);
  const double work_ms =
      std::accumulate(graph.accelerator_ms.begin(), graph.accelerator_ms.end(), 0.0) +
      std::accumulate(graph.net_ms.begin(), graph.net_ms.end(), 0.0);
  const double cpu_ms = std::accumulate(graph.cpu_ms.begin(), graph.cpu_ms.end(), 0.0);
  std::optional<PieceChain> best;
  double best_ms = std::max(work_ms, cpu_ms) * 2 + 1;  // nothing takes that long
  for (const Next next : {Next::kSmallest, Next::kYoungest, Next::kOldest}) {
    if (best && out_of_time()) break;
    LinearPieces pieces(graph, devices, topological_order(graph, next));
    const auto improves_within = [&](double limit_ms) {
      std::optional<PieceChain> chain = pieces.within(limit_ms);
      if (!chain) return false;
      const double load_ms = max_load_ms(graph, *chain);
      if (load_ms >= best_ms) return false;
      best = std::move(chain);
      best_ms = load_ms;
      return true;
    };
    if (!best && !improves_within(best_ms)) continue;
    constexpr double kNear = 1e-3;
    double low_ms = least_ms;
    while (best_ms - low_ms > kNear * best_ms && !out_of_time()) {
      const double middle_ms = low_ms + (best_ms - low_ms) / 2;
      if (!improves_within(middle_ms)) low_ms = middle_ms;
    }
  }
  return best;
}

}  // namespace cadastre
