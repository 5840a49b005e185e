// What must hold for every program, on random ones. The seeds are fixed; replays run in processes
// of their own, as one process replays once.

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <type_traits>

#include "simulator/isolated.h"
#include "simulator/replay.h"
#include "tests/simulator/tiny_programs.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

struct World {
  TinyProgram tiny{std::vector<int>{}};
  Cluster cluster;
};

/// Stages of random replicas and branches, random costs and bytes, on unequal hosts and links.
World random_world(unsigned seed) {
  std::mt19937 random(seed);  // the same numbers on every machine, unlike the distributions
  const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int num_stages = 2 + up_to(4);
  std::vector<int> num_replicas;
  for (int s = 0; s < num_stages; ++s) num_replicas.push_back(1 + up_to(3));
  World world{.tiny = TinyProgram(num_replicas), .cluster = {}};
  TinyProgram& tiny = world.tiny;
  const int num_ranks = static_cast<int>(tiny.program.ranks.size());
  world.cluster = star(num_ranks, 1e6 * (1 + up_to(4)), 1e-3 * up_to(3));
  for (Host& host : world.cluster.hosts)
    if (up_to(3) == 0) host.bandwidth_bytes_per_s = 0.5e6 * (1 + up_to(6));
  if (num_ranks > 2)
    world.cluster.network.direct_links.push_back(
        {.from = "h0", .to = "h2", .bandwidth_bytes_per_s = 8e6, .latency_s = 0});

  const int num_micro_batches = 1 + up_to(5);
  std::map<std::pair<int, int>, std::int64_t> bytes;  // (from stage, to stage); absent: no edge
  for (int s = 1; s < num_stages; ++s) {
    for (int from = 0; from < s; ++from)
      if (from == s - 1 || up_to(3) == 0) bytes[{from, s}] = 1 + up_to(200'000);
  }
  const auto ranks = [&](int s) { return tiny.program.stage_ranks[static_cast<std::size_t>(s)]; };
  for (int s = 0; s < num_stages; ++s) {
    const double forward_s = 1e-3 * up_to(50);
    for (const int rank : ranks(s)) {
      for (int m = 0; m < num_micro_batches; ++m) {
        for (const auto& [edge, size] : bytes)
          if (edge.second == s)
            for (const int from : ranks(edge.first)) tiny.receive_activation(rank, from, size, m);
        tiny.compute(rank, InstructionKind::kForward, m, forward_s);
        for (const auto& [edge, size] : bytes)
          if (edge.first == s)
            for (const int to : ranks(edge.second)) tiny.send_activation(rank, to, size, m);
      }
      for (int m = 0; m < num_micro_batches; ++m) {
        for (const auto& [edge, size] : bytes)
          if (edge.first == s)
            for (const int from : ranks(edge.second)) tiny.receive_gradient(rank, from, size, m);
        tiny.compute(rank, InstructionKind::kBackward, m, 2 * forward_s);
        for (const auto& [edge, size] : bytes)
          if (edge.second == s)
            for (const int to : ranks(edge.first)) tiny.send_gradient(rank, to, size, m);
      }
      if (ranks(s).size() > 1) tiny.reduce(rank, 300'000 + s);
      tiny.compute(rank, InstructionKind::kOptimizerStep, -1, 1e-3);
    }
  }
  return world;
}

/// Replays in a process of its own.
IsolatedWork replay_of(const World& world) {
  return [&world] {
    const Timeline timeline = replay(world.tiny.program, world.tiny.costs, world.cluster);
    std::string bytes(sizeof(double) + timeline.events.size() * sizeof(TimelineEvent), '\0');
    std::memcpy(bytes.data(), &timeline.step_s, sizeof(double));
    std::memcpy(bytes.data() + sizeof(double), timeline.events.data(),
                timeline.events.size() * sizeof(TimelineEvent));
    return bytes;
  };
}

Timeline timeline_in(const IsolatedResult& result, const World& world) {
  static_assert(std::is_trivially_copyable_v<TimelineEvent>);
  REQUIRE(result.error.empty());
  Timeline timeline = timeline_of(world.tiny.program, "simulated");
  timeline.events.resize((result.output.size() - sizeof(double)) / sizeof(TimelineEvent));
  std::memcpy(&timeline.step_s, result.output.data(), sizeof(double));
  std::memcpy(timeline.events.data(), result.output.data() + sizeof(double),
              timeline.events.size() * sizeof(TimelineEvent));
  return timeline;
}

/// Seconds that the busiest rank computes, or the busiest link carries, in one step.
double busiest_s(const World& world) {
  const Program& program = world.tiny.program;
  double busiest = 0;
  std::map<std::string, double> link_s;
  const auto carry = [&](int from, int to, std::int64_t bytes) {
    const int a = program.ranks[static_cast<std::size_t>(from)].host_index;
    const int b = program.ranks[static_cast<std::size_t>(to)].host_index;
    const Route route = route_between(world.cluster, a, b);
    const auto add = [&](const std::string& link, double bandwidth_bytes_per_s) {
      link_s[link] += static_cast<double>(bytes) / bandwidth_bytes_per_s;
    };
    if (route.direct) {
      add(std::to_string(a) + ">" + std::to_string(b), route.bandwidth_bytes_per_s);
      return;
    }
    const auto bandwidth = [&](int host) {
      return world.cluster.hosts[static_cast<std::size_t>(host)].bandwidth_bytes_per_s.value_or(
          world.cluster.network.bandwidth_bytes_per_s);
    };
    add(std::to_string(a) + ">", bandwidth(a));
    add(">" + std::to_string(b), bandwidth(b));
  };
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    double compute_s = 0;
    for (const double cost_s : world.tiny.costs[r]) compute_s += cost_s;
    busiest = std::max(busiest, compute_s);
    for (const Instruction& instruction : program.ranks[r].instructions)
      if (instruction.kind == InstructionKind::kSendActivation ||
          instruction.kind == InstructionKind::kSendGradient)
        carry(static_cast<int>(r), instruction.peer, instruction.bytes);
  }
  for (const auto& [link, seconds] : link_s) busiest = std::max(busiest, seconds);
  return busiest;
}

constexpr unsigned kNumSeeds = 40;

std::vector<World> random_worlds() {
  std::vector<World> worlds;
  for (unsigned seed = 0; seed < kNumSeeds; ++seed) worlds.push_back(random_world(seed));
  return worlds;
}

std::vector<Timeline> replay_all(const std::vector<World>& worlds) {
  std::vector<IsolatedWork> work;
  for (const World& world : worlds) work.push_back(replay_of(world));
  const std::vector<IsolatedResult> results = run_isolated(work, num_usable_cores());
  std::vector<Timeline> timelines;
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    timelines.push_back(timeline_in(results[i], worlds[i]));
  }
  return timelines;
}

}  // namespace

