// Hosts behind uplinks. SimGrid allows one engine in a process, so a test case replays once.

#include "simulator/replay.h"
#include "tests/support/tiny_programs.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr double kMega = 1e6;

/// Hosts h0 and h1 in the zone "left", h2 and h3 in "right", h4 in none. A host's link: 10 MB/s and
/// 0.25 s; an uplink: 1 MB/s and 0.125 s on the left, 2 MB/s and 0.0625 s on the right.
Cluster two_zones() {
  Cluster cluster = star(5, 10 * kMega, 0.25);
  cluster.network.zones = {{.name = "left",
                            .hosts = {"h0", "h1"},
                            .bandwidth_bytes_per_s = 1 * kMega,
                            .latency_s = 0.125},
                           {.name = "right",
                            .hosts = {"h2", "h3"},
                            .bandwidth_bytes_per_s = 2 * kMega,
                            .latency_s = 0.0625}};
  return cluster;
}

struct Flow {
  int from = 0;
  int to = 0;
  std::int64_t bytes = 0;
};

/// Seconds until each flow has arrived, all having begun at the same time, on an empty network.
std::vector<double> arrivals_s(const Cluster& cluster, const std::vector<Flow>& flows) {
  TinyProgram tiny(std::vector<int>(cluster.hosts.size(), 1));
  const int num_ranks = static_cast<int>(cluster.hosts.size());
  for (const Flow& flow : flows) tiny.send_activation(flow.from, flow.to, flow.bytes);
  for (const Flow& flow : flows) tiny.receive_activation(flow.to, flow.from, flow.bytes);
  // A barrier: rank 0 hears of all, then all of it. What the way back takes is made up for.
  constexpr double kPause = 10;
  for (int r = 1; r < num_ranks; ++r) {
    tiny.send_gradient(r, 0, 1);
    tiny.receive_gradient(0, r, 1);
  }
  for (int r = 1; r < num_ranks; ++r) tiny.send_gradient(0, r, 1, 1);
  for (int r = 1; r < num_ranks; ++r) {
    tiny.receive_gradient(r, 0, 1, 1);
    tiny.forward(r, kPause - route_between(cluster, 0, r).latency_s);
  }
  tiny.forward(0, kPause);
  const Timeline timeline = replay(tiny.program, tiny.costs, cluster).timeline;
  std::vector<double> found;
  for (const Flow& flow : flows) {
    double sent_s = 0;
    double received_s = 0;
    for (const TimelineEvent& event : timeline.events) {
      if (event.kind == InstructionKind::kSendActivation && event.rank == flow.from &&
          event.peer == flow.to)
        sent_s = event.start_s;
      if (event.kind == InstructionKind::kReceiveActivation && event.rank == flow.to &&
          event.peer == flow.from)
        received_s = event.end_s;
    }
    found.push_back(received_s - sent_s);
  }
  return found;
}

/// The barrier's bytes take microseconds.
constexpr double kBarrier = 1e-4;

}  // namespace

TEST_CASE("a message between zones crosses both uplinks", "[simulator]") {
  // The least bandwidth on the way; the latencies of two hosts' links and two uplinks.
  const std::vector<double> s = arrivals_s(two_zones(), {{.from = 0, .to = 2, .bytes = 3'000'000}});
  CHECK_THAT(s[0], WithinRel(3 + 0.25 + 0.125 + 0.0625 + 0.25, kBarrier));
}

TEST_CASE("a message inside a zone crosses no uplink", "[simulator]") {
  const std::vector<double> s =
      arrivals_s(two_zones(), {{.from = 0, .to = 1, .bytes = 20'000'000}});
  CHECK_THAT(s[0], WithinRel(2 + 2 * 0.25, kBarrier));
}

TEST_CASE("a host outside the zones is at the middle switch", "[simulator]") {
  const std::vector<double> s = arrivals_s(two_zones(), {{.from = 4, .to = 2, .bytes = 4'000'000}});
  CHECK_THAT(s[0], WithinRel(2 + 2 * 0.25 + 0.0625, kBarrier));
}

TEST_CASE("flows from two hosts of a zone share its uplink, and it alone", "[simulator]") {
  const std::vector<double> s =
      arrivals_s(two_zones(), {{.from = 0, .to = 2, .bytes = 1'000'000},
                               {.from = 1, .to = 4, .bytes = 3'000'000},
                               {.from = 1, .to = 0, .bytes = 19'000'000}});
  // Half the uplink's 1 MB/s each until the 1 MB are through at 2 s; the 2 MB that are left then
  // have all of it, to 4 s.
  CHECK_THAT(s[0], WithinRel(2 + 2 * 0.25 + 0.125 + 0.0625, kBarrier));
  CHECK_THAT(s[1], WithinRel(4 + 2 * 0.25 + 0.125, kBarrier));
  // Beside the second on its host's link of 10 MB/s: 9.5 MB/s for 2 s.
  CHECK_THAT(s[2], WithinRel(2 + 2 * 0.25, kBarrier));
}

TEST_CASE("the two directions of an uplink do not disturb each other", "[simulator]") {
  const std::vector<double> s = arrivals_s(two_zones(), {{.from = 0, .to = 2, .bytes = 2'000'000},
                                                         {.from = 3, .to = 1, .bytes = 2'000'000}});
  for (const double seconds : s) CHECK_THAT(seconds, WithinRel(2 + 0.5 + 0.1875, kBarrier));
}

TEST_CASE("a direct link between zones leaves their uplinks alone", "[simulator]") {
  Cluster cluster = two_zones();
  cluster.network.direct_links = {
      {.from = "h0", .to = "h2", .bandwidth_bytes_per_s = 4 * kMega, .latency_s = 0.5},
      {.from = "h0", .to = "h1", .bandwidth_bytes_per_s = 5 * kMega, .latency_s = 0.75}};
  const std::vector<double> s = arrivals_s(cluster, {{.from = 0, .to = 2, .bytes = 8'000'000},
                                                     {.from = 1, .to = 3, .bytes = 2'000'000},
                                                     {.from = 1, .to = 0, .bytes = 5'000'000}});
  CHECK_THAT(s[0], WithinRel(2 + 0.5, kBarrier));
  CHECK_THAT(s[1], WithinRel(2 + 0.5 + 0.1875, kBarrier));
  CHECK_THAT(s[2], WithinRel(1 + 0.75, kBarrier));
}

TEST_CASE("a zone of all hosts is a star", "[simulator]") {
  Cluster cluster = star(3, 10 * kMega, 0.25);
  cluster.network.zones = {
      {.name = "all", .hosts = {"h0", "h1", "h2"}, .bandwidth_bytes_per_s = 1, .latency_s = 100}};
  const std::vector<double> s = arrivals_s(cluster, {{.from = 0, .to = 2, .bytes = 20'000'000}});
  CHECK_THAT(s[0], WithinRel(2 + 0.5, kBarrier));
}
