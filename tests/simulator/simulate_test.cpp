#include "simulator/simulate.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "planner/cost_model.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/program.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

using namespace cadastre;

namespace {

namespace fs = std::filesystem;

Plan baseline(const std::string& name, const Profile& profile, const Cluster& cluster) {
  const PlanningProblem problem(profile, cluster);
  const std::optional<Draft> draft = baseline_draft(name, profile, problem);
  REQUIRE(draft);
  const std::optional<Candidate> best = best_setting(*draft, 0, 64, {1, 2, 4}, {}, problem);
  REQUIRE(best);
  Plan plan = plan_of(best->division, name, profile.model, cluster);
  plan.predicted = predict(best->division, problem);
  return plan;
}

/// The plan is `single`; `data-parallel`, on so fast a network, takes half its time.
PlanDocument fast_network_document() {
  PlanDocument document;
  document.profile = worlds::two_branches({1e-3, 2e-3, 3e-3, 1e-3, 1e-4, 2e-3});
  document.cluster = worlds::two_hosts();
  document.cluster.network.bandwidth_bytes_per_s = 100e9;
  document.plan = baseline("single", document.profile, document.cluster);
  for (const std::string name : {"pipeline", "data-parallel", "branch"})
    document.alternatives.push_back(baseline(name, document.profile, document.cluster));
  document.search.bound = 1e-6;
  document.search.num_evaluated = 7;
  return document;
}

SimulatedPlan simulated(double step_s, bool fits_memory) {
  SimulatedPlan plan;
  plan.simulated_step_s = step_s;
  plan.fits_memory = fits_memory;
  return plan;
}

struct ProgramResult {
  int status = -1;
  std::string output;
};

/// Runs `cadastre-simulator ARGUMENTS` in `directory`.
ProgramResult run_simulator(const fs::path& directory, const std::string& arguments) {
  const std::string command = "cd '" + directory.string() + "' && '" +
                              (binary_directory() / "cadastre-simulator").string() + "' " +
                              arguments;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  ProgramResult result;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    result.output.append(buffer.data(), count);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  return result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a simulation replays the plan and its alternatives in order", "[simulator]") {
  const PlanDocument document = fast_network_document();
  std::vector<std::size_t> finished;
  const Simulation simulation = simulate(
      document, {.max_processes = 2, .on_finished = [&](std::size_t done, const std::string&) {
                   finished.push_back(done);
                 }});
  REQUIRE(simulation.plans.size() == 4);
  CHECK(finished == std::vector<std::size_t>{1, 2, 3, 4});
  CHECK(simulation.plans[0].strategy == "single");
  CHECK(simulation.plans[1].strategy == "pipeline");
  CHECK(simulation.plans[2].strategy == "data-parallel");
  CHECK(simulation.plans[3].strategy == "branch");
  CHECK(simulation.cluster == "test");
  CHECK(simulation.best == 2);
  for (std::size_t i = 0; i < simulation.plans.size(); ++i) {
    const Plan& plan = i == 0 ? document.plan : document.alternatives[i - 1];
    const SimulatedPlan& replayed = simulation.plans[i];
    const Program program = lower(plan, document.profile.model, document.cluster);
    INFO(plan.strategy);
    CHECK(replayed.predicted_step_s == plan.predicted.step_s);
    CHECK(replayed.simulated_step_s == replayed.timeline.step_s);
    CHECK(replayed.traffic_bytes_per_step == traffic_bytes(program));
    CHECK(replayed.timeline.source == "simulated");
    CHECK(replayed.timeline.ranks == timeline_of(program, "").ranks);
    std::size_t num_instructions = 0;
    for (const RankProgram& rank : program.ranks) num_instructions += rank.instructions.size();
    CHECK(replayed.timeline.events.size() == num_instructions);
    // The network is so fast here that there is next to nothing to disagree about.
    CHECK_THAT(replayed.simulated_step_s, WithinRel(plan.predicted.step_s, 1e-3));
  }
}

TEST_CASE("plans that fail in the simulator are named after the others ended", "[simulator]") {
  PlanDocument document = fast_network_document();
  document.profile.layers[0].measurements[0].forward_s = -1;  // no document can hold this
  document.alternatives.resize(1);
  std::size_t num_finished = 0;
  try {
    static_cast<void>(simulate(document, {.on_finished = [&](std::size_t done, const std::string&) {
                                 num_finished = done;
                               }}));
    FAIL("expected an error");
  } catch (const std::runtime_error& error) {
    CHECK_THAT(error.what(),
               Catch::Matchers::StartsWith(
                   "simulation of the plan single failed: the program cannot be "
                   "replayed: expected the cost of forward of micro-batch 0 on rank 0 "
                   "to be a number >= 0, found -"));
    CHECK(contains(error.what(), "; simulation of the plan pipeline failed: "));
  }
  CHECK(num_finished == 2);
}

TEST_CASE("the best plan is the fastest that fits, the earlier of equals", "[simulator]") {
  Simulation simulation;
  simulation.plans = {simulated(3, true), simulated(1, false), simulated(2, true),
                      simulated(2 * (1 - 1e-12), true)};
  CHECK(best_plan(simulation) == 2);
  simulation.plans = {simulated(3, false), simulated(1, false)};
  CHECK(best_plan(simulation) == 0);
}

TEST_CASE("choosing the best exchanges it with the plan and keeps the rest", "[simulator]") {
  const PlanDocument before = fast_network_document();
  const Simulation simulation = simulate(before);
  REQUIRE(simulation.best == 2);
  PlanDocument after = before;
  choose_best(after, simulation);

  // The same by hand.
  PlanDocument expected = before;
  expected.plan = before.alternatives[1];
  expected.alternatives[1] = before.plan;
  expected.plan.simulated_step_s = simulation.plans[2].simulated_step_s;
  expected.alternatives[0].simulated_step_s = simulation.plans[1].simulated_step_s;
  expected.alternatives[1].simulated_step_s = simulation.plans[0].simulated_step_s;
  expected.alternatives[2].simulated_step_s = simulation.plans[3].simulated_step_s;
  CHECK(after == expected);
}

TEST_CASE("the program writes the simulation and, when asked, the chosen plan", "[simulator]") {
  const TemporaryDirectory directory;
  PlanDocument document = fast_network_document();
  write_file(directory.path() / "plan.json", json_text(to_json(document)));
  const ProgramResult table =
      run_simulator(directory.path(), "simulate --plan plan.json -o simulation.json 2>&1");
  INFO(table.output);
  REQUIRE(table.status == 0);
  CHECK(contains(table.output, "* data-parallel"));
  CHECK(contains(table.output, "wrote simulation.json\n"));
  const Simulation simulation = read_simulation(directory.path() / "simulation.json");
  CHECK(simulation == simulate(document));
  CHECK(read_plan(directory.path() / "plan.json") == document);

  const ProgramResult json = run_simulator(
      directory.path(), "simulate --plan plan.json --choose-best --json --quiet 2>&1");
  REQUIRE(json.status == 0);
  CHECK(json.output == json_text(to_json(simulation)));
  choose_best(document, simulation);
  CHECK(read_plan(directory.path() / "plan.json") == document);
  CHECK(files_in(directory.path()) == std::vector<std::string>{"plan.json", "simulation.json"});
}

TEST_CASE("the program refuses a wrong request in one line with status 2", "[simulator]") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "model.json", "{\"format\": \"cadastre-model/1\"}\n");
  write_file(directory.path() / "cut.json", "{\"format\": \"cadastre-plan/1\", ");
  const auto refused = [&](const std::string& arguments) {
    const ProgramResult result =
        run_simulator(directory.path(), "simulate -o simulation.json " + arguments + " 2>&1");
    CHECK(result.status == 2);
    CHECK(files_in(directory.path()) == std::vector<std::string>{"cut.json", "model.json"});
    return result.output;
  };
  CHECK(refused("--plan absent.json") == "error: absent.json: expected a file, found none\n");
  CHECK(refused("--plan .") == "error: .: expected a file, found a directory\n");
  CHECK(refused("--plan model.json") ==
        "error: model.json: /format: expected \"cadastre-plan/1\", found \"cadastre-model/1\"\n");
  CHECK_THAT(refused("--plan cut.json"), Catch::Matchers::StartsWith("error: cut.json: "));
  CHECK(refused("") ==
        "error: cadastre simulate: --plan is required; `cadastre simulate --help` shows an "
        "example\n");
}

TEST_CASE("the program says how it is used", "[simulator]") {
  const TemporaryDirectory directory;
  const ProgramResult help = run_simulator(directory.path(), "simulate --help");
  CHECK(help.status == 0);
  INFO(help.output);
  CHECK(contains(help.output, "cadastre simulate [OPTIONS]"));
  CHECK(contains(help.output,
                 "Example:\n  cadastre simulate --plan plan.json -o simulation.json "
                 "--choose-best"));
}
