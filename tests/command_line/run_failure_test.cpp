// What happens to a run when one of its processes is killed: it ends, says why, leaves nothing.
#include <csignal>

#include "tests/command_line/long_run.h"

namespace cadastre {
namespace {

using test::becomes_true;
using test::Finished;
using test::last_line;
using test::LongRun;
using test::num_lines;
using test::three_stages;

const std::vector<std::string> kNoCheckpoints = {"--checkpoint-every", "0"};

/// Where the rank was, as far as it can be known, which no test can.
const std::string kSomewhere =
    ", after [0-9]+ steps(, in step [0-9]+ at [a-z_]+( of micro-batch [01])? of stage [012])?"
    "(; rank [012] \\(host node[123], stages? [012, ]+\\) waited for it in step [0-9]+ at "
    "receive_[a-z]+ of micro-batch [01] of stage [012])?; the other ranks were ended";

TEST_CASE("a rank that is killed ends the run, which names it", "[executor]") {
  LongRun run;
  run.start(kNoCheckpoints);
  run.wait_for_progress();
  REQUIRE(run.rank_process(1) > 0);
  ::kill(run.rank_process(1), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK(finished.out.empty());
  CHECK(num_lines(finished.err, "error: ") == 1);
  CHECK_THAT(last_line(finished.err),
             Catch::Matches(R"(error: rank 1 \(host node2, stage 1\) was killed by signal 9 )"
                            R"(\(Killed\))" +
                            kSomewhere));
}

TEST_CASE("a rank of several stages that is killed is named by all of them", "[executor]") {
  LongRun run(test::on_hosts(three_stages(), {{1}, {2}, {1}}), Schedule::kInterleaved);
  run.start(kNoCheckpoints);
  run.wait_for_progress();
  REQUIRE(run.rank_process(0) > 0);
  ::kill(run.rank_process(0), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK_THAT(last_line(finished.err),
             Catch::Matches(R"(error: rank 0 \(host node1, stages 0, 2\) was killed by signal 9 )"
                            R"(\(Killed\))" +
                            kSomewhere));
}

TEST_CASE("a rank that is killed before it has met the others ends the run too", "[executor]") {
  LongRun run;
  run.start(kNoCheckpoints);
  REQUIRE(becomes_true([&] { return run.rank_process(2) > 0; }));
  ::kill(run.rank_process(2), SIGKILL);
  const Finished finished = run.wait_for_end();
  CHECK(finished.status == 1);
  CHECK(finished.err ==
        "error: rank 2 (host node3, stage 2) was killed by signal 9 (Killed), after 0 steps; the "
        "other ranks were ended\n");
}

TEST_CASE("an interrupt ends a run without checkpoints, and all its ranks", "[executor]") {
  for (const auto& [signal, name] : {std::pair(SIGINT, "Interrupt"), {SIGTERM, "Terminated"}}) {
    LongRun run;
    run.start(kNoCheckpoints);
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
  run.start(kNoCheckpoints);
  run.wait_for_progress();
  CHECK(run.processes().size() == 4);
  ::kill(run.program().process(), SIGKILL);
  CHECK(run.program().wait().status == 128 + SIGKILL);
  CHECK(becomes_true([&] { return run.processes().empty(); }));

  // What it could not clean up is in nobody's way.
  std::vector<std::string> again = run.arguments();
  again.insert(again.end(), {"--max-steps", "2", "--quiet", "--checkpoint-every", "0"});
  const Finished finished = test::run_program(run.directory(), again);
  CHECK(finished.err.empty());
  CHECK(finished.status == 0);
  CHECK_FALSE(std::filesystem::exists(run.directory() / "run" / ".parts"));
}

}  // namespace
}  // namespace cadastre
