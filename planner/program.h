#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/division.h"
#include "planner/model_facts.h"
#include "planner/plan.h"

namespace cadastre {

enum class InstructionKind {
  kLoadMicroBatch,
  kForward,
  kSendActivation,
  kReceiveActivation,
  kRecompute,
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
  int stage = -1;          ///< whose work it is
  int micro_batch = -1;    ///< -1 where it is about the whole step
  SampleRange samples;     ///< what is loaded, computed or moved
  int layer = -1;          ///< send and receive: the layer whose output (or its gradient) moves
  int peer = -1;           ///< send and receive: the other rank; the same rank where a tensor
                           ///< passes between two of its stages
  int message = -1;        ///< send and receive: number of the transfer, the same at both ends
  std::int64_t bytes = 0;  ///< moved, or reduced
  bool operator==(const Instruction&) const = default;
};

/// A rank's part in one stage.
struct RankPart {
  int stage = 0;
  int replica = 0;
  bool operator==(const RankPart&) const = default;
};

/// The ordered work of one rank, which is one host, in one step.
struct RankProgram {
  std::string host;
  int host_index = 0;           ///< in the cluster
  std::vector<RankPart> parts;  ///< of one stage, or of several, ascending; none: see `Program`
  std::vector<Instruction> instructions;
  bool operator==(const RankProgram&) const = default;
};

/// Whether the rank is one of the stage's replicas.
[[nodiscard]] bool has_part(const RankProgram& rank, int stage);

/// A plan lowered to instructions. All three interpreters (cost model, simulator, executor) read
/// this and nothing else about the order of things. Ranks are numbered in the order in which their
/// hosts appear in the plan, stage by stage, replica by replica.
///
/// A server or driver of reductions that is no replica of a stage has that stage's reduction among
/// its instructions all the same, once its own passes are over. Where its host is in no stage, it
/// is the last rank, without parts.
struct Program {
  std::vector<RankProgram> ranks;
  std::vector<std::vector<int>> stage_ranks;  ///< the ranks of each stage, in replica order
  int num_messages = 0;                       ///< transfers in one step, without reductions
  DividedAllReduce all_reduce;                ///< how `kReduceGradients` is carried out
  bool operator==(const Program&) const = default;
};

/// Cuts [0, num_samples) into consecutive ranges as near to `shares` as multiples of `granularity`
/// allow (largest remainder; ties to the earlier). A range may be empty.
/// `num_samples` must be a multiple of `granularity`.
[[nodiscard]] std::vector<SampleRange> split_samples(std::int64_t num_samples,
                                                     const std::vector<double>& shares,
                                                     std::int64_t granularity);

/// The shares of `speeds` that let the slowest replica finish earliest, if time goes with samples:
/// one granule after the other goes to the replica that then has the least samples / speed. None
/// when a replica would get no granule, or there are no speeds.
[[nodiscard]] std::vector<double> balanced_shares(std::int64_t num_samples,
                                                  const std::vector<double>& speeds,
                                                  std::int64_t granularity);

/// The sample ranges of a plan's micro-batches; sizes differ by one granule at most.
[[nodiscard]] std::vector<SampleRange> micro_batch_ranges(std::int64_t batch_size,
                                                          std::int64_t micro_batches,
                                                          std::int64_t granularity);

/// What a layer of so many parameters adds to its stage's all-reduce: its gradients, and the sums
/// of its batch statistics.
[[nodiscard]] std::int64_t reduced_bytes(const Layer& layer, std::int64_t parameter_bytes);

/// For each layer, whether the loss has a gradient that a parameter at or before it needs.
[[nodiscard]] std::vector<bool> layers_with_gradient(const ModelGraph& model);

/// Lowers a checked plan (see `check_plan`) for its model and cluster.
[[nodiscard]] Program lower(const Plan& plan, const ModelGraph& model, const Cluster& cluster);

/// The same by numbers, for the search: `host` of the ranks stays empty.
[[nodiscard]] Program lower(const Division& division, const ModelFacts& model);

/// Whether the instruction puts a tensor on its way.
[[nodiscard]] constexpr bool is_send(InstructionKind kind) {
  return kind == InstructionKind::kSendActivation || kind == InstructionKind::kSendGradient;
}

[[nodiscard]] constexpr bool is_receive(InstructionKind kind) {
  return kind == InstructionKind::kReceiveActivation || kind == InstructionKind::kReceiveGradient;
}

/// The ranks that take part in the reductions of a stage, by their places in the `Collective`: its
/// replicas, then a server or driver that is none of them.
[[nodiscard]] std::vector<int> reducing_ranks(const Program& program, int stage);

/// The messages of a reduction of the stage.
[[nodiscard]] CollectiveShape reduction_shape(const Program& program, int stage);

/// What an instruction of rank `rank` sends to others, in a reduction too.
[[nodiscard]] std::int64_t sent_bytes(const Program& program, std::size_t rank,
                                      const Instruction& instruction);

/// Bytes that cross between ranks in one step, reductions included.
[[nodiscard]] std::int64_t traffic_bytes(const Program& program);

/// A ring all-reduce over n ranks: each sends 2(n-1)/n of the buffer (Patarasuk and Yuan 2009), up
/// to what whole bytes make of it.
[[nodiscard]] std::int64_t ring_bytes_per_rank(std::int64_t bytes, std::size_t num_ranks);

}  // namespace cadastre
