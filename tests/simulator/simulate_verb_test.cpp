// `cadastre simulate` as a user meets it: what it writes, and what it refuses to write over.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/planner/study/study_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using test::Finished;
namespace fs = std::filesystem;

namespace {

/// A directory with `plan.json`, a pipeline of two stages, in which the verb is run.
struct SimulateDirectory {
  SimulateDirectory() {
    write("profile.json", to_json(worlds::chain({1e-3, 2e-3, 3e-3, 4e-3})));
    write("cluster.json", to_json(worlds::two_hosts()));
    const Finished planned =
        test::run_program(directory.path(), {"plan", "--profile", "profile.json", "--cluster",
                                             "cluster.json", "--batch-size", "8", "--strategy",
                                             "pipeline", "--quiet", "-o", "plan.json"});
    INFO(planned.err);
    REQUIRE(planned.status == 0);
  }

  void write(const std::string& name, const nlohmann::json& document) const {
    write_file(directory.path() / name, json_text(document));
  }

  [[nodiscard]] Finished run(std::vector<std::string> options) const {
    options.insert(options.begin(), {"simulate", "--plan", "plan.json", "--quiet"});
    return test::run_program(directory.path(), options);
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(directory.path() / name);
  }

  [[nodiscard]] std::ptrdiff_t num_files(const std::string& below) const {
    return std::distance(fs::directory_iterator(directory.path() / below), {});
  }

  TemporaryDirectory directory;
};

std::size_t num_lines_with(const std::string& text, const std::string& part) {
  std::size_t num = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++num;
  return num;
}

}  // namespace

TEST_CASE("a Paje trace names the hosts, is whole, and is all that is written", "[simulator]") {
  const SimulateDirectory world;
  const Finished finished = world.run({"--paje", "out/trace.paje"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const std::string trace = world.text("out/trace.paje");
  for (const Host& host : worlds::two_hosts().hosts)
    CHECK(num_lines_with(trace, "\"" + host.name + "\"") == 1);
  CHECK(num_lines_with(trace, "\n6 ") > 0);
  CHECK(num_lines_with(trace, "\n6 ") == num_lines_with(trace, "\n7 "));
  CHECK(world.num_files("out") == 1);
}

TEST_CASE("a simulation that is refused or fails leaves no trace and no directory", "[simulator]") {
  const SimulateDirectory world;
  world.write("conditions.json", {{"format", "cadastre-conditions/1"}, {"num_steps", 0}});
  const Finished refused =
      world.run({"--paje", "out/trace.paje", "--conditions", "conditions.json"});
  CHECK(refused.status == 2);
  CHECK_FALSE(fs::exists(world.directory.path() / "out"));
}

TEST_CASE("an output of `simulate` is never one of its inputs, nor another output", "[simulator]") {
  const SimulateDirectory world;
  world.write("conditions.json", {{"format", "cadastre-conditions/1"}});
  const std::string plan = world.text("plan.json");
  const auto check_refused = [&](const std::vector<std::string>& options,
                                 const std::string& expected) {
    const Finished finished = world.run(options);
    CHECK(finished.status == 2);
    CHECK(finished.err == "error: " + expected + ", found the same\n");
  };
  check_refused({"-o", "plan.json"},
                "plan.json: expected another file for --output than for --plan");
  check_refused({"--trace", "./out/../plan.json"},
                "./out/../plan.json: expected another file for --trace than for --plan");
  check_refused({"--conditions", "conditions.json", "--paje", "conditions.json"},
                "conditions.json: expected another file for --paje than for --conditions");
  check_refused({"-o", "a", "--paje", "a"},
                "a: expected another file for --paje than for --output");
  CHECK(world.text("plan.json") == plan);
}

TEST_CASE("an output that cannot be written is refused before the simulation", "[simulator]") {
  const SimulateDirectory world;
  const Finished finished = world.run({"-o", "plan.json/simulation.json", "--trace", "trace.json"});
  CHECK(finished.status == 1);
  CHECK(finished.err == "error: plan.json/simulation.json: cannot be written: Not a directory\n");
  CHECK_FALSE(fs::exists(world.directory.path() / "trace.json"));
}

TEST_CASE("what the loss of a host would cost is that of the plans, simulated", "[simulator]") {
  const SimulateDirectory world;
  const Finished whole = world.run({"--json"});
  REQUIRE(whole.status == 0);
  const double step_s =
      nlohmann::json::parse(whole.out).at("plans").at(0).at("simulated_step_s").get<double>();
  const Finished finished = world.run(
      {"--fail", "node2@0.5", "--steps", "1000", "--checkpoint-every", "10", "--json"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const nlohmann::json rehearsal = nlohmann::json::parse(finished.out).at("rehearsal");
  CHECK(rehearsal.at("first").at("step_s") == step_s);
  const nlohmann::json& failure = rehearsal.at("failures").at(0);
  CHECK(failure.at("noticed_s") == 1.5);
  CHECK(failure.at("num_steps") > failure.at("went_on_from"));
  const nlohmann::json& then = failure.at("then");
  CHECK(then.at("plan") == "single on node1");
  // What is left of the steps on one host, each tenth with a checkpoint, but for the last.
  const int from = failure.at("went_on_from").get<int>();
  const double left_s = (1000 - from) * then.at("step_s").get<double>() +
                        ((1000 - from) / 10 - 1) * then.at("checkpoint_s").get<double>();
  CHECK_THAT(rehearsal.at("total_s").get<double>(),
             Catch::WithinRel(failure.at("resumed_s").get<double>() + left_s, 1e-9));
}

TEST_CASE("a loss that cannot be rehearsed is refused by name", "[simulator]") {
  const SimulateDirectory world;
  const auto refused = [&](const std::vector<std::string>& options) {
    const Finished finished = world.run(options);
    CHECK(finished.status == 2);
    CHECK(finished.out.empty());
    return finished.err;
  };
  CHECK_THAT(refused({"--fail", "node3@1"}), Catch::Contains("--fail node3@1: expected a host") &&
                                                 Catch::Contains("did you mean"));
  CHECK_THAT(refused({"--fail", "node2@1", "--fail", "node2@3"}),
             Catch::Contains("expected each host once"));
  CHECK_THAT(refused({"--fail", "node1@1", "--fail", "node2@3"}),
             Catch::Contains("no host is left"));
  CHECK_THAT(refused({"--fail", "node2@1", "-o", "simulation.json"}),
             Catch::Contains("--fail excludes --output") || Catch::Contains("excludes"));
  CHECK_THAT(refused({"--steps", "5"}), Catch::Contains("requires --fail"));
}
