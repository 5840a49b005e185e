#include "planner/program.h"

#include <algorithm>
#include <numeric>

namespace cadastre {

const std::vector<std::string>& instruction_names() {
  static const std::vector<std::string> names = {
      "load_micro_batch", "forward",          "send_activation", "receive_activation",
      "recompute",        "backward",         "send_gradient",   "receive_gradient",
      "start_reduction",  "reduce_gradients", "optimizer_step"};
  return names;
}

const std::string& instruction_name(InstructionKind kind) {
  return instruction_names()[static_cast<std::size_t>(kind)];
}

std::int64_t ring_bytes_per_rank(std::int64_t bytes, std::size_t num_ranks) {
  const auto n = static_cast<std::int64_t>(num_ranks);
  return n < 2 ? 0 : 2 * (n - 1) * bytes / n;
}

bool has_part(const RankProgram& rank, int stage) {
  return std::any_of(rank.parts.begin(), rank.parts.end(),
                     [&](const RankPart& part) { return part.stage == stage; });
}

std::vector<int> reducing_ranks(const Program& program, int stage) {
  std::vector<int> ranks = program.stage_ranks[static_cast<std::size_t>(stage)];
  const int root_host = program.all_reduce.root_host;
  if (root_host < 0) return ranks;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    if (program.ranks[r].host_index != root_host) continue;
    if (std::find(ranks.begin(), ranks.end(), static_cast<int>(r)) == ranks.end())
      ranks.push_back(static_cast<int>(r));
    break;
  }
  return ranks;
}

const ReductionBucket& bucket_of(const Program& program, const Instruction& instruction) {
  return program.stage_buckets[static_cast<std::size_t>(instruction.stage)]
                              [static_cast<std::size_t>(instruction.bucket)];
}

CollectiveShape reduction_shape(const Program& program, int stage) {
  std::vector<int> hosts;
  for (const int rank : program.stage_ranks[static_cast<std::size_t>(stage)])
    hosts.push_back(program.ranks[static_cast<std::size_t>(rank)].host_index);
  return collective_shape(program.all_reduce, hosts);
}

std::int64_t sent_bytes(const Program& program, std::size_t rank, const Instruction& instruction) {
  if (is_send(instruction.kind))
    return instruction.peer == static_cast<int>(rank) ? 0 : instruction.bytes;
  if (instruction.kind != InstructionKind::kStartReduction) return 0;
  const std::vector<int> ranks = reducing_ranks(program, instruction.stage);
  const auto place = std::find(ranks.begin(), ranks.end(), static_cast<int>(rank)) - ranks.begin();
  return sent_bytes(reduction_shape(program, instruction.stage), static_cast<int>(place),
                    instruction.bytes);
}

std::vector<std::int64_t> sent_bytes_by_rank(const Program& program) {
  std::vector<std::int64_t> bytes(program.ranks.size(), 0);
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (const Instruction& instruction : program.ranks[r].instructions)
      if (is_send(instruction.kind)) bytes[r] += sent_bytes(program, r, instruction);
  // Stage by stage, as who takes part is the same for all of a stage's buckets.
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s) {
    if (program.stage_buckets[s].empty()) continue;
    const auto stage = static_cast<int>(s);
    const std::vector<int> ranks = reducing_ranks(program, stage);
    const CollectiveShape shape = reduction_shape(program, stage);
    const Collective collective(shape);
    for (std::size_t place = 0; place < ranks.size(); ++place) {
      const auto rank = static_cast<std::size_t>(ranks[place]);
      for (const Instruction& instruction : program.ranks[rank].instructions)
        if (instruction.kind == InstructionKind::kStartReduction && instruction.stage == stage)
          bytes[rank] += collective.sent_bytes(static_cast<int>(place), instruction.bytes);
    }
  }
  return bytes;
}

std::int64_t traffic_bytes(const Program& program) {
  const std::vector<std::int64_t> bytes = sent_bytes_by_rank(program);
  return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
}

}  // namespace cadastre
