#include "planner/prediction.h"

#include <algorithm>

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/program_costs.h"

namespace cadastre {

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                            const Profile& profile) {
  constexpr std::int64_t kCopiesOfParameters = 3;  // parameters, gradients, momentum
  const std::vector<StageSize> sizes = stage_sizes(plan, profile);
  std::vector<std::int64_t> peaks;
  for (const RankProgram& rank : program.ranks) {
    const StageSize& size = sizes[static_cast<std::size_t>(rank.stage)];
    std::vector<std::int64_t> held(static_cast<std::size_t>(plan.micro_batches), 0);
    std::int64_t now = kCopiesOfParameters * size.parameter_bytes;
    std::int64_t peak = now;
    for (const Instruction& instruction : rank.instructions) {
      std::int64_t grown = 0;
      switch (instruction.kind) {
        case InstructionKind::kReceiveActivation:
          grown = instruction.bytes;
          break;
        case InstructionKind::kForward:
          grown = size.saved_bytes_per_sample * instruction.samples.size();
          break;
        case InstructionKind::kBackward:
          grown = -held[static_cast<std::size_t>(instruction.micro_batch)];
          break;
        default:
          continue;
      }
      held[static_cast<std::size_t>(instruction.micro_batch)] += grown;
      now += grown;
      peak = std::max(peak, now);
    }
    peaks.push_back(peak);
  }
  return peaks;
}

Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const Program program = lower(plan, profile.model, cluster);
  const Timeline timeline =
      evaluate(program, program_costs(program, plan, profile, cluster), cluster);
  Prediction prediction;
  prediction.step_s = timeline.step_s;
  prediction.traffic_bytes_per_step = traffic_bytes(program);
  const std::vector<std::int64_t> peaks = peak_memory_bytes(program, plan, profile);
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const RankProgram& rank = program.ranks[r];
    HostPrediction host{.host = rank.host, .peak_memory_bytes = peaks[r]};
    for (const TimelineEvent& event : timeline.events) {
      if (event.rank != static_cast<int>(r)) continue;
      const double duration_s = event.end_s - event.start_s;
      switch (event.kind) {
        case InstructionKind::kReceiveActivation:
        case InstructionKind::kReceiveGradient:
          break;  // waiting is what is left of the step
        case InstructionKind::kSendActivation:
        case InstructionKind::kSendGradient:
          host.sent_bytes += event.bytes;
          break;
        case InstructionKind::kReduceGradients:
          host.reduction_s += duration_s;
          host.sent_bytes += ring_bytes_per_rank(
              event.bytes, program.stage_ranks[static_cast<std::size_t>(rank.stage)].size());
          break;
        default:
          host.compute_s += duration_s;
      }
    }
    host.waiting_s = std::max(0.0, prediction.step_s - host.compute_s - host.reduction_s);
    prediction.peak_memory_bytes = std::max(prediction.peak_memory_bytes, peaks[r]);
    const std::int64_t memory_bytes =
        cluster.hosts[static_cast<std::size_t>(rank.host_index)].memory_bytes;
    if (peaks[r] > memory_bytes) prediction.fits_memory = false;
    prediction.hosts.push_back(host);
  }
  return prediction;
}

}  // namespace cadastre
