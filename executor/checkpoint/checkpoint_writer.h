#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "executor/blocking_queue.h"
#include "executor/checkpoint/checkpoint_frames.h"
#include "planner/checkpoint.h"

namespace cadastre {

/// Writes a run's checkpoints into RUN/checkpoints, in a thread of its own: parts first, then the
/// manifest, all beside, and the whole is renamed to its name; then those beyond the last few go.
///
/// Training does not end because a disk is full: what could not be written is a note, and the
/// checkpoints before it stay.
class CheckpointWriter {
 public:
  /// Throws InputError when another run is at this directory, std::runtime_error when it cannot be
  /// made.
  CheckpointWriter(std::filesystem::path directory, int num_kept);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// `checkpoint.parts` is filled from `parts`.
  void write(Checkpoint checkpoint, std::vector<CheckpointBytes> parts);

  /// Waits for what is being written; what went wrong, a line each.
  [[nodiscard]] std::vector<std::string> finish();

 private:
  struct Job {
    Checkpoint checkpoint;
    std::vector<CheckpointBytes> parts;
  };

  void run();
  void write_now(Job& job) const;
  void remove_old() const;

  std::filesystem::path directory_;
  std::size_t num_kept_;
  int lock_ = -1;
  BlockingQueue<Job> jobs_;
  std::vector<std::string> notes_;  ///< of the thread, until it has ended
  std::thread thread_;
};

}  // namespace cadastre
