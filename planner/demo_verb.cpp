#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/run_record.h"
#include "planner/subprocess.h"
#include "planner/table.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

struct DemoVerb {
  fs::path output = "demo-output";
  std::int64_t seed = 1;
  std::int64_t num_hosts = 2;
  std::int64_t epochs = 6;
};

/// One verb of the whole, as a user would type it.
struct DemoPart {
  std::string title;
  std::string program;
  std::vector<std::string> arguments;
};

std::vector<DemoPart> demo_parts(const DemoVerb& demo) {
  const fs::path& out = demo.output;
  const std::string scene = out / "scene";
  const std::string model = scenario_directory() / "models" / "multimodal-cnn.json";
  const std::string executor = "cadastre-executor";
  return {
      {"Make a scene as GeoTIFFs",
       executor,
       {"synthesize", "--seed", std::to_string(demo.seed), "-o", scene}},
      {"Profile the model",
       executor,
       {"profile", model, "--data", scene, "-o", out / "profile.json"}},
      {"Probe the hosts",
       executor,
       {"probe", "--local", std::to_string(demo.num_hosts), "--model", model, "-o",
        out / "cluster.json"}},
      {"Plan the division",
       "cadastre",
       {"plan", "--profile", out / "profile.json", "--cluster", out / "cluster.json",
        "--batch-size", "64", "-o", out / "plan.json"}},
      {"Simulate the plan and the baselines",
       "cadastre-simulator",
       {"simulate", "--plan", out / "plan.json", "--choose-best", "-o", out / "simulation.json"}},
      {"Train on local ranks",
       executor,
       {"run", "--plan", out / "plan.json", "--model", model, "--data", scene, "--epochs",
        std::to_string(demo.epochs), "--local", "-o", out / "run"}},
      {"Classify the whole scene",
       executor,
       {"predict", "--run", out / "run", "--data", scene, "-o", out / "map.tif"}},
      {"Write the report", "cadastre", {"report", out, "-o", out / "report.html"}},
  };
}

void run_demo(const DemoVerb& demo, const VerbOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const std::vector<DemoPart> parts = demo_parts(demo);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const DemoPart& part = parts[i];
    std::vector<std::string> arguments = part.arguments;
    if (options.quiet) arguments.emplace_back("--quiet");
    if (!options.quiet)
      std::fprintf(stderr, "[%zu/%zu] %s\n", i + 1, parts.size(), part.title.c_str());
    const int status = run_sister(part.program, arguments, options.quiet || options.json);
    if (status != 0)
      throw std::runtime_error(part.title + ": cadastre " + part.arguments.front() +
                               " ended with status " + std::to_string(status));
  }
  const RunRecord run = read_run(demo.output / "run" / "run.json");
  const double wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  nlohmann::json result = {{"output", demo.output.string()},
                           {"strategy", run.strategy},
                           {"predicted_step_s", run.predicted_step_s},
                           {"measured_step_s", run.measured_step_s},
                           {"wall_s", wall_s}};
  if (run.simulated_step_s) result["simulated_step_s"] = *run.simulated_step_s;
  std::string text =
      "\n" + run.strategy + " plan: a step takes " + fixed(run.predicted_step_s * 1e3, 1) +
      " ms predicted, " +
      (run.simulated_step_s ? fixed(*run.simulated_step_s * 1e3, 1) + " ms simulated, " : "") +
      fixed(run.measured_step_s * 1e3, 1) + " ms measured\n";
  if (run.metrics) {
    result["overall_accuracy"] = run.metrics->overall_accuracy;
    text += "overall accuracy " + fixed(100 * run.metrics->overall_accuracy, 1) + " %, kappa " +
            fixed(run.metrics->kappa, 3) + "\n";
  }
  text += "the map is " + (demo.output / "map.tif").string() + ", the report " +
          (demo.output / "report.html").string() + "; all in " + fixed(wall_s, 0) + " s\n";
  print_result(options, result, text);
}

}  // namespace

void add_demo_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto demo = std::make_shared<DemoVerb>();
  CLI::App* app = add_verb(
      program, "demo", "Everything, on a scene it makes itself: from GeoTIFFs to map and report",
      "cadastre demo -o demo-output", options, [demo, options] { run_demo(*demo, *options); });
  app->add_option("-o,--output", demo->output, "Directory for all that comes out")
      ->capture_default_str();
  app->add_option("--seed", demo->seed, "Of the scene")->capture_default_str();
  app->add_option("--num-hosts", demo->num_hosts, "Local ranks to divide the work among")
      ->capture_default_str()
      ->check(integer_from(1, 16));
  app->add_option("--epochs", demo->epochs, "Of training")
      ->capture_default_str()
      ->check(integer_from(1, 1000));
}

}  // namespace cadastre
