#include "planner/program.h"

#include <map>
#include <string>

#include "planner/lowering.h"
#include "planner/program_check.h"
#include "planner/sample_split.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

/// One letter an instruction, with its micro-batch: L0 F0 S0>1 …, R<0 for receives, s and r for
/// gradients, a0 the start of a bucket, A the wait for all, O optimizer; a piece of B0 is B0.0.
std::string listing(const RankProgram& rank) {
  std::string text;
  for (const Instruction& instruction : rank.instructions) {
    std::string word;
    const std::string micro_batch = std::to_string(instruction.micro_batch);
    const std::string peer = std::to_string(instruction.peer);
    switch (instruction.kind) {
      case InstructionKind::kLoadMicroBatch:
        word = "L" + micro_batch;
        break;
      case InstructionKind::kForward:
        word = "F" + micro_batch;
        break;
      case InstructionKind::kRecompute:
        word = "C" + micro_batch;
        break;
      case InstructionKind::kBackward:
        word = "B" + micro_batch;
        if (instruction.bucket >= 0) word += "." + std::to_string(instruction.bucket);
        break;
      case InstructionKind::kSendActivation:
        word = "S" + micro_batch + ">" + peer;
        break;
      case InstructionKind::kReceiveActivation:
        word = "R" + micro_batch + "<" + peer;
        break;
      case InstructionKind::kSendGradient:
        word = "s" + micro_batch + ">" + peer;
        break;
      case InstructionKind::kReceiveGradient:
        word = "r" + micro_batch + "<" + peer;
        break;
      case InstructionKind::kStartReduction:
        word = "a" + std::to_string(instruction.bucket);
        break;
      case InstructionKind::kReduceGradients:
        word = "A";
        break;
      case InstructionKind::kOptimizerStep:
        word = "O";
        break;
    }
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

}  // namespace

TEST_CASE("a pipeline of two stages sends activations on and gradients back", "[planner]") {
  const ModelGraph model = chain_model(2);
  const Program program = lower(pipeline(model, two_hosts(), {1, 1}, 4, 2), model, two_hosts());
  REQUIRE(program.ranks.size() == 2);
  CHECK(listing(program.ranks[0]) == "L0 F0 S0>1 L1 F1 S1>1 r0<1 B0 r1<1 B1 O");
  // The second stage loads too: the labels.
  CHECK(listing(program.ranks[1]) == "L0 R0<0 F0 L1 R1<0 F1 B0 s0>0 B1 s1>0 O");
  CHECK(program.num_messages == 4);
  // 2 samples of 1,000 bytes, there and back, for each of 2 micro-batches.
  CHECK(traffic_bytes(program) == 2 * 2 * 2 * 1000);
}

TEST_CASE("replicas reduce their gradients and move nothing else", "[planner]") {
  const ModelGraph model = chain_model(2);
  const Program program =
      lower(data_parallel(model, two_hosts(), {0.75, 0.25}, 4), model, two_hosts());
  CHECK(listing(program.ranks[0]) == "L0 F0 B0.0 a0 A O");
  CHECK(program.ranks[0].instructions[1].samples == SampleRange{.begin = 0, .end = 3});
  CHECK(program.ranks[1].instructions[1].samples == SampleRange{.begin = 3, .end = 4});
  // A ring of 2 sends 2 (2 - 1) / 2 of the 500,000 bytes of gradients from each.
  CHECK(traffic_bytes(program) == 2 * 500000);
}

TEST_CASE("the last backward pass is cut at the buckets, each of which is reduced at once",
          "[planner]") {
  // Layers of 4 MiB each.
  const ModelGraph model = wide_chain_model(3);
  const Cluster cluster = hosts({1, 1, 1});
  const Program program =
      lower(data_parallel(model, two_hosts(), {0.5, 0.5}, 4, 2), model, two_hosts());
  const std::string pieces = "B1.0 a0 B1.1 a1 B1.2 a2";
  CHECK(listing(program.ranks[0]) == "L0 F0 L1 F1 B0 " + pieces + " A O");
  REQUIRE(program.stage_buckets[0].size() == 3);
  for (int b = 0; b < 3; ++b) {
    const ReductionBucket& bucket = program.stage_buckets[0][static_cast<std::size_t>(b)];
    CHECK(bucket == ReductionBucket{.layers = {2 - b}, .bytes = 4 * 1024 * 1024});
  }
  // What goes on follows the last piece; recomputation and what comes in precede the first.
  Plan plan{.strategy = "hybrid", .batch_size = 4, .micro_batches = 2};
  plan.schedule = Schedule::kOneForwardOneBackward;
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node3", 1}}},
                 {.layers = {"layer1", "layer2"},
                  .replicas = {{"node1", 0.5}, {"node2", 0.5}},
                  .recompute = true}};
  CHECK(listing(lower(plan, model, cluster).ranks[1]) ==
        "L0 R0<0 F0 C0 B0 s0>0 L1 R1<0 F1 C1 B1.0 a0 B1.1 a1 s1>0 A O");
}

