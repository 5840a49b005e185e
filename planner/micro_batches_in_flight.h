#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "planner/program.h"

namespace cadastre {

/// What a rank's micro-batches keep between their forward and their backward, followed through its
/// instructions in their order.
class MicroBatchesInFlight {
 public:
  MicroBatchesInFlight(const RankProgram& rank, std::size_t num_stages);

  /// Of a backward: the most that other micro-batches kept while one of them passed through, since
  /// this one's forward (or its recomputation); 0 where none did, and for anything else.
  /// `kept_bytes`: what the instruction's pass keeps, or lets go of.
  [[nodiscard]] double bytes_beside(const Instruction& instruction, double kept_bytes);

 private:
  struct MicroBatch {
    int forward = 0;  ///< the number of that pass
    double kept_bytes = 0;
    bool is_in_backward = false;
    double bytes_beside = 0;  ///< once it is
  };

  [[nodiscard]] MicroBatch& micro_batch(const Instruction& instruction);
  void note_pass();
  [[nodiscard]] double most_since(int pass) const;

  std::size_t num_stages_;
  std::vector<MicroBatch> micro_batches_;  ///< [micro-batch][stage]
  int num_passes_ = 0;
  double kept_bytes_ = 0;  ///< now
  /// Passes and what was kept while they ran, where no later one ran with more: of any end of the
  /// passes, the first has the most.
  std::vector<std::pair<int, double>> peaks_;
};

}  // namespace cadastre
