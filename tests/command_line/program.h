#pragma once

// The program as a user meets it: started as a process, seen by its output and its exit status.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace cadastre::test {

struct Finished {
  int status = -1;  ///< of the exit, or 128 + signal
  std::string out;
  std::string err;
};

/// `cadastre ARGUMENTS…` at work in `directory`.
class RunningProgram {
 public:
  RunningProgram(const std::filesystem::path& directory, const std::vector<std::string>& arguments);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  [[nodiscard]] pid_t process() const { return process_; }

  /// What it has written to standard error so far.
  [[nodiscard]] std::string err() const;

  /// Waits for the end. Fails the test, and kills the program, when it hangs.
  [[nodiscard]] Finished wait(std::chrono::seconds hang_guard = std::chrono::seconds(60));

 private:
  std::filesystem::path output_;  ///< a directory of its own for what it writes
  pid_t process_ = -1;
};

/// Runs `cadastre ARGUMENTS…` in `directory` to its end.
[[nodiscard]] Finished run_program(const std::filesystem::path& directory,
                                   const std::vector<std::string>& arguments);

/// Waits until `condition` holds; false when it does not within `hang_guard`.
template <typename Condition>
[[nodiscard]] bool becomes_true(const Condition& condition,
                                std::chrono::seconds hang_guard = std::chrono::seconds(20));

/// Every file and directory under `directory`, with sizes and times of change: equal when nothing
/// was written in between.
[[nodiscard]] std::vector<std::string> listing(const std::filesystem::path& directory);

void sleep_a_little();

template <typename Condition>
bool becomes_true(const Condition& condition, std::chrono::seconds hang_guard) {
  const auto end = std::chrono::steady_clock::now() + hang_guard;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    sleep_a_little();
  }
  return true;
}

}  // namespace cadastre::test
