#include "planner/memory.h"

#include <algorithm>

namespace cadastre {

namespace {

/// What a stage holds on each of its ranks.
struct StageMemory {
  std::int64_t parameter_bytes = 0;
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

/// Of a bucket in memory.
std::int64_t sum_bytes(const ReductionBucket& bucket, WireDtype wire_dtype) {
  const bool converted = !bucket.layers.empty() && wire_dtype != WireDtype::kFloat32;
  return converted ? 2 * bucket.bytes : bucket.bytes;
}

/// Whether no more of a backward pass comes after this piece of it.
bool is_end_of_pass(const Program& program, const Instruction& instruction) {
  return instruction.bucket < 0 ||
         static_cast<std::size_t>(instruction.bucket) + 1 ==
             program.stage_buckets[static_cast<std::size_t>(instruction.stage)].size();
}

/// Calls `begin(resident_bytes)` for each rank, then `hold(during_bytes, after_bytes)` for each of
/// its instructions.
template <typename Begin, typename Hold>
void follow(const Program& program, const Division& division, const CostTable& table,
            const Begin& begin, const Hold& hold) {
  const std::vector<StageMemory> stages = stage_memory(division, table);
  const auto num_micro_batches = static_cast<std::size_t>(division.micro_batches);
  std::vector<std::int64_t> held;  // [stage][micro-batch]
  for (const RankProgram& rank : program.ranks) {
    held.assign(stages.size() * num_micro_batches, 0);
    std::int64_t now = 0;
    for (const RankPart& part : rank.parts)
      now += table.copies_of_parameters() *
             stages[static_cast<std::size_t>(part.stage)].parameter_bytes;
    begin(now);
    for (const Instruction& instruction : rank.instructions) {
      const auto s = static_cast<std::size_t>(instruction.stage);
      const StageMemory& stage = stages[s];
      if (instruction.micro_batch < 0) {
        // A server or driver that is no replica makes room for what it adds up.
        const bool serves = is_reduction(instruction.kind) && !has_part(rank, instruction.stage);
        const std::vector<ReductionBucket>& buckets = program.stage_buckets[s];
        if (serves && instruction.kind == InstructionKind::kStartReduction)
          now += sum_bytes(bucket_of(program, instruction), program.wire_dtype);
        const std::int64_t during = now;
        if (serves && instruction.kind == InstructionKind::kReduceGradients)
          for (const ReductionBucket& bucket : buckets)
            now -= sum_bytes(bucket, program.wire_dtype);
        hold(during, now);
        continue;
      }
      const bool recompute = division.stages[s].recompute;
      std::int64_t& of_micro_batch =
          held[s * num_micro_batches + static_cast<std::size_t>(instruction.micro_batch)];
      const std::int64_t saved_bytes = stage.saved_bytes_per_sample * instruction.samples.size();
      std::int64_t grown = 0;
      std::int64_t freed = 0;  // at the end of the instruction
      switch (instruction.kind) {
        case InstructionKind::kReceiveActivation:
          // Computed with as float32, whatever it was on the wire.
          grown = table.model().activation_bytes[static_cast<std::size_t>(instruction.layer)] *
                  instruction.samples.size();
          break;
        case InstructionKind::kLoadMicroBatch:
          if (recompute) grown = stage.input_bytes_per_sample * instruction.samples.size();
          break;
        case InstructionKind::kForward:
          if (!recompute) grown = saved_bytes;
          if (!stage.has_backward) freed = of_micro_batch + grown;
          break;
        case InstructionKind::kRecompute:
          grown = saved_bytes;
          break;
        case InstructionKind::kBackward:
          if (is_end_of_pass(program, instruction)) freed = of_micro_batch;
          break;
        default:
          break;
      }
      now += grown;
      of_micro_batch += grown - freed;
      hold(now, now - freed);
      now -= freed;
    }
  }
}

}  // namespace

std::int64_t RankMemory::peak_bytes() const {
  std::int64_t peak = resident_bytes;
  for (const InstructionMemory& instruction : instructions)
    peak = std::max(peak, instruction.during_bytes);
  return peak;
}

std::vector<RankMemory> program_memory(const Program& program, const Division& division,
                                       const CostTable& table) {
  std::vector<RankMemory> ranks;
  follow(
      program, division, table,
      [&](std::int64_t resident) { ranks.push_back({.resident_bytes = resident}); },
      [&](std::int64_t during, std::int64_t after) {
        ranks.back().instructions.push_back({.during_bytes = during, .after_bytes = after});
      });
  return ranks;
}

std::vector<RankMemory> program_memory(const Program& program, const Plan& plan,
                                       const Profile& profile, const Cluster& cluster) {
  return program_memory(program, division_of(plan, profile.model, cluster),
                        CostTable(profile, Purpose::kTraining, plan.optimizer));
}

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Division& division,
                                            const CostTable& table) {
  std::vector<std::int64_t> peaks;
  follow(
      program, division, table, [&](std::int64_t resident) { peaks.push_back(resident); },
      [&](std::int64_t during, std::int64_t) { peaks.back() = std::max(peaks.back(), during); });
  return peaks;
}

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                            const Profile& profile, const Cluster& cluster) {
  return peak_memory_bytes(program, division_of(plan, profile.model, cluster),
                           CostTable(profile, Purpose::kTraining, plan.optimizer));
}

}  // namespace cadastre
