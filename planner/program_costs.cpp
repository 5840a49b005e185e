#include "planner/program_costs.h"

#include <algorithm>
#include <utility>

namespace cadastre {

namespace {

bool holds_loss(const Stage& stage, const ModelGraph& model) {
  return std::find(stage.layers.begin(), stage.layers.end(), model.output) != stage.layers.end();
}

}  // namespace

std::vector<StageSize> stage_sizes(const Plan& plan, const Profile& profile) {
  std::vector<StageSize> sizes;
  for (const Stage& stage : plan.stages) {
    StageSize size;
    for (const std::string& id : stage.layers) {
      const auto index = static_cast<std::size_t>(layer_index(profile.model, id));
      size.layers.push_back(index);
      size.parameter_bytes += profile.layers[index].parameter_bytes;
      size.saved_bytes_per_sample += profile.layers[index].saved_bytes_per_sample;
    }
    sizes.push_back(std::move(size));
  }
  return sizes;
}

ProgramCosts program_costs(const Program& program, const Plan& plan, const Profile& profile,
                           const Cluster& cluster) {
  const std::vector<StageSize> sizes = stage_sizes(plan, profile);
  // Each model input costs its part of the loading, by its number of elements.
  double input_elements = 0;
  for (const ModelInput& input : profile.model.inputs)
    input_elements += static_cast<double>(num_elements(input.shape));
  const std::vector<std::vector<Source>> sources = layer_sources(profile.model);
  const std::vector<bool> has_gradient = layers_with_gradient(profile.model);

  ProgramCosts costs;
  for (const RankProgram& rank : program.ranks) {
    const StageSize& size = sizes[static_cast<std::size_t>(rank.stage)];
    const bool loss = holds_loss(plan.stages[static_cast<std::size_t>(rank.stage)], profile.model);
    std::vector<bool> reads(profile.model.inputs.size(), false);
    for (const std::size_t layer : size.layers)
      for (const Source& source : sources[layer])
        if (source.is_model_input) reads[static_cast<std::size_t>(source.index)] = true;
    double loaded_elements = 0;
    for (std::size_t i = 0; i < reads.size(); ++i)
      if (reads[i])
        loaded_elements += static_cast<double>(num_elements(profile.model.inputs[i].shape));
    const double load_s_per_sample = profile.load_s_per_sample * loaded_elements / input_elements;
    const double speed = cluster.hosts[static_cast<std::size_t>(rank.host_index)].relative_speed;

    // Micro-batches have one or two sizes: look each up once.
    std::vector<std::pair<std::int64_t, LayerCost>> by_size;
    const auto stage_cost = [&](std::int64_t samples) {
      for (const auto& [known, cost] : by_size)
        if (known == samples) return cost;
      LayerCost sum;
      for (const std::size_t layer : size.layers) {
        const LayerCost cost = layer_cost(profile.layers[layer], samples);
        sum.forward_s += cost.forward_s;
        if (has_gradient[layer]) sum.backward_s += cost.backward_s;
      }
      if (loss) sum.forward_s += profile.loss_s_per_sample * static_cast<double>(samples);
      by_size.emplace_back(samples, sum);
      return sum;
    };

    std::vector<double>& seconds = costs.emplace_back();
    for (const Instruction& instruction : rank.instructions) {
      double cost_s = 0;
      switch (instruction.kind) {
        case InstructionKind::kLoadMicroBatch:
          cost_s = load_s_per_sample * static_cast<double>(instruction.samples.size());
          break;
        case InstructionKind::kForward:
          cost_s = stage_cost(instruction.samples.size()).forward_s;
          break;
        case InstructionKind::kBackward:
          cost_s = stage_cost(instruction.samples.size()).backward_s;
          break;
        case InstructionKind::kOptimizerStep:
          cost_s =
              profile.optimizer_s_per_parameter_byte * static_cast<double>(size.parameter_bytes);
          break;
        default:
          break;
      }
      seconds.push_back(cost_s / speed);
    }
  }
  return costs;
}

}  // namespace cadastre
