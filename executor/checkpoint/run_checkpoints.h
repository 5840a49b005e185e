#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "executor/checkpoint/checkpoint_reader.h"
#include "executor/checkpoint/checkpoint_writer.h"
#include "executor/run_check.h"
#include "executor/training_run.h"

namespace cadastre {

/// The coordinator's checkpoints: what this start of a run goes on from, and those that it writes,
/// of the parts that the ranks send. All in RUN/checkpoints.
class RunCheckpoints {
 public:
  /// Reads the newest sound one, where the request resumes. Throws InputError when it is of another
  /// model, batch size or training, or another run is at the directory.
  RunCheckpoints(const RunRequest& request, const CheckedRun& run);

  /// The first step to do; 0: there is nothing to go on from.
  [[nodiscard]] std::int64_t first_step() const {
    return resumed_ ? resumed_->manifest.num_steps : 0;
  }

  /// Whether ranks are given the weights that they begin with.
  [[nodiscard]] bool gives_states() const {
    return resumed_.has_value() || !run_.initial_weights.empty();
  }

  /// Every how many steps there is one; 0: never.
  [[nodiscard]] std::int64_t every() const { return every_; }

  /// Of the steps before the first.
  [[nodiscard]] const StepHistory& history() const { return history_; }

  [[nodiscard]] const std::optional<Validation>& validation() const { return validation_; }

  [[nodiscard]] Weights best_weights() const { return resumed_->best_weights(); }

  /// By stage, what a rank goes on from, or begins with.
  [[nodiscard]] std::vector<std::pair<int, TrainingState>> states_of(int rank) const;

  /// Throws InputError when the checkpoint is of other training samples than these.
  void check_samples(const std::string& samples);

  /// A piece of a part.
  void add(int rank, const Frame& frame);

  /// After which step the next checkpoint is due; `kNever` where there is none.
  [[nodiscard]] std::int64_t next_step() const { return next_; }

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// The last is that after so many steps, where training ends before its time.
  void halt_after(std::int64_t num_steps);

  /// Whether every part has come.
  [[nodiscard]] bool is_complete(std::int64_t num_steps) const;

  /// Writes the next one, beside the training.
  void write(const StepHistory& history, const Validation* validation, const Weights* best);

  /// What there is to say of checkpoints since this was last asked, a line each.
  [[nodiscard]] std::vector<std::string> take_notes();

  /// Waits for what is being written.
  void finish();

  /// The newest of this start's, once `finish` has been called; empty: none was written.
  [[nodiscard]] std::filesystem::path newest() const;

 private:
  [[nodiscard]] std::int64_t due_after(std::int64_t num_steps) const;
  void begin_anew(const std::filesystem::path& directory);
  void resume(const RunRequest& request);
  [[nodiscard]] Weights weights_of(const std::vector<std::string>& layers) const;

  const CheckedRun& run_;
  const TrainingSettings training_;
  std::int64_t every_ = 0;
  std::int64_t next_ = kNever;
  std::optional<std::int64_t> halt_;  ///< after which there is none
  std::size_t num_parts_ = 0;
  std::string model_;
  std::string samples_;
  std::optional<SoundCheckpoint> resumed_;
  StepHistory history_;
  std::optional<Validation> validation_;
  CheckpointPieces pieces_;
  std::map<std::int64_t, std::vector<CheckpointBytes>> parts_;  ///< by steps, as they come
  std::optional<CheckpointWriter> writer_;
  std::vector<std::string> notes_;
};

}  // namespace cadastre
