#include "planner/inference_program.h"

#include <set>

#include "planner/division.h"
#include "planner/lowering.h"
#include "planner/prediction.h"
#include "planner/program.h"

namespace cadastre {

namespace {

/// The binary digits of `number`, mirrored at the point: 0, 1/2, 1/4, 3/4, 1/8, …
double van_der_corput(std::int64_t number) {
  double value = 0;
  for (double digit = 0.5; number > 0; number /= 2, digit /= 2)
    if (number % 2 == 1) value += digit;
  return value;
}

}  // namespace

std::vector<int> InferenceProgram::layers_of(int stage) const {
  std::vector<int> layers;
  for (std::size_t layer = 0; layer < stage_of_layer.size(); ++layer)
    if (stage_of_layer[layer] == stage) layers.push_back(static_cast<int>(layer));
  return layers;
}

InferenceProgram lower_for_inference(const Plan& plan, const ModelGraph& model,
                                     const Cluster& cluster) {
  Plan without_reductions = plan;  // a server of reductions has nothing to do
  without_reductions.all_reduce = {};
  const Program lowered = lower(without_reductions, model, cluster);
  InferenceProgram program;
  program.stage_of_layer = division_of(plan, model, cluster).stage_of_layer;
  for (const RankProgram& rank : lowered.ranks) {
    InferenceProgram::Rank& of_rank = program.ranks.emplace_back();
    of_rank.host = rank.host;
    of_rank.host_index = rank.host_index;
    for (const RankPart& part : rank.parts) of_rank.stages.push_back(part.stage);
  }
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    InferenceProgram::Stage& stage = program.stages.emplace_back();
    stage.ranks = lowered.stage_ranks[s];
    for (const Replica& replica : plan.stages[s].replicas) stage.shares.push_back(replica.share);
  }
  return program;
}

std::vector<int> route(const InferenceProgram& program, std::int64_t piece) {
  const double place = van_der_corput(piece);
  std::vector<int> ranks;
  for (const InferenceProgram::Stage& stage : program.stages) {
    std::size_t replica = 0;
    double end = stage.shares.front();
    while (place >= end && replica + 1 < stage.ranks.size()) end += stage.shares[++replica];
    ranks.push_back(stage.ranks[replica]);
  }
  return ranks;
}

std::vector<int> rank_inputs(const InferenceProgram& program, const ModelGraph& model, int rank) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::set<int> inputs;
  for (const int stage : program.ranks[static_cast<std::size_t>(rank)].stages)
    for (const int layer : program.layers_of(stage))
      for (const Source& source : sources[static_cast<std::size_t>(layer)])
        if (source.is_model_input) inputs.insert(source.index);
  return {inputs.begin(), inputs.end()};
}

std::vector<int> reporting_ranks(const InferenceProgram& program, const ModelGraph& model,
                                 const std::vector<int>& route) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const auto rank_of = [&](int layer) {
    return route[static_cast<std::size_t>(program.stage_of(layer))];
  };
  std::set<int> ranks = {rank_of(layer_index(model, model.output))};
  for (std::size_t layer = 0; layer < sources.size(); ++layer)
    for (const Source& source : sources[layer])
      if (source.is_model_input) ranks.insert(rank_of(static_cast<int>(layer)));
  return {ranks.begin(), ranks.end()};
}

double predicted_inference_samples_per_s(const Plan& plan, const Profile& profile,
                                         const Cluster& cluster, std::int64_t batch_size) {
  constexpr std::int64_t kBatches = 4;  // as many as tell what more would
  Division division = division_of(plan, profile.model, cluster);
  division.micro_batches = kBatches;
  division.batch_size = kBatches * batch_size;
  return inference_samples_per_s(division, PlanningProblem(profile, cluster));
}

}  // namespace cadastre
