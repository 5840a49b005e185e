#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace cadastre {

/// Progress of one piece of work on standard error: a bar on a terminal, a plain line now and then
/// elsewhere, nothing when quiet or when the work is done in under a second.
class Progress {
 public:
  enum class Mode { kShow, kQuiet };

  /// `total` is the number of units of work, > 0.
  Progress(std::string label, std::int64_t total, Mode mode);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units are done; `detail` is shown after the bar.
  void update(std::int64_t done, const std::string& detail = "");

 private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& detail);

  std::string label_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  bool quiet_;
  bool terminal_;
  bool shown_ = false;
  std::string detail_;
  Clock::time_point start_;
  Clock::time_point last_shown_;
};

}  // namespace cadastre
