#include "planner/inference_program.h"

#include <map>

#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using worlds::chain_model;
using worlds::hosts;

/// The first layer on two hosts, which share it 3 : 1, the second on a third.
Plan hybrid() {
  Plan plan{.strategy = "hybrid", .batch_size = 4};
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 0.75}, {"node2", 0.25}}},
                 {.layers = {"layer1"}, .replicas = {{"node3", 1}}}};
  return plan;
}

TEST_CASE("for inference every host keeps the stages that it trains", "[planner]") {
  const InferenceProgram program =
      lower_for_inference(hybrid(), chain_model(2), hosts({1, 1, 1}));
  REQUIRE(program.ranks.size() == 3);
  CHECK(program.ranks[1] ==
        InferenceProgram::Rank{.host = "node2", .host_index = 1, .stages = {0}});
  CHECK(program.ranks[2] ==
        InferenceProgram::Rank{.host = "node3", .host_index = 2, .stages = {1}});
  CHECK(program.stages[0] == InferenceProgram::Stage{.ranks = {0, 1}, .shares = {0.75, 0.25}});
  CHECK(program.stage_of_layer == std::vector<int>{0, 1});
  CHECK(program.is_divided());
}

TEST_CASE("a host that only serves reductions has no part in inference", "[planner]") {
  Plan plan{.strategy = "data-parallel", .batch_size = 4};
  plan.stages = {
      {.layers = {"layer0", "layer1"}, .replicas = {{"node1", 0.5}, {"node2", 0.5}}}};
  plan.all_reduce = {.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node3"};
  const InferenceProgram program = lower_for_inference(plan, chain_model(2), hosts({1, 1, 1}));
  CHECK(program.ranks.size() == 2);
  CHECK(!program.is_divided());
}

TEST_CASE("pieces go to replicas by their shares, in any run of pieces", "[planner]") {
  const InferenceProgram program =
      lower_for_inference(hybrid(), chain_model(2), hosts({1, 1, 1}));
  for (const std::int64_t first : {0, 1, 7, 1000}) {
    std::map<int, int> num_pieces;
    for (std::int64_t piece = first; piece < first + 16; ++piece) {
      const std::vector<int> ranks = route(program, piece);
      REQUIRE(ranks.size() == 2);
      ++num_pieces[ranks[0]];
      CHECK(ranks[1] == 2);
    }
    CHECK(num_pieces[0] == 12);
    CHECK(num_pieces[1] == 4);
  }
}

TEST_CASE("those report a piece that read inputs for it or compute the scores", "[planner]") {
  const ModelGraph model = worlds::two_branch_model();
  Plan plan{.strategy = "hybrid", .batch_size = 4};
  plan.stages = {{.layers = {"a0"}, .replicas = {{"node1", 0.5}, {"node2", 0.5}}},
                 {.layers = {"a1"}, .replicas = {{"node3", 1}}},
                 {.layers = {"b0", "b1", "join", "head"}, .replicas = {{"node4", 1}}}};
  const InferenceProgram program = lower_for_inference(plan, model, hosts({1, 1, 1, 1}));
  CHECK(rank_inputs(program, model, 1) == std::vector<int>{0});
  CHECK(rank_inputs(program, model, 2).empty());
  CHECK(rank_inputs(program, model, 3) == std::vector<int>{1});
  CHECK(reporting_ranks(program, model, route(program, 0)) == std::vector<int>{0, 3});
  CHECK(reporting_ranks(program, model, route(program, 1)) == std::vector<int>{1, 3});
}

TEST_CASE("predicted inference is that of the slowest stage, whatever the batch of training",
          "[planner]") {
  // 1 ms and 3 ms a sample forward; 1,000 bytes a sample between them are soon moved.
  const Profile profile = worlds::profile_of(chain_model(2), {0.001, 0.003});
  Plan plan{.strategy = "pipeline", .batch_size = 4};
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 1}}},
                 {.layers = {"layer1"}, .replicas = {{"node2", 1}}}};
  const double pipelined =
      predicted_inference_samples_per_s(plan, profile, worlds::two_hosts(), 64);
  CHECK(pipelined == Approx(1 / 0.003).epsilon(0.01));
  plan.stages = {{.layers = {"layer0", "layer1"}, .replicas = {{"node1", 0.5}, {"node2", 0.5}}}};
  const double shared = predicted_inference_samples_per_s(plan, profile, worlds::two_hosts(), 64);
  CHECK(shared == Approx(2 / 0.004).epsilon(0.01));
}

}  // namespace
}  // namespace cadastre
