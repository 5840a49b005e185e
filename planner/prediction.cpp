#include "planner/prediction.h"

#include <algorithm>
#include <utility>

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/program_costs.h"

namespace cadastre {

namespace {

/// What a stage holds on each of its ranks.
struct StageMemory {
  std::int64_t parameter_bytes = 0;
  std::int64_t reduced_bytes = 0;
  std::int64_t saved_bytes_per_sample = 0;
  std::int64_t input_bytes_per_sample = 0;  ///< of the model inputs that it reads
  bool has_backward = false;
};

std::vector<StageMemory> stage_memory(const Division& division, const CostTable& table) {
  std::vector<StageMemory> stages(division.stages.size());
  std::vector<std::vector<char>> reads(stages.size(),
                                       std::vector<char>(table.model().input_bytes.size(), 0));
  for (std::size_t i = 0; i < division.stage_of_layer.size(); ++i) {
    const auto s = static_cast<std::size_t>(division.stage_of_layer[i]);
    stages[s].has_backward = stages[s].has_backward || table.model().has_gradient[i];
    stages[s].parameter_bytes += table.parameter_bytes()[i];
    stages[s].reduced_bytes += table.model().reduced_bytes[i];
    stages[s].saved_bytes_per_sample += table.saved_bytes_per_sample()[i];
    for (const int input : table.model().inputs[i]) {
      char& seen = reads[s][static_cast<std::size_t>(input)];
      if (!seen)
        stages[s].input_bytes_per_sample +=
            table.model().input_bytes[static_cast<std::size_t>(input)];
      seen = 1;
    }
  }
  return stages;
}

}  // namespace

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Division& division,
                                            const CostTable& table) {
  const std::vector<StageMemory> stages = stage_memory(division, table);
  const auto num_micro_batches = static_cast<std::size_t>(division.micro_batches);
  std::vector<std::int64_t> peaks;
  std::vector<std::int64_t> held;  // [stage][micro-batch]
  for (const RankProgram& rank : program.ranks) {
    held.assign(stages.size() * num_micro_batches, 0);
    std::int64_t now = 0;
    for (const RankPart& part : rank.parts)
      now += table.copies_of_parameters() *
             stages[static_cast<std::size_t>(part.stage)].parameter_bytes;
    std::int64_t peak = now;
    for (const Instruction& instruction : rank.instructions) {
      const auto s = static_cast<std::size_t>(instruction.stage);
      const StageMemory& stage = stages[s];
      if (instruction.kind == InstructionKind::kReduceGradients &&
          !has_part(rank, instruction.stage))
        peak = std::max(peak, now + stage.reduced_bytes);
      if (instruction.micro_batch < 0) continue;
      const bool recompute = division.stages[s].recompute;
      std::int64_t& of_micro_batch =
          held[s * num_micro_batches + static_cast<std::size_t>(instruction.micro_batch)];
      const std::int64_t saved_bytes = stage.saved_bytes_per_sample * instruction.samples.size();
      std::int64_t grown = 0;
      switch (instruction.kind) {
        case InstructionKind::kReceiveActivation:
          grown = instruction.bytes;
          break;
        case InstructionKind::kLoadMicroBatch:
          if (recompute) grown = stage.input_bytes_per_sample * instruction.samples.size();
          break;
        case InstructionKind::kForward:
          if (!recompute) grown = saved_bytes;
          break;
        case InstructionKind::kRecompute:
          grown = saved_bytes;
          break;
        case InstructionKind::kBackward:
          grown = -of_micro_batch;
          break;
        default:
          continue;
      }
      of_micro_batch += grown;
      now += grown;
      peak = std::max(peak, now);
      if (instruction.kind == InstructionKind::kForward && !stage.has_backward)
        now -= std::exchange(of_micro_batch, 0);
    }
    peaks.push_back(peak);
  }
  return peaks;
}

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                            const Profile& profile, const Cluster& cluster) {
  return peak_memory_bytes(program, division_of(plan, profile.model, cluster), CostTable(profile));
}

Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  return predict(division_of(plan, profile.model, cluster), PlanningProblem(profile, cluster));
}

Prediction predict(const Division& division, const PlanningProblem& problem) {
  Prediction prediction =
      predict_training(division, lower(division, problem.training.model()), problem);
  prediction.latency_s = inference_latency_s(division, problem);
  prediction.inference_samples_per_s = inference_samples_per_s(division, problem);
  return prediction;
}

Prediction predict_training(const Division& division, const Program& program,
                            const PlanningProblem& problem) {
  const StepSeconds seconds =
      step_seconds(program, program_costs(program, division, problem.training, problem.cluster),
                   problem.network);
  const std::vector<std::int64_t> peaks = peak_memory_bytes(program, division, problem.training);
  Prediction prediction{.step_s = seconds.step_s, .hosts = {}};
  constexpr double kSecondsPerHour = 3600;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const Host& host = problem.cluster.hosts[static_cast<std::size_t>(program.ranks[r].host_index)];
    const RankSeconds& rank = seconds.ranks[r];
    const double busy_s = rank.compute_s + rank.transfer_s + rank.reduction_s;
    std::int64_t sent = 0;
    for (const Instruction& instruction : program.ranks[r].instructions)
      sent += sent_bytes(program, r, instruction);
    prediction.traffic_bytes_per_step += sent;
    prediction.energy_j_per_step += host.watts * seconds.step_s;
    prediction.price_per_step += host.price_per_hour / kSecondsPerHour * seconds.step_s;
    prediction.hosts.push_back({.host = host.name,
                                .compute_s = rank.compute_s,
                                .waiting_s = std::max(0.0, seconds.step_s - busy_s),
                                .transfer_s = rank.transfer_s,
                                .reduction_s = rank.reduction_s,
                                .sent_bytes = sent,
                                .peak_memory_bytes = peaks[r]});
    prediction.peak_memory_bytes = std::max(prediction.peak_memory_bytes, peaks[r]);
    if (peaks[r] > host.memory_bytes) prediction.fits_memory = false;
  }
  return prediction;
}

double inference_latency_s(const Division& division, const PlanningProblem& problem) {
  Division one = division;
  one.batch_size = 1;
  one.micro_batches = 1;
  const Program program = lower(one, problem.inference.model());
  const ProgramCosts costs = program_costs(program, one, problem.inference, problem.cluster);
  return step_seconds(program, costs, problem.network).first_step_s;
}

double inference_samples_per_s(const Division& division, const PlanningProblem& problem) {
  // Once full, a pipeline of forward passes gives a micro-batch whenever its slowest stage does:
  // a few of them tell as much as many.
  constexpr std::int64_t kFew = 4;
  Division few = division;
  if (division.batch_size % division.micro_batches == 0) {
    few.micro_batches = std::min(kFew, division.micro_batches);
    few.batch_size = division.batch_size / division.micro_batches * few.micro_batches;
  }
  const Program program = lower(few, problem.inference.model());
  const double step_s =
      step_seconds(program, program_costs(program, few, problem.inference, problem.cluster),
                   problem.network)
          .step_s;
  return step_s > 0 ? static_cast<double>(few.batch_size) / step_s : 0;
}

}  // namespace cadastre
