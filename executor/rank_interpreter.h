#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "executor/communicator.h"
#include "executor/network.h"
#include "executor/sgd.h"
#include "planner/program.h"
#include "planner/timeline.h"

namespace cadastre {

/// A slice of a micro-batch, as the training data gives it.
struct LoadedSamples {
  std::vector<at::Tensor> inputs;  ///< (N, C, H, W), in the order of the model's inputs; only those
                                   ///< that the stage reads are defined
  at::Tensor class_indices;        ///< (N), int64
};

/// What a step needs beside the program.
struct StepContext {
  std::int64_t step = 0;
  SgdSettings sgd;
  /// Loads samples [begin, end) of the step's global batch.
  std::function<LoadedSamples(SampleRange)> load;
};

struct StepResult {
  double loss_sum = 0;  ///< cross-entropy summed over this rank's samples; 0 without the loss
  double end_s = 0;     ///< on the steady clock
  std::vector<TimelineEvent> events;  ///< on the steady clock
  std::int64_t traffic_bytes = 0;     ///< sent, and this rank's part of reductions
};

/// The third interpreter: executes one rank's program on LibTorch tensors and sockets.
///
/// Receives are posted a few instructions ahead, so that tensors travel while the rank computes;
/// sends are never waited for within their step.
class RankInterpreter {
 public:
  /// `communicator` may be null for a program of one rank. Groups of the communicator are numbered
  /// as `reduction_groups(program)`.
  RankInterpreter(const Program& program, int rank, const ModelGraph& model, const Plan& plan,
                  std::uint64_t seed, Communicator* communicator);

  [[nodiscard]] StepResult run_step(const StepContext& context);

  [[nodiscard]] StageNetwork& network() { return network_; }

 private:
  /// A tensor that arrives in pieces, one from each replica of the other stage.
  struct Arrival {
    at::Tensor tensor;  ///< the rank's whole slice
  };

  /// What lives from a micro-batch's forward to its backward.
  struct MicroBatch {
    SampleRange samples;
    LoadedSamples loaded;
    std::vector<at::Tensor> inputs;
    std::vector<at::Tensor> outputs;
    at::Tensor loss_gradient;
  };

  /// (gradient?, layer, micro-batch, stage at the other end)
  using ArrivalKey = std::tuple<bool, int, int, int>;

  void execute(const Instruction& instruction, const StepContext& context);
  void forward(const Instruction& instruction, const StepContext& context);
  void backward(const Instruction& instruction);
  void compute_loss(MicroBatch& micro_batch);
  void send_activation(const Instruction& instruction);
  void send_gradient(const Instruction& instruction);
  void reduce_gradients();
  void optimizer_step(const StepContext& context);
  void post_receives_from(std::size_t instruction);
  void post_receive(std::size_t instruction);
  void wait_for(std::size_t instruction);
  [[nodiscard]] ArrivalKey arrival_key(const Instruction& instruction) const;
  [[nodiscard]] at::Tensor take_activation(int layer, int micro_batch);

  const Program& program_;
  const RankProgram& rank_;
  const ModelGraph& model_;
  std::int64_t batch_size_;
  std::uint64_t seed_;
  Communicator* communicator_;
  StageNetwork network_;
  at::Tensor velocity_;   ///< of the optimizer, like the flat parameters
  int loss_output_ = -1;  ///< position of the class scores among the network's outputs
  std::vector<bool> has_gradient_;
  std::vector<int> stage_of_layer_;
  std::map<int, SampleRange> slices_;  ///< by micro-batch
  std::size_t group_ = 0;              ///< of the communicator, for reductions

  std::map<int, MicroBatch> micro_batches_;
  std::map<ArrivalKey, Arrival> arrivals_;
  std::vector<int> receive_numbers_;  ///< by instruction; -1 when not posted
  std::size_t next_to_post_ = 0;
  double loss_sum_ = 0;
};

/// The sets of ranks that reduce together, in the order of their stages.
[[nodiscard]] std::vector<std::vector<int>> reduction_groups(const Program& program);

/// The layers (indices in the model) of a plan's stage.
[[nodiscard]] std::vector<int> stage_layers(const Plan& plan, const ModelGraph& model, int stage);

}  // namespace cadastre
