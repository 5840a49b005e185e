#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/verbs.h"
#include "planner/whole_job.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

struct DemoVerb {
  fs::path output = "demo-output";
  std::int64_t seed = 1;
  std::int64_t num_hosts = 2;
  std::int64_t epochs = 6;
};

void run_demo(const DemoVerb& demo, const VerbOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const fs::path scene = demo.output / "scene";
  std::vector<VerbCall> calls = verb_calls(
      {.output = demo.output,
       .scene = scene,
       .model = scenario_directory() / "models" / "multimodal-cnn.json",
       .num_local = demo.num_hosts,
       .training_options = {"--epochs", std::to_string(demo.epochs)}});
  calls.insert(calls.begin(), {"Make a scene as GeoTIFFs",
                               "cadastre-executor",
                               {"synthesize", "--seed", std::to_string(demo.seed), "-o", scene}});
  run_verbs(calls, options);
  const double wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const WholeJobResult result = whole_job_result(demo.output, wall_s);
  print_result(options, result.document, result.text);
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
