// SimGrid allows one engine in a process, so a test case replays once; ctest runs each in a process
// of its own.

#include "simulator/replay.h"

#include <algorithm>
#include <stdexcept>

#include "simulator/isolated.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

constexpr double kBandwidth = 1e6;  // bytes per second
constexpr double kLatency = 0.25;   // of a host's link: a message crosses two, so 0.5 s

Timeline replayed(const TinyProgram& tiny, const Cluster& cluster) {
  return replay(tiny.program, tiny.costs, cluster).timeline;
}

/// The events of one kind on one rank, in order.
std::vector<TimelineEvent> events_of(const Timeline& timeline, int rank, InstructionKind kind) {
  std::vector<TimelineEvent> found;
  for (const TimelineEvent& event : timeline.events)
    if (event.rank == rank && event.kind == kind) found.push_back(event);
  return found;
}

/// Makes the senders wait for the receiver, so that every step starts on an empty network.
void acknowledge(TinyProgram& tiny, int receiver, const std::vector<int>& senders) {
  for (const int sender : senders) {
    tiny.send_gradient(receiver, sender, 1);
    tiny.receive_gradient(sender, receiver, 1);
  }
}

}  // namespace

TEST_CASE("a transfer alone takes latency plus bytes over bandwidth", "[simulator]") {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 2'000'000);
  tiny.receive_activation(1, 0, 2'000'000);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  const Timeline timeline = replayed(tiny, star(2, kBandwidth, kLatency));
  // There 0.5 s + 2 MB / (1 MB/s), back 0.5 s + 1 MB / (1 MB/s).
  CHECK_THAT(timeline.step_s, WithinRel(2.5 + 1.5, 1e-9));
  CHECK(timeline.source == "simulated");
  const std::vector<TimelineEvent> waits =
      events_of(timeline, 0, InstructionKind::kReceiveGradient);
  REQUIRE(waits.size() == 1);
  CHECK_THAT(waits[0].end_s - waits[0].start_s, WithinRel(4.0, 1e-9));
  CHECK(waits[0].bytes == 1'000'000);
}

TEST_CASE("connections from two ranks share the link of the rank they send to", "[simulator]") {
  TinyProgram tiny({1, 1, 1});
  tiny.send_activation(0, 2, 1'000'000);
  tiny.send_activation(1, 2, 3'000'000);
  tiny.receive_activation(2, 0, 1'000'000);
  tiny.receive_activation(2, 1, 3'000'000);
  acknowledge(tiny, 2, {0, 1});
  const Timeline timeline = replayed(tiny, star(3, kBandwidth, kLatency));
  // Half the link each until the 1 MB are through at 2 s; the 2 MB that are left then have all of
  // it, to 4 s. Each message shows 0.5 s later.
  const std::vector<TimelineEvent> receives =
      events_of(timeline, 2, InstructionKind::kReceiveActivation);
  REQUIRE(receives.size() == 2);
  const double start_s = events_of(timeline, 0, InstructionKind::kSendActivation).at(0).start_s;
  CHECK_THAT(receives[0].end_s - start_s, WithinRel(2.0 + 0.5, 1e-9));
  CHECK_THAT(receives[1].end_s - start_s, WithinRel(4.0 + 0.5, 1e-9));
}

TEST_CASE("messages from one rank to another come one after the other", "[simulator]") {
  TinyProgram tiny({1, 1});
  for (int m = 0; m < 3; ++m) tiny.send_activation(0, 1, 1'000'000, m);
  for (int m = 0; m < 3; ++m) tiny.receive_activation(1, 0, 1'000'000, m);
  acknowledge(tiny, 1, {0});
  const Timeline timeline = replayed(tiny, star(2, kBandwidth, kLatency));
  const std::vector<TimelineEvent> sends = events_of(timeline, 0, InstructionKind::kSendActivation);
  const std::vector<TimelineEvent> receives =
      events_of(timeline, 1, InstructionKind::kReceiveActivation);
  REQUIRE(sends.size() == 3);
  REQUIRE(receives.size() == 3);
  for (std::size_t m = 0; m < 3; ++m) {
    // Sends do not block; the stream pays the latency once: 1 + 0.5, 2 + 0.5, 3 + 0.5.
    CHECK(sends[m].end_s == sends[0].start_s);
    CHECK_THAT(receives[m].end_s - sends[0].start_s,
               WithinRel(static_cast<double>(m + 1) + 0.5, 1e-9));
  }
}

TEST_CASE("the two directions of a link do not disturb each other", "[simulator]") {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  const Timeline timeline = replayed(tiny, star(2, kBandwidth, kLatency));
  CHECK_THAT(timeline.step_s, WithinRel(0.5 + 1.0, 1e-9));
}

