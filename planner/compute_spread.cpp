#include "planner/compute_spread.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>

#include "planner/division.h"
#include "planner/profile.h"

namespace cadastre {

namespace {

/// The spreads of a layer as if they were its costs, so that they are interpolated likewise.
LayerProfile spread_profile(const LayerProfile& layer) {
  LayerProfile spreads = layer;
  for (Measurement& measurement : spreads.measurements) {
    measurement.forward_s = measurement.forward_spread_s;
    measurement.backward_s = measurement.backward_spread_s;
  }
  return spreads;
}

struct RelativeSpread {
  double forward = 0;
  double backward = 0;
};

double relative(double squared_spread_s, double seconds) {
  return seconds > 0 ? std::sqrt(squared_spread_s) / seconds : 0;
}

RelativeSpread spread_of_layers(const std::vector<LayerProfile>& layers,
                                const std::vector<LayerProfile>& spreads,
                                const std::vector<int>& numbers, std::int64_t samples) {
  LayerCost cost;
  LayerCost squared;
  for (const int number : numbers) {
    const auto i = static_cast<std::size_t>(number);
    const LayerCost seconds = layer_cost(layers[i], samples);
    const LayerCost spread = layer_cost(spreads[i], samples);
    cost.forward_s += seconds.forward_s;
    cost.backward_s += seconds.backward_s;
    squared.forward_s += spread.forward_s * spread.forward_s;
    squared.backward_s += spread.backward_s * spread.backward_s;
  }
  return {.forward = relative(squared.forward_s, cost.forward_s),
          .backward = relative(squared.backward_s, cost.backward_s)};
}

}  // namespace

ProgramSpreads program_spreads(const Program& program, const Plan& plan, const Profile& profile,
                               const Cluster& cluster) {
  const Division division = division_of(plan, profile.model, cluster);
  std::vector<std::vector<int>> layers_of_stage(division.stages.size());
  for (std::size_t i = 0; i < division.stage_of_layer.size(); ++i)
    layers_of_stage[static_cast<std::size_t>(division.stage_of_layer[i])].push_back(
        static_cast<int>(i));
  std::vector<LayerProfile> spread_profiles;
  for (const LayerProfile& layer : profile.layers) spread_profiles.push_back(spread_profile(layer));

  std::map<std::tuple<int, int, std::int64_t>, RelativeSpread> known;  // stage, bucket, samples
  const auto spread_of = [&](const Instruction& instruction) {
    const std::int64_t samples = instruction.samples.size();
    const auto [place, is_new] =
        known.try_emplace({instruction.stage, instruction.bucket, samples});
    if (is_new && samples > 0)
      place->second = spread_of_layers(
          profile.layers, spread_profiles,
          instruction.bucket < 0 ? layers_of_stage[static_cast<std::size_t>(instruction.stage)]
                                 : bucket_of(program, instruction).layers,
          samples);
    return place->second;
  };
  ProgramSpreads spreads;
  for (const RankProgram& rank : program.ranks) {
    std::vector<double>& of_rank = spreads.emplace_back();
    for (const Instruction& instruction : rank.instructions) {
      double spread = 0;
      if (instruction.kind == InstructionKind::kForward ||
          instruction.kind == InstructionKind::kRecompute)
        spread = spread_of(instruction).forward;
      else if (instruction.kind == InstructionKind::kBackward)
        spread = spread_of(instruction).backward;
      of_rank.push_back(spread);
    }
  }
  return spreads;
}

}  // namespace cadastre