TEST_CASE("a rank without samples starts every bucket all the same", "[planner]") {
  const ModelGraph model = wide_chain_model(2);
  const Cluster cluster = two_hosts();
  // Of 3 samples in two micro-batches the second has one, which goes to the first replica.
  Program program = lower(data_parallel(model, cluster, {0.5, 0.5}, 3, 2), model, cluster);
  CHECK(listing(program.ranks[0]) == "L0 F0 L1 F1 B0 B1.0 a0 B1.1 a1 A O");
  CHECK(listing(program.ranks[1]) == "L0 F0 B0.0 a0 B0.1 a1 A O");
  program = lower(data_parallel(model, cluster, {0.999, 0.001}, 3, 1), model, cluster);
  CHECK(listing(program.ranks[1]) == "a0 a1 A O");
  check_program(program);
}

TEST_CASE("a server starts what it serves before its own passes", "[planner]") {
  const ModelGraph model = wide_chain_model(2);
  Plan plan{.strategy = "hybrid", .batch_size = 2};
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 1}}},
                 {.layers = {"layer1"}, .replicas = {{"node2", 0.5}, {"node3", 0.5}}}};
  plan.all_reduce = {.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node1"};
  Program program = lower(plan, model, hosts({1, 1, 1}));
  CHECK(listing(program.ranks[0]) == "a0 L0 F0 S0>1 S0>2 r0<1 r0<2 B0 O A");
  check_program(program);
  plan.all_reduce.root = "node4";
  program = lower(plan, model, hosts({1, 1, 1, 1}));
  REQUIRE(program.ranks.size() == 4);
  CHECK(listing(program.ranks[3]) == "a0 A");
  check_program(program);
}

TEST_CASE("parameters are averaged in one go, after the optimizer step", "[planner]") {
  const ModelGraph model = wide_chain_model(2);
  Plan plan = data_parallel(model, two_hosts(), {0.5, 0.5}, 4);
  plan.averaging_period = 4;
  plan.wire_dtype = WireDtype::kBfloat16;
  const Program program = lower(plan, model, two_hosts());
  CHECK(listing(program.ranks[0]) == "L0 F0 B0 O a0 A");
  CHECK(program.averaging_period == 4);
  // 8 MiB of float32, once in four steps.
  CHECK(program.stage_buckets[0] ==
        std::vector<ReductionBucket>{{.layers = {1, 0}, .bytes = 4 * 1024 * 1024}});
  CHECK(program.ranks[0].instructions.back().bytes == 1024 * 1024);
}

TEST_CASE("a tensor that stays on its rank is not converted", "[planner]") {
  const ModelGraph model = chain_model(3);
  Plan plan{.strategy = "interleaved", .batch_size = 2, .schedule = Schedule::kInterleaved};
  plan.wire_dtype = WireDtype::kBfloat16;
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 1}}},
                 {.layers = {"layer1"}, .replicas = {{"node1", 1}}},
                 {.layers = {"layer2"}, .replicas = {{"node2", 1}}}};
  const Program program = lower(plan, model, two_hosts());
  std::map<int, std::int64_t> bytes_to;
  for (const Instruction& instruction : program.ranks[0].instructions)
    if (instruction.kind == InstructionKind::kSendActivation)
      bytes_to[instruction.peer] = instruction.bytes;
  CHECK(bytes_to == std::map<int, std::int64_t>{{0, 2000}, {1, 1000}});
  CHECK(traffic_bytes(program) == 2 * 1000);
}

TEST_CASE("replicas of neighbouring stages exchange just the samples they share", "[planner]") {
  const ModelGraph model = chain_model(2);
  const Cluster cluster = hosts({1, 1, 1, 1});
  Plan plan{.strategy = "hybrid", .batch_size = 8};
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 0.75}, {"node2", 0.25}}},
                 {.layers = {"layer1"}, .replicas = {{"node3", 0.5}, {"node4", 0.5}}}};
  const Program program = lower(plan, model, cluster);
  // Rank 0 has samples 0-5, rank 1 has 6-7; ranks 2 and 3 have 0-3 and 4-7.
  std::map<std::pair<int, int>, SampleRange> sent;
  for (int r = 0; r < 2; ++r)
    for (const Instruction& instruction : program.ranks[static_cast<std::size_t>(r)].instructions)
      if (instruction.kind == InstructionKind::kSendActivation)
        sent[{r, instruction.peer}] = instruction.samples;
  CHECK(sent == std::map<std::pair<int, int>, SampleRange>{
                    {{0, 2}, {0, 4}}, {{0, 3}, {4, 6}}, {{1, 3}, {6, 8}}});
}

