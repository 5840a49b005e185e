#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "executor/predict/map_prediction.h"
#include "executor/predict/map_result_text.h"
#include "executor/predict/predict_rank.h"
#include "executor/predict/scoring_ranks.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/progress.h"

namespace cadastre {

namespace {

struct PredictVerb : VerbOptions {
  PredictRequest request;
};

/// Started by a launcher as another than number 0.
[[noreturn]] void become_one_of(const PredictRequest& request,
                                const LauncherEnvironment& environment) {
  become_rank(request.launch, environment, predict_rank_arguments(request),
              predict_fingerprint(request), "");
}

void predict(const PredictVerb& verb) {
  if (const auto environment = started_by(verb.request.launch);
      environment && environment->number > 0)
    become_one_of(verb.request, *environment);
  std::optional<Progress> progress;
  const MapResult result = predict_map(verb.request, [&](const PredictProgress& now) {
    if (!progress)
      progress.emplace("classifying", now.total,
                       verb.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    progress->update(now.done);
  });
  progress.reset();
  print_result(verb, map_result_json(result, verb.request.output),
               map_result_text(result, verb.request.output));
}

}  // namespace

void add_predict_verb(CLI::App& program) {
  auto verb = std::make_shared<PredictVerb>();
  PredictRequest& request = verb->request;
  CLI::App* app = add_verb(program, "predict", "Classify a whole scene with a trained network",
                           "cadastre predict --run run --data scene -o map.tif\n"
                           "  cadastre predict --run run --hosts hosts.txt -o map.tif",
                           verb,
                           [verb] { predict(*verb); });
  app->add_option("--run", request.run, "Directory with run.json and weights.pt")->required();
  app->add_option("--data", request.scene, "Scene to classify; the run's own when left out");
  app->add_option("--rasters", request.rasters, "Directory of the scene's rasters");
  app->add_option("--plan", request.plan,
                  "Score on the plan's hosts: tiles by tiles, or from stage to stage");
  app->add_option_function<std::vector<std::string>>(
         "--local",
         [&request](const std::vector<std::string>& words) {
           request.launch.local = true;
           constexpr int kMostRanks = 256;
           if (words.empty() || words.front().empty()) return;
           const std::string text = words.front();
           const auto [end, error] = std::from_chars(
               text.data(), text.data() + text.size(), request.num_local_ranks);
           if (error != std::errc() || end != text.data() + text.size() ||
               request.num_local_ranks < 1 || request.num_local_ranks > kMostRanks)
             throw CLI::ValidationError("--local", "expected a number of ranks from 1 to " +
                                                       std::to_string(kMostRanks) + ", found " +
                                                       text);
         },
         "So many ranks on this machine, or the plan's ranks all on this machine")
      ->expected(0, 1)
      ->type_name("N");
  add_launch_options(*app, request.launch);
  app->add_option("--batch-size", request.batch_size, "Pixels classified at once by a thread")
      ->check(integer_from(1, 65536))
      ->capture_default_str();
  app->add_option("--threads", request.num_threads, "Threads; all processors when left out")
      ->check(integer_from(1, 1024));
  app->add_flag("--confidence", request.confidence,
                "Also write MAP-confidence.tif, the probability of each pixel's class");
  app->add_flag("--probabilities", request.probabilities,
                "Also write MAP-probabilities.tif, a band for each class");
  app->add_flag("--tta", request.averages_views,
                "Average over the eight turned and mirrored views of every pixel (8 times the work)");
  constexpr std::int64_t kMostPixels = 1 << 30;
  app->add_option("--min-area", request.min_area_pixels,
                  "Give patches of fewer pixels to their largest neighbour (minimum mapping unit)")
      ->check(integer_from(0, kMostPixels));
  app->add_flag_callback(
      "--no-resume", [&request] { request.resume = PartialMap::Resume::kNo; },
      "Begin anew, and leave no work behind when interrupted");
  app->add_option("-o,--output", request.output, "Map to write, a GeoTIFF")->required();
}

void add_predict_rank_verb(CLI::App& program) {
  const auto launch = std::make_shared<RankLaunch>();
  const auto options = std::make_shared<PredictRankOptions>();
  CLI::App* app =
      program.add_subcommand("predict-rank", "One rank of a prediction; started by it");
  app->group("");  // not in the help
  add_rank_launch_options(*app, *launch);
  app->add_option("--data", options->scene);
  app->add_option("--rasters", options->rasters);
  app->add_option("--interface", options->interface);
  app->callback([launch, options] {
    prepare_rank(*launch);
    take_part(*launch, [&](RankLink& link) { predict_as_rank(*options, link); });
  });
}

}  // namespace cadastre
