#include "planner/run_calibration/measured_run.h"

#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/run_record.h"
#include "tests/planner/run_calibration/run_files.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using namespace cadastre::run_calibration;
namespace fs = std::filesystem;

namespace {

/// Writes a run, changes one of its documents, and says how it is refused, without the directory.
class BrokenRun {
 public:
  BrokenRun() : run_(synthetic::runs(synthetic::truth(), synthetic::thought(), {}, 1)[5]) {}

  template <typename Change>
  [[nodiscard]] std::string refusal(const std::string& name, const Change& change) const {
    const TemporaryDirectory directory;
    const fs::path run = directory.path() / "run";
    synthetic::write_run(run, run_);
    nlohmann::json document = parse_json(read_file(run / name), name);
    change(document);
    write_file(run / name, json_text(document));
    return without_directory(documents::refusal([&] { static_cast<void>(read_measured_run(run)); }),
                             directory.path());
  }

  [[nodiscard]] std::string refusal_without(const std::string& name) const {
    const TemporaryDirectory directory;
    const fs::path run = directory.path() / "run";
    synthetic::write_run(run, run_);
    fs::remove(run / name);
    return without_directory(documents::refusal([&] { static_cast<void>(read_measured_run(run)); }),
                             directory.path());
  }

 private:
  static std::string without_directory(std::string text, const fs::path& directory) {
    const std::string prefix = directory.string() + "/";
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  MeasuredRun run_;
};

std::string comparable(const std::vector<MeasuredRun>& runs) {
  return documents::refusal([&] { check_comparable(runs); });
}

}  // namespace

TEST_CASE("a run is read as it was written", "[planner]") {
  const TemporaryDirectory directory;
  const std::vector<MeasuredRun> runs =
      synthetic::runs(synthetic::truth(), synthetic::thought(), {}, 1);
  synthetic::write_run(directory.path() / "run", runs[5]);
  const MeasuredRun read = read_measured_run(directory.path() / "run");
  CHECK((read.document == runs[5].document));
  CHECK((read.timeline == runs[5].timeline));
  CHECK(read.step_s == runs[5].step_s);
}

TEST_CASE("a run that cannot be compared is refused, with what was expected of it", "[planner]") {
  const BrokenRun broken;
  const std::string expected =
      ": expected what `cadastre run` leaves in its directory (run.json, plan.json, "
      "timeline.json), found no such file";
  for (const char* name : {"plan.json", "timeline.json", "run.json"})
    CHECK(broken.refusal_without(name) == "run/" + std::string(name) + expected);
  CHECK(documents::refusal([] { static_cast<void>(read_measured_run("/nowhere")); }) ==
        "/nowhere: expected a directory that `cadastre run` wrote, found none");

  CHECK(broken.refusal("run.json", [](nlohmann::json& run) {
    run["steps"].erase(run["steps"].begin() + 1, run["steps"].end());
  }) == "run/run.json: /steps: expected two steps at least, as the first is not typical, found 1");
  CHECK(broken.refusal("run.json", [](nlohmann::json& run) { run["measured"]["step_s"] = 0; }) ==
        "run/run.json: /measured/step_s: expected more than 0, found 0");
  // Not a number is null in JSON.
  CHECK(broken
            .refusal("run.json",
                     [](nlohmann::json& run) { run["measured"]["step_s"] = std::nan(""); })
            .starts_with("run/run.json: /measured/step_s: expected a"));
  CHECK(
      broken
          .refusal("timeline.json",
                   [](nlohmann::json& timeline) { timeline["events"][0]["end_s"] = std::nan(""); })
          .starts_with("run/timeline.json: /events/0/end_s: expected a"));
  CHECK(broken.refusal("timeline.json", [](nlohmann::json& timeline) {
    timeline["source"] = "simulated";
  }) == "run/timeline.json: /source: expected \"measured\", found \"simulated\"");
  CHECK(broken.refusal("timeline.json",
                       [](nlohmann::json& timeline) { timeline["ranks"][1]["host"] = "node2"; }) ==
        "run/timeline.json: /ranks/1/host: expected \"node3\", as in plan.json beside it, found "
        "\"node2\"");
  CHECK(broken.refusal("timeline.json",
                       [](nlohmann::json& timeline) { timeline["events"].erase(0); }) ==
        "run/timeline.json: /events: expected the 4 events \"load_micro_batch\" that rank 0 has by "
        "plan.json beside it, found 3");
}

TEST_CASE("a run that outlived a failure is refused", "[planner]") {
  const TemporaryDirectory directory;
  const fs::path file = directory.path() / "run" / "run.json";
  synthetic::write_run(directory.path() / "run",
                       synthetic::runs(synthetic::truth(), synthetic::thought(), {}, 1)[0]);
  RunRecord record = read_run(file);
  record.failures.push_back({.host = "node1", .cause = "was killed", .num_steps = 1});
  write_file(file, json_text(to_json(record)));
  CHECK(
      documents::refusal([&] { static_cast<void>(read_measured_run(directory.path() / "run")); }) ==
      file.string() +
          ": /failures: expected a run without failures, whose steps are all alike, found 1 "
          "(node1 was killed)");
}

TEST_CASE("runs of different clusters are refused, runs before and after a calibration not",
          "[planner]") {
  std::vector<MeasuredRun> runs = synthetic::runs(synthetic::truth(), synthetic::thought(), {}, 1);
  CHECK(comparable(runs) == "accepted");
  runs[1].document.cluster = synthetic::truth().cluster;
  runs[1].document.cluster.description = "Calibrated by 3 runs";
  CHECK(comparable(runs) == "accepted");

  std::vector<MeasuredRun> hosts = runs;
  hosts[2].document.cluster.hosts[0].name = "lab1";
  CHECK(comparable(hosts) ==
        "run3/plan.json: /cluster/hosts: expected the hosts of run1 (node1, node2, node3), found "
        "lab1, node2, node3");
  std::vector<MeasuredRun> links = runs;
  links[2].document.cluster.network.bandwidth_bytes_per_s *= 2;
  CHECK(comparable(links) ==
        "run3/plan.json: /cluster/network/bandwidth_bytes_per_s: expected the cluster of run1 but "
        "for what is fitted, found another");
  std::vector<MeasuredRun> devices = runs;
  devices[2].document.profile.device = "other";
  CHECK(comparable(devices) ==
        "run3/plan.json: /profile/device: expected \"test\", as in run1, found \"other\"");
  std::vector<MeasuredRun> threads = runs;
  threads[2].document.profile.num_threads = 2;
  CHECK(comparable(threads) ==
        "run3/plan.json: /profile/num_threads: expected 1, as in run1, found 2");
}
