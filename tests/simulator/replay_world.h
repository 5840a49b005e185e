#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "planner/cluster.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/timeline.h"
#include "simulator/isolated.h"
#include "simulator/replay.h"
#include "tests/support/catch.h"

namespace cadastre {

/// What a replay needs.
struct ReplayWorld {
  Program program;
  ProgramCosts costs;
  Cluster cluster;
};

/// Replays each in a process of its own, as one process replays once.
inline std::vector<Timeline> replay_all(const std::vector<ReplayWorld>& worlds) {
  static_assert(std::is_trivially_copyable_v<TimelineEvent>);
  std::vector<IsolatedWork> work;
  for (const ReplayWorld& world : worlds)
    work.emplace_back([&world] {
      const Timeline timeline = replay(world.program, world.costs, world.cluster).timeline;
      std::string bytes(sizeof(double) + timeline.events.size() * sizeof(TimelineEvent), '\0');
      std::memcpy(bytes.data(), &timeline.step_s, sizeof(double));
      if (!timeline.events.empty())
        std::memcpy(bytes.data() + sizeof(double), timeline.events.data(),
                    timeline.events.size() * sizeof(TimelineEvent));
      return bytes;
    });
  const std::vector<IsolatedResult> results = run_isolated(work, num_usable_cores());
  std::vector<Timeline> timelines;
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("world " << i);
    REQUIRE(results[i].error == "");
    const std::string& bytes = results[i].output;
    Timeline& timeline = timelines.emplace_back(timeline_of(worlds[i].program, "simulated"));
    timeline.events.resize((bytes.size() - sizeof(double)) / sizeof(TimelineEvent));
    std::memcpy(&timeline.step_s, bytes.data(), sizeof(double));
    if (!timeline.events.empty())
      std::memcpy(timeline.events.data(), bytes.data() + sizeof(double),
                  timeline.events.size() * sizeof(TimelineEvent));
  }
  return timelines;
}

/// Whether two timelines of one program show the same, to `tolerance_s`.
inline void check_same_events(const Timeline& simulated, const Timeline& predicted,
                              double tolerance_s) {
  CHECK_THAT(simulated.step_s, WithinRel(predicted.step_s, 1e-7) ||
                                   Catch::Matchers::WithinAbs(predicted.step_s, tolerance_s));
  REQUIRE(simulated.events.size() == predicted.events.size());
  double largest_s = 0;
  for (std::size_t e = 0; e < predicted.events.size(); ++e) {
    REQUIRE(simulated.events[e].kind == predicted.events[e].kind);
    REQUIRE(simulated.events[e].stage == predicted.events[e].stage);
    largest_s =
        std::max({largest_s, std::abs(simulated.events[e].start_s - predicted.events[e].start_s),
                  std::abs(simulated.events[e].end_s - predicted.events[e].end_s)});
  }
  CHECK(largest_s < tolerance_s);
}

}  // namespace cadastre
