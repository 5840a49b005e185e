#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/program.h"

namespace cadastre {

/// When the thread that computes on a rank entered and left an instruction. A send is entered and
/// left at once; the transfer shows as the wait of its receive.
struct TimelineEvent {
  int rank = 0;
  InstructionKind kind = InstructionKind::kForward;
  int stage = -1;
  int micro_batch = -1;
  int layer = -1;
  int peer = -1;
  double start_s = 0;  ///< since the start of the earliest event
  double end_s = 0;
  std::int64_t bytes = 0;
  double cpu_s = 0;                 ///< of the computing thread; 0 where nobody measured it
  std::int64_t resident_bytes = 0;  ///< of the process at the end; 0 likewise
  bool operator==(const TimelineEvent&) const = default;
};

struct TimelineRank {
  std::string host;
  std::vector<RankPart> parts;
  bool operator==(const TimelineRank&) const = default;
};

/// One step of a program as the cost model predicts, the simulator replays or the executor
/// measures it. Events are in order of rank, then start.
struct Timeline {
  std::string source;  ///< predicted, simulated or measured
  double step_s = 0;   ///< from the end of the step before to the end of this one, at steady state
  std::vector<TimelineRank> ranks;
  std::vector<TimelineEvent> events;
  bool operator==(const Timeline&) const = default;
};

/// The ranks of a timeline of `program`, without events.
[[nodiscard]] Timeline timeline_of(const Program& program, const std::string& source);

[[nodiscard]] TimelineEvent event_of(int rank, const Instruction& instruction, double start_s,
                                     double end_s);

/// Moves the earliest start to 0 and puts the events in order.
void normalize(Timeline& timeline);

[[nodiscard]] Timeline read_timeline(const std::filesystem::path& file);
[[nodiscard]] Timeline timeline_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Timeline& timeline);

/// The Chrome trace event format (JSON object form), which Perfetto opens: a process per rank.
[[nodiscard]] nlohmann::json chrome_trace(const Timeline& timeline);

}  // namespace cadastre
