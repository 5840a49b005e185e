#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "executor/blocking_queue.h"
#include "executor/checkpoint/training_state.h"
#include "executor/launch/rank_link.h"
#include "planner/checkpoint.h"

namespace cadastre {

/// A part of a checkpoint and its bytes.
struct CheckpointBytes {
  CheckpointPart part;
  std::string bytes;
};

/// Sends a rank's parts of checkpoints to the coordinator, in a thread of its own and in pieces, so
/// that neither its training nor what else it has to say waits for them.
class CheckpointSender {
 public:
  explicit CheckpointSender(RankLink& link);
  ~CheckpointSender();
  CheckpointSender(const CheckpointSender&) = delete;
  CheckpointSender& operator=(const CheckpointSender&) = delete;

  /// The state of the stage's layers after so many steps. `with_weights`: these, too, and not what
  /// the optimizer remembers alone.
  void send(std::int64_t num_steps, const CheckpointPart& part, TrainingState state,
            bool with_weights);

  /// Waits until all is sent.
  void finish();

 private:
  struct Job {
    std::int64_t num_steps = 0;
    CheckpointPart part;
    TrainingState state;
    bool with_weights = false;
  };

  void run();
  void send_pieces(std::int64_t num_steps, const CheckpointPart& part, const std::string& bytes);

  RankLink& link_;
  BlockingQueue<Job> jobs_;
  std::thread thread_;
};

/// Puts the pieces together again.
class CheckpointPieces {
 public:
  /// A part that is complete with this frame, and the steps that it is of.
  [[nodiscard]] std::optional<std::pair<std::int64_t, CheckpointBytes>> add(int rank,
                                                                            const Frame& frame);

 private:
  std::map<int, std::string> unfinished_;  ///< by rank: it sends one part after the other
};

/// What was done before, for the record: of each step its loss and when it ended.
struct StepHistory {
  std::vector<double> losses;
  std::vector<double> ends_s;  ///< since the first step began, the time between two starts left out
};

[[nodiscard]] CheckpointBytes history_part(const StepHistory& history);
[[nodiscard]] StepHistory history_from(const Weights& part, const std::string& file);

/// For a rank: what it goes on from.
[[nodiscard]] Frame resume_frame(int stage, const TrainingState& state);
[[nodiscard]] std::pair<int, TrainingState> resume_from(const Frame& frame);

}  // namespace cadastre
