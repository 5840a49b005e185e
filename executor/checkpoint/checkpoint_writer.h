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
  /// The directory is made when there is something to write.
  CheckpointWriter(std::filesystem::path directory, int num_kept);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// What to do where those before it are not yet written.
  enum class WhenBusy { kLeaveOut, kWait };

  /// `checkpoint.parts` is filled from `parts`.
  void write(Checkpoint checkpoint, std::vector<CheckpointBytes> parts, WhenBusy when_busy);

  /// What went wrong since this was last asked, a line each.
  [[nodiscard]] std::vector<std::string> take_notes();

  /// Waits for what is being written.
  void finish();

  /// The newest that was written; empty: none. After `finish`.
  [[nodiscard]] const std::filesystem::path& newest() const { return newest_; }

 private:
  struct Job {
    Checkpoint checkpoint;
    std::vector<CheckpointBytes> parts;
  };

  void run();
  void note(const std::string& what, std::int64_t num_steps);
  void write_now(Job& job);
  void remove_old() const;

  std::filesystem::path directory_;
  std::size_t num_kept_;
  BlockingQueue<Job> jobs_;
  std::filesystem::path newest_;  ///< of the thread, until it has ended
  std::mutex mutex_;
  std::vector<std::string> notes_;
  std::thread thread_;
};

}  // namespace cadastre
