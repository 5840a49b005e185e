#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "executor/synthetic_scene.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/progress.h"

namespace cadastre {

namespace {

struct SynthesizeRequest : VerbOptions {
  std::string directory;
  SyntheticSceneOptions scene;
};

void synthesize(const SynthesizeRequest& request) {
  {
    constexpr std::int64_t kHundredths = 100;
    Progress progress("making the scene", kHundredths,
                      request.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    write_synthetic_scene(request.directory, request.scene, [&](int done, int total) {
      progress.update(kHundredths * done / total);
    });
  }
  print_result(request, {{"scene", request.directory}},
               "wrote the scene " + request.directory + "\n");
}

}  // namespace

void add_synthesize_verb(CLI::App& program) {
  auto request = std::make_shared<SynthesizeRequest>();
  CLI::App* verb = add_verb(program, "synthesize", "Make a multi-sensor scene as GeoTIFFs",
                            "cadastre synthesize --size-m 256 --seed 1 -o scene", request,
                            [request] { synthesize(*request); });
  verb->add_option("-o,--output", request->directory, "Directory to write")->required();
  verb->add_option("--size-m", request->scene.size_m, "Side of the square scene in metres")
      ->check(integer_from(128, 4096))
      ->capture_default_str();
  verb->add_option("--seed", request->scene.seed, "Seed: the same bytes for the same seed")
      ->capture_default_str();
}

}  // namespace cadastre
