// What must hold for every program, on random ones. The seeds are fixed; replays run in processes
// of their own, as one process replays once.

#include <algorithm>
#include <map>
#include <random>

#include "tests/simulator/replay_world.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

/// Stages of random replicas and branches, random costs and bytes, on unequal hosts, links and
/// zones.
ReplayWorld random_world(unsigned seed) {
  std::mt19937 random(seed);  // the same numbers on every machine, unlike the distributions
  const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int num_stages = 2 + up_to(4);
  std::vector<int> num_replicas;
  for (int s = 0; s < num_stages; ++s) num_replicas.push_back(1 + up_to(3));
  TinyProgram tiny(num_replicas);
  ReplayWorld world;
  const int num_ranks = static_cast<int>(tiny.program.ranks.size());
  world.cluster = star(num_ranks, 1e6 * (1 + up_to(4)), 1e-3 * up_to(3));
  for (Host& host : world.cluster.hosts)
    if (up_to(3) == 0) host.bandwidth_bytes_per_s = 0.5e6 * (1 + up_to(6));
  if (num_ranks > 2)
    world.cluster.network.direct_links.push_back(
        {.from = "h0", .to = "h2", .bandwidth_bytes_per_s = 8e6, .latency_s = 0});

  for (int h = 0; h < num_ranks; ++h) {
    std::vector<Zone>& zones = world.cluster.network.zones;
    if (h == 0 || (!zones.empty() && up_to(3) == 0))
      zones.push_back({.name = std::string("z").append(std::to_string(h)),
                       .hosts = {},
                       .bandwidth_bytes_per_s = 0.75e6 * (1 + up_to(4)),
                       .latency_s = 1e-3 * up_to(2)});
    if (up_to(4) > 0) zones.back().hosts.push_back(host_name(h));  // else at the middle
  }

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
  world.program = tiny.program;
  world.costs = tiny.costs;
  return world;
}

/// Seconds that the busiest rank computes, or the busiest link carries, in one step.
double busiest_s(const ReplayWorld& world) {
  const Program& program = world.program;
  const std::vector<int> zone_of = host_zones(world.cluster);
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
    const int from_zone = zone_of[static_cast<std::size_t>(a)];
    const int to_zone = zone_of[static_cast<std::size_t>(b)];
    if (from_zone == to_zone) return;
    const auto uplink = [&](int zone) {
      return world.cluster.network.zones[static_cast<std::size_t>(zone)].bandwidth_bytes_per_s;
    };
    if (from_zone >= 0) add("zone " + std::to_string(from_zone) + ">", uplink(from_zone));
    if (to_zone >= 0) add(">zone " + std::to_string(to_zone), uplink(to_zone));
  };
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    double compute_s = 0;
    for (const double cost_s : world.costs.seconds[r]) compute_s += cost_s;
    busiest = std::max(busiest, compute_s);
    for (const Instruction& instruction : program.ranks[r].instructions)
      if (is_send(instruction.kind))
        carry(static_cast<int>(r), instruction.peer, instruction.bytes);
  }
  for (const auto& [link, seconds] : link_s) busiest = std::max(busiest, seconds);
  return busiest;
}

constexpr unsigned kNumSeeds = 40;

std::vector<ReplayWorld> random_worlds() {
  std::vector<ReplayWorld> worlds;
  for (unsigned seed = 0; seed < kNumSeeds; ++seed) worlds.push_back(random_world(seed));
  return worlds;
}

}  // namespace

TEST_CASE("no simulated step is faster than the busiest rank or link", "[simulator][property]") {
  const std::vector<ReplayWorld> worlds = random_worlds();
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    CHECK(timelines[i].step_s >= busiest_s(worlds[i]) * (1 - 1e-9));
  }
}

TEST_CASE("a timeline holds the program's instructions, in order and without overlap",
          "[simulator][property]") {
  const std::vector<ReplayWorld> worlds = random_worlds();
  const std::vector<Timeline> timelines = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    std::size_t at = 0;
    const std::vector<TimelineEvent>& events = timelines[i].events;
    std::int64_t sent_bytes = 0;
    std::int64_t received_bytes = 0;
    for (std::size_t r = 0; r < worlds[i].program.ranks.size(); ++r) {
      double clock_s = 0;
      for (const Instruction& instruction : worlds[i].program.ranks[r].instructions) {
        REQUIRE(at < events.size());
        const TimelineEvent& event = events[at++];
        REQUIRE(event.rank == static_cast<int>(r));
        REQUIRE(event.kind == instruction.kind);
        REQUIRE(event.stage == instruction.stage);
        REQUIRE(event.micro_batch == instruction.micro_batch);
        REQUIRE(event.peer == instruction.peer);
        REQUIRE(event.bytes == instruction.bytes);
        REQUIRE(event.start_s >= clock_s);
        REQUIRE(event.end_s >= event.start_s);
        clock_s = event.end_s;
        if (is_send(event.kind)) sent_bytes += event.bytes;
        if (is_receive(event.kind)) received_bytes += event.bytes;
        if (event.kind == InstructionKind::kReduceGradients) {
          // Round the ring, every byte crosses n - 1 times in each half of it.
          const std::vector<int>& ring =
              worlds[i].program.stage_ranks[static_cast<std::size_t>(event.stage)];
          if (event.rank == ring.front())
            sent_bytes += 2 * (static_cast<std::int64_t>(ring.size()) - 1) * event.bytes;
        }
      }
    }
    CHECK(at == events.size());
    CHECK(sent_bytes == traffic_bytes(worlds[i].program));
    CHECK(received_bytes > 0);
  }
}

TEST_CASE("no message is received before it was sent and had its time", "[simulator][property]") {
  const std::vector<ReplayWorld> worlds = random_worlds();
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
  const std::vector<ReplayWorld> worlds = random_worlds();
  const std::vector<Timeline> first = replay_all(worlds);
  const std::vector<Timeline> second = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO("seed " << i);
    CHECK(first[i] == second[i]);
  }
}

TEST_CASE("without contention the simulator and the cost model agree on every event",
          "[simulator][property]") {
  std::vector<ReplayWorld> worlds;
  std::vector<std::string> names;
  const auto add = [&](const TinyProgram& tiny, const Cluster& cluster, const std::string& name) {
    worlds.push_back({.program = tiny.program, .costs = tiny.costs, .cluster = cluster});
    names.push_back(name);
  };
  const auto add_chain = [&](Schedule schedule, int num_stages, std::int64_t bytes,
                             double latency_s) {
    add(pipeline({.num_stages = num_stages,
                  .num_micro_batches = 6,
                  .forward_s = 0.02,
                  .backward_s = 0.03,
                  .bytes = bytes},
                 schedule),
        star(num_stages, 1e6, latency_s),
        schedule_name(schedule) + ", " + std::to_string(num_stages) + " stages, " +
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
    TinyProgram tiny({n});
    for (int r = 0; r < n; ++r) {
      tiny.forward(r, 0.02);
      tiny.reduce(r, 60'000);
      tiny.compute(r, InstructionKind::kOptimizerStep, -1, 0.01);
    }
    add(tiny, star(n, 1e6, 1e-3), "ring of " + std::to_string(n));
  }
  const std::vector<Timeline> simulated = replay_all(worlds);
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    INFO(names[i]);
    constexpr double kToleranceS = 1e-7;
    check_same_events(simulated[i], evaluate(worlds[i].program, worlds[i].costs, worlds[i].cluster),
                      kToleranceS);
  }
}
