#include "simulator/program_check.h"

#include <limits>
#include <stdexcept>

#include "simulator/platform.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

/// Rank 0 sends to rank 1; ranks 1 and 2, a stage, reduce.
TinyProgram sound() {
  TinyProgram tiny({1, 2});
  tiny.forward(0, 1);
  tiny.send_activation(0, 1, 8);
  tiny.receive_activation(1, 0, 8);
  tiny.forward(1, 1);
  for (const int rank : {1, 2}) tiny.reduce(rank, 16);
  return tiny;
}

std::string refusal(const TinyProgram& tiny) {
  try {
    check_replay(tiny.program, tiny.costs, 3);
  } catch (const std::invalid_argument& error) {
    const std::string prefix = "the program cannot be replayed: ";
    REQUIRE(std::string(error.what()).rfind(prefix, 0) == 0);
    return std::string(error.what()).substr(prefix.size());
  }
  return "";
}

std::string cluster_refusal(const Cluster& cluster) {
  try {
    check_platform(cluster);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a sound program is replayed", "[simulator]") { CHECK(refusal(sound()).empty()); }

TEST_CASE("costs and hosts that SimGrid would end the process on are refused", "[simulator]") {
  TinyProgram cost = sound();
  cost.costs.seconds[0][0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(cost) ==
        "expected the cost of forward of micro-batch 0 on rank 0 to be a number >= 0, found nan");

  TinyProgram missing = sound();
  missing.costs.seconds[0].pop_back();
  CHECK(refusal(missing) == "expected costs of 2 instructions on rank 0, found 1");

  TinyProgram waits = sound();
  waits.costs.after_waiting_s = waits.costs.seconds;
  CHECK(refusal(waits) == "expected a time constant of waiting > 0, found 0.000000");
  waits.costs.after_waiting_s[0][1] = -1;
  CHECK(refusal(waits).find("to be a number >= 0, found -1") != std::string::npos);

  TinyProgram host = sound();
  host.program.ranks[2].host_index = 3;
  CHECK(refusal(host) == "rank 2 is on host 3 of 3");

  TinyProgram root = sound();
  root.program.all_reduce = {
      .algorithm = AllReduceAlgorithm::kSpark, .root_host = 3, .host_groups = {}};
  CHECK(refusal(root) == "the root of its reductions is host 3 of 3");

  TinyProgram groups = sound();
  groups.program.all_reduce = {
      .algorithm = AllReduceAlgorithm::kHierarchical, .root_host = -1, .host_groups = {0, 0}};
  CHECK(refusal(groups) == "expected groups of 3 hosts, found 2");
}

TEST_CASE("a program that could not be carried out is not replayed", "[simulator]") {
  TinyProgram unsound = sound();
  unsound.program.ranks[2].host_index = 1;
  CHECK_THROWS_WITH(check_replay(unsound.program, unsound.costs, 3),
                    "the program cannot be carried out: rank 2 shares its host with another rank");
}

TEST_CASE("a cluster that SimGrid would end the process on is refused", "[simulator]") {
  CHECK(cluster_refusal(star(2, 1, 0)).empty());
  CHECK(cluster_refusal(star(0, 1, 0)) ==
        "the cluster cannot be simulated: expected hosts, found none");
  CHECK(cluster_refusal(star(2, 0, 0)) ==
        "the cluster cannot be simulated: expected bandwidth_bytes_per_s of host h0 to be a number "
        "> 0, found 0.000000");
  Cluster slow = star(2, 1, 0);
  slow.hosts[1].relative_speed = -1;
  CHECK(cluster_refusal(slow) ==
        "the cluster cannot be simulated: expected relative_speed of host h1 to be a number > 0, "
        "found -1.000000");
  Cluster direct = star(2, 1, 0);
  direct.network.direct_links.push_back({.from = "h0", .to = "h7", .bandwidth_bytes_per_s = 1});
  CHECK(cluster_refusal(direct) ==
        "the cluster cannot be simulated: expected the direct link from h0 to h7 to join two hosts "
        "of the cluster");
  Cluster zoned = star(2, 1, 0);
  zoned.network.zones.push_back({.name = "rack", .hosts = {"h1"}, .bandwidth_bytes_per_s = 1});
  CHECK(cluster_refusal(zoned).empty());
  zoned.network.zones.push_back({.name = "room", .hosts = {"h1"}, .bandwidth_bytes_per_s = 1});
  CHECK(cluster_refusal(zoned) ==
        "the cluster cannot be simulated: expected host h1 in one zone at most");
  zoned.network.zones[1] = {.name = "room", .hosts = {"h9"}, .bandwidth_bytes_per_s = 1};
  CHECK(cluster_refusal(zoned) ==
        "the cluster cannot be simulated: expected zone room to be of hosts of the cluster, found "
        "h9");
  zoned.network.zones[1] = {.name = "room", .hosts = {"h0"}, .bandwidth_bytes_per_s = 0};
  CHECK(cluster_refusal(zoned) ==
        "the cluster cannot be simulated: expected bandwidth_bytes_per_s of zone room to be a "
        "number > 0, found 0.000000");
}
