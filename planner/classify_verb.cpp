#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/verbs.h"
#include "planner/whole_job.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

struct ClassifyVerb {
  WholeJob job;
  fs::path rasters_or_scene;
  std::string family;
  std::string fusion;
  std::int64_t seed = 1;
};

/// A directory without a scene document: one is made of its rasters first.
bool needs_document(const fs::path& given) {
  std::error_code ignored;
  return fs::is_directory(given, ignored) && !fs::exists(given / "scene.json", ignored);
}

void classify(ClassifyVerb verb, const VerbOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  WholeJob& job = verb.job;
  if (!fs::exists(verb.rasters_or_scene))
    throw InputError(verb.rasters_or_scene.string(), "",
                     "expected a scene's document or a directory of rasters, found nothing");
  if (!job.model.empty() && (!verb.family.empty() || !verb.fusion.empty()))
    throw InputError("", "", "expected --model or the family of one to make, found both");
  if (!verb.family.empty())
    job.model_options.insert(job.model_options.end(), {"--family", verb.family});
  if (!verb.fusion.empty())
    job.model_options.insert(job.model_options.end(), {"--fusion", verb.fusion});
  job.training_options = {"--seed", std::to_string(verb.seed)};

  const bool makes_scene = needs_document(verb.rasters_or_scene);
  job.scene = makes_scene ? job.output / "scene.json" : verb.rasters_or_scene;
  std::vector<VerbCall> calls = verb_calls(job);
  if (makes_scene)
    calls.insert(calls.begin(), {"Find out what the rasters are",
                                 "cadastre-executor",
                                 {"scene", verb.rasters_or_scene, "-o", job.scene}});
  run_verbs(calls, options);
  const double wall_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const WholeJobResult result = whole_job_result(job.output, wall_s);
  print_result(options, result.document, result.text);
}

}  // namespace

void add_classify_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<ClassifyVerb>();
  CLI::App* app = add_verb(
      program, "classify", "Everything, on your scene: from rasters and labels to map and report",
      "cadastre classify my-rasters --local 2 -o out", options,
      [verb, options] { classify(*verb, *options); });
  app->add_option("scene", verb->rasters_or_scene,
                  "A directory of rasters, or a scene's directory or document")
      ->required();
  app->add_option("--rasters", verb->job.rasters,
                  "Where the scene's rasters lie, if not beside it");
  app->add_option("-o,--output", verb->job.output, "Directory for all that comes out")->required();
  app->add_option("--model", verb->job.model, "A model's document (default: one is made)");
  app->add_option("--family", verb->family, "Of the model that is made");
  app->add_option("--fusion", verb->fusion, "Where it joins the modalities");
  CLI::Option* hosts =
      app->add_option("--hosts", verb->job.hosts, "File of the machines, by ssh, as for `run`");
  app->add_option("--local", verb->job.num_local, "Ranks on this machine")
      ->capture_default_str()
      ->check(integer_from(1, 64))
      ->excludes(hosts);
  app->add_option("--batch-size", verb->job.batch_size, "Samples of a step")
      ->capture_default_str()
      ->check(integer_from(1, 1 << 20));
  app->add_option("--seed", verb->seed, "Of everything random")->capture_default_str();
}

}  // namespace cadastre
