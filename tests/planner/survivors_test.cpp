// What is left of a cluster without some of its hosts, and the plan on it.

#include "planner/survivors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "planner/cluster_check.h"
#include "planner/routes.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/network_worlds.h"
#include "tests/support/random_worlds.h"

namespace cadastre {
namespace {

using Strings = std::vector<std::string>;

bool is_graph(const Cluster& cluster) {
  return std::holds_alternative<Graph>(cluster.network.topology);
}

/// The links between two hosts.
Strings link_names(const Cluster& cluster, const Routes& routes, const std::string& from,
                   const std::string& to) {
  Strings names;
  for (const int half : routes.path(host_index(cluster, from), host_index(cluster, to)))
    names.push_back(routes.half_links()[static_cast<std::size_t>(half)].name);
  return names;
}

/// Checks that `left` is sound, reads back, and has no trace of the lost hosts.
void check_sound(const Cluster& left, const Strings& lost) {
  CHECK_FALSE(network_fault(left));
  const nlohmann::json written = to_json(left);
  const auto read = [](const JsonPlace& place) { return cluster_from_json(place); };
  CHECK(documents::reread(written, read) == left);
  for (const std::string& name : lost)
    CHECK(written.dump().find('"' + name + '"') == std::string::npos);
}

PlanDocument document_of(const worlds::World& world, const std::string& strategy,
                         std::int64_t batch_size = 8) {
  PlannerOptions options;
  options.batch_size = batch_size;
  options.strategy = strategy;
  options.averaging_period = 5;
  options.optimizer = {.kind = OptimizerKind::kAdamW, .averages_weights = true};
  options.wire_dtype = WireDtype::kBfloat16;
  options.max_search_steps = 50;
  return make_plan(world.profile, world.cluster, options);
}

/// No clock in it: the same search every time.
SearchEffort steps_only() { return {.time_limit_s = 1e6, .patience_s = 0, .max_search_steps = 50}; }

}  // namespace

TEST_CASE("the ways between the hosts that are left stay what they were", "[planner]") {
  std::size_t num_looked_at = 0;
  for (const Cluster& whole : networks::all()) {
    if (is_graph(whole)) continue;
    const std::size_t num_hosts = whole.hosts.size();
    for (std::size_t first = 0; first < num_hosts; ++first)
      for (const std::size_t second : {first, (first + 2) % num_hosts}) {
        const Strings lost = {whole.hosts[first].name, whole.hosts[second].name};
        INFO(to_json(whole).dump());
        INFO(lost[0] << " " << lost[1]);
        const Cluster left = without_hosts(whole, lost);
        check_sound(left, lost);
        REQUIRE(left.hosts.size() == num_hosts - (first == second ? 1 : 2));
        const Routes ways(left);
        const Routes ways_before(whole);
        // Without its last hosts, a torus names links after the places that are empty now.
        const bool same_names = !std::holds_alternative<Torus>(left.network.topology);
        for (const Host& from : left.hosts)
          for (const Host& to : left.hosts) {
            if (from.name == to.name) continue;
            ++num_looked_at;
            const Way way = ways.way(host_index(left, from.name), host_index(left, to.name));
            const Way before =
                ways_before.way(host_index(whole, from.name), host_index(whole, to.name));
            CHECK(way.bandwidth_bytes_per_s == before.bandwidth_bytes_per_s);
            CHECK_THAT(way.latency_s, WithinRel(before.latency_s, 1e-12));
            CHECK(way.shared == before.shared);
            CHECK(way.queue_bandwidth_bytes_per_s == before.queue_bandwidth_bytes_per_s);
            const Strings links = link_names(left, ways, from.name, to.name);
            const Strings links_before = link_names(whole, ways_before, from.name, to.name);
            CHECK(links.size() == links_before.size());
            if (same_names) CHECK(links == links_before);
          }
      }
  }
  CHECK(num_looked_at > 1000);
}

TEST_CASE("a regular topology stays one when its last hosts are lost", "[planner]") {
  const Cluster torus = networks::wired(6, Torus{.dimensions = {3, 2}});
  CHECK(without_hosts(torus, {"n5", "n6"}).network.topology == torus.network.topology);
  CHECK(std::holds_alternative<RouteLists>(without_hosts(torus, {"n5"}).network.topology));
}

TEST_CASE("a lost host of a graph passes nothing on, and hosts cut off are lost too", "[planner]") {
  // n1 - n2 - n3 - n4 in a row, and n2 - n5.
  Cluster row = networks::wired(
      5, Graph{.switches = {},
               .cables = {networks::cable("n1", "n2"), networks::cable("n2", "n3"),
                          networks::cable("n3", "n4"), networks::cable("n2", "n5")}});
  const auto names = [](const Cluster& cluster) {
    Strings found;
    for (const Host& host : cluster.hosts) found.push_back(host.name);
    return found;
  };
  const Cluster cut = without_hosts(row, {"n2"});
  check_sound(cut, {"n1", "n2", "n5"});
  CHECK(names(cut) == Strings{"n3", "n4"});
  CHECK(names(without_hosts(row, {"n3"})) == Strings{"n1", "n2", "n5"});
  CHECK(names(without_hosts(row, {"n4"})) == Strings{"n1", "n2", "n3", "n5"});

  // With a slower way round, messages take that.
  auto& cables = std::get<Graph>(row.network.topology).cables;
  cables.push_back(networks::cable("n1", "n4", 2));
  const Cluster round = without_hosts(row, {"n3"});
  check_sound(round, {"n3"});
  CHECK(names(round) == Strings{"n1", "n2", "n4", "n5"});
  CHECK(link_names(round, Routes(round), "n2", "n4") == Strings{"n1-n2.down", "n1-n4.up"});
}

TEST_CASE("a machine is left as long as one of its hosts is", "[planner]") {
  Cluster cluster = networks::hosts(4);
  networks::pair_up(cluster);
  CHECK(without_hosts(cluster, {"n1"}).machines.size() == 2);
  CHECK(without_hosts(cluster, {"n1", "n2"}).machines.size() == 1);
}

TEST_CASE("a host that the cluster does not have cannot be lost", "[planner]") {
  const std::string refused = documents::refusal(
      [] { static_cast<void>(without_hosts(networks::hosts(2, "node"), {"nod1"})); });
  CHECK(refused ==
        "expected a host of the cluster (node1, node2), found \"nod1\", did you mean "
        "\"node1\"?");
}

TEST_CASE("the plan without a host is the one made on the cluster without it",
          "[planner][property]") {
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    worlds::World world = worlds::random_world(random, worlds::random_model(random, 4), 3);
    world.cluster.network.zones.clear();
    const PlanDocument document = document_of(world, "auto");
    for (const Host& lost : world.cluster.hosts) {
      INFO("round " << round << " without " << lost.name);
      worlds::World smaller = world;
      std::erase(smaller.cluster.hosts, lost);
      if (lost.name != "node3") smaller.cluster.network.direct_links.clear();
      PlanDocument expected = document_of(smaller, "auto");
      SurvivorPlan found = plan_without(document, {lost.name}, steps_only());
      CHECK(found.lost == Strings{lost.name});
      REQUIRE(found.plan.has_value() == expected.search.feasible);
      CHECK(found.why_none.empty() == expected.search.feasible);
      if (!found.plan) continue;
      for (const Stage& stage : found.plan->plan.stages)
        for (const Replica& replica : stage.replicas) CHECK(replica.host != lost.name);
      found.plan->search.search_s = expected.search.search_s;
      CHECK(*found.plan == expected);
      CHECK(found.plan->plan.averaging_period == 0);
    }
  }
}

