#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "executor/network.h"
#include "executor/scene_data.h"
#include "executor/weights.h"
#include "planner/model_graph.h"
#include "planner/run_record.h"

namespace cadastre {

/// Every k-th of the samples, row by row, so that the choice is spread over the scene; all of them
/// where they are no more than `most`, or that is 0.
[[nodiscard]] std::vector<Sample> even_choice(const std::vector<Sample>& samples,
                                              std::int64_t most);

struct ValidationResult {
  double loss = 0;  ///< mean cross-entropy
  Metrics metrics;
};

/// Tries weights on the validation samples of a scene. A model that scores patches is asked for the
/// pixel in the centre.
class Validator {
 public:
  /// `most_samples`: an even choice of the scene's. Throws InputError as `load_scene`.
  Validator(const Scene& scene, const ModelGraph& model, std::int64_t most_samples);

  [[nodiscard]] std::int64_t num_samples() const {
    return static_cast<std::int64_t>(data_.validation.size());
  }

  /// On so many threads; the same result on any number. Prepare the process for one thread
  /// (process_setup.h).
  [[nodiscard]] ValidationResult validate(const Weights& weights, int num_threads);

 private:
  StageNetwork network_;
  SceneData data_;
  PatchSize patch_;
  std::vector<std::string> class_names_;
};

/// Validates candidates in a thread of its own, one after the other, and keeps the best.
///
/// Better is a greater kappa, which, other than the overall accuracy, is not raised by naming the
/// commonest class; of equals the one of less loss, then the earlier.
class CandidateChoice {
 public:
  explicit CandidateChoice(Validator validator);
  /// Goes on from what another had found.
  void restore(const Validation& validation, Weights best);

  /// Waits for what it is at.
  ~CandidateChoice();
  CandidateChoice(const CandidateChoice&) = delete;
  CandidateChoice& operator=(const CandidateChoice&) = delete;

  /// Returns at once, when none is being validated.
  void start(std::int64_t num_steps, Weights weights);

  /// Whether a validation has ended since the last call; throws what it threw.
  [[nodiscard]] bool take_ended();

  /// Waits for the one that is being validated. Throws what it threw.
  void wait();

  /// How many candidates since kappa was greatest for the first time.
  [[nodiscard]] std::int64_t num_since_best() const;

  /// What is known: the curve, and the best one's metrics.
  [[nodiscard]] const Validation& validation() const;

  [[nodiscard]] const Weights& best_weights() const;

  [[nodiscard]] bool is_busy() const;

  /// Threads of the validations from now on; 1 at first.
  void use_threads(int num_threads);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cadastre
