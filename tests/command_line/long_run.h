#pragma once

// A run that goes on for as long as a test needs, and its processes.

#include <chrono>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/executor/processes.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre::test {

/// Two branches and what unites them, each on a host of its own.
inline std::vector<Stage> three_stages() {
  return branch_stages(training_model(), {"image", "height", ""});
}

/// A run that would go on for minutes, of three ranks unless said otherwise.
class LongRun {
 public:
  explicit LongRun(const std::vector<Stage>& stages = three_stages(),
                   Schedule schedule = Schedule::kOneForwardOneBackward) {
    write_training_scene(directory_.path() / "scene");
    write_file(directory_.path() / "plan.json",
               json_text(to_json(plan_document(training_model(), stages, 2, schedule))));
    before_ = listing(directory_.path());
  }

  [[nodiscard]] std::vector<std::string> arguments() const {
    // Absolute paths: by them the processes of this run are told from all others.
    return {"run",
            "--plan",
            directory_.path() / "plan.json",
            "--data",
            directory_.path() / "scene",
            "--epochs",
            "20000",
            "-o",
            directory_.path() / "run"};
  }

  /// `more`: arguments, the last of which count.
  void start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = arguments();
    all.insert(all.end(), more.begin(), more.end());
    program_.emplace(directory_.path(), all);
  }

  void wait_for_progress() {
    REQUIRE(becomes_true([&] { return program().err().find("loss") != std::string::npos; }));
  }

  RunningProgram& program() { return *program_; }

  [[nodiscard]] std::vector<pid_t> processes() const {
    return processes_that_name(directory_.path());
  }

  /// The process of a rank; 0 while there is none.
  [[nodiscard]] pid_t rank_process(int rank) const {
    for (const pid_t process : processes()) {
      std::ifstream stream("/proc/" + std::to_string(process) + "/environ", std::ios::binary);
      const std::string environment((std::istreambuf_iterator<char>(stream)), {});
      const std::string variable = "RANK=" + std::to_string(rank);
      const std::string separated = std::string(1, '\0') + variable + std::string(1, '\0');
      if ((std::string(1, '\0') + environment).find(separated) != std::string::npos) return process;
    }
    return 0;
  }

  /// The run's end, after which none of its processes may be left.
  Finished wait_for_some_end() {
    Finished finished = program().wait(std::chrono::seconds(60));
    CHECK(processes().empty());
    return finished;
  }

  /// The end of a run without checkpoints, after which none of its processes and files may be left.
  Finished wait_for_end() {
    Finished finished = wait_for_some_end();
    // A run that fails leaves no directory either, but for the time of change of what held it.
    CHECK(listing(directory_.path()) == before_);
    return finished;
  }

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  std::vector<std::string> before_;
  std::optional<RunningProgram> program_;
};

[[nodiscard]] inline std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

/// Lines that begin with `beginning`.
[[nodiscard]] inline int num_lines(const std::string& text, const std::string& beginning) {
  int num = 0;
  for (std::size_t at = 0; at != std::string::npos && at < text.size();) {
    if (text.compare(at, beginning.size(), beginning) == 0) ++num;
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  return num;
}

}  // namespace cadastre::test
