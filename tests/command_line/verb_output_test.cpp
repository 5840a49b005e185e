// What every verb promises: help with an example, one JSON object with --json, silence with
// --quiet.
#include <filesystem>

#include "tests/command_line/world_directory.h"
#include "tests/support/directories.h"

namespace cadastre {
namespace {

using test::Finished;
using test::WorldDirectory;
using Words = std::vector<std::string>;

const Words kVerbs = {"demo",  "classify", "scene",    "synthesize", "model",
                      "profile", "probe",  "plan",     "simulate",   "study",
                      "run",   "predict",  "report",   "validate"};

TEST_CASE("every verb's help says what it is for and shows an example", "[executor]") {
  const WorldDirectory world;
  for (const std::string& verb : kVerbs) {
    INFO(verb);
    const Finished help = world.run({verb, "--help"});
    CHECK(help.status == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("Example:\n  cadastre " + verb) != std::string::npos);
    for (const char* option : {"--json", "--quiet", "--help"})
      CHECK(help.out.find(option) != std::string::npos);
  }
}

TEST_CASE("the program's own help lists every verb", "[executor]") {
  const WorldDirectory world;
  const Finished help = world.run({"--help"});
  CHECK(help.status == 0);
  CHECK(help.out.find("Example:\n  cadastre demo") != std::string::npos);
  for (const std::string& verb : kVerbs) {
    INFO(verb);
    CHECK(help.out.find("\n  " + verb) != std::string::npos);
  }
}

TEST_CASE("with --json and --quiet a verb prints one JSON object and nothing else", "[executor]") {
  // In the order in which a user works: each reads what the ones before it wrote.
  std::vector<Words> requests = {
      {"synthesize", "--size-m", "128", "-o", "made"},
      {"model", "--data", "made", "-o", "made-model.json"},
      {"profile", "model.json", "--batch-sizes", "4", "-o", "measured.json"},
      {"probe", "--local", "1", "-o", "probed.json"},
      {"plan", "--profile", "profile.json", "--cluster", "cluster.json", "--batch-size", "48", "-o",
       "planned.json"},
      {"simulate", "--plan", "planned.json", "-o", "simulation.json"},
      {"run", "--plan", "plan.json", "--data", "scene", "--max-steps", "2", "-o", "run"},
      {"predict", "--run", "run", "--data", "scene", "-o", "map.tif"},
      {"report", "run", "-o", "report.html"},
      {"validate", "measured.json", "probed.json", "planned.json", "simulation.json",
       "made/scene.json", "run/run.json", "run/plan.json", "run/timeline.json"},
  };
  // Built where Ceres Solver is.
  if (std::filesystem::exists(binary_directory() / "cadastre-calibration"))
    requests.push_back({"calibrate", "run", "-o", "calibrated.json"});
  const WorldDirectory world;
  for (Words request : requests) {
    INFO(request.front());
    request.insert(request.end(), {"--json", "--quiet"});
    const Finished finished = world.run(request);
    CHECK(finished.status == 0);
    CHECK(finished.err.empty());
    // `parse` refuses anything behind the first value.
    const nlohmann::json result = nlohmann::json::parse(finished.out, nullptr, false);
    INFO(finished.out);
    CHECK(result.is_object());
    CHECK_FALSE(result.empty());
  }
}

}  // namespace
}  // namespace cadastre
