#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/profile.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using test::Finished;

namespace {

/// `x -> a -> b`: 30 ms and no parameters, then 10 ms and 1 MB.
const std::string kGraph =
    "x -- Input -- forward_compute_time=5, backward_compute_time=0, activation_size=80, "
    "parameter_size=0\n"
    "b -- Linear -- forward_compute_time=4, backward_compute_time=6, activation_size=80, "
    "parameter_size=1000000\n"
    "a -- Conv2d -- forward_compute_time=10, backward_compute_time=20, activation_size=80, "
    "parameter_size=0\n"
    "\tx -- a\n\ta -- b\n";

struct GraphDirectory {
  GraphDirectory() { write_file(directory.path() / "graph.txt", kGraph); }

  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return test::run_program(directory.path(), arguments);
  }

  TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("cadastre import turns PipeDream's profile into one that plan accepts",
          "[planner][pipedream]") {
  const GraphDirectory graph;
  const Finished imported = graph.run(
      {"import", "pipedream", "graph.txt", "--batch-size", "2", "-o", "profile.json", "--json"});
  INFO(imported.err);
  REQUIRE(imported.status == 0);
  const nlohmann::json result = nlohmann::json::parse(imported.out);
  CHECK(result.at("num_layers") == 2);
  CHECK(result.at("batch_size") == 2);
  CHECK(result.at("forward_and_backward_s").get<double>() == Approx(0.04));
  CHECK(read_profile(graph.directory.path() / "profile.json").layers.front().layer == "a");

  const Finished planned =
      graph.run({"plan", "--profile", "profile.json", "--cluster",
                 (scenario_directory() / "clusters/lab-four-1gbe.json").string(), "--batch-size",
                 "8", "--time-limit", "1", "--json", "--quiet"});
  INFO(planned.err);
  REQUIRE(planned.status == 0);
  CHECK(nlohmann::json::parse(planned.out).at("step_s").get<double>() > 0);
}

TEST_CASE("cadastre import says what is wrong with its request", "[planner][pipedream]") {
  const GraphDirectory graph;
  const Finished format = graph.run({"import", "pipedraem", "graph.txt", "-o", "p.json"});
  CHECK(format.status == 2);
  CHECK(format.err ==
        "error: expected a format (pipedream, model, simgrid, onnx, pytorch), found "
        "\"pipedraem\", did you mean "
        "\"pipedream\"?\n");
  write_file(graph.directory.path() / "bad.txt", kGraph + "\tb -- node12\n");
  const Finished bad = graph.run({"import", "pipedream", "bad.txt", "-o", "p.json"});
  CHECK(bad.status == 2);
  CHECK(bad.err == "error: bad.txt: line 6: expected the id of a node, found \"node12\"\n");
  CHECK_FALSE(std::filesystem::exists(graph.directory.path() / "p.json"));
}

TEST_CASE("cadastre plan applies PipeDream's rule", "[planner][pipedream]") {
  // Three machines: a on all but one takes 30 / 2 ms, b alone 10 ms. Everything on three takes
  // (40 + 4 * 2 / 3 * 10) / 3 = 22.2 ms at 100 MB/s.
  const GraphDirectory graph;
  const std::vector<std::string> request = {
      "plan", "--pipedream-profile", "graph.txt", "--machines", "3", "--bandwidth", "1e8", "--json",
      "-o",   "planned.json"};
  const Finished planned = graph.run(request);
  INFO(planned.err);
  REQUIRE(planned.status == 0);
  const nlohmann::json result = nlohmann::json::parse(planned.out);
  CHECK(result.at("pipeline_s").get<double>() == Approx(0.015));
  CHECK(result.at("lower_bound_s").get<double>() == Approx(0.015));
  CHECK(result.at("proven_optimal") == true);
  CHECK(result.at("single_machine_s").get<double>() == Approx(0.04));
  CHECK(result.at("search_s").get<double>() >= 0);
  const nlohmann::json& stages = result.at("stages");
  REQUIRE(stages.size() == 2);
  CHECK(stages[0].at("nodes") == nlohmann::json{"x", "a"});
  CHECK(stages[0].at("machines") == 2);
  CHECK(stages[1].at("nodes") == nlohmann::json::array({"b"}));
  CHECK(stages[1].at("machines_by_level") == nlohmann::json::array({1}));
  CHECK(read_file(graph.directory.path() / "planned.json") == planned.out);
}

TEST_CASE("options of PipeDream's rule and of the planner exclude each other",
          "[planner][pipedream]") {
  const GraphDirectory graph;
  const auto refusal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "plan");
    const Finished finished = graph.run(arguments);
    CHECK(finished.status == 2);
    return finished.err;
  };
  const std::string help = "; `cadastre plan --help` shows an example\n";
  CHECK(refusal({}) == "error: cadastre plan: --profile is required" + help);
  CHECK(refusal({"--profile", "p", "--cluster", "c"}) ==
        "error: cadastre plan: --batch-size is required" + help);
  CHECK(refusal({"--pipedream-profile", "graph.txt"}) ==
        "error: cadastre plan: --machines is required" + help);
  CHECK(refusal({"--pipedream-profile", "graph.txt", "--machines", "2", "--bandwidth", "1e9",
                 "--cluster", "c"}) ==
        "error: cadastre plan: --cluster excludes --pipedream-profile\n");
  CHECK(refusal({"--machines", "2", "--profile", "p", "--cluster", "c", "--batch-size", "1"}) ==
        "error: cadastre plan: --machines requires --pipedream-profile\n");
  CHECK(refusal({"--pipedream-profile", "graph.txt", "--machines", "2,2", "--bandwidth", "1e9"}) ==
        "error: expected 2 of --bandwidth, one for each level of --machines, found 1\n");
  CHECK(refusal({"--pipedream-profile", "graph.txt", "--machines", "2,0", "--bandwidth", "1,1"}) ==
        "error: cadastre plan: --machines: expected a whole number from 1 to 1024, found \"0\"\n");
}