TEST_CASE("the branches of a network are stages of their own that meet", "[planner]") {
  const ModelGraph model = two_branch_model();
  Plan plan{.strategy = "branch", .batch_size = 2};
  plan.stages = {{.layers = {"a0", "a1"}, .replicas = {{"node1", 1}}},
                 {.layers = {"b0", "b1"}, .replicas = {{"node2", 1}}},
                 {.layers = {"join", "head"}, .replicas = {{"node3", 1}}}};
  const Program program = lower(plan, model, hosts({1, 1, 1}));
  CHECK(listing(program.ranks[0]) == "L0 F0 S0>2 r0<2 B0 O");
  CHECK(listing(program.ranks[1]) == "L0 F0 S0>2 r0<2 B0 O");
  CHECK(listing(program.ranks[2]) == "L0 R0<0 R0<1 F0 B0 s0>0 s0>1 O");
}

TEST_CASE("a stage without parameters before it gets no gradients", "[planner]") {
  ModelGraph model = checked(
      {.name = "relu-first",
       .inputs = {{.name = "x", .shape = {4}}},
       .layers = {{.id = "relu", .operation = Relu{}, .inputs = {"x"}},
                  {.id = "head", .operation = Linear{.out_features = 2}, .inputs = {"relu"}}},
       .output = "head"});
  const Program program = lower(pipeline(model, two_hosts(), {1, 1}, 2, 1), model, two_hosts());
  CHECK(listing(program.ranks[0]) == "L0 F0 S0>1");
  CHECK(listing(program.ranks[1]) == "L0 R0<0 F0 B0 O");
}

TEST_CASE("what is sent is received, once, with the same bytes, in any plan",
          "[planner][property]") {
  const ModelGraph model = two_branch_model();
  const Cluster cluster = hosts({1, 0.5, 0.25, 2});
  for (const Schedule schedule : {Schedule::kGpipe, Schedule::kOneForwardOneBackward}) {
    for (const std::int64_t micro_batches : {1, 2, 3, 5}) {
      Plan plan{.strategy = "any", .batch_size = 10, .micro_batches = micro_batches};
      plan.schedule = schedule;
      plan.stages = {{.layers = {"a0", "b0"}, .replicas = {{"node1", 0.7}, {"node2", 0.3}}},
                     {.layers = {"a1"}, .replicas = {{"node3", 1}}},
                     {.layers = {"b1", "join", "head"}, .replicas = {{"node4", 1}}}};
      const Program program = lower(plan, model, cluster);
      std::map<int, std::int64_t> balance;
      std::map<int, int> ends;
      for (std::size_t r = 0; r < program.ranks.size(); ++r) {
        for (const Instruction& instruction : program.ranks[r].instructions) {
          if (instruction.message < 0) continue;
          const bool sends = instruction.kind == InstructionKind::kSendActivation ||
                             instruction.kind == InstructionKind::kSendGradient;
          balance[instruction.message] += sends ? instruction.bytes : -instruction.bytes;
          ++ends[instruction.message];
        }
      }
      CHECK(static_cast<int>(balance.size()) == program.num_messages);
      for (const auto& [message, bytes] : balance) CHECK(bytes == 0);
      for (const auto& [message, count] : ends) CHECK(count == 2);
    }
  }
}

TEST_CASE("samples are cut at multiples of the granularity, as near to the shares as these allow",
          "[planner]") {
  using Ranges = std::vector<SampleRange>;
  CHECK(split_samples(64, {0.5, 0.5}, 8) == Ranges{{0, 32}, {32, 64}});
  // 8 granules in shares 0.6 and 0.4 are 4.8 and 3.2: 5 and 3.
  CHECK(split_samples(64, {0.6, 0.4}, 8) == Ranges{{0, 40}, {40, 64}});
  // Thirds of 8 granules are 2.67 each: the first two get the remainders.
  CHECK(split_samples(64, {1, 1, 1}, 8) == Ranges{{0, 24}, {24, 48}, {48, 64}});
  CHECK(split_samples(8, {0.95, 0.05}, 8) == Ranges{{0, 8}, {8, 8}});
  CHECK(micro_batch_ranges(10, 3, 1) == Ranges{{0, 4}, {4, 7}, {7, 10}});
}