TEST_CASE("a direct link takes the traffic of its two hosts and of no others", "[simulator]") {
  Cluster cluster = star(3, kBandwidth, kLatency);
  cluster.network.direct_links.push_back(
      {.from = "h1", .to = "h0", .bandwidth_bytes_per_s = 4e6, .latency_s = 0.125});
  TinyProgram tiny({1, 1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.send_activation(0, 2, 1'000'000);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.receive_activation(2, 0, 1'000'000);
  acknowledge(tiny, 1, {0});
  acknowledge(tiny, 2, {0});
  const Timeline timeline = replayed(tiny, cluster);
  const double start_s = events_of(timeline, 0, InstructionKind::kSendActivation).at(0).start_s;
  // 0.125 s + 1 MB / (4 MB/s) over the cable, 0.5 s + 1 MB / (1 MB/s) over the switch.
  CHECK_THAT(events_of(timeline, 1, InstructionKind::kReceiveActivation).at(0).end_s - start_s,
             WithinRel(0.375, 1e-9));
  CHECK_THAT(events_of(timeline, 2, InstructionKind::kReceiveActivation).at(0).end_s - start_s,
             WithinRel(1.5, 1e-9));
}

TEST_CASE("a host's own link overrides the network's", "[simulator]") {
  Cluster cluster = star(2, kBandwidth, kLatency);
  cluster.hosts[1].bandwidth_bytes_per_s = 0.5e6;
  cluster.hosts[1].latency_s = 0.75;
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  // Each way 0.25 s + 0.75 s + 1 MB / (0.5 MB/s).
  CHECK_THAT(replayed(tiny, cluster).step_s, WithinRel(2 * 3.0, 1e-9));
}

TEST_CASE("compute takes its cost on a host of any speed", "[simulator]") {
  Cluster cluster = star(1, 0, 0);  // one host needs no network
  cluster.hosts[0].relative_speed = 0.37;
  TinyProgram tiny({1});
  tiny.compute(0, InstructionKind::kLoadMicroBatch, 0, 1e-6);
  tiny.forward(0, 0.002);
  tiny.compute(0, InstructionKind::kBackward, 0, 3);
  tiny.compute(0, InstructionKind::kOptimizerStep, -1, 0);
  const Timeline timeline = replayed(tiny, cluster);
  CHECK_THAT(timeline.step_s, WithinRel(1e-6 + 0.002 + 3, 1e-9));
  REQUIRE(timeline.events.size() == 4);
  CHECK(timeline.events[0].start_s == 0);
  CHECK_THAT(timeline.events[0].end_s, WithinRel(1e-6, 1e-3));
  CHECK(timeline.events[3].start_s == timeline.events[3].end_s);
}

TEST_CASE("a ring all-reduce takes 2(n-1) rounds of a part each", "[simulator]") {
  constexpr int n = 4;
  TinyProgram tiny({n});
  for (int r = 0; r < n; ++r) tiny.reduce(r, 8'000'000);
  const Timeline timeline = replayed(tiny, star(n, kBandwidth, kLatency));
  // 2(n-1)/n · bytes / bandwidth + 2(n-1) · latency.
  CHECK_THAT(timeline.step_s, WithinRel(2.0 * 3 / 4 * 8 + 2 * 3 * 0.5, 1e-9));
  // Each starts its reduction and waits for it.
  CHECK(timeline.events.size() == 2 * n);
}

TEST_CASE("a rank handles each byte that it receives in a reduction", "[simulator]") {
  constexpr int n = 4;
  TinyProgram tiny({n});
  for (int r = 0; r < n; ++r) tiny.reduce(r, 8'000'000);
  Cluster cluster = star(n, kBandwidth, kLatency);
  cluster.network.reduction_s_per_byte = 0.5e-6;
  // 6 rounds of 2 MB: 2 s on the wire, 0.5 s latency, 1 s in the rank that receives.
  CHECK_THAT(replayed(tiny, cluster).step_s, WithinRel(6 * (2 + 0.5 + 1), 1e-9));
}

TEST_CASE("a ring all-reduce of fewer bytes than ranks still goes round", "[simulator]") {
  TinyProgram tiny({3});
  for (int r = 0; r < 3; ++r) tiny.reduce(r, 1);
  // 4 rounds of latency; the one byte, 1 µs, goes through 2(n-1) = 4 messages one after the other.
  CHECK_THAT(replayed(tiny, star(3, kBandwidth, kLatency)).step_s, WithinRel(4 * 0.5 + 4e-6, 1e-9));
}

TEST_CASE("a reduction waits for its last rank", "[simulator]") {
  TinyProgram tiny({2});
  tiny.forward(0, 1);
  tiny.forward(1, 5);
  tiny.reduce(0, 2'000'000);
  tiny.reduce(1, 2'000'000);
  const Timeline timeline = replayed(tiny, star(2, kBandwidth, kLatency));
  // Two rounds of 1 MB: 2 · (1 + 0.5). Rank 0 sends its part at 1 s but has none to add to until 5.
  CHECK_THAT(timeline.step_s, WithinRel(5 + 2 * 1.5, 1e-9));
  const TimelineEvent reduction = events_of(timeline, 0, InstructionKind::kReduceGradients).at(0);
  CHECK_THAT(reduction.end_s - reduction.start_s, WithinRel(4 + 2 * 1.5, 1e-9));
}

TEST_CASE("a reduction goes on beside what its ranks compute", "[simulator]") {
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.forward(r, 1);
    tiny.start_reduction(r, 0, 2'000'000);
    tiny.forward(r, 10, 1);
    tiny.start_reduction(r, 1, 2'000'000);
    tiny.wait_for_reductions(r, 4'000'000);
  }
  const Timeline timeline = replayed(tiny, star(2, kBandwidth, kLatency));
  // Two rounds of 1 MB are 2 · (1 + 0.5): the first bucket from 1 s to 4 s, the second from 11 s
  // on.
  CHECK_THAT(timeline.step_s, WithinRel(11 + 3.0, 1e-9));
  const TimelineEvent wait = events_of(timeline, 0, InstructionKind::kReduceGradients).at(0);
  CHECK_THAT(wait.end_s - wait.start_s, WithinRel(3.0, 1e-9));
  for (const TimelineEvent& start : events_of(timeline, 0, InstructionKind::kStartReduction))
    CHECK(start.end_s == start.start_s);
}

TEST_CASE("what a reduction adds up slows down what its rank computes", "[simulator]") {
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.forward(r, 1);
    tiny.start_reduction(r, 0, 2'000'000);
    tiny.forward(r, 10, 1);
    tiny.start_reduction(r, 1, 2'000'000);
    tiny.wait_for_reductions(r, 4'000'000);
  }
  Cluster cluster = star(2, kBandwidth, kLatency);
  cluster.network.reduction_s_per_byte = 0.5e-6;
  const ReplayResult result = replay(tiny.program, tiny.costs, cluster);
  // Of each round, 0.5 s of adding, which the two share with 0.5 s of the 10: those take 11 s,
  // until 12 s. Then twice 1.5 s on the network and 0.5 s alone.
  CHECK_THAT(result.timeline.step_s, WithinRel(12 + 2 * (1.5 + 0.5), 1e-9));
  const SimulatedHost& host = result.figures.hosts.at(0);
  CHECK_THAT(host.compute_s, WithinRel(12 + 2 * 0.5, 1e-9));
  CHECK_THAT(host.receiving_s, WithinRel(2 * 1.5, 1e-9));
  CHECK(host.sent_bytes == 4'000'000);
}

