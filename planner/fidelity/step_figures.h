#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/timeline.h"

namespace cadastre {

class JsonPlace;

/// Where the seconds of a host's step go, by the same rule for a step that was predicted, simulated
/// or measured; they sum to the step.
struct HostStep {
  std::string host;
  double compute_s = 0;   ///< loading, forward and backward passes, the optimizer
  double transfer_s = 0;  ///< sends, and waits while what is awaited is on the network
  double waiting_s = 0;   ///< all else: others are not ready, or there is nothing left to do
  std::int64_t peak_memory_bytes = 0;  ///< as predicted or, measured, of the process
  bool operator==(const HostStep&) const = default;
};

/// Loading, forward and backward passes, the optimizer.
[[nodiscard]] bool is_computation(InstructionKind kind);

/// What the instructions of one kind take in a step, on all hosts together.
struct KindSeconds {
  InstructionKind kind = InstructionKind::kForward;
  double seconds = 0;
  std::int64_t count = 0;
  bool operator==(const KindSeconds&) const = default;
};

/// One step, by one of the three interpreters.
struct StepFigures {
  double step_s = 0;
  std::int64_t traffic_bytes = 0;  ///< between hosts
  std::vector<HostStep> hosts;     ///< by rank
  std::vector<KindSeconds> kinds;  ///< in the enum's order; those that the program has
  bool operator==(const StepFigures&) const = default;
};

/// One message of a step: from when it is on its way, or all that it needs has come together, until
/// its receiver has it.
struct StepTransfer {
  InstructionKind kind = InstructionKind::kReceiveActivation;  ///< or gradients, or a reduction
  int from = -1;   ///< rank; -1 of a reduction, to which all of the stage's ranks contribute
  int to = 0;      ///< rank
  int stage = -1;  ///< the receiver's
  int micro_batch = -1;
  int layer = -1;
  std::int64_t bytes = 0;
  double posted_s = 0;       ///< when it was sent, or the last rank started the reduction
  double waited_from_s = 0;  ///< when the receiver began to wait for it
  double end_s = 0;          ///< when the receiver went on
  bool operator==(const StepTransfer&) const = default;
};

/// The transfers that ranks of a step receive, in the order of its events. A message is matched
/// with its send by ranks, layer and micro-batch.
[[nodiscard]] std::vector<StepTransfer> step_transfers(const Timeline& timeline);

/// Of a timeline that is one whole step. `traffic_bytes` is left to be set, and, but for what the
/// events tell of processes, the memory.
[[nodiscard]] StepFigures step_figures(const Timeline& timeline);

[[nodiscard]] nlohmann::json to_json(const StepFigures& figures);
[[nodiscard]] StepFigures step_figures_from_json(const JsonPlace& place);

}  // namespace cadastre
