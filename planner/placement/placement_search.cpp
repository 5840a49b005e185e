#include "planner/placement/placement_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "planner/placement/backward_pieces.h"
#include "planner/placement/linear_pieces.h"
#include "planner/placement/piece_bound.h"
#include "planner/placement/piece_graph.h"
#include "planner/placement/piece_search.h"

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A difference below this part of the load is rounding, not a better placement.
constexpr double kTolerance = 1e-9;

using OutOfTime = std::function<bool()>;

struct Interval {
  std::optional<PieceChain> best;
  double best_ms = kInfinity;
  double lower_ms = 0;

  [[nodiscard]] bool closed() const { return lower_ms >= best_ms * (1 - kTolerance); }
};

bool is_backward_contiguous(const PieceChain& chain, const BackwardPieces& backward) {
  if (backward.follow_forward()) return true;
  for (std::size_t p = 0; p < chain.kind_of_piece.size(); ++p) {
    std::vector<char> in_piece(chain.piece_of_group.size());
    for (std::size_t g = 0; g < in_piece.size(); ++g)
      in_piece[g] = chain.piece_of_group[g] == p ? 1 : 0;
    if (!backward.contiguous(in_piece)) return false;
  }
  return true;
}

/// Everything on one device, if that can be.
std::optional<PieceChain> one_piece(const PieceGraph& graph, const Devices& devices) {
  PieceChain chain{.piece_of_group = std::vector<std::uint32_t>(graph.num_groups(), 0),
                   .kind_of_piece = {DeviceKind::kCpu}};
  if (devices.num_cpus > 0) return chain;
  double bytes = 0;
  for (const double size_bytes : graph.size_bytes) bytes += size_bytes;
  if (bytes > devices.accelerator_bytes) return std::nullopt;
  chain.kind_of_piece = {DeviceKind::kAccelerator};
  return chain;
}

/// Closes the interval between the best load and the lower bound, or narrows it until time is out
/// or a load of at most `enough_ms` is found.
class Narrowing {
 public:
  Narrowing(const PieceGraph& graph, const Devices& devices, const BackwardPieces& backward,
            const OutOfTime& out_of_time)
      : graph_(graph), devices_(devices), backward_(backward), out_of_time_(out_of_time) {
    interval_.lower_ms = load_bound_ms(graph, CpuRelief(graph), devices);
  }

  void offer(std::optional<PieceChain> chain) {
    if (!chain || !is_backward_contiguous(*chain, backward_)) return;
    const double load_ms = max_load_ms(graph_, *chain);
    if (load_ms >= interval_.best_ms) return;
    interval_.best_ms = load_ms;
    interval_.best = std::move(chain);
  }

  void offer_simple() {
    offer(one_piece(graph_, devices_));
    offer(best_linear_pieces(graph_, devices_, out_of_time_));
  }

  void narrow(double enough_ms) {
    if (!interval_.closed() && interval_.best)
      interval_.lower_ms =
          piece_bound_ms(graph_, devices_, interval_.lower_ms, interval_.best_ms, out_of_time_);
    // What is looked at grows from round to round, until it is everything.
    PieceEffort effort{.max_downsets = 256, .max_steps_per_downset = 4096};
    constexpr std::size_t kGrowth = 8;
    while (is_open(enough_ms)) {
      narrow_with(effort, enough_ms);
      effort.max_downsets *= kGrowth;
      effort.max_steps_per_downset *= kGrowth;
    }
  }

  [[nodiscard]] const Interval& interval() const { return interval_; }

 private:
  [[nodiscard]] bool is_open(double enough_ms) const {
    return !interval_.closed() && interval_.best_ms > enough_ms && !out_of_time_();
  }

  void narrow_with(const PieceEffort& effort, double enough_ms) {
    PieceSearch search(graph_, devices_, backward_);
    // Right below the best load first: if nothing is there, that is the proof. Where something is
    // found, halve.
    bool just_below = true;
    double low_ms = interval_.lower_ms;  // nothing was found under this limit, proof or not
    while (is_open(enough_ms)) {
      constexpr double kNear = 1e-4;
      const double better_ms =
          interval_.best ? interval_.best_ms * (1 - kTolerance) : over_every_load_ms();
      const bool is_near = !interval_.best || better_ms - low_ms <= kNear * better_ms;
      const double limit_ms = is_near || just_below ? better_ms : low_ms + (better_ms - low_ms) / 2;
      PieceOutcome outcome = search.within(limit_ms, effort, out_of_time_);
      if (outcome.chain) {
        const double before_ms = interval_.best_ms;
        offer(std::move(outcome.chain));
        if (interval_.best_ms >= before_ms) return;  // rounding
        just_below = !just_below;
        continue;
      }
      interval_.lower_ms = std::max(interval_.lower_ms, outcome.least_ms);
      if (is_near) return;
      low_ms = std::max(just_below ? low_ms : limit_ms, interval_.lower_ms);
      just_below = false;
    }
  }

