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

}  // namespace

double mean_use_beside(const Timeline& step, const std::vector<double>& processors,
                       double num_processors) {
  std::vector<Change> changes;
  for (const TimelineEvent& event : step.events) {
    if (!is_computation(event.kind)) continue;
    const auto rank = static_cast<std::size_t>(event.rank);
    changes.push_back({event.start_s, rank, 1});
    changes.push_back({event.end_s, rank, -1});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.at_s < b.at_s; });
  std::vector<int> depth(processors.size(), 0);  // of events of a rank that are under way
  double computed_s = 0;
  double used_s = 0;
  double before_s = 0;
  for (const Change& change : changes) {
    const double seconds = change.at_s - before_s;
    double in_use = 0;
    for (std::size_t r = 0; r < depth.size(); ++r)
      if (depth[r] > 0) in_use += processors[r];
    for (std::size_t r = 0; r < depth.size(); ++r) {
      const double others = num_processors - processors[r];
      if (depth[r] == 0) continue;
      computed_s += seconds;
      if (others > 0) used_s += seconds * std::min(1.0, (in_use - processors[r]) / others);
    }
    depth[change.rank] += change.by;
    before_s = change.at_s;
  }
  return computed_s > 0 ? used_s / computed_s : 0;
}

}  // namespace cadastre