TEST_CASE("a plan that averages parameters stays one, and keeps its period", "[planner]") {
  const worlds::World world{.profile = worlds::chain({0.01, 0.02, 0.01}),
                            .cluster = worlds::hosts({1, 1, 0.5})};
  const PlanDocument document = document_of(world, "parameter-averaging");
  const SurvivorPlan two = plan_without(document, {"node2"}, steps_only());
  REQUIRE(two.plan);
  CHECK(two.plan->plan.strategy == "parameter-averaging");
  CHECK(two.plan->plan.averaging_period == 5);
  CHECK(two.plan->plan.optimizer == document.plan.optimizer);
  CHECK(two.plan->plan.wire_dtype == WireDtype::kBfloat16);
  const SurvivorPlan one = plan_without(document, {"node2", "node3"}, steps_only());
  REQUIRE(one.plan);
  CHECK(one.plan->plan.strategy == "single");
}

TEST_CASE("no plan on what is left is a result that says why", "[planner]") {
  worlds::World world{.profile = worlds::chain({0.01, 0.02}), .cluster = worlds::two_hosts()};
  const PlanDocument document = document_of(world, "auto");
  const SurvivorPlan none = plan_without(document, {"node1", "node2"}, steps_only());
  CHECK_FALSE(none.plan);
  CHECK(none.why_none == "no host is left");

  PlanDocument scarce = document;
  scarce.cluster.hosts[1].memory_bytes = 1000;
  const SurvivorPlan little = plan_without(scarce, {"node1"}, steps_only());
  CHECK_FALSE(little.plan);
  CHECK(little.why_none.starts_with(
      "no plan was found that fits in memory: the one that comes nearest lacks "));
  CHECK(little.why_none.ends_with(" bytes on node2"));
  CHECK(plan_without(scarce, {"node2"}, steps_only()).plan);
}

TEST_CASE("a lost server of the all-reduce gives its task away", "[planner]") {
  const worlds::World world{.profile = worlds::chain({0.01, 0.02}),
                            .cluster = worlds::hosts({1, 1, 1})};
  PlanDocument document = document_of(world, "data-parallel");
  document.plan.all_reduce = {.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node3"};
  const auto root = [&](const std::string& lost) {
    return plan_without(document, {lost}, steps_only()).plan->plan.all_reduce.root;
  };
  CHECK(root("node3").empty());
  CHECK(root("node1") == "node3");
}

}  // namespace cadastre
