#include "planner/program_check.h"

#include <stdexcept>

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
    check_program(tiny.program);
  } catch (const std::invalid_argument& error) {
    const std::string prefix = "the program cannot be carried out: ";
    REQUIRE(std::string(error.what()).rfind(prefix, 0) == 0);
    return std::string(error.what()).substr(prefix.size());
  }
  return "";
}

Instruction& instruction(TinyProgram& tiny, std::size_t rank, std::size_t index) {
  return tiny.program.ranks[rank].instructions[index];
}

}  // namespace

TEST_CASE("a sound program is carried out", "[planner]") { CHECK(refusal(sound()).empty()); }

TEST_CASE("a program whose ends do not meet is refused", "[planner]") {
  TinyProgram bytes = sound();
  instruction(bytes, 1, 0).bytes = 9;
  CHECK(refusal(bytes) == "message 0 is sent with 8 bytes and received with 9");

  TinyProgram unsent = sound();
  unsent.program.num_messages = 2;
  instruction(unsent, 1, 0).message = 1;
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

TEST_CASE("a program that would wait for ever is refused", "[planner]") {
  TinyProgram waiting({1, 1});
  waiting.receive_activation(1, 0, 8);
  waiting.send_gradient(1, 0, 8);
  waiting.receive_gradient(0, 1, 8);
  waiting.send_activation(0, 1, 8);
  CHECK(refusal(waiting) == "rank 0 waits for ever in receive_gradient of micro-batch 0");
}

TEST_CASE("ranks of a stage that reduce different gradients are refused", "[planner]") {
  TinyProgram tiny = sound();
  instruction(tiny, 2, 0).bytes = 17;
  CHECK(refusal(tiny) == "rank 2 reduces other gradients than rank 1 of stage 1");
}

TEST_CASE("a rank may serve several stages", "[planner]") {
  TinyProgram tiny = sound();
  tiny.add_stage({2, 0});
  tiny.reduce(0, 24, 2);
  tiny.reduce(2, 24, 2);
  CHECK(refusal(tiny).empty());
  instruction(tiny, 0, 2).bytes = 25;
  CHECK(refusal(tiny) == "rank 0 reduces other gradients than rank 2 of stage 2");
}

TEST_CASE("a tensor between two stages of a rank is received after it was sent", "[planner]") {
  TinyProgram tiny({1});
  tiny.add_stage({0});
  tiny.send_activation(0, 0, 8);
  tiny.receive_activation(0, 0, 8);
  CHECK(refusal(tiny).empty());
  std::swap(instruction(tiny, 0, 0), instruction(tiny, 0, 1));
  CHECK(refusal(tiny) == "rank 0 waits for ever in receive_activation of micro-batch 0");
}

TEST_CASE("reductions in another order on two ranks are refused", "[planner]") {
  TinyProgram tiny({2});
  tiny.add_stage({0, 1});
  tiny.reduce(0, 8, 0);
  tiny.reduce(0, 8, 1);
  tiny.reduce(1, 8, 1);
  tiny.reduce(1, 8, 0);
  CHECK(refusal(tiny) == "rank 0 waits for ever in reduce_gradients");
}

TEST_CASE("parts that do not go with the stages' lists are refused", "[planner]") {
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

TEST_CASE("a root of reductions that cannot be one is refused", "[planner]") {
  // Rank 0, in a stage of its own, adds up what ranks 1 and 2 reduce.
  TinyProgram served = sound();
  served.program.all_reduce = {
      .algorithm = AllReduceAlgorithm::kSpark, .root_host = 0, .host_groups = {}};
  served.reduce(0, 16, 1);
  CHECK(refusal(served).empty());

  TinyProgram absent = sound();
  absent.program.all_reduce = served.program.all_reduce;
  CHECK(refusal(absent) == "rank 0 of stage 1 does not wait for its buckets");

  TinyProgram uncalled = served;
  uncalled.program.all_reduce = {};
  CHECK(refusal(uncalled) ==
        "start_reduction on rank 0 is of stage 1, in which the rank has no part");

  TinyProgram ring = served;
  ring.program.all_reduce.algorithm = AllReduceAlgorithm::kRing;
  CHECK(refusal(ring) == "its reductions have a root, and none goes with ring");

  TinyProgram groupless = sound();
  groupless.program.all_reduce.algorithm = AllReduceAlgorithm::kHierarchical;
  CHECK(refusal(groupless) == "expected groups of at least 1 hosts, found 0");

  TinyProgram nobody({2});
  for (const int rank : {0, 1}) nobody.reduce(rank, 16);
  nobody.program.all_reduce = served.program.all_reduce;
  nobody.program.all_reduce.root_host = 2;
  CHECK(refusal(nobody) == "the root of the reductions of stage 0 is host 2, which has no rank");
}

TEST_CASE("ranks that share a host are refused", "[planner]") {
  TinyProgram shared = sound();
  shared.program.ranks[2].host_index = 1;
  CHECK(refusal(shared) == "rank 2 shares its host with another rank");
  shared.program.ranks[2].host_index = -1;
  CHECK(refusal(shared) == "rank 2 is on no host");
}

TEST_CASE("a message whose ends mean different tensors is refused", "[planner]") {
  TinyProgram numbered = sound();
  numbered.program.num_messages = 0;
  CHECK(refusal(numbered) ==
        "send_activation of micro-batch 0 on rank 0 is an end of message 0 of 0");
  TinyProgram mixed = sound();
  instruction(mixed, 1, 0).layer = 2;
  CHECK(refusal(mixed) ==
        "message 0 is sent as layer 0, micro-batch 0, samples 0 to 0 and received as layer 2, "
        "micro-batch 0, samples 0 to 0");
  mixed = sound();
  instruction(mixed, 1, 0).kind = InstructionKind::kReceiveGradient;
  CHECK(refusal(mixed).find("received as the gradient of layer 0") != std::string::npos);
}

TEST_CASE("starts of reductions never block, so their order among stages is free", "[planner]") {
  TinyProgram tiny({2});
  tiny.add_stage({0, 1});
  for (const int rank : {0, 1}) {
    tiny.start_reduction(rank, 0, 8, rank);
    tiny.start_reduction(rank, 0, 8, 1 - rank);
  }
  for (const int rank : {0, 1}) {
    tiny.wait_for_reductions(rank, 8, 1 - rank);
    tiny.wait_for_reductions(rank, 8, rank);
  }
  CHECK(refusal(tiny).empty());
}

namespace {

/// Two replicas with a last backward pass over two buckets.
TinyProgram cut() {
  TinyProgram tiny({2});
  for (const int rank : {0, 1}) {
    tiny.forward(rank, 1);
    for (const int bucket : {0, 1}) {
      tiny.backward_over(rank, bucket, 1);
      tiny.start_reduction(rank, bucket, 8);
    }
    tiny.wait_for_reductions(rank, 16);
  }
  return tiny;
}

}  // namespace

TEST_CASE("buckets that are not reduced in order, once each, are refused", "[planner]") {
  CHECK(refusal(cut()).empty());
  // Instructions of a rank: F B0 a0 B1 a1 A.
  TinyProgram swapped = cut();
  std::swap(instruction(swapped, 1, 2), instruction(swapped, 1, 4));
  CHECK(refusal(swapped) == "rank 1 of stage 0 starts bucket 1 where 0 is next");
  TinyProgram again = cut();
  instruction(again, 0, 4).bucket = 0;
  CHECK(refusal(again) == "rank 0 of stage 0 starts bucket 0 where 1 is next");
  TinyProgram more = cut();
  more.program.stage_buckets[0].pop_back();
  CHECK(refusal(more) == "rank 0 of stage 0 goes back over bucket 1 out of turn");
  TinyProgram few = cut();
  few.program.ranks[1].instructions.erase(few.program.ranks[1].instructions.begin() + 4);
  CHECK(refusal(few) == "rank 1 of stage 0 waits for 2 buckets when it has started 1");
  TinyProgram hasty = cut();
  std::swap(instruction(hasty, 1, 3), instruction(hasty, 1, 4));
  CHECK(refusal(hasty) == "rank 1 of stage 0 goes back over bucket 1 out of turn");
  TinyProgram unwaited = cut();
  unwaited.program.ranks[1].instructions.pop_back();
  CHECK(refusal(unwaited) == "rank 1 of stage 0 does not wait for its buckets");
  TinyProgram twice = cut();
  twice.wait_for_reductions(1, 16);
  CHECK(refusal(twice) == "rank 1 of stage 0 goes on with its buckets once it has waited for them");
  TinyProgram forward = cut();
  instruction(forward, 0, 0).bucket = 0;
  CHECK(refusal(forward) == "forward of micro-batch 0 on rank 0 of stage 0 names a bucket");
  TinyProgram unknown = cut();
  unknown.program.stage_buckets.clear();
  CHECK(refusal(unknown) == "expected buckets of 1 stages, found 0");
}
