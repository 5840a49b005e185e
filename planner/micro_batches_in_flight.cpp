#include "planner/micro_batches_in_flight.h"

#include <algorithm>

namespace cadastre {

MicroBatchesInFlight::MicroBatchesInFlight(const RankProgram& rank, std::size_t num_stages)
    : num_stages_(num_stages) {
  int last = -1;
  for (const Instruction& instruction : rank.instructions)
    last = std::max(last, instruction.micro_batch);
  micro_batches_.resize(static_cast<std::size_t>(last + 1) * num_stages);
}

double MicroBatchesInFlight::bytes_beside(const Instruction& instruction, double kept_bytes) {
  switch (instruction.kind) {
    case InstructionKind::kForward: {
      kept_bytes_ += kept_bytes;
      note_pass();
      MicroBatch& passing = micro_batch(instruction);
      passing.forward = num_passes_;
      passing.kept_bytes = kept_bytes;
      return 0;
    }
    case InstructionKind::kRecompute:
      note_pass();
      micro_batch(instruction).forward = num_passes_;
      return 0;
    case InstructionKind::kBackward: {
      MicroBatch& passing = micro_batch(instruction);
      if (!passing.is_in_backward) {
        passing.is_in_backward = true;
        passing.bytes_beside = std::max(0.0, most_since(passing.forward) - passing.kept_bytes);
      }
      note_pass();
      kept_bytes_ -= kept_bytes;
      return passing.bytes_beside;
    }
    default:
      return 0;
  }
}

MicroBatchesInFlight::MicroBatch& MicroBatchesInFlight::micro_batch(
    const Instruction& instruction) {
  return micro_batches_[static_cast<std::size_t>(instruction.micro_batch) * num_stages_ +
                        static_cast<std::size_t>(instruction.stage)];
}

void MicroBatchesInFlight::note_pass() {
  ++num_passes_;
  while (!peaks_.empty() && peaks_.back().second <= kept_bytes_) peaks_.pop_back();
  peaks_.emplace_back(num_passes_, kept_bytes_);
}

double MicroBatchesInFlight::most_since(int pass) const {
  const auto first =
      std::upper_bound(peaks_.begin(), peaks_.end(), pass,
                       [](int number, const auto& peak) { return number < peak.first; });
  return first == peaks_.end() ? 0 : first->second;
}

}  // namespace cadastre
