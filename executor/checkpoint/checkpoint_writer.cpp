#include "executor/checkpoint/checkpoint_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "executor/checkpoint/checkpoint_reader.h"
#include "executor/process_setup.h"
#include "planner/checksum.h"
#include "planner/files.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUnfinished = ".unfinished";
constexpr std::size_t kMostJobs = 2;

[[noreturn]] void fail(const fs::path& file, int cause) {
  throw std::runtime_error(file.string() + ": cannot be written: " + std::strerror(cause));
}

/// What the name says to be there must be there, whatever ends the machine.
void sync(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(file, errno);
  const int result = ::fsync(descriptor);
  const int cause = errno;
  ::close(descriptor);
  if (result != 0) fail(file, cause);
}

std::string file_of(const CheckpointPart& part, std::size_t number) {
  static constexpr const char* kNames[] = {"weights", "optimizer", "best-weights", "history"};
  return std::string(kNames[static_cast<std::size_t>(part.kind)]) + "-" + std::to_string(number) +
         ".pt";
}

}  // namespace

CheckpointWriter::CheckpointWriter(fs::path directory, int num_kept)
    : directory_(std::move(directory)),
      num_kept_(static_cast<std::size_t>(num_kept)),
      jobs_(kMostJobs) {
  // What an earlier start was writing when it ended.
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error))
    if (entry.path().extension() == kUnfinished) fs::remove_all(entry.path(), error);
  thread_ = std::thread([this] { run(); });
}

CheckpointWriter::~CheckpointWriter() {
  jobs_.close();
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::write(Checkpoint checkpoint, std::vector<CheckpointBytes> parts,
                             WhenBusy when_busy) {
  const std::int64_t num_steps = checkpoint.num_steps;
  Job job{.checkpoint = std::move(checkpoint), .parts = std::move(parts)};
  if (when_busy == WhenBusy::kWait)
    jobs_.push(std::move(job));
  else if (!jobs_.try_push(job))
    note("those before it are still being written", num_steps);
}

void CheckpointWriter::note(const std::string& what, std::int64_t num_steps) {
  const std::lock_guard lock(mutex_);
  notes_.push_back("no checkpoint after " + std::to_string(num_steps) + " steps: " + what);
}

void CheckpointWriter::finish() {
  jobs_.close();
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> CheckpointWriter::take_notes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

void CheckpointWriter::run() {
  yield_to_others_here();
  while (std::optional<Job> job = jobs_.pop()) {
    const fs::path unfinished =
        checkpoint_directory(directory_, job->checkpoint.num_steps).string() + kUnfinished;
    try {
      write_now(*job);
      remove_old();
    } catch (const std::exception& error) {
      note(error.what(), job->checkpoint.num_steps);
      std::error_code ignored;
      fs::remove_all(unfinished, ignored);
    }
  }
}

void CheckpointWriter::write_now(Job& job) {
  const fs::path finished = checkpoint_directory(directory_, job.checkpoint.num_steps);
  const fs::path unfinished = finished.string() + kUnfinished;
  std::error_code error;
  fs::remove_all(unfinished, error);
  fs::create_directories(unfinished, error);
  if (error) fail(unfinished, error.value());
  for (std::size_t i = 0; i < job.parts.size(); ++i) {
    CheckpointPart& part = job.parts[i].part;
    part.file = file_of(part, i);
    part.bytes = static_cast<std::int64_t>(job.parts[i].bytes.size());
    part.checksum = checksum_text(job.parts[i].bytes);
    write_file(unfinished / part.file, job.parts[i].bytes);
    sync(unfinished / part.file);
    job.checkpoint.parts.push_back(part);
  }
  write_file(unfinished / kManifestName, json_text(to_json(job.checkpoint)));
  sync(unfinished / kManifestName);
  sync(unfinished);
  unmark_finished(directory_);
  fs::remove_all(finished, error);  // of an earlier start, found unsound
  fs::rename(unfinished, finished);
  sync(directory_);
  newest_ = finished;
}

void CheckpointWriter::remove_old() const {
  const std::vector<fs::path> all = checkpoint_directories(directory_);
  std::error_code ignored;
  for (std::size_t i = 0; i + num_kept_ < all.size(); ++i) fs::remove_all(all[i], ignored);
}

}  // namespace cadastre
