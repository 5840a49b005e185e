#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/division.h"
#include "planner/plan.h"
#include "planner/reduction_buckets.h"
#include "planner/sample_split.h"

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
  kStartReduction,
  kReduceGradients,
  kOptimizerStep,
};
inline constexpr std::size_t kNumInstructionKinds = 11;

[[nodiscard]] const std::vector<std::string>& instruction_names();  ///< in the enum's order
[[nodiscard]] const std::string& instruction_name(InstructionKind kind);

/// One thing a rank does. Sends and starts of reductions never block; a receive waits for its
/// tensor, and `kReduceGradients` until every bucket is reduced that the rank has started for the
/// stage.
///
/// Where a stage's replicas reduce in every step, the last backward pass of each is cut into one
/// `kBackward` per bucket of gradients, from the stage's last layers to its first, each followed by
/// the start of that bucket's reduction; what else follows a backward pass follows the last of
/// them. A rank without samples in the last micro-batch cuts its own last pass, and one without any
/// pass starts all buckets before it waits for them.
struct Instruction {
  InstructionKind kind = InstructionKind::kForward;
  int stage = -1;        ///< whose work it is
  int micro_batch = -1;  ///< -1 where it is about the whole step
  SampleRange samples;   ///< what is loaded, computed or moved
  int layer = -1;        ///< send and receive: the layer whose output (or its gradient) moves
  int peer = -1;         ///< send and receive: the other rank; the same rank where a tensor
                         ///< passes between two of its stages
  int message = -1;      ///< send and receive: number of the transfer, the same at both ends
  /// On the wire: moved, or of the bucket, or of all that the rank waits for. In memory, where a
  /// tensor passes between two stages of one rank.
  std::int64_t bytes = 0;
  /// `kStartReduction` and a cut `kBackward`: index among the stage's buckets; -1: the whole pass.
  int bucket = -1;
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
/// The buckets of a stage are reduced one after the other, in the order in which they are started,
/// which is the same on all of its ranks. Different stages reduce independently of each other: a
/// rank of several may start theirs in another order than its peers, so an interpreter must not
/// let one stage's reductions wait for another's.
///
/// A server or driver of reductions that is no replica of a stage starts that stage's buckets all
/// the same, before its own passes, which they go on beside, and waits for them once those are
/// over. Where its host is in no stage, it is the last rank, without parts.
struct Program {
  std::vector<RankProgram> ranks;
  std::vector<std::vector<int>> stage_ranks;  ///< the ranks of each stage, in replica order
  int num_messages = 0;                       ///< transfers in one step, without reductions
  DividedAllReduce all_reduce;                ///< how buckets are reduced
  WireDtype wire_dtype = WireDtype::kFloat32;
  /// As `Plan::averaging_period`. Where parameters are averaged, the instructions are those of a
  /// step that does so, and `bytes` one step's part, so that any step stands for all.
  std::int64_t averaging_period = 0;
  /// [stage] in the order in which they are reduced; none where nothing is.
  std::vector<std::vector<ReductionBucket>> stage_buckets;
  bool operator==(const Program&) const = default;
};

/// Whether the instruction puts a tensor on its way.
[[nodiscard]] constexpr bool is_send(InstructionKind kind) {
  return kind == InstructionKind::kSendActivation || kind == InstructionKind::kSendGradient;
}

[[nodiscard]] constexpr bool is_receive(InstructionKind kind) {
  return kind == InstructionKind::kReceiveActivation || kind == InstructionKind::kReceiveGradient;
}

[[nodiscard]] constexpr bool is_reduction(InstructionKind kind) {
  return kind == InstructionKind::kStartReduction || kind == InstructionKind::kReduceGradients;
}

/// The ranks that take part in the reductions of a stage, by their places in the `Collective`: its
/// replicas, then a server or driver that is none of them.
[[nodiscard]] std::vector<int> reducing_ranks(const Program& program, int stage);

/// The one that a start of a reduction, or a cut backward pass, is about.
[[nodiscard]] const ReductionBucket& bucket_of(const Program& program,
                                               const Instruction& instruction);

/// The messages of a reduction of the stage.
[[nodiscard]] CollectiveShape reduction_shape(const Program& program, int stage);

/// What an instruction of rank `rank` sends to others; all of a bucket's reduction at its start.
[[nodiscard]] std::int64_t sent_bytes(const Program& program, std::size_t rank,
                                      const Instruction& instruction);

/// What each rank sends to others in one step, reductions included.
[[nodiscard]] std::vector<std::int64_t> sent_bytes_by_rank(const Program& program);

/// Bytes that cross between ranks in one step, reductions included.
[[nodiscard]] std::int64_t traffic_bytes(const Program& program);

/// A ring all-reduce over n ranks: each sends 2(n-1)/n of the buffer (Patarasuk and Yuan 2009), up
/// to what whole elements make of it.
[[nodiscard]] std::int64_t ring_bytes_per_rank(std::int64_t bytes, std::size_t num_ranks);

}  // namespace cadastre