  [[nodiscard]] double over_every_load_ms() const {
    double sum_ms = 1;
    for (const std::vector<double>* costs :
         {&graph_.accelerator_ms, &graph_.cpu_ms, &graph_.net_ms})
      for (const double ms : *costs) sum_ms += ms;
    return sum_ms;
  }

  const PieceGraph& graph_;
  Devices devices_;
  const BackwardPieces& backward_;
  const OutOfTime& out_of_time_;
  Interval interval_;
};

/// Whether sums of these are the same in every order.
bool are_whole(const std::vector<double>& sizes_bytes) {
  constexpr double kMostExact = 9007199254740992.0;  // 2^53
  double total_bytes = 0;
  for (const double bytes : sizes_bytes) {
    if (bytes != std::floor(bytes)) return false;
    total_bytes += bytes;
  }
  return total_bytes <= kMostExact;
}

Devices devices_of(const PlacementProblem& problem, const PieceGraph& graph) {
  // There are no more pieces than groups.
  const auto at_most = [&](std::int64_t num) {
    return std::min(static_cast<std::size_t>(num), graph.num_groups());
  };
  constexpr double kRounding = 1e-12;
  return {.num_accelerators = at_most(problem.num_accelerators),
          .num_cpus = at_most(problem.num_cpus),
          .accelerator_bytes =
              problem.accelerator_bytes * (are_whole(graph.size_bytes) ? 1 : 1 + kRounding)};
}

/// The placement whose greatest memory is least: the same search with bytes for milliseconds and
/// memory without end. Stops at one that fits.
Interval least_memory(PieceGraph graph, Devices devices, const BackwardPieces& backward,
                      const OutOfTime& out_of_time) {
  graph.accelerator_ms = graph.size_bytes;
  std::fill(graph.net_ms.begin(), graph.net_ms.end(), 0);
  const double enough_bytes = std::exchange(devices.accelerator_bytes, kInfinity);
  Narrowing narrowing(graph, devices, backward, out_of_time);
  narrowing.offer_simple();
  narrowing.narrow(enough_bytes);
  return narrowing.interval();
}

void set_placement(PlacementResult& result, const PlacementProblem& problem,
                   const PieceGraph& graph, const PieceChain& chain) {
  std::vector<std::size_t> device_of_node(problem.nodes.size());
  for (std::size_t v = 0; v < device_of_node.size(); ++v)
    device_of_node[v] = chain.piece_of_group[graph.group_of_node[v]];
  result.placement = evaluate_placement(problem, chain.kind_of_piece, device_of_node);
  result.max_load_ms = max_load_ms(*result.placement);
}

}  // namespace

PlacementResult search_placement(const PlacementProblem& problem, const PlacementOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = Clock::now();
  const auto searched_s = [&] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  const OutOfTime out_of_time = [&] {
    const double now_s = searched_s();
    if (options.on_progress) options.on_progress(now_s);
    return now_s > options.time_limit_s;
  };

  PieceGraph graph = make_piece_graph(problem, Simplify::kNo);
  const BackwardPieces backward(problem, graph);
  if (backward.follow_forward()) graph = make_piece_graph(problem, Simplify::kYes);
  const Devices devices = devices_of(problem, graph);
  Narrowing narrowing(graph, devices, backward, out_of_time);
  narrowing.offer_simple();
  PlacementResult result;
  if (!narrowing.interval().best) {
    // A CPU has memory for everything, so there is none.
    const Interval memory = least_memory(graph, devices, backward, out_of_time);
    if (memory.best_ms > devices.accelerator_bytes) {
      result.missing_bytes = memory.best_ms - problem.accelerator_bytes;
      result.fits_nowhere = memory.lower_ms > devices.accelerator_bytes;
      result.proven_optimal = memory.closed();
      result.lower_bound_ms = narrowing.interval().lower_ms;
      result.search_s = searched_s();
      return result;
    }
    narrowing.offer(memory.best);
  }
  narrowing.narrow(0);
  const Interval& interval = narrowing.interval();
  set_placement(result, problem, graph, *interval.best);
  result.proven_optimal = interval.closed();
  result.lower_bound_ms =
      result.proven_optimal ? result.max_load_ms : std::min(interval.lower_ms, result.max_load_ms);
  result.search_s = searched_s();
  return result;
}

}  // namespace cadastre
