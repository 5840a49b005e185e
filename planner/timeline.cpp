#include "planner/timeline.h"

#include <algorithm>
#include <tuple>

namespace cadastre {

Timeline timeline_of(const Program& program, const std::string& source) {
  Timeline timeline;
  timeline.source = source;
  for (const RankProgram& rank : program.ranks)
    timeline.ranks.push_back({.host = rank.host, .parts = rank.parts});
  return timeline;
}

TimelineEvent event_of(int rank, const Instruction& instruction, double start_s, double end_s) {
  return {.rank = rank,
          .kind = instruction.kind,
          .stage = instruction.stage,
          .micro_batch = instruction.micro_batch,
          .layer = instruction.layer,
          .peer = instruction.peer,
          .start_s = start_s,
          .end_s = end_s,
          .bytes = instruction.bytes};
}

void normalize(Timeline& timeline) {
  if (timeline.events.empty()) return;
  const auto earliest = std::min_element(
      timeline.events.begin(), timeline.events.end(),
      [](const TimelineEvent& a, const TimelineEvent& b) { return a.start_s < b.start_s; });
  const double origin_s = earliest->start_s;
  for (TimelineEvent& event : timeline.events) {
    event.start_s -= origin_s;
    event.end_s -= origin_s;
  }
  std::stable_sort(timeline.events.begin(), timeline.events.end(),
                   [](const TimelineEvent& a, const TimelineEvent& b) {
                     return std::tie(a.rank, a.start_s) < std::tie(b.rank, b.start_s);
                   });
}

}  // namespace cadastre
