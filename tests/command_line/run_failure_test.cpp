// What happens to a run when one of its processes is killed: it ends, says why, leaves nothing.
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/executor/processes.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::becomes_true;
using test::Finished;
using test::RunningProgram;

/// Two branches and what unites them, each on a host of its own.
std::vector<Stage> three_stages() {
  return test::branch_stages(test::training_model(), {"image", "height", ""});
}

/// A run that would go on for minutes, of three ranks unless said otherwise.
class LongRun {
 public:
  explicit LongRun(const std::vector<Stage>& stages = three_stages(),
                   Schedule schedule = Schedule::kOneForwardOneBackward) {
    test::write_training_scene(directory_.path() / "scene");
    write_file(
        directory_.path() / "plan.json",
        json_text(to_json(test::plan_document(test::training_model(), stages, 2, schedule))));
    before_ = test::listing(directory_.path());
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

  void start() { program_.emplace(directory_.path(), arguments()); }

  void wait_for_progress() {
    REQUIRE(becomes_true([&] { return program().err().find("loss") != std::string::npos; }));
  }

  RunningProgram& program() { return *program_; }

  [[nodiscard]] std::vector<pid_t> processes() const {
    return test::processes_that_name(directory_.path());
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

  /// The run's end, after which none of its processes and files may be left.
  Finished wait_for_end() {
    Finished finished = program().wait(std::chrono::seconds(20));
    CHECK(processes().empty());
    // A run that fails leaves no directory either, but for the time of change of what held it.
    CHECK(test::listing(directory_.path()) == before_);
    return finished;
  }

  [[nodiscard]] const fs::path& directory() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  std::vector<std::string> before_;
  std::optional<RunningProgram> program_;
};

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

/// Lines that begin with `beginning`.
int num_lines(const std::string& text, const std::string& beginning) {
  int num = 0;
  for (std::size_t at = 0; at != std::string::npos && at < text.size();) {
    if (text.compare(at, beginning.size(), beginning) == 0) ++num;
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  return num;
}

/// Replaces the number of steps, which no test can know.
std::string without_step_count(const std::string& line) {
  const std::string before = ", after ";
  const std::size_t begin = line.find(before);
  const std::size_t end = line.find(" step", begin);
  if (begin == std::string::npos || end == std::string::npos) return line;
  return line.substr(0, begin + before.size()) + "N" + line.substr(end);
}

TEST_CASE("a rank that is killed ends the run, which names it", "[executor]") {
  LongRun run;
  run.start();
  run.wait_for_progress();
  REQUIRE(run.rank_process(1) > 0);
  ::kill(run.rank_process(1), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK(finished.out.empty());
  CHECK(num_lines(finished.err, "error: ") == 1);
  CHECK(without_step_count(last_line(finished.err)) ==
        "error: rank 1 (host node2, stage 1) was killed by signal 9 (Killed), after N steps; the "
        "other ranks were ended");
}

TEST_CASE("a rank of several stages that is killed is named by all of them", "[executor]") {
  LongRun run(test::on_hosts(three_stages(), {{1}, {2}, {1}}), Schedule::kInterleaved);
  run.start();
  run.wait_for_progress();
  REQUIRE(run.rank_process(0) > 0);
  ::kill(run.rank_process(0), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK(without_step_count(last_line(finished.err)) ==
        "error: rank 0 (host node1, stages 0, 2) was killed by signal 9 (Killed), after N steps; "
        "the other ranks were ended");
}

TEST_CASE("a rank that is killed before it has met the others ends the run too", "[executor]") {
  LongRun run;
  run.start();
  REQUIRE(becomes_true([&] { return run.rank_process(2) > 0; }));
  ::kill(run.rank_process(2), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK(finished.err ==
        "error: rank 2 (host node3, stage 2) was killed by signal 9 (Killed), after 0 steps; the "
        "other ranks were ended\n");
}

TEST_CASE("an interrupt ends a run and all its ranks", "[executor]") {
  for (const auto& [signal, name] : {std::pair(SIGINT, "Interrupt"), {SIGTERM, "Terminated"}}) {
    LongRun run;
    run.start();
    run.wait_for_progress();
    ::kill(run.program().process(), signal);
    const Finished finished = run.wait_for_end();
    CHECK(finished.status == 1);
    CHECK(num_lines(finished.err, "error: ") == 1);
    CHECK(last_line(finished.err) ==
          std::string("error: interrupted by ") + name + "; the ranks were ended");
  }
}

TEST_CASE("ranks do not outlive a launcher that is killed", "[executor]") {
  LongRun run;
  run.start();
  run.wait_for_progress();
  CHECK(run.processes().size() == 4);
  ::kill(run.program().process(), SIGKILL);
  CHECK(run.program().wait().status == 128 + SIGKILL);
  CHECK(becomes_true([&] { return run.processes().empty(); }));

  // What it could not clean up is in nobody's way.
  std::vector<std::string> again = run.arguments();
  again.insert(again.end(), {"--max-steps", "2", "--quiet"});
  const Finished finished = test::run_program(run.directory(), again);
  CHECK(finished.err.empty());
  CHECK(finished.status == 0);
  CHECK_FALSE(fs::exists(run.directory() / "run" / ".parts"));
}

}  // namespace
}  // namespace cadastre
