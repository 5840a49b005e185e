#include <CLI/CLI.hpp>
#include <memory>

#include "executor/launch/launch.h"
#include "executor/rank_job.h"
#include "executor/verbs.h"

namespace cadastre {

void add_rank_verb(CLI::App& program) {
  const auto launch = std::make_shared<RankLaunch>();
  const auto options = std::make_shared<RankOptions>();
  CLI::App* app = program.add_subcommand("rank", "One rank of a run; started by `cadastre run`");
  app->group("");  // not in the help
  add_rank_launch_options(*app, *launch);
  app->add_option("--data", options->scene)->required();
  app->add_option("--rasters", options->rasters);
  app->add_option("--interface", options->interface);
  app->callback([launch, options] {
    prepare_rank(*launch);
    take_part(*launch, [&](RankLink& link) { train_as_rank(*options, link); });
  });
}

}  // namespace cadastre
