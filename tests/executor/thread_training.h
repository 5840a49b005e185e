#pragma once

// Training as a run does it, but with the ranks as threads of one process, over real sockets: fast
// enough for a great many plans.

#include <cstdint>
#include <string>
#include <vector>

#include "executor/rank_interpreter.h"
#include "executor/weights.h"
#include "planner/plan.h"
#include "planner/sample_split.h"

namespace cadastre::test {

inline constexpr std::uint64_t kTrainingSeed = 7;
inline constexpr UpdateSettings kTrainingSgd{.learning_rate = 0.05, .momentum = 0.9};

/// Beside the plan.
struct HowToTrain {
  UpdateSettings update = kTrainingSgd;
  double average_decay = 0;
  std::int64_t settle_steps = 0;  ///< the last of the steps
  ClassLoss loss;
};

/// The global batches of some steps; classes can be told from the inputs, under noise.
struct Batches {
  std::vector<std::vector<at::Tensor>> inputs;  ///< [step][model input]
  std::vector<at::Tensor> class_indices;        ///< [step]
};

[[nodiscard]] Batches make_batches(const ModelGraph& model, std::int64_t num_steps);

[[nodiscard]] LoadedSamples load_samples(const Batches& batches, std::int64_t step,
                                         SampleRange samples);

struct ThreadTraining {
  std::vector<double> losses;                                   ///< [step], mean over the batch
  Weights weights;                                              ///< of every stage's first replica
  std::vector<Weights> rank_weights;                            ///< [rank]
  std::vector<std::vector<std::vector<TimelineEvent>>> events;  ///< [rank][step]
  std::vector<std::int64_t> sent_bytes;                         ///< [rank], in all steps
  std::vector<std::int64_t> traffic_bytes;                      ///< [rank], of a step
  std::vector<std::string> errors;  ///< [rank]; empty where it went well
};

/// `failing_rank` fails as it loads its first samples of step 2; -1: none does.
[[nodiscard]] ThreadTraining train_in_threads(const PlanDocument& document, const Batches& batches,
                                              int failing_rank = -1,
                                              const HowToTrain& how = {});

}  // namespace cadastre::test