TEST_CASE("no simulated step is faster than the busiest rank or link", "[simulator][property]") {
  const std::vector<World> worlds = random_worlds();
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    CHECK(timelines[i].step_s >= busiest_s(worlds[i]) * (1 - 1e-9));
  }
}

TEST_CASE("a timeline holds the program's instructions, in order and without overlap",
          "[simulator][property]") {
  const std::vector<World> worlds = random_worlds();
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    std::size_t at = 0;
    const std::vector<TimelineEvent>& events = timelines[i].events;
    std::int64_t sent_bytes = 0;
    std::int64_t received_bytes = 0;
    for (std::size_t r = 0; r < worlds[i].tiny.program.ranks.size(); ++r) {
      double clock_s = 0;
      for (const Instruction& instruction : worlds[i].tiny.program.ranks[r].instructions) {
        REQUIRE(at < events.size());
        const TimelineEvent& event = events[at++];
        REQUIRE(event.rank == static_cast<int>(r));
        REQUIRE(event.kind == instruction.kind);
        REQUIRE(event.micro_batch == instruction.micro_batch);
        REQUIRE(event.peer == instruction.peer);
        REQUIRE(event.bytes == instruction.bytes);
        REQUIRE(event.start_s >= clock_s);
        REQUIRE(event.end_s >= event.start_s);
        clock_s = event.end_s;
        if (event.kind == InstructionKind::kSendActivation ||
            event.kind == InstructionKind::kSendGradient)
          sent_bytes += event.bytes;
        if (event.kind == InstructionKind::kReceiveActivation ||
            event.kind == InstructionKind::kReceiveGradient)
          received_bytes += event.bytes;
        if (event.kind == InstructionKind::kReduceGradients)
          sent_bytes += ring_bytes_per_rank(
              event.bytes,
              worlds[i]
                  .tiny.program
                  .stage_ranks[static_cast<std::size_t>(worlds[i].tiny.program.ranks[r].stage)]
                  .size());
      }
    }
    CHECK(at == events.size());
    CHECK(sent_bytes == traffic_bytes(worlds[i].tiny.program));
    CHECK(received_bytes > 0);
  }
}

