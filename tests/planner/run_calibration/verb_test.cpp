// `cadastre calibrate RUN…`, started as a program.

#include <nlohmann/json.hpp>

#include "planner/cluster.h"
#include "planner/files.h"
#include "planner/profile.h"
#include "planner/validate.h"
#include "tests/command_line/program.h"
#include "tests/planner/run_calibration/run_files.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using namespace cadastre::run_calibration;
using test::Finished;

namespace {

using Words = std::vector<std::string>;

/// Directories run1 … run8.
class RunsDirectory {
 public:
  RunsDirectory() {
    for (const MeasuredRun& run :
         synthetic::runs(synthetic::truth(), synthetic::thought(), {.of_instruction = 0.01}, 2)) {
      synthetic::write_run(directory_.path() / run.name, run);
      names_.push_back(run.name);
    }
  }

  [[nodiscard]] Finished calibrate(const Words& arguments) const {
    Words all = {"calibrate"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return test::run_program(directory_.path(), all);
  }

  [[nodiscard]] Words runs_and(const Words& arguments) const {
    Words all = names_;
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return directory_.path() / name;
  }

 private:
  TemporaryDirectory directory_;
  Words names_;
};

}  // namespace

TEST_CASE("cadastre calibrate writes the cluster and the profile that runs tell", "[planner]") {
  const RunsDirectory world;
  const Finished finished = world.calibrate(world.runs_and(
      {"-o", "cluster.json", "--profile-output", "profile.json", "--json", "--quiet"}));
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  CHECK(finished.err.empty());
  const nlohmann::json told = nlohmann::json::parse(finished.out);
  CHECK(told.at("cluster") == "cluster.json");
  CHECK(told.at("held_out").at("method") == "leave one out");
  CHECK(told.at("held_out").at("error_after").at("median").get<double>() <
        told.at("held_out").at("error_before").at("median").get<double>() / 3);
  CHECK(validate_document(world.file("cluster.json")) == "cluster");
  CHECK(validate_document(world.file("profile.json")) == "profile");
  const Cluster cluster = read_cluster(world.file("cluster.json"));
  CHECK_THAT(cluster.hosts[1].relative_speed, WithinRel(0.55, 0.05));
  CHECK(cluster.description.find("Calibrated by 8 runs (run1, ") != std::string::npos);
  CHECK_THAT(read_profile(world.file("profile.json")).load_s_per_sample, WithinRel(2.5e-6, 0.1));

  // As text, with runs held out.
  const Finished text =
      world.calibrate(world.runs_and({"--hold-out", "run4", "run6", "-o", "cluster.json"}));
  REQUIRE(text.status == 0);
  CHECK(text.out.find("relative speed of node2") != std::string::npos);
  CHECK(text.out.find("not used: runs held out") != std::string::npos);
  CHECK(text.out.find("6 runs, ") == 0);
}

TEST_CASE("cadastre calibrate refuses what does not go together, and writes nothing", "[planner]") {
  const RunsDirectory world;
  const auto refused = [&](const Words& arguments) {
    const Finished finished = world.calibrate(arguments);
    CHECK(finished.status == 2);
    CHECK(finished.out.empty());
    CHECK_FALSE(std::filesystem::exists(world.file("none.json")));
    return finished.err;
  };
  CHECK(refused({"run1", "absent", "-o", "none.json"}) ==
        "error: absent: expected a directory that `cadastre run` wrote, found none\n");
  CHECK(refused({"run1", "./run1", "-o", "none.json"}) ==
        "error: ./run1: expected each run once, found it twice\n");
  CHECK(refused({"run1", "run2", "--hold-out", "1.5", "-o", "none.json"}) ==
        "error: --hold-out: expected a fraction between 0 and 1, or runs, found 1.5\n");
  CHECK(refused({"run1", "--hold-out", "0.5", "-o", "none.json"}) ==
        "error: --hold-out: expected two runs at least to hold some out, found 1\n");
  CHECK(refused({"run1", "--hold-out", "run1", "-o", "none.json"}) ==
        "error: --hold-out: expected a run at least that is not held out, found none\n");
  CHECK(refused({"run1", "--cluster", "c.json", "-o", "none.json"}) ==
        "error: --cluster: expected no such option with runs, which have their cluster\n");
  CHECK(refused({"-o", "none.json"}) ==
        "error: --cluster: expected a cluster, or runs instead of both, found none\n");
  CHECK(refused({"--cluster", "c.json", "--probe", "p.json", "--hold-out", "0.5", "-o",
                 "none.json"}) == "error: --hold-out: expected no such option but with runs\n");
}