/// 1 MB is on its way while its sender computes for 4 s.
TinyProgram message_beside_a_pass() {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.forward(0, 4);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.send_gradient(1, 0, 1);
  tiny.receive_gradient(0, 1, 1);
  return tiny;
}

/// Messages take of the processors, too.
Cluster two_hosts_that_transport() {
  Cluster cluster = star(2, kBandwidth, kLatency);
  cluster.network.message_s = 0.25;
  cluster.network.transport_s_per_byte = 1e-6;
  return cluster;
}

TEST_CASE("a message takes of both ends' processors, which compute the slower", "[simulator]") {
  const TinyProgram tiny = message_beside_a_pass();
  const Cluster cluster = two_hosts_that_transport();
  const Timeline timeline = replayed(tiny, cluster);
  // The sender takes 0.25 s to hand it over and 4 s to compute, beside 1 s for the transport, which
  // has half of its processor until 2 s: it hands over until 0.5 s and computes until 5.25 s.
  const TimelineEvent pass = events_of(timeline, 0, InstructionKind::kForward).at(0);
  CHECK_THAT(pass.end_s - pass.start_s, WithinRel(4.75, 1e-6));
  CHECK_THAT(timeline.step_s, WithinRel(5.25, 1e-6));
}

TEST_CASE("a host has another speed for messages than for layers", "[simulator]") {
  Cluster cluster = two_hosts_that_transport();
  cluster.hosts[0].transport_speed = 2;
  // 0.125 s to hand it over, 4 s to compute and 0.5 s for the transport.
  CHECK_THAT(replayed(message_beside_a_pass(), cluster).step_s, WithinRel(4.625, 1e-6));
}

