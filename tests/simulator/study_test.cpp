#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/study/result.h"
#include "simulator/study/journal.h"
#include "simulator/study/run_study.h"
#include "simulator/study/runner.h"
#include "tests/command_line/program.h"
#include "tests/planner/study/study_world.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using nlohmann::json;
using test::Finished;
namespace fs = std::filesystem;

namespace {

/// A directory with `study.json`, in which the verb is run.
struct StudyDirectory {
  explicit StudyDirectory(const json& document) { write(document); }

  void write(const json& document) const {
    write_file(directory.path() / "study.json", json_text(document));
  }

  [[nodiscard]] Finished run(const std::vector<std::string>& options = {},
                             const std::string& output = "out") const {
    std::vector<std::string> arguments = {"study", "study.json", "-o", output, "--quiet"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return test::run_program(directory.path(), arguments);
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(directory.path() / name);
  }

  [[nodiscard]] StudyResult result(const std::string& output = "out") const {
    return read_study_result(directory.path() / output / "study.json");
  }

  [[nodiscard]] std::size_t num_lines(const std::string& name) const {
    const std::string content = text(name);
    return static_cast<std::size_t>(std::count(content.begin(), content.end(), '\n'));
  }

  TemporaryDirectory directory;
};

/// 3 bandwidths x 2 batch sizes x 2 strategies, and a question of each kind.
json whole_study() {
  json document = worlds::study_document();
  document["axes"][0]["values"] = {"1Mbps", "10Mbps", "1Gbps"};
  document["axes"].push_back({{"pointer", "/settings/batch_size"}, {"values", {4, 8}}});
  document["strategies"] = {"pipeline", "data-parallel"};
  document["break_even"] = {{{"pointer", "/cluster/network/bandwidth_bytes_per_s"},
                             {"from", "1Mbps"},
                             {"to", "10Gbps"},
                             {"between", {"pipeline", "data-parallel"}}}};
  document["sensitivity"] = json::object();
  document["goal"] = {{"max_step_s", 1e-1}, {"minimize", "traffic"}};
  return document;
}

}  // namespace

TEST_CASE("a study plans and replays every point by every strategy", "[simulator][study]") {
  const StudyDirectory study(whole_study());
  const Finished finished = study.run({"--json"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const StudyResult result = study.result();
  CHECK(finished.out == json_text(to_json(result)));
  CHECK(finished.out == study.text("out/study.json"));
  REQUIRE(result.rows.size() == 12);
  CHECK(result.columns == std::vector<std::string>{"bandwidth", "/settings/batch_size"});
  CHECK(result.pointers ==
        std::vector<std::vector<std::string>>{{"/cluster/network/bandwidth_bytes_per_s"},
                                              {"/settings/batch_size"}});
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const StudyRow& row = result.rows[i];
    CAPTURE(i, row.outcome.error);
    CHECK(row.strategy == (i % 2 == 0 ? "pipeline" : "data-parallel"));
    CHECK(*row.values[1] == (i / 2 % 2 == 0 ? 4 : 8));
    REQUIRE(row.outcome.kind == StudyOutcomeKind::kDone);
    const StudyFigures& figures = row.outcome.figures;
    // 10 ms forward and 20 ms backward a sample, on two hosts of speed 1.
    const double samples = *row.values[1] == 4 ? 4 : 8;
    const double work_s = 30e-3 * samples;
    CHECK(figures.simulated_step_s >= work_s / 2 * (1 - 1e-9));
    CHECK_THAT(figures.utilization_mean * 2 * figures.simulated_step_s, WithinRel(work_s, 1e-9));
    CHECK_THAT(figures.throughput_samples_per_s * figures.simulated_step_s,
               WithinRel(samples, 1e-9));
    CHECK(figures.num_hosts == 2);
    CHECK(row.outcome.plan.stages.size() == (i % 2 == 0 ? 2 : 1));
  }
  // Four matrices of 250,000 bytes, each way once between two replicas.
  CHECK(result.rows[1].outcome.figures.traffic_bytes_per_step == 2'000'000);
  REQUIRE(result.break_even.size() == 2);
  for (const BreakEvenAnswer& answer : result.break_even) {
    INFO(answer.sentence);
    REQUIRE(answer.stretches.size() == 2);
    CHECK(answer.stretches[0].answer == "pipeline");
    CHECK(answer.stretches[1].from / answer.stretches[0].to <= 1.01);
  }
  REQUIRE(result.goal);
  CHECK(finished.err.empty());
  CHECK(study.num_lines("out/study.csv") == 13);
}

TEST_CASE("the same study gives the same bytes, however many work at it", "[simulator][study]") {
  const StudyDirectory study(whole_study());
  REQUIRE(study.run({"--jobs", "1"}, "one").status == 0);
  REQUIRE(study.run({"--jobs", "5"}, "five").status == 0);
  CHECK(study.text("one/study.json") == study.text("five/study.json"));
  CHECK(study.text("one/study.csv") == study.text("five/study.csv"));
  // And a third time, of which nothing is left to do.
  const std::string journal = study.text("one/points.jsonl");
  REQUIRE(study.run({}, "one").status == 0);
  CHECK(study.text("one/points.jsonl") == journal);
  CHECK(study.text("one/study.json") == study.text("five/study.json"));
}

TEST_CASE("a study that was killed goes on where it was, to the same bytes", "[simulator][study]") {
  const StudyDirectory study(whole_study());
  REQUIRE(study.run({}, "whole").status == 0);
  const std::string journal = study.text("whole/points.jsonl");
  const std::size_t num_units = study.num_lines("whole/points.jsonl");
  {
    test::RunningProgram running(study.directory.path(),
                                 {"study", "study.json", "-o", "killed", "--quiet", "--jobs", "1"});
    const fs::path lines = study.directory.path() / "killed/points.jsonl";
    REQUIRE(test::becomes_true([&] { return fs::exists(lines) && fs::file_size(lines) > 1000; }));
  }  // killed here
  CHECK(study.num_lines("killed/points.jsonl") < num_units);
  REQUIRE(study.run({}, "killed").status == 0);
  CHECK(study.text("killed/study.json") == study.text("whole/study.json"));
  CHECK(study.text("killed/study.csv") == study.text("whole/study.csv"));
  CHECK(study.num_lines("killed/points.jsonl") == num_units);

  // Wherever the file ends, what is whole is kept and the rest done again.
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, journal.size() / 3,
                                   journal.size() / 2, journal.size() - 1}) {
    CAPTURE(length);
    const fs::path torn = study.directory.path() / "torn";
    write_file(torn / "points.jsonl", journal.substr(0, length));
    REQUIRE(study.run({}, "torn").status == 0);
    CHECK(study.text("torn/study.json") == study.text("whole/study.json"));
    CHECK(study.num_lines("torn/points.jsonl") == num_units);
  }
}

