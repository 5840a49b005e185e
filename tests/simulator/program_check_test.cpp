#include "simulator/program_check.h"

#include <limits>
#include <stdexcept>

#include "simulator/platform.h"
#include "tests/simulator/tiny_programs.h"
#include "tests/support/catch.h"

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
    check_program(tiny.program, tiny.costs, 3);
  } catch (const std::invalid_argument& error) {
    const std::string prefix = "the program cannot be replayed: ";
    REQUIRE(std::string(error.what()).rfind(prefix, 0) == 0);
    return std::string(error.what()).substr(prefix.size());
  }
  return "";
}

Instruction& instruction(TinyProgram& tiny, std::size_t rank, std::size_t index) {
  return tiny.program.ranks[rank].instructions[index];
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

TEST_CASE("a program whose ends do not meet is refused", "[simulator]") {
  TinyProgram bytes = sound();
  instruction(bytes, 1, 0).bytes = 9;
  CHECK(refusal(bytes) == "message 0 is sent with 8 bytes and received with 9");

  TinyProgram unsent = sound();
  instruction(unsent, 1, 0).message = 5;
  CHECK(refusal(unsent) == "message 0 is sent but not received");

  TinyProgram elsewhere = sound();
  instruction(elsewhere, 0, 1).peer = 2;
  CHECK(refusal(elsewhere) ==
        "message 0 goes from rank 0 to rank 2 but is received by rank 1 from rank 0");

  TinyProgram to_itself = sound();
  instruction(to_itself, 0, 1).peer = 0;
  CHECK(refusal(to_itself) ==
        "message 0 goes from rank 0 to rank 0 but is received by rank 1 from rank 0");

  TinyProgram nowhere = sound();
  instruction(nowhere, 0, 1).peer = 3;
  CHECK(refusal(nowhere) == "send_activation of micro-batch 0 on rank 0 names rank 3 as its peer");

  TinyProgram twice = sound();
  twice.send_activation(0, 1, 8);
  CHECK(refusal(twice) ==
        "send_activation of micro-batch 0 on rank 0 is the second end of message 0");
}

TEST_CASE("a program that would wait for ever is refused", "[simulator]") {
  TinyProgram waiting({1, 1});
  waiting.receive_activation(1, 0, 8);
  waiting.send_gradient(1, 0, 8);
  waiting.receive_gradient(0, 1, 8);
  waiting.send_activation(0, 1, 8);
  CHECK(refusal(waiting) == "rank 0 waits for ever in receive_gradient of micro-batch 0");
}

TEST_CASE("ranks of a stage that reduce different gradients are refused", "[simulator]") {
  TinyProgram tiny = sound();
  instruction(tiny, 2, 0).bytes = 17;
  CHECK(refusal(tiny) == "rank 2 reduces other gradients than rank 1 of stage 1");
}

TEST_CASE("a rank that serves several stages is replayed", "[simulator]") {
  TinyProgram tiny = sound();
  tiny.add_stage({2, 0});
  tiny.reduce(0, 24, 2);
  tiny.reduce(2, 24, 2);
  CHECK(refusal(tiny).empty());
  instruction(tiny, 0, 2).bytes = 25;
  CHECK(refusal(tiny) == "rank 0 reduces other gradients than rank 2 of stage 2");
}

TEST_CASE("a tensor between two stages of a rank is received after it was sent", "[simulator]") {
  TinyProgram tiny({1});
  tiny.add_stage({0});
  tiny.send_activation(0, 0, 8);
  tiny.receive_activation(0, 0, 8);
  CHECK(refusal(tiny).empty());
  std::swap(instruction(tiny, 0, 0), instruction(tiny, 0, 1));
  CHECK(refusal(tiny) == "rank 0 waits for ever in receive_activation of micro-batch 0");
}

TEST_CASE("reductions in another order on two ranks are refused", "[simulator]") {
  TinyProgram tiny({2});
  tiny.add_stage({0, 1});
  tiny.reduce(0, 8, 0);
  tiny.reduce(0, 8, 1);
  tiny.reduce(1, 8, 1);
  tiny.reduce(1, 8, 0);
  CHECK(refusal(tiny) == "rank 0 waits for ever in reduce_gradients");
}

TEST_CASE("parts that do not go with the stages' lists are refused", "[simulator]") {
  TinyProgram unlisted = sound();
  unlisted.program.stage_ranks[1].pop_back();
  CHECK(refusal(unlisted) == "rank 2 is not replica 1 of stage 1 in that stage's list");

  TinyProgram unknown = sound();
  unknown.program.stage_ranks[0].push_back(7);
  CHECK(refusal(unknown) == "stage 0 lists rank 7 of 3");

  TinyProgram twice = sound();
  twice.program.stage_ranks[0].push_back(0);
  CHECK(refusal(twice) == "stage 0 lists rank 0 twice");

  TinyProgram partless = sound();
  partless.program.stage_ranks[0].push_back(1);
  CHECK(refusal(partless) == "a stage lists a rank that has no part in it");

  TinyProgram doubled = sound();
  doubled.program.ranks[0].parts.push_back(doubled.program.ranks[0].parts.front());
  CHECK(refusal(doubled) == "rank 0 has two parts in stage 0");

  TinyProgram foreign = sound();
  instruction(foreign, 0, 0).stage = 1;
  CHECK(refusal(foreign) ==
        "forward of micro-batch 0 on rank 0 is of stage 1, in which the rank has no part");
}

TEST_CASE("a root of reductions that cannot be one is refused", "[simulator]") {
  // Rank 0, in a stage of its own, adds up what ranks 1 and 2 reduce.
  TinyProgram served = sound();
  served.program.all_reduce = {
      .algorithm = AllReduceAlgorithm::kSpark, .root_host = 0, .host_groups = {}};
  served.reduce(0, 16, 1);
  CHECK(refusal(served).empty());

  TinyProgram absent = sound();
  absent.program.all_reduce = served.program.all_reduce;
  CHECK(refusal(absent) == "rank 0 reduces other gradients than rank 1 of stage 1");

  TinyProgram uncalled = served;
  uncalled.program.all_reduce = {};
  CHECK(refusal(uncalled) ==
        "reduce_gradients on rank 0 is of stage 1, in which the rank has no part");

  TinyProgram unknown = sound();
  unknown.program.all_reduce = served.program.all_reduce;
  unknown.program.all_reduce.root_host = 3;
  CHECK(refusal(unknown) == "the root of its reductions is host 3 of 3");

  TinyProgram ring = served;
  ring.program.all_reduce.algorithm = AllReduceAlgorithm::kRing;
  CHECK(refusal(ring) == "its reductions have a root, and none goes with ring");

  TinyProgram groupless = sound();
  groupless.program.all_reduce.algorithm = AllReduceAlgorithm::kHierarchical;
  CHECK(refusal(groupless) == "expected groups of 3 hosts, found 0");

  TinyProgram nobody({2});
  for (const int rank : {0, 1}) nobody.reduce(rank, 16);
  nobody.program.all_reduce = served.program.all_reduce;
  nobody.program.all_reduce.root_host = 2;
  CHECK(refusal(nobody) == "the root of the reductions of stage 0 is host 2, which has no rank");
}

TEST_CASE("costs and hosts that SimGrid would end the process on are refused", "[simulator]") {
  TinyProgram cost = sound();
  cost.costs[0][0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(cost) ==
        "expected the cost of forward of micro-batch 0 on rank 0 to be a number >= 0, found nan");

  TinyProgram missing = sound();
  missing.costs[0].pop_back();
  CHECK(refusal(missing) == "expected costs of 2 instructions on rank 0, found 1");

  TinyProgram host = sound();
  host.program.ranks[2].host_index = 3;
  CHECK(refusal(host) == "rank 2 is on host 3 of 3");

  TinyProgram shared = sound();
  shared.program.ranks[2].host_index = 1;
  CHECK(refusal(shared) == "rank 2 shares its host with another rank");
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
