#include "planner/fidelity/contention.h"

#include <algorithm>

#include "planner/fidelity/step_figures.h"

namespace cadastre {

namespace {

/// A rank that begins to compute, or ends.
struct Change {
  double at_s = 0;
  std::size_t rank = 0;
  int by = 0;
};

/// Seconds of ranks, and of those the ones at which others computed.
struct Mean {
  double seconds = 0;
  double used_s = 0;

  void add(double more_s, double use) {
    seconds += more_s;
    used_s += more_s * use;
  }

  [[nodiscard]] double value() const { return seconds > 0 ? used_s / seconds : 0; }
};

}  // namespace

UseBeside mean_use_beside(const Timeline& step, const std::vector<double>& processors,
                          double num_processors) {
  std::vector<Change> changes;
  for (const TimelineEvent& event : step.events) {
    const auto rank = static_cast<std::size_t>(event.rank);
    const int by = is_computation(event.kind) ? 1 : 0;
    changes.push_back({event.start_s, rank, by});
    changes.push_back({event.end_s, rank, -by});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.at_s < b.at_s; });
  std::vector<int> depth(processors.size(), 0);  // of events of a rank that are under way
  Mean computing;
  Mean waiting;
  double before_s = 0;
  for (const Change& change : changes) {
    const double seconds = change.at_s - before_s;
    double in_use = 0;
    for (std::size_t r = 0; r < depth.size(); ++r)
      if (depth[r] > 0) in_use += processors[r];
    for (std::size_t r = 0; r < depth.size(); ++r) {
      const double own = depth[r] > 0 ? processors[r] : 0;
      const double others = num_processors - processors[r];
      const double use = others > 0 ? std::min(1.0, (in_use - own) / others) : 0;
      (depth[r] > 0 ? computing : waiting).add(seconds, use);
    }
    depth[change.rank] += change.by;
    before_s = change.at_s;
  }
  return {.computing = computing.value(), .waiting = waiting.value()};
}

}  // namespace cadastre
