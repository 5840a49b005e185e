#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "executor/training_data.h"
#include "planner/model_graph.h"
#include "planner/profile.h"

namespace cadastre {

struct ProfileOptions {
  std::vector<std::int64_t> batch_sizes{8, 16, 32, 64};  ///< in any order
  int warm_up = 1;  ///< rounds over the batch sizes before the first that counts
  int repeats = 9;  ///< that count: of a step of each size, all of as many samples as the largest
  /// Of the steps' times, which is taken: the median, or less where the machine has other work,
  /// which only ever adds to them.
  double quantile = 0.5;
  int num_threads = 1;
  std::uint64_t seed = 1;  ///< of the input values and the parameters
  /// Whether what parts of the network take less on their own is timed, too: it takes their
  /// weights, gradients and optimizers once more.
  bool parts = true;
  /// Of all the model's inputs: what loading is timed on. Without, it is copying the bytes.
  TrainingData* data = nullptr;
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

/// The whole network at one batch size, timed in one go.
struct WholeNetworkTime {
  std::int64_t batch_size = 1;
  double forward_s = 0;
  double backward_s = 0;
  double forward_ratio = 1;   ///< to the sum of the layers timed one by one
  double backward_ratio = 1;  ///< likewise
};

struct ProfileResult {
  Profile profile;
  std::vector<WholeNetworkTime> whole;  ///< ascending in batch size
};

/// Times every layer of a checked model on this machine.
///
/// What is timed are steps as in training: as many micro-batches of a size as the largest size has
/// samples for, then an update of the weights, after another update. Beside them, layers are timed
/// one by one on the way through the network, each on what the one before just made, forward and
/// then backward in reverse. One call per stage is what really runs, so the layers' times are
/// scaled such that their sum is the whole's; the ratios are returned.
///
/// Prepares the process (see process_setup.h). Throws InputError for a batch size that is neither a
/// multiple of `batch_norm_group_samples` nor smaller than it.
[[nodiscard]] ProfileResult profile_model(const ModelGraph& model, const ProfileOptions& options);

}  // namespace cadastre
