#include "planner/memory_traffic.h"

#include <cstddef>

#include "planner/division.h"
#include "planner/pass_work.h"

namespace cadastre {

namespace {

double bytes_of(const PassWork& work, const Instruction& instruction) {
  return work.bytes + work.bytes_per_sample * static_cast<double>(instruction.samples.size());
}

void add(PassWork& sum, const PassWork& work) {
  sum.bytes += work.bytes;
  sum.bytes_per_sample += work.bytes_per_sample;
}

}  // namespace

ProgramMemoryTraffic program_memory_traffic(const Program& program, const Plan& plan,
                                            const Profile& profile, const Cluster& cluster) {
  const Division division = division_of(plan, profile.model, cluster);
  const std::vector<LayerWork> layers = layer_work(profile.model);
  std::vector<LayerWork> stages(division.stages.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    LayerWork& stage = stages[static_cast<std::size_t>(division.stage_of_layer[i])];
    add(stage.forward, layers[i].forward);
    add(stage.backward, layers[i].backward);
  }
  ProgramMemoryTraffic traffic;
  for (const RankProgram& rank : program.ranks) {
    std::vector<double>& of_rank = traffic.emplace_back();
    for (const Instruction& instruction : rank.instructions) {
      const LayerWork& stage = stages[static_cast<std::size_t>(instruction.stage)];
      switch (instruction.kind) {
        case InstructionKind::kForward:
        case InstructionKind::kRecompute:
          of_rank.push_back(bytes_of(stage.forward, instruction));
          break;
        case InstructionKind::kBackward:
          if (instruction.bucket < 0) {
            of_rank.push_back(bytes_of(stage.backward, instruction));
          } else {
            PassWork cut;
            for (const int layer : bucket_of(program, instruction).layers)
              add(cut, layers[static_cast<std::size_t>(layer)].backward);
            of_rank.push_back(bytes_of(cut, instruction));
          }
          break;
        default:
          of_rank.push_back(0);
          break;
      }
    }
  }
  return traffic;
}

}  // namespace cadastre
