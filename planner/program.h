#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

enum class InstructionKind {
  kLoadMicroBatch,
  kForward,
  kSendActivation,
  kReceiveActivation,
  kBackward,
  kSendGradient,
  kReceiveGradient,
  kReduceGradients,
  kOptimizerStep,
};

[[nodiscard]] const std::vector<std::string>& instruction_names();  ///< in the enum's order
[[nodiscard]] const std::string& instruction_name(InstructionKind kind);

/// Consecutive samples of the global batch of one step: [begin, end).
struct SampleRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t size() const { return end - begin; }

  bool operator==(const SampleRange&) const = default;
};

/// One thing a rank does. Sends never block; a receive waits for its tensor.
struct Instruction {
  InstructionKind kind = InstructionKind::kForward;
  int micro_batch = -1;    ///< -1 where it is about the whole step
  SampleRange samples;     ///< what is loaded, computed or moved
  int layer = -1;          ///< send and receive: the layer whose output (or its gradient) moves
  int peer = -1;           ///< send and receive: the other rank
  int message = -1;        ///< send and receive: number of the transfer, the same at both ends
  std::int64_t bytes = 0;  ///< moved, or reduced
  bool operator==(const Instruction&) const = default;
};

/// The ordered work of one rank in one step: one replica of one stage.
struct RankProgram {
  std::string host;
  int host_index = 0;  ///< in the cluster
  int stage = 0;
  int replica = 0;
  std::vector<Instruction> instructions;
  bool operator==(const RankProgram&) const = default;
};

/// A plan lowered to instructions. All three interpreters (cost model, simulator, executor) read
/// this and nothing else about the order of things. Ranks are numbered stage by stage, replica by
/// replica.
///
/// Not modelled: several stages on one host (interleaved schedules).
struct Program {
  std::vector<RankProgram> ranks;
  std::vector<std::vector<int>> stage_ranks;  ///< the ranks of each stage, in replica order
  int num_messages = 0;                       ///< transfers between ranks in one step
  bool operator==(const Program&) const = default;
};

/// Cuts [0, num_samples) into consecutive ranges as near to `shares` as multiples of `granularity`
/// allow (largest remainder; ties to the earlier). A range may be empty.
/// `num_samples` must be a multiple of `granularity`.
[[nodiscard]] std::vector<SampleRange> split_samples(std::int64_t num_samples,
                                                     const std::vector<double>& shares,
                                                     std::int64_t granularity);

/// The sample ranges of a plan's micro-batches; sizes differ by one granule at most.
[[nodiscard]] std::vector<SampleRange> micro_batch_ranges(std::int64_t batch_size,
                                                          std::int64_t micro_batches,
                                                          std::int64_t granularity);

/// What a layer adds to its stage's all-reduce: its gradients, and the sums of its batch
/// statistics.
[[nodiscard]] std::int64_t reduced_bytes(const ModelGraph& model, const Layer& layer);

/// For each layer, whether the loss has a gradient that a parameter at or before it needs.
[[nodiscard]] std::vector<bool> layers_with_gradient(const ModelGraph& model);

/// Lowers a checked plan (see `check_plan`) for its model and cluster.
[[nodiscard]] Program lower(const Plan& plan, const ModelGraph& model, const Cluster& cluster);

/// Bytes that cross between ranks in one step, reductions by ring all-reduce included.
[[nodiscard]] std::int64_t traffic_bytes(const Program& program);

/// A ring all-reduce over n ranks: each sends 2(n-1)/n of the buffer (Patarasuk and Yuan 2009).
[[nodiscard]] std::int64_t ring_bytes_per_rank(std::int64_t bytes, std::size_t num_ranks);

}  // namespace cadastre