TEST_CASE("a stage's buckets are reduced one after the other", "[simulator]") {
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.start_reduction(r, 0, 2'000'000);
    tiny.forward(r, 1);
    tiny.start_reduction(r, 1, 2'000'000);
    tiny.wait_for_reductions(r, 4'000'000);
  }
  CHECK_THAT(replayed(tiny, star(2, kBandwidth, kLatency)).step_s, WithinRel(3.0 + 3.0, 1e-9));
}

TEST_CASE("a reduction goes on while it is handed over, which keeps its rank", "[simulator]") {
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.start_reduction(r, 0, 2'000'000);
    tiny.forward(r, 4);
    tiny.wait_for_reductions(r, 2'000'000);
  }
  Cluster cluster = star(2, kBandwidth, kLatency);
  cluster.network.message_s = 0.25;
  CHECK_THAT(replayed(tiny, cluster).step_s, WithinRel(4.25, 1e-9));
}

TEST_CASE("two stages' reductions on the same ranks wait for nothing of each other",
          "[simulator]") {
  TinyProgram tiny({2});
  tiny.add_stage({0, 1});
  for (const int r : {0, 1}) {
    tiny.start_reduction(r, 0, 2'000'000, r);
    tiny.start_reduction(r, 0, 2'000'000, 1 - r);
  }
  for (const int r : {0, 1})
    for (const int stage : {0, 1}) tiny.wait_for_reductions(r, 2'000'000, stage);
  // Of each stage one rank's part comes at 1.5 s and the other's, second on its connection, at 2.5
  // s. Who has the first, sends its next at 2 s, when its own second has left, until 3 s; the other
  // from then on, until 4 s: there at 4.5 s.
  CHECK_THAT(replayed(tiny, star(2, kBandwidth, kLatency)).step_s, WithinRel(4.5, 1e-9));
}

TEST_CASE("GPipe on equal stages has the bubble of its closed form", "[simulator]") {
  constexpr int S = 4;
  constexpr int M = 8;
  const TinyProgram tiny = pipeline(
      {.num_stages = S, .num_micro_batches = M, .forward_s = 1, .backward_s = 2}, Schedule::kGpipe);
  const Timeline timeline = replayed(tiny, star(S, 1e12, 0));
  CHECK_THAT(timeline.step_s, WithinRel((M + S - 1) * (1.0 + 2.0), 1e-9));
}

TEST_CASE("1F1B on equal stages ends when GPipe does", "[simulator]") {
  constexpr int S = 4;
  constexpr int M = 8;
  const TinyProgram tiny =
      pipeline({.num_stages = S, .num_micro_batches = M, .forward_s = 1, .backward_s = 2},
               Schedule::kOneForwardOneBackward);
  const Timeline timeline = replayed(tiny, star(S, 1e12, 0));
  CHECK_THAT(timeline.step_s, WithinRel((M + S - 1) * (1.0 + 2.0), 1e-9));
}

TEST_CASE("the branches of a stage DAG run at the same time", "[simulator]") {
  TinyProgram tiny({1, 1, 1});  // 0 and 1 meet in 2
  for (const int branch : {0, 1}) {
    tiny.forward(branch, branch == 0 ? 3 : 5);
    tiny.send_activation(branch, 2, 1);
  }
  tiny.receive_activation(2, 0, 1);
  tiny.receive_activation(2, 1, 1);
  tiny.forward(2, 1);
  acknowledge(tiny, 2, {0, 1});
  const Timeline timeline = replayed(tiny, star(3, 1e12, 0));
  CHECK_THAT(timeline.step_s, WithinRel(std::max(3.0, 5.0) + 1, 1e-9));
  const TimelineEvent a = events_of(timeline, 0, InstructionKind::kForward).at(0);
  const TimelineEvent b = events_of(timeline, 1, InstructionKind::kForward).at(0);
  CHECK_THAT(a.end_s - a.start_s, WithinRel(3.0, 1e-9));
  CHECK_THAT(b.end_s - b.start_s, WithinRel(5.0, 1e-9));
  CHECK(std::abs(a.start_s - b.start_s) < 1e-9);
}

TEST_CASE("a second replay in one process is refused", "[simulator]") {
  TinyProgram tiny({1});
  tiny.forward(0, 1);
  CHECK(replayed(tiny, star(1, 1, 0)).events.size() == 1);
  CHECK_THROWS_AS(replayed(tiny, star(1, 1, 0)), std::logic_error);
}
