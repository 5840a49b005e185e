#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace cadastre {

/// While one is there, SIGINT and SIGTERM end the command that `run_command` waits for, and not
/// this process: whoever holds it puts things in order then.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  /// Whether one of them came.
  [[nodiscard]] static bool interrupted();
};

/// Throws std::runtime_error where one of them came.
void stop_if_interrupted();

struct CommandResult {
  int status = 0;         ///< 128 + signal when killed
  std::string last_line;  ///< of all that it wrote
};

/// A command that goes on until this is destroyed, with what it writes in `log`.
class BackgroundCommand {
 public:
  /// Throws std::runtime_error where it cannot be started.
  BackgroundCommand(const std::vector<std::string>& words, const std::filesystem::path& log);
  ~BackgroundCommand();
  BackgroundCommand(const BackgroundCommand&) = delete;
  BackgroundCommand& operator=(const BackgroundCommand&) = delete;

  /// Throws std::runtime_error, with the last line that it wrote, where it has ended by itself.
  void check_runs() const;

 private:
  pid_t child_;
  std::string name_;
  std::filesystem::path log_;
};

/// Runs a command, found in PATH where its first word is no path, with what it writes in `log`;
/// with `environment` ("NAME=VALUE") added to this process's own. Throws std::runtime_error where
/// it cannot be started.
CommandResult run_command(const std::vector<std::string>& words, const std::filesystem::path& log,
                          const std::vector<std::string>& environment = {});

/// Throws std::runtime_error, with the last line that it wrote, where `cadastre VERB …` failed.
void check_was_done(const CommandResult& done, const std::string& verb);

/// Runs `cadastre ARGUMENTS…`, likewise. Throws std::runtime_error, with the last line that it
/// wrote, where it fails, and where it is interrupted.
void run_verb(const std::vector<std::string>& arguments, const std::filesystem::path& log);

}  // namespace cadastre
