#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "executor/class_loss.h"
#include "executor/network.h"
#include "executor/stage_optimizer.h"
#include "planner/model_graph.h"
#include "planner/program.h"
#include "planner/sample_split.h"

namespace cadastre {

/// A slice of a micro-batch, as the training data gives it.
struct LoadedSamples {
  std::vector<at::Tensor> inputs;  ///< (N, C, H, W), in the order of the model's inputs; only those
                                   ///< that the stage reads are defined
  at::Tensor class_indices;  ///< int64, (N), or (N, P, P) with `kNoLabel` where there is none
};

/// What a part keeps from a micro-batch's forward pass to its backward pass.
enum class Kept {
  kActivations,  ///< what LibTorch's graph saves
  kInputs,       ///< the inputs alone: `recompute` makes the rest again (Chen et al. 2016)
};

/// A rank's part in one stage: its parameters, and its slices of the micro-batches that are between
/// forward and backward. Knows nothing of other ranks. Micro-batches are known by their numbers.
class StagePart {
 public:
  /// `layers`: as for StageNetwork. `batch_size`: samples of a step over all hosts.
  StagePart(const ModelGraph& model, std::vector<int> layers, std::uint64_t seed,
            std::int64_t batch_size, Kept kept);

  void load(int micro_batch, LoadedSamples loaded);

  /// `activation(layer)` gives the output of another stage's layer for these samples; it is not
  /// written to. With the model's output among the stage's, adds to `loss_sum` and works out the
  /// loss's gradient, which is kept in any case: as large as the scores.
  void forward(int micro_batch, std::int64_t step, SampleRange samples,
               const std::function<at::Tensor(int)>& activation);

  /// Forward once more, with the same dropout; batch statistics and loss are not counted again.
  void recompute(int micro_batch);

  /// `output_gradient(layer)` gives the gradient of an output that other stages sent back, or
  /// nothing. Adds to the network's gradients.
  void backward(int micro_batch, const std::function<at::Tensor(int)>& output_gradient);

  /// The output of a layer, without its graph.
  [[nodiscard]] at::Tensor output(int layer, int micro_batch) const;

  /// After `backward`, the gradient of an input that came from another stage's layer; zeros where
  /// the loss does not depend on it through this stage.
  [[nodiscard]] at::Tensor input_gradient(int layer, int micro_batch) const;

  /// The outputs have gone to all who read them: lets go of what is not kept until backward.
  void outputs_sent(int micro_batch);

  /// Lets go of everything of a micro-batch, or of all.
  void forget(int micro_batch) { micro_batches_.erase(micro_batch); }

  void forget_all() { micro_batches_.clear(); }

  void optimizer_step(const UpdateSettings& settings);

  /// Instead of a step: parameters stay, and running statistics become the mean of the statistics
  /// of this and the `num_before` steps before it.
  void settle(std::int64_t num_before);

  /// Adds the parameters to their moving average.
  void average_weights(double decay, std::int64_t num_steps) {
    average_.add(network_, decay, num_steps);
  }

  /// The network takes on the moving average, where there is one; or gives it back.
  void swap_with_average() {
    if (average_.is_defined()) average_.swap_with(network_);
  }

  /// Plain cross-entropy where none is set.
  void set_loss(ClassLoss loss) { loss_ = std::move(loss); }

  [[nodiscard]] StageNetwork& network() { return network_; }

  [[nodiscard]] const StageNetwork& network() const { return network_; }

  [[nodiscard]] StageOptimizer& optimizer() { return optimizer_; }

  [[nodiscard]] const StageOptimizer& optimizer() const { return optimizer_; }

  [[nodiscard]] WeightAverage& average() { return average_; }

  [[nodiscard]] const WeightAverage& average() const { return average_; }

  /// The loss summed over the part's samples since it was last taken; 0 without the loss.
  [[nodiscard]] double take_loss_sum() { return std::exchange(loss_sum_, 0); }

 private:
  struct MicroBatch {
    std::int64_t step = 0;
    SampleRange samples;
    LoadedSamples loaded;
    std::vector<at::Tensor> inputs;
    std::vector<at::Tensor> outputs;
    at::Tensor loss_gradient;
  };

  [[nodiscard]] std::vector<at::Tensor> run_network(const MicroBatch& micro_batch,
                                                    ForwardMode mode);
  void compute_loss(MicroBatch& micro_batch);

  Kept kept_;
  std::int64_t batch_size_;
  std::uint64_t seed_;
  StageNetwork network_;
  StageOptimizer optimizer_;
  WeightAverage average_;
  ClassLoss loss_;
  std::vector<bool> has_gradient_;  ///< by layer of the model
  int loss_output_ = -1;            ///< position of the class scores among the network's outputs
  std::map<int, MicroBatch> micro_batches_;
  double loss_sum_ = 0;
};

}  // namespace cadastre