TEST_CASE("no message is received before it was sent and had its time", "[simulator][property]") {
  const std::vector<World> worlds = random_worlds();
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    std::map<std::tuple<int, int, bool, int>, double> sent_s;
    for (const TimelineEvent& event : timelines[i].events) {
      const bool gradient = event.kind == InstructionKind::kSendGradient;
      if (gradient || event.kind == InstructionKind::kSendActivation)
        sent_s[{event.rank, event.peer, gradient, event.micro_batch}] = event.start_s;
    }
    for (const TimelineEvent& event : timelines[i].events) {
      const bool gradient = event.kind == InstructionKind::kReceiveGradient;
      if (!gradient && event.kind != InstructionKind::kReceiveActivation) continue;
      const Route route = route_between(worlds[i].cluster, event.peer, event.rank);
      const double least_s =
          route.latency_s + static_cast<double>(event.bytes) / route.bandwidth_bytes_per_s;
      CHECK(event.end_s >=
            sent_s.at({event.peer, event.rank, gradient, event.micro_batch}) + least_s - 1e-8);
    }
  }
}

TEST_CASE("the same program gives the same timeline to the last bit", "[simulator][property]") {
  const std::vector<World> worlds = random_worlds();
  const std::vector<Timeline> first = replay_all(worlds);
  const std::vector<Timeline> second = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    CHECK(first[i] == second[i]);
  }
}

TEST_CASE("without contention the simulator and the cost model agree on every event",
          "[simulator][property]") {
  std::vector<World> worlds;
  std::vector<std::string> names;
  const auto add_chain = [&](Schedule schedule, int num_stages, std::int64_t bytes,
                             double latency_s) {
    worlds.push_back({.tiny = pipeline({.num_stages = num_stages,
                                        .num_micro_batches = 6,
                                        .forward_s = 0.02,
                                        .backward_s = 0.03,
                                        .bytes = bytes},
                                       schedule),
                      .cluster = star(num_stages, 1e6, latency_s)});
    names.push_back(schedule_name(schedule) + ", " + std::to_string(num_stages) + " stages, " +
                    std::to_string(bytes) + " bytes, " + std::to_string(latency_s) + " s");
  };
  for (const Schedule schedule : {Schedule::kGpipe, Schedule::kOneForwardOneBackward})
    for (const double latency_s : {0.0, 1e-3}) {
      // Between two stages each link has one connection, however slow.
      for (const std::int64_t bytes : {1, 10'000, 90'000}) add_chain(schedule, 2, bytes, latency_s);
      // A middle stage has two, but messages of a third of a forward pass never meet on its link.
      for (const std::int64_t bytes : {1, 6'000}) add_chain(schedule, 5, bytes, latency_s);
    }
  for (const int n : {2, 3, 6}) {
    World world{.tiny = TinyProgram({n}), .cluster = star(n, 1e6, 1e-3)};
    for (int r = 0; r < n; ++r) {
      world.tiny.forward(r, 0.02);
      world.tiny.reduce(r, 60'000);
      world.tiny.compute(r, InstructionKind::kOptimizerStep, -1, 0.01);
    }
    worlds.push_back(std::move(world));
    names.push_back("ring of " + std::to_string(n));
  }
  const std::vector<Timeline> simulated = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO(names[i]);
    const Timeline predicted =
        evaluate(worlds[i].tiny.program, worlds[i].tiny.costs, worlds[i].cluster);
    CHECK_THAT(simulated[i].step_s, WithinRel(predicted.step_s, 1e-7));
    REQUIRE(simulated[i].events.size() == predicted.events.size());
    double largest_s = 0;
    for (std::size_t e = 0; e < predicted.events.size(); ++e) {
      REQUIRE(simulated[i].events[e].kind == predicted.events[e].kind);
      largest_s = std::max({largest_s,
                            std::abs(simulated[i].events[e].start_s - predicted.events[e].start_s),
                            std::abs(simulated[i].events[e].end_s - predicted.events[e].end_s)});
    }
    CHECK(largest_s < 1e-7);
  }
}