TEST_CASE("a disk that is full half way is told, and what was finished is kept",
          "[simulator][study]") {
  const StudyDirectory study(whole_study());
  REQUIRE(study.run({}, "whole").status == 0);
  const std::string command = std::string("cd '") + study.directory.path().string() +
                              "' && ulimit -f 4 && exec '" +
                              (binary_directory() / "cadastre").string() +
                              "' study study.json -o full --quiet --jobs 1 2> err";
  // The limit of ulimit counts blocks, of 512 bytes or of 1,024.
  const int status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(study.text("err") ==
        "error: full/points.jsonl: cannot be written: File too large; finished units are kept, "
        "run the study again to go on\n");
  const std::string kept = study.text("full/points.jsonl");
  CHECK(kept.size() > 500);
  CHECK(kept.back() == '\n');
  CHECK_FALSE(fs::exists(study.directory.path() / "full/study.json"));
  REQUIRE(study.run({}, "full").status == 0);
  CHECK(study.text("full/points.jsonl").starts_with(kept));
  CHECK(study.text("full/study.json") == study.text("whole/study.json"));
}

TEST_CASE("new values are worked out, known ones are not", "[simulator][study]") {
  json document = worlds::study_document();
  const StudyDirectory study(document);
  REQUIRE(study.run().status == 0);
  const std::string before = study.text("out/points.jsonl");
  document["axes"][0]["values"] = {5e6, 1e6, 1e7};
  study.write(document);
  REQUIRE(study.run().status == 0);
  CHECK(study.text("out/points.jsonl").starts_with(before));
  CHECK(study.num_lines("out/points.jsonl") == 3);
  CHECK(study.result().rows.size() == 3);
}

