#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <vector>

#include "executor/network.h"
#include "executor/profiler.h"
#include "executor/step_timings.h"
#include "executor/timed_update.h"
#include "executor/timing.h"
#include "planner/profile.h"

namespace cadastre {

/// What a training step does beside its passes through the network, timed between such passes: as
/// in training, these have pushed out of the caches what it reads.
class ProfiledStep {
 public:
  /// `random_inputs`: of one batch, one of each of the model's inputs, where there is no scene.
  ProfiledStep(const ProfileOptions& options, StageNetwork& network, StepTimings& timings)
      : options_(options), update_(network), network_(network), timings_(timings) {}

  /// The next batch of the scene's samples, or copies of `random_inputs`, (N, …), one of each of
  /// the model's inputs.
  [[nodiscard]] std::vector<at::Tensor> load(const std::vector<at::Tensor>& random_inputs);

  /// The loss of scores (N, K) or (N, K, P, P), and its gradient.
  void compute_loss(const at::Tensor& scores);

  /// A step of AdamW and the average of the weights.
  void update_by_adamw();
  void update();  ///< the same, untimed
  /// A step of SGD, some other work after the last.
  void update_by_sgd();

  /// Whether what is done from here on counts, as part of the timings' step.
  void count(bool counts) { counts_ = counts; }

  /// Does it, as this part of a step.
  template <typename Work>
  void time(StepPart part, const Work& work) {
    const double seconds = seconds_of(work);
    if (counts_) timings_.add(part, seconds);
  }

  /// Sets the profile's rates, of samples and of bytes of parameters; of loading and the loss, also
  /// what a batch takes however few its samples, where there were several sizes.
  void write(Profile& profile) const;

 private:
  void set_line(StepPart part, double& s_per_batch, double& s_per_sample) const;

  const ProfileOptions& options_;
  TimedUpdate update_;
  StageNetwork& network_;
  StepTimings& timings_;
  std::int64_t batch_size_ = 0;
  std::vector<std::size_t> inputs_;  ///< all of the model's
  std::int64_t num_loaded_ = 0;      ///< samples
  bool counts_ = false;
  std::map<std::int64_t, std::vector<double>> sgd_s_;  ///< by batch size, of each step
};

}  // namespace cadastre
