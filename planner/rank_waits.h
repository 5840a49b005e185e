#pragma once

#include <array>
#include <cstddef>

#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/wait_effect.h"

namespace cadastre {

/// How long one rank has waited since it last computed the like of what comes next, followed as an
/// interpreter takes it through its program.
class RankWaits {
 public:
  void wait(double seconds) { waited_s_ += seconds; }

  /// Seconds that the rank computes for its instruction `i`, which comes next.
  [[nodiscard]] double compute_s(const ProgramCosts& costs, std::size_t rank, std::size_t i,
                                 const Instruction& instruction) {
    if (costs.after_waiting_s.empty()) return costs.seconds[rank][i];
    OfKind& kind = kinds_[static_cast<std::size_t>(instruction.kind)];
    // A backward that is cut is one for all its buckets.
    if (instruction.bucket <= 0) {
      kind.part_lost = part_lost(waited_s_ - kind.waited_before_s, costs.wait_constant_s);
      kind.waited_before_s = waited_s_;
    }
    return costs.seconds[rank][i] + kind.part_lost * costs.after_waiting_s[rank][i];
  }

 private:
  struct OfKind {
    double waited_before_s = 0;  ///< when it last computed one
    double part_lost = 0;        ///< of that
  };

  double waited_s_ = 0;
  std::array<OfKind, kNumInstructionKinds> kinds_{};
};

}  // namespace cadastre