TEST_CASE("a directory of something else is refused, and left as it is", "[simulator][study]") {
  json document = worlds::study_document();
  const StudyDirectory study(document);
  REQUIRE(study.run().status == 0);
  const std::vector<std::string> before = test::listing(study.directory.path() / "out");
  document["base"]["cluster"]["hosts"][0]["relative_speed"] = 0.5;
  study.write(document);
  const Finished other = study.run();
  CHECK(other.status == 2);
  CHECK(other.err ==
        "error: out/points.jsonl: expected finished units of the study \"tiny\", found 2 of "
        "another study or of other inputs; choose another directory, or remove this one\n");
  CHECK(test::listing(study.directory.path() / "out") == before);

  const Finished own = study.run({}, ".");
  CHECK(own.status == 2);
  CHECK(own.err ==
        "error: .: expected a directory of its own for the results, found that of the study, "
        "which they would overwrite\n");
  const Finished file = study.run({}, "study.json");
  CHECK(file.status == 2);
  CHECK(file.err == "error: study.json: expected a directory, found a file\n");
  write_file(study.directory.path() / "mine/study.json", "{}");
  CHECK(study.run({}, "mine").status == 2);
  CHECK(study.text("mine/study.json") == "{}");
  write_file(study.directory.path() / "broken/points.jsonl", "{}\n");
  const Finished broken = study.run({}, "broken");
  CHECK(broken.status == 2);
  CHECK(broken.err ==
        "error: broken/points.jsonl: line 1: /: expected the key \"key\", found none\n");
}

TEST_CASE("two studies at work in one directory are one too many", "[simulator][study]") {
  const StudyDirectory study(worlds::study_document());
  const fs::path file = study.directory.path() / "out/points.jsonl";
  const StudyJournal journal(file);
  const Finished second = study.run();
  CHECK(second.status == 2);
  CHECK(second.err ==
        "error: out/points.jsonl: expected a directory in which no other study is "
        "at work, found one, process " +
            std::to_string(::getpid()) + "\n");
}

TEST_CASE("nothing runs when any point is wrong", "[simulator][study]") {
  json document = worlds::study_document();
  document["axes"][0]["values"] = {1e6, 1e7, "fast"};
  const StudyDirectory study(document);
  const Finished finished = study.run();
  CHECK(finished.status == 2);
  CHECK(finished.err ==
        "error: study.json: /cluster/network/bandwidth_bytes_per_s: expected bytes per second "
        "from 1 to 10^15, or text such as \"1Gbps\" or \"125MBps\", found \"fast\" (set by "
        "/axes/0/values/2)\n");
  CHECK_FALSE(fs::exists(study.directory.path() / "out"));
}

TEST_CASE("where there is no plan the row says why, and the others are done",
          "[simulator][study]") {
  json document = worlds::study_document();
  // The parameters alone, with gradients and momentum, are 3 MB.
  document["axes"] = {{{"name", "memory"},
                       {"pointer", "/cluster/hosts/*/memory_bytes"},
                       {"values", {"100kB", "1GB"}}}};
  document["strategies"] = {"single", "branch"};
  const StudyDirectory study(document);
  const Finished finished = study.run();
  INFO(finished.err);
  CHECK(finished.status == 0);
  const StudyResult result = study.result();
  REQUIRE(result.rows.size() == 4);
  CHECK(result.rows[0].outcome.kind == StudyOutcomeKind::kNoPlan);
  CHECK_THAT(result.rows[0].outcome.error,
             Catch::Matchers::StartsWith("no plan fits in memory: the nearest lacks "));
  CHECK(result.rows[1].outcome.error ==
        "--strategy: expected a strategy that divides this model on this cluster, found "
        "\"branch\"");
  CHECK(result.rows[2].outcome.kind == StudyOutcomeKind::kDone);
}

