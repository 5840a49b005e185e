#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "executor/communicator.h"
#include "executor/instruction_meter.h"
#include "executor/rank_position.h"
#include "executor/stage_part.h"
#include "executor/stage_reductions.h"
#include "planner/program.h"
#include "planner/sample_split.h"
#include "planner/timeline.h"

namespace cadastre {

/// What a step needs beside the program.
struct StepContext {
  std::int64_t step = 0;
  bool last_step = false;  ///< of training: parameters are averaged after it in any case
  UpdateSettings update = {};
  double average_decay = 0;  ///< of the moving average of the weights; 0: there is none
  /// From 0 on in steps that settle (`StagePart::settle`), else -1.
  std::int64_t settle_step = -1;
  /// Loads samples [begin, end) of the step's global batch for a stage.
  std::function<LoadedSamples(int stage, SampleRange)> load;
};

struct StepResult {
  double loss_sum = 0;  ///< the loss summed over this rank's samples; 0 without the loss
  double end_s = 0;     ///< on the steady clock
  std::vector<TimelineEvent> events;  ///< on the steady clock
  /// What the rank sends in a step by its program, an averaging spread over the steps of its
  /// period.
  std::int64_t traffic_bytes = 0;
};

/// The third interpreter: executes one rank's program on LibTorch tensors and sockets.
///
/// Receives are posted a few instructions ahead, so that tensors travel while the rank computes;
/// sends are never waited for within their step. A tensor that passes between two stages of the
/// rank is handed over as it is. Reductions run in threads of their own beside the computing one;
/// the parts of a cut backward pass are one call of autograd, whose hooks say when each has ended.
///
/// Where parameters are averaged, a replica's gradients are those of the mean over its own samples,
/// and the mean of the replicas' parameters is weighted by their samples. What the
/// optimizer remembers stays with each. A moving average of the weights takes in what they agree
/// on, so that it is the same on all.
class RankInterpreter {
 public:
  /// `communicator` may be null for a program of one rank, and outlives the interpreter.
  RankInterpreter(const Program& program, int rank, const ModelGraph& model, const Plan& plan,
                  std::uint64_t seed, Communicator* communicator);

  void set_loss(const ClassLoss& loss);

  /// After an exception the interpreter is of no use any more.
  [[nodiscard]] StepResult run_step(const StepContext& context);

  /// Notes there where it is; may be null.
  void set_position(RankPosition* position) { position_ = position; }

  /// Its parts have been restored to where `num_steps` steps were done.
  void begin_at(std::int64_t num_steps);

  /// The rank's part in a stage that it serves.
  [[nodiscard]] StagePart& part(int stage) { return parts_.at(stage); }

 private:
  /// A message's stages.
  struct MessageEnds {
    int from_stage = 0;
    int to_stage = 0;
  };

  /// (gradient?, stage that reads it, layer, micro-batch, stage that it comes from)
  using ArrivalKey = std::tuple<bool, int, int, int, int>;

  void note_messages();
  void note_last_uses();
  void note_samples(std::int64_t batch_size);
  [[nodiscard]] bool is_left_out(const Instruction& instruction, const StepContext& context) const;
  void execute(std::size_t index, const StepContext& context);
  void forward(const Instruction& instruction, const StepContext& context);
  void backward(const Instruction& instruction);
  void run_backward(const Instruction& instruction);
  void send(const Instruction& instruction);
  void receive(std::size_t index);
  void start_reduction(const Instruction& instruction);
  void optimizer_step(const Instruction& instruction, const StepContext& context);
  void average_weights(int stage, const StepContext& context);
  void post_receives_from(std::size_t index);
  void post_receive(std::size_t index);
  void hand_over(const Instruction& instruction, const at::Tensor& piece);
  [[nodiscard]] bool is_from_network(const Instruction& instruction) const;
  [[nodiscard]] ArrivalKey arrival_key(const Instruction& instruction) const;
  [[nodiscard]] at::Tensor& arrival(const ArrivalKey& key);
  [[nodiscard]] at::Tensor take_activation(int stage, int layer, int micro_batch);
  [[nodiscard]] at::Tensor take_gradient(int stage, int layer, int micro_batch);

  const Program& program_;
  int self_;
  const RankProgram& rank_;
  const ModelGraph& model_;
  Communicator* communicator_;
  at::ScalarType wire_;
  RankPosition* position_ = nullptr;
  InstructionMeter meter_;
  std::int64_t traffic_bytes_ = 0;
  std::map<int, StagePart> parts_;             ///< by stage
  std::map<int, StageReductions> reductions_;  ///< by stage, those that the rank takes part in
  std::map<int, std::int64_t> num_averaged_;   ///< by stage: steps in its moving average
  std::map<int, double> sample_parts_;         ///< by stage: the rank's part of the samples
  std::vector<MessageEnds> messages_;          ///< by number
  std::vector<char> ends_forward_;      ///< by instruction: the outputs are not sent any more
  std::vector<char> ends_micro_batch_;  ///< by instruction: the stage's last of its micro-batch

  /// By stage and micro-batch.
  std::map<std::pair<int, int>, SampleRange> slices_;

  /// The rank's whole slices of tensors that arrive in pieces, one from each replica of the other
  /// stage.
  std::map<ArrivalKey, at::Tensor> arrivals_;
  std::vector<int> receive_numbers_;  ///< by instruction; -1 when not posted
  std::vector<at::Tensor> received_;  ///< by instruction: what comes rounded
  std::size_t next_to_post_ = 0;

  /// The ends of the instructions to come that a cut backward pass has already carried out.
  std::deque<MeterReading> passed_;
};

/// The layers (indices in the model) of a plan's stage.
[[nodiscard]] std::vector<int> stage_layers(const Plan& plan, const ModelGraph& model, int stage);

}  // namespace cadastre
