#include "executor/predict/scoring_plan.h"

#include "executor/launch/host_names.h"
#include "planner/error.h"
#include "planner/plan.h"

namespace cadastre {

namespace {

/// A rank with the whole network on each host.
InferenceProgram whole_networks(const ModelGraph& model, const std::vector<std::string>& hosts) {
  InferenceProgram program;
  program.stage_of_layer.assign(model.layers.size(), 0);
  InferenceProgram::Stage& stage = program.stages.emplace_back();
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    program.ranks.push_back(
        {.host = hosts[r], .host_index = static_cast<int>(r), .stages = {0}});
    stage.ranks.push_back(static_cast<int>(r));
    stage.shares.push_back(1.0 / static_cast<double>(hosts.size()));
  }
  return program;
}

std::vector<std::string> numbered(const std::string& name, int num_hosts) {
  std::vector<std::string> names;
  for (int i = 1; i <= num_hosts; ++i) names.push_back(name + std::to_string(i));
  return names;
}

/// A dense network's patch is scored as a window of another size, part of which is its own.
double pixels_per_sample(const TileScoring& scoring) {
  if (!scoring.is_dense) return 1.0 / scoring.num_views;
  const Tile tile = tile_of(scoring.tiles, 0);
  const auto patches = static_cast<double>(tile.window.num_rows * tile.window.num_columns) /
                       static_cast<double>(scoring.patch * scoring.patch);
  return static_cast<double>(scoring.tiles.core * scoring.tiles.core) / patches /
         scoring.num_views;
}

ScoringPlan planned(const PredictRequest& request, const RunRecord& run,
                    const TileScoring& scoring) {
  const PlanDocument document = read_plan(request.plan);
  check_same_model(document.profile.model, run.model, (request.run / "run.json").string());
  ScoringPlan plan;
  plan.program = lower_for_inference(document.plan, run.model, document.cluster);
  for (const InferenceProgram::Rank& rank : plan.program.ranks) {
    const Host& host = document.cluster.hosts[static_cast<std::size_t>(rank.host_index)];
    plan.planned_cores.push_back(host.cores);
    plan.addresses.push_back(host.address);
  }
  // What patches share is in no profile: the plan's costs are of patches that do not.
  if (scoring.shares_patches) return plan;
  plan.predicted_pixels_per_s =
      pixels_per_sample(scoring) *
      predicted_inference_samples_per_s(document.plan, document.profile, document.cluster,
                                        scoring.is_dense ? 1 : scoring.batch_size);
  return plan;
}

}  // namespace

std::optional<ScoringPlan> scoring_plan(const PredictRequest& request, const RunRecord& run,
                                        const TileScoring& scoring) {
  const std::optional<LauncherEnvironment> environment = started_by(request.launch);
  if (request.num_local_ranks > 0 && !request.launch.hosts.empty())
    throw InputError("", "",
                     "expected ranks here (--local N) or on the machines of --hosts, found both");
  ScoringPlan plan;
  if (!request.plan.empty()) {
    plan = planned(request, run, scoring);
  } else if (request.num_local_ranks > 0) {
    plan.program = whole_networks(run.model, numbered("local-", request.num_local_ranks));
  } else if (!request.launch.hosts.empty()) {
    plan.program =
        whole_networks(run.model, names_of_hosts(read_hosts(request.launch.hosts)));
  } else if (environment && environment->num_ranks > 1) {
    plan.program = whole_networks(run.model, numbered("", environment->num_ranks));
  } else {
    return std::nullopt;
  }
  const auto num_ranks = static_cast<int>(plan.program.ranks.size());
  const std::string of_plan = std::to_string(num_ranks) + " ranks, as the plan has";
  if (request.num_local_ranks > 0 && num_ranks != request.num_local_ranks)
    throw InputError("", "", "expected --local without a number or of " + of_plan + ", found " +
                                 std::to_string(request.num_local_ranks));
  if (environment && environment->num_ranks != num_ranks)
    throw InputError("", "", "expected " + of_plan + ", found " +
                                 std::to_string(environment->num_ranks) + " that " +
                                 environment->launcher + " started");
  if (num_ranks == 1 && request.plan.empty() && request.launch.hosts.empty()) return std::nullopt;
  return plan;
}

}  // namespace cadastre