TEST_CASE("a unit that ends its process is a row with its error, and is tried again",
          "[simulator][study]") {
  const TemporaryDirectory directory;
  const std::vector<StudyUnit> units = {{.key = "sound"}, {.key = "aborts"}, {.key = "throws"}};
  const auto work = [](const StudyUnit& unit) -> StudyOutcome {
    if (unit.key == "aborts") std::abort();
    if (unit.key == "throws") throw std::runtime_error("gone wrong");
    StudyOutcome outcome;
    outcome.figures.simulated_step_s = 2;
    outcome.plan.stages = {{.first_layer = "a", .last_layer = "b", .hosts = {"node1"}}};
    return outcome;
  };
  std::size_t num_done = 0;
  const auto count = [&](std::size_t done, std::size_t) { num_done = done; };
  {
    StudyJournal journal(directory.path() / "points.jsonl");
    run_units(units, work, journal, 2, count);
    CHECK(num_done == 3);
    CHECK(journal.find("sound")->figures.simulated_step_s == 2);
    CHECK(journal.find("aborts")->kind == StudyOutcomeKind::kFailed);
    CHECK_THAT(journal.find("aborts")->error,
               Catch::Matchers::StartsWith("ended by signal 6 (Aborted)"));
    CHECK(journal.find("throws")->error == "gone wrong");
  }
  StudyJournal journal(directory.path() / "points.jsonl");
  CHECK(journal.size() == 1);
  run_units(units, work, journal, 2, count);
  CHECK(num_done == 2);
}

TEST_CASE("the base's own plan can be kept, beside plans made anew", "[simulator][study]") {
  PlanDocument fixed = worlds::two_stage_document();
  json document = worlds::study_document();
  document["base"] = {{"plan", to_json(fixed)}, {"settings", {{"batch_size", 4}}}};
  document["axes"] = {{{"pointer", "/cluster/hosts/node1/relative_speed"}, {"values", {1, 0.1}}}};
  document["strategies"] = {"plan", "auto"};
  const StudyDirectory study(document);
  const Finished finished = study.run();
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const StudyResult result = study.result();
  REQUIRE(result.rows.size() == 4);
  CHECK(result.rows[0].outcome.plan == result.rows[2].outcome.plan);
  const auto step_s = [&](std::size_t row) {
    return result.rows[row].outcome.figures.simulated_step_s;
  };
  CHECK(step_s(2) > step_s(0));  // half of the work is on a host that is slower
  CHECK(step_s(3) < step_s(2));  // which a new plan avoids
}

TEST_CASE("the verb says how it is used", "[simulator][study]") {
  const StudyDirectory study(worlds::study_document());
  const Finished help = test::run_program(study.directory.path(), {"study", "--help"});
  CHECK(help.status == 0);
  CHECK(help.out.find("Example:\n  cadastre study scenarios/studies/") != std::string::npos);
  const Finished validated =
      test::run_program(study.directory.path(), {"validate", "study.json", "--json"});
  INFO(validated.err);
  CHECK(validated.status == 0);
}

TEST_CASE("the studies that ship run to their end and say where they come from",
          "[simulator][study]") {
  const TemporaryDirectory directory;
  const fs::path studies = source_directory() / "scenarios/studies";
  std::size_t num_studies = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(studies)) {
    CAPTURE(entry.path());
    ++num_studies;
    const Study study = read_study(entry.path());
    CHECK(study.name == entry.path().stem().string());
    CHECK(study.description.size() > 200);
    const Finished finished = test::run_program(
        directory.path(), {"study", entry.path().string(), "-o", study.name, "--quiet"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    const StudyResult result = read_study_result(directory.path() / study.name / "study.json");
    CHECK(result.rows.size() == num_points(study) * study.strategies.size());
    std::size_t num_done = 0;
    for (const StudyRow& row : result.rows)
      if (row.outcome.kind == StudyOutcomeKind::kDone) {
        ++num_done;
        CHECK(row.outcome.figures.simulated_step_s > 0);
      }
    CHECK(2 * num_done > result.rows.size());
  }
  CHECK(num_studies >= 5);
}

TEST_CASE("the paper's architectures compare as it found", "[simulator][study]") {
  const TemporaryDirectory directory;
  const fs::path file = source_directory() / "scenarios/studies/paper.json";
  REQUIRE(test::run_program(directory.path(), {"study", file.string(), "-o", "out", "--quiet"})
              .status == 0);
  const StudyResult result = read_study_result(directory.path() / "out/study.json");
  const auto traffic_bytes = [&](const std::string& strategy) {
    const auto row = std::find_if(result.rows.begin(), result.rows.end(),
                                  [&](const StudyRow& each) { return each.strategy == strategy; });
    REQUIRE(row != result.rows.end());
    return row->outcome.figures.traffic_bytes_per_step;
  };
  // Branches exchange features, data-parallel workers all parameters.
  CHECK(traffic_bytes("single") == 0);
  CHECK(traffic_bytes("branch") < traffic_bytes("parameter-averaging"));
  CHECK(traffic_bytes("parameter-averaging") < traffic_bytes("data-parallel"));
}
