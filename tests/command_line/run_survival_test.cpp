// A run that outlives what happens to it ends with the weights of one that nothing happened to.
#include <csignal>
#include <random>
#include <thread>

#include "tests/command_line/long_run.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::becomes_true;
using test::Finished;
using test::last_line;
using test::LongRun;
using test::num_lines;

/// A run of a few seconds, with a checkpoint now and then.
const std::vector<std::string> kSecondsLong = {"--max-steps", "400", "--test-samples", "1"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::vector<std::string> kSeconds = with(kSecondsLong, {"--checkpoint-every", "20"});

fs::path output(const LongRun& run) { return run.directory() / "run"; }

std::string weights(const LongRun& run) { return read_file(output(run) / "weights.pt"); }

/// Of the same run, left alone.
const std::string& undisturbed_weights() {
  static const std::string bytes = [] {
    LongRun run;
    run.start(with(kSeconds, {"--quiet"}));
    const Finished finished = run.wait_for_some_end();
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    return weights(run);
  }();
  return bytes;
}

nlohmann::json record(const LongRun& run) {
  return nlohmann::json::parse(read_file(output(run) / "run.json"));
}

bool has_checkpoint(const LongRun& run, int least_steps = 1) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(output(run) / "checkpoints", none)) {
    const std::string name = entry.path().filename();
    if (name.rfind("step-", 0) == 0 && entry.path().extension().empty() &&
        std::stoi(name.substr(5)) >= least_steps)
      return true;
  }
  return false;
}

void wait_for_checkpoint(const LongRun& run) {
  REQUIRE(becomes_true([&] { return has_checkpoint(run); }));
}

void check_survived(LongRun& run) {
  const Finished finished = run.wait_for_some_end();
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  CHECK(num_lines(finished.err, "error: ") == 0);
  CHECK(weights(run) == undisturbed_weights());
}

TEST_CASE("a run whose ranks are killed goes on to the same weights", "[executor]") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  LongRun run;
  run.start(with(kSeconds, {"--max-restarts", "3"}));
  std::vector<std::string> killed;
  for (int kill = 0; kill < 2; ++kill) {
    wait_for_checkpoint(run);
    const int rank = std::uniform_int_distribution<int>(0, 2)(random);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 250)(random)));
    pid_t process = 0;
    REQUIRE(becomes_true([&] { return (process = run.rank_process(rank)) > 0; }));
    ::kill(process, SIGKILL);
    killed.push_back("node" + std::to_string(rank + 1));
    REQUIRE(
        becomes_true([&] { return num_lines(run.program().err(), "note: rank ") == kill + 1; }));
  }
  check_survived(run);
  const nlohmann::json failures = record(run).at("failures");
  REQUIRE(failures.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(failures[i].at("host") == killed[i]);
    CHECK(failures[i].at("cause") == "was killed by signal 9 (Killed)");
    CHECK(failures[i].at("went_on_from").get<int>() % 20 == 0);
    CHECK(failures[i].at("went_on_from") <= failures[i].at("num_steps"));
  }
}

TEST_CASE("a rank that is stopped is given up, and the run goes on", "[executor]") {
  LongRun run;
  run.start(with(kSeconds, {"--max-restarts", "1", "--frozen-after", "2"}));
  wait_for_checkpoint(run);
  ::kill(run.rank_process(1), SIGSTOP);
  check_survived(run);
  CHECK(record(run).at("failures").at(0).at("cause") == "has not answered for 2 s");
}

TEST_CASE("a run fails that fails more often than it may", "[executor]") {
  LongRun run;
  run.start(with(kSeconds, {"--max-restarts", "1"}));
  for (int kill = 0; kill < 2; ++kill) {
    wait_for_checkpoint(run);
    REQUIRE(becomes_true([&] { return run.rank_process(2) > 0; }));
    ::kill(run.rank_process(2), SIGKILL);
    if (kill == 0)
      REQUIRE(becomes_true(
          [&] { return run.program().err().find("restart 1 of 1") != std::string::npos; }));
  }
  const Finished finished = run.wait_for_some_end();
  CHECK(finished.status == 1);
  CHECK(num_lines(finished.err, "error: rank 2 (host node3, stage 2) was killed by") == 1);
  CHECK(has_checkpoint(run));
}

TEST_CASE("a run whose first process is killed is resumed", "[executor]") {
  LongRun run;
  run.start(kSeconds);
  wait_for_checkpoint(run);
  ::kill(run.program().process(), SIGKILL);
  CHECK(run.program().wait().status == 128 + SIGKILL);
  REQUIRE(becomes_true([&] { return run.processes().empty(); }));

  // Nothing is lost by a start that forgets to say so.
  run.start(kSeconds);
  const Finished refused = run.wait_for_some_end();
  CHECK(refused.status == 2);
  CHECK(refused.err.find("go on from it with --resume, or give another directory") !=
        std::string::npos);

  run.start(with(kSeconds, {"--resume"}));
  check_survived(run);
}

TEST_CASE("an interrupted run ends with a checkpoint, to go on from", "[executor]") {
  LongRun run;
  run.start(with(kSecondsLong, {"--checkpoint-every", "1000000"}));
  run.wait_for_progress();
  ::kill(run.program().process(), SIGINT);
  const Finished finished = run.wait_for_some_end();
  CHECK(finished.status == 1);
  CHECK(num_lines(finished.err, "error: ") == 1);
  CHECK_THAT(
      last_line(finished.err),
      Catch::Matches("error: interrupted by Interrupt after [0-9]+ steps: go on with --resume "
                     "from .*/run/checkpoints/step-[0-9]+"));
  REQUIRE(has_checkpoint(run));
  CHECK_FALSE(fs::exists(output(run) / "run.json"));
  run.start(with(kSeconds, {"--resume"}));
  check_survived(run);
}

TEST_CASE("a run that is interrupted twice ends at once", "[executor]") {
  LongRun run;
  run.start(kSeconds);
  wait_for_checkpoint(run);
  // A rank that hangs will never be at the end of its step.
  ::kill(run.rank_process(0), SIGSTOP);
  ::kill(run.program().process(), SIGINT);
  REQUIRE(becomes_true(
      [&] { return run.program().err().find("once more ends it at once") != std::string::npos; }));
  ::kill(run.program().process(), SIGINT);
  const Finished finished = run.wait_for_some_end();
  CHECK(finished.status == 1);
  CHECK(last_line(finished.err) == "error: interrupted by Interrupt; the ranks were ended");
}

TEST_CASE("two runs are not in one directory at a time", "[executor]") {
  LongRun run;
  run.start({"--checkpoint-every", "20"});
  wait_for_checkpoint(run);
  const Finished second = test::run_program(run.directory(), run.arguments());
  CHECK(second.status == 2);
  CHECK(second.err.find("/run: expected a directory without a run under way, found one") !=
        std::string::npos);
  CHECK(run.processes().size() == 4);
  ::kill(run.program().process(), SIGINT);
  CHECK(run.wait_for_some_end().status == 1);
}

}  // namespace
}  // namespace cadastre
