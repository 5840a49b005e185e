#include "planner/schedule.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace cadastre {

namespace {

std::vector<Pass> gpipe(int micro_batches) {
  std::vector<Pass> passes;
  passes.reserve(2 * static_cast<std::size_t>(micro_batches));
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = false, .micro_batch = m});
  return passes;
}

std::vector<Pass> one_forward_one_backward(int micro_batches, int warm_up) {
  std::vector<Pass> passes;
  passes.reserve(2 * static_cast<std::size_t>(micro_batches));
  for (int m = 0; m < warm_up; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) {
    passes.push_back({.forward = false, .micro_batch = m});
    if (warm_up + m < micro_batches)
      passes.push_back({.forward = true, .micro_batch = warm_up + m});
  }
  return passes;
}

/// One step, played in time.
class InterleavedPlay {
 public:
  InterleavedPlay(const std::vector<ScheduledStage>& stages, int num_ranks, int micro_batches)
      : stages_(stages),
        micro_batches_(static_cast<std::size_t>(micro_batches)),
        predecessors_(stages.size()),
        parts_of_(static_cast<std::size_t>(num_ranks)),
        free_at_s_(static_cast<std::size_t>(num_ranks), 0),
        order_(static_cast<std::size_t>(num_ranks)) {
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (const int next : stages[s].successors)
        predecessors_[static_cast<std::size_t>(next)].push_back(static_cast<int>(s));
      for (const int rank : stages[s].ranks) {
        parts_of_[static_cast<std::size_t>(rank)].push_back(static_cast<int>(parts_.size()));
        parts_.push_back({.stage = static_cast<int>(s)});
      }
      done_.push_back({.forward = std::vector<int>(micro_batches_, 0),
                       .backward = std::vector<int>(micro_batches_, 0)});
      most_in_flight_.push_back(static_cast<std::size_t>(
          most_in_flight(Schedule::kInterleaved, micro_batches, stages[s].depth)));
    }
  }

  std::vector<std::vector<StagePass>> run() && {
    for (std::size_t r = 0; r < order_.size(); ++r) begin_pass(r, 0);
    while (!ends_.empty()) {
      const double now_s = ends_.top().at_s;
      // All that ends now, before anyone looks for work.
      touched_.clear();
      while (!ends_.empty() && ends_.top().at_s == now_s) {
        end_pass(ends_.top());
        ends_.pop();
      }
      std::sort(touched_.begin(), touched_.end());
      touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
      for (const int rank : touched_) begin_pass(static_cast<std::size_t>(rank), now_s);
    }
    return std::move(order_);
  }

 private:
  /// One replica of a stage: how many passes it has begun and ended.
  struct Part {
    int stage = 0;
    std::size_t forward_begun = 0;
    std::size_t forward_done = 0;
    std::size_t backward_begun = 0;
  };

  /// How many replicas of a stage are done with each micro-batch.
  struct Done {
    std::vector<int> forward;
    std::vector<int> backward;
  };

  struct End {
    double at_s = 0;
    int rank = 0;
    int part = 0;
    bool forward = true;
    std::size_t micro_batch = 0;

    bool operator>(const End& other) const {
      return std::tie(at_s, rank) > std::tie(other.at_s, other.rank);
    }
  };

  /// Whether all replicas of the stage are done with the micro-batch.
  [[nodiscard]] bool passed(int stage, bool forward, std::size_t micro_batch) const {
    const Done& done = done_[static_cast<std::size_t>(stage)];
    return (forward ? done.forward : done.backward)[micro_batch] ==
           static_cast<int>(stages_[static_cast<std::size_t>(stage)].ranks.size());
  }

  [[nodiscard]] bool can_go_back(const Part& part) const {
    const std::size_t m = part.backward_begun;
    if (m >= micro_batches_ || m >= part.forward_done) return false;
    const std::vector<int>& next = stages_[static_cast<std::size_t>(part.stage)].successors;
    return std::all_of(next.begin(), next.end(),
                       [&](int stage) { return passed(stage, false, m); });
  }

  [[nodiscard]] bool can_go_on(const Part& part) const {
    const std::size_t m = part.forward_begun;
    if (m >= micro_batches_ ||
        m - part.backward_begun >= most_in_flight_[static_cast<std::size_t>(part.stage)])
      return false;
    const std::vector<int>& before = predecessors_[static_cast<std::size_t>(part.stage)];
    return std::all_of(before.begin(), before.end(),
                       [&](int stage) { return passed(stage, true, m); });
  }

  /// A rank with several stages works on the micro-batches in rounds of as many as there are ranks:
  /// by then the first of them has gone once around all hosts.
  [[nodiscard]] std::size_t round_of(std::size_t micro_batch) const {
    return micro_batch / order_.size();
  }

  /// The part that goes on now, or -1: in the earliest round the first, which feeds the others.
  [[nodiscard]] int next_forward(std::size_t rank) const {
    int chosen = -1;
    std::size_t earliest = 0;
    for (const int p : parts_of_[rank]) {
      const Part& part = parts_[static_cast<std::size_t>(p)];
      const std::size_t round = round_of(part.forward_begun);
      if (!can_go_on(part) || (chosen >= 0 && round >= earliest)) continue;
      chosen = p;
      earliest = round;
    }
    return chosen;
  }

  /// The part that goes back now, or -1: in the earliest round the last.
  [[nodiscard]] int next_backward(std::size_t rank) const {
    int chosen = -1;
    std::size_t earliest = 0;
    for (const int p : parts_of_[rank]) {
      const Part& part = parts_[static_cast<std::size_t>(p)];
      const std::size_t round = round_of(part.backward_begun);
      if (!can_go_back(part) || (chosen >= 0 && round > earliest)) continue;
      chosen = p;
      earliest = round;
    }
    return chosen;
  }

  /// Begins what the rank does now, if it is free and there is anything to do.
  void begin_pass(std::size_t rank, double now_s) {
    if (free_at_s_[rank] > now_s) return;
    const int forth = next_forward(rank);
    const int back = next_backward(rank);
    const bool went_back = !order_[rank].empty() && !order_[rank].back().pass.forward;
    const bool forward = forth >= 0 && (back < 0 || went_back);
    const int chosen = forward ? forth : back;
    if (chosen < 0) return;
    Part& part = parts_[static_cast<std::size_t>(chosen)];
    const ScheduledStage& stage = stages_[static_cast<std::size_t>(part.stage)];
    const std::size_t micro_batch = forward ? part.forward_begun++ : part.backward_begun++;
    order_[rank].push_back(
        {.stage = part.stage,
         .pass = {.forward = forward, .micro_batch = static_cast<int>(micro_batch)}});
    // A pass without work still takes its turn.
    constexpr double kLeast = 1e-9;
    free_at_s_[rank] = now_s + std::max(kLeast, forward ? stage.forward_s : stage.backward_s);
    ends_.push({.at_s = free_at_s_[rank],
                .rank = static_cast<int>(rank),
                .part = chosen,
                .forward = forward,
                .micro_batch = micro_batch});
  }

  /// Notes a pass that has ended, and the ranks that may have work now.
  void end_pass(const End& end) {
    Part& part = parts_[static_cast<std::size_t>(end.part)];
    Done& done = done_[static_cast<std::size_t>(part.stage)];
    if (end.forward) ++part.forward_done;
    ++(end.forward ? done.forward : done.backward)[end.micro_batch];
    touched_.push_back(end.rank);
    const ScheduledStage& stage = stages_[static_cast<std::size_t>(part.stage)];
    for (const int next :
         end.forward ? stage.successors : predecessors_[static_cast<std::size_t>(part.stage)])
      for (const int rank : stages_[static_cast<std::size_t>(next)].ranks) touched_.push_back(rank);
  }

  const std::vector<ScheduledStage>& stages_;
  std::size_t micro_batches_;
  std::vector<std::vector<int>> predecessors_;  ///< [stage]
  std::vector<std::vector<int>> parts_of_;      ///< [rank] ascending by stage
  std::vector<Part> parts_;
  std::vector<Done> done_;                     ///< [stage]
  std::vector<std::size_t> most_in_flight_;    ///< [stage]
  std::vector<double> free_at_s_;              ///< [rank]
  std::vector<std::vector<StagePass>> order_;  ///< [rank]
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<int> touched_;  ///< ranks to look for work
};

}  // namespace

std::vector<Pass> stage_passes(Schedule schedule, int micro_batches, int depth) {
  switch (schedule) {
    case Schedule::kGpipe:
      return gpipe(micro_batches);
    case Schedule::kOneForwardOneBackward:
    case Schedule::kEagerOneForwardOneBackward:
    case Schedule::kInterleaved:
      return one_forward_one_backward(micro_batches,
                                      most_in_flight(schedule, micro_batches, depth));
  }
  return {};
}

int most_in_flight(Schedule schedule, int micro_batches, int depth) {
  switch (schedule) {
    case Schedule::kGpipe:
      return micro_batches;
    case Schedule::kOneForwardOneBackward:
      return std::min(micro_batches, depth + 1);
    case Schedule::kEagerOneForwardOneBackward:
    case Schedule::kInterleaved:
      return std::min(micro_batches, 2 * depth + 1);
  }
  return micro_batches;
}

std::vector<std::vector<StagePass>> interleaved_passes(const std::vector<ScheduledStage>& stages,
                                                       int num_ranks, int micro_batches) {
  return InterleavedPlay(stages, num_ranks, micro_batches).run();
}

}  // namespace cadastre
