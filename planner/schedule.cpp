#include "planner/schedule.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace cadastre {

namespace {

std::vector<Pass> gpipe(int micro_batches) {
  std::vector<Pass> passes;
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) passes.push_back({.forward = false, .micro_batch = m});
  return passes;
}

std::vector<Pass> one_forward_one_backward(int micro_batches, int depth) {
  const int warm_up = std::min(micro_batches, depth + 1);
  std::vector<Pass> passes;
  for (int m = 0; m < warm_up; ++m) passes.push_back({.forward = true, .micro_batch = m});
  for (int m = 0; m < micro_batches; ++m) {
    passes.push_back({.forward = false, .micro_batch = m});
    if (warm_up + m < micro_batches)
      passes.push_back({.forward = true, .micro_batch = warm_up + m});
  }
  return passes;
}

/// One step played in units of time.
class InterleavedPlay {
 public:
  InterleavedPlay(const std::vector<ScheduledStage>& stages, int num_ranks, int micro_batches)
      : stages_(stages),
        micro_batches_(micro_batches),
        predecessors_(stages.size()),
        stages_of_(static_cast<std::size_t>(num_ranks)),
        free_at_(static_cast<std::size_t>(num_ranks), 0),
        order_(static_cast<std::size_t>(num_ranks)) {
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (const int next : stages[s].successors)
        predecessors_[static_cast<std::size_t>(next)].push_back(static_cast<int>(s));
      progress_.emplace_back(stages[s].ranks.size());
      for (std::size_t k = 0; k < stages[s].ranks.size(); ++k)
        stages_of_[static_cast<std::size_t>(stages[s].ranks[k])].push_back(
            {static_cast<int>(s), static_cast<int>(k)});
    }
  }

  std::vector<std::vector<StagePass>> run() && {
    // Every rank looks for work at the start and whenever a pass has ended anywhere.
    std::priority_queue<int, std::vector<int>, std::greater<>> times;
    times.push(0);
    while (!times.empty()) {
      const int now = times.top();
      while (!times.empty() && times.top() == now) times.pop();
      for (std::size_t r = 0; r < order_.size(); ++r) {
        if (free_at_[r] > now) continue;
        const int ends = begin_pass(r, now);
        if (ends > now) times.push(ends);
      }
    }
    return std::move(order_);
  }

 private:
  struct PartOfStage {
    int stage = 0;
    int replica = 0;
  };

  /// When each of a replica's passes ended, in order of micro-batches.
  struct Progress {
    std::vector<int> forward_ends;
    std::vector<int> backward_ends;
  };

  /// Whether micro-batch `m` has passed all replicas of the stage by now.
  [[nodiscard]] bool passed(int stage, bool forward, std::size_t m, int now) const {
    const auto& replicas = progress_[static_cast<std::size_t>(stage)];
    return std::all_of(replicas.begin(), replicas.end(), [&](const Progress& progress) {
      const std::vector<int>& ends = forward ? progress.forward_ends : progress.backward_ends;
      return ends.size() > m && ends[m] <= now;
    });
  }

  [[nodiscard]] bool can_go_back(const PartOfStage& part, int now) const {
    const ScheduledStage& stage = stages_[static_cast<std::size_t>(part.stage)];
    const Progress& progress = progress_of(part);
    const std::size_t m = progress.backward_ends.size();
    return m < static_cast<std::size_t>(micro_batches_) && m < progress.forward_ends.size() &&
           progress.forward_ends[m] <= now &&
           std::all_of(stage.successors.begin(), stage.successors.end(),
                       [&](int next) { return passed(next, false, m, now); });
  }

  [[nodiscard]] bool can_go_on(const PartOfStage& part, int now) const {
    const ScheduledStage& stage = stages_[static_cast<std::size_t>(part.stage)];
    const Progress& progress = progress_of(part);
    const std::size_t m = progress.forward_ends.size();
    const std::size_t in_flight = m - progress.backward_ends.size();
    const std::vector<int>& before = predecessors_[static_cast<std::size_t>(part.stage)];
    return m < static_cast<std::size_t>(micro_batches_) &&
           in_flight < static_cast<std::size_t>(stage.depth) + 1 &&
           std::all_of(before.begin(), before.end(),
                       [&](int earlier) { return passed(earlier, true, m, now); });
  }

  [[nodiscard]] const Progress& progress_of(const PartOfStage& part) const {
    return progress_[static_cast<std::size_t>(part.stage)][static_cast<std::size_t>(part.replica)];
  }

  /// Of several stages a rank works on the micro-batches in rounds of as many as there are ranks:
  /// by then the first of them has gone once around all hosts.
  [[nodiscard]] std::size_t round_of(const std::vector<int>& ends) const {
    return ends.size() / order_.size();
  }

  /// The stage that goes on now: in the earliest round the first, which feeds the others.
  [[nodiscard]] const PartOfStage* next_forward(std::size_t rank, int now) const {
    const PartOfStage* chosen = nullptr;
    for (const PartOfStage& part : stages_of_[rank])
      if (can_go_on(part, now) &&
          (chosen == nullptr ||
           round_of(progress_of(part).forward_ends) < round_of(progress_of(*chosen).forward_ends)))
        chosen = &part;
    return chosen;
  }

  /// The stage that goes back now: in the earliest round the last.
  [[nodiscard]] const PartOfStage* next_backward(std::size_t rank, int now) const {
    const PartOfStage* chosen = nullptr;
    for (const PartOfStage& part : stages_of_[rank])
      if (can_go_back(part, now) &&
          (chosen == nullptr || round_of(progress_of(part).backward_ends) <=
                                    round_of(progress_of(*chosen).backward_ends)))
        chosen = &part;
    return chosen;
  }

  /// Begins what the rank does now, if anything; returns when it ends.
  int begin_pass(std::size_t rank, int now) {
    const PartOfStage* const forth = next_forward(rank, now);
    const PartOfStage* const back = next_backward(rank, now);
    const bool went_back = !order_[rank].empty() && !order_[rank].back().pass.forward;
    const bool forward = forth != nullptr && (back == nullptr || went_back);
    const PartOfStage* const chosen = forward ? forth : back;
    if (chosen == nullptr) return now;
    const ScheduledStage& stage = stages_[static_cast<std::size_t>(chosen->stage)];
    Progress& progress = progress_[static_cast<std::size_t>(chosen->stage)]
                                  [static_cast<std::size_t>(chosen->replica)];
    std::vector<int>& ends = forward ? progress.forward_ends : progress.backward_ends;
    constexpr int kForward = 1;
    constexpr int kBackward = 2;
    const int lasts = forward ? kForward : kBackward + (stage.recompute ? kForward : 0);
    order_[rank].push_back(
        {.stage = chosen->stage,
         .pass = {.forward = forward, .micro_batch = static_cast<int>(ends.size())}});
    ends.push_back(now + lasts);
    free_at_[rank] = now + lasts;
    return now + lasts;
  }

  const std::vector<ScheduledStage>& stages_;
  int micro_batches_;
  std::vector<std::vector<int>> predecessors_;       ///< [stage]
  std::vector<std::vector<PartOfStage>> stages_of_;  ///< [rank]
  std::vector<std::vector<Progress>> progress_;      ///< [stage][replica]
  std::vector<int> free_at_;                         ///< [rank]
  std::vector<std::vector<StagePass>> order_;        ///< [rank]
};

}  // namespace

std::vector<Pass> stage_passes(Schedule schedule, int micro_batches, int depth) {
  switch (schedule) {
    case Schedule::kGpipe:
      return gpipe(micro_batches);
    case Schedule::kOneForwardOneBackward:
    case Schedule::kInterleaved:
      return one_forward_one_backward(micro_batches, depth);
  }
  return {};
}

int most_in_flight(Schedule schedule, int micro_batches, int depth) {
  return schedule == Schedule::kGpipe ? micro_batches : std::min(micro_batches, depth + 1);
}

std::vector<std::vector<StagePass>> interleaved_passes(const std::vector<ScheduledStage>& stages,
                                                       int num_ranks, int micro_batches) {
  return InterleavedPlay(stages, num_ranks, micro_batches).run();
}

}  // namespace cadastre
