#include "simulator/simulate.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "planner/cost_model.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/program.h"
#include "planner/strategies.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

namespace fs = std::filesystem;

/// A profile of a scenario's model: each layer takes 1 ns per element of its output for each
/// sample, backward twice that.
Profile made_up_profile() {
  Profile profile;
  profile.device = "made up";
  profile.model =
      read_model(fs::path(CADASTRE_SOURCE_DIR) / "scenarios/models/zion-two-branch.json");
  for (const Layer& layer : profile.model.layers) {
    const double forward_s = 1e-9 * static_cast<double>(num_elements(layer.output_shape));
    LayerProfile measured;
    measured.layer = layer.id;
    for (const std::int64_t batch_size : {1, 64}) {
      Measurement measurement;
      measurement.batch_size = batch_size;
      measurement.forward_s = forward_s * static_cast<double>(batch_size);
      measurement.backward_s = 2 * measurement.forward_s;
      measured.measurements.push_back(measurement);
    }
    measured.activation_bytes_per_sample = num_elements(layer.output_shape) * kBytesPerElement;
    measured.saved_bytes_per_sample = measured.activation_bytes_per_sample;
    measured.parameter_bytes = parameter_bytes(profile.model, layer);
    profile.layers.push_back(measured);
  }
  return profile;
}

Plan baseline(const std::string& name, const Profile& profile, const Cluster& cluster) {
  return best_setting(name, baseline_stages(name, profile, cluster), 64, {1, 2, 4}, profile,
                      cluster);
}

/// The plan is `single`; `data-parallel`, on a fast network, takes half its time.
PlanDocument made_up_document() {
  PlanDocument document;
  document.profile = made_up_profile();
  document.cluster =
      read_cluster(fs::path(CADASTRE_SOURCE_DIR) / "scenarios/clusters/two-hosts.json");
  document.cluster.network.bandwidth_bytes_per_s = 100e9;
  document.plan = baseline("single", document.profile, document.cluster);
  for (const std::string name : {"pipeline", "data-parallel", "branch"})
    document.alternatives.push_back(baseline(name, document.profile, document.cluster));
  document.search.lower_bound_s = 1e-6;
  document.search.num_evaluated = 7;
  return document;
}

SimulatedPlan simulated(double step_s, bool fits_memory) {
  SimulatedPlan plan;
  plan.simulated_step_s = step_s;
  plan.fits_memory = fits_memory;
  return plan;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "cadastre-simulate-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }

  ~TemporaryDirectory() { fs::remove_all(path_); }

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct ProgramResult {
  int status = -1;
  std::string output;
};

/// Runs `cadastre-simulator ARGUMENTS` in `directory`.
ProgramResult run_simulator(const fs::path& directory, const std::string& arguments) {
  const std::string command = "cd '" + directory.string() + "' && '" + CADASTRE_BINARY_DIR +
                              "/cadastre-simulator' " + arguments;
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
  const PlanDocument document = made_up_document();
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
  CHECK(simulation.cluster == "two-hosts");
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
    // The network is so fast here that there is nothing to disagree about but the latency.
    CHECK_THAT(replayed.simulated_step_s, WithinRel(plan.predicted.step_s, 0.01));
  }
}

TEST_CASE("plans that fail in the simulator are named after the others ended", "[simulator]") {
  PlanDocument document = made_up_document();
  document.profile.layers[0].measurements[0].forward_s = -1;  // no document can hold this
  document.profile.layers[0].measurements[1].forward_s = -64;
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
  const PlanDocument before = made_up_document();
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
  PlanDocument document = made_up_document();
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
  CHECK(refused("") == "error: --plan is required\n");
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
