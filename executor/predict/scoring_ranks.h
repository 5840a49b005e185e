#pragma once

#include <functional>
#include <string>
#include <vector>

#include "executor/predict/map_work.h"
#include "executor/predict/prediction_setup.h"
#include "executor/predict/scoring_plan.h"
#include "executor/predict/scoring_rank.h"

namespace cadastre {

/// The words of a rank's command line.
[[nodiscard]] std::vector<std::string> predict_rank_arguments(const PredictRequest& request);

/// The same text on every process of a launcher that was asked for the same.
[[nodiscard]] std::string predict_fingerprint(const PredictRequest& request);

struct ScoredByRanks {
  double score_s = 0;  ///< from when all ranks were ready
  std::vector<ScoringRank> ranks;
  std::vector<std::string> notes;  ///< on ranks that were lost
};

/// What the ranks need beside the request.
struct ScoringInput {
  const PredictRequest& request;
  const RunRecord& run;
  const Scene& scene;
  const Normalization& normalization;
  const WindowSource& source;
  const TileScoring& scoring;
  const std::string& weights;
};

/// The coordinator's side: starts or awaits the ranks, gives each its part of the network, and hands
/// out what `work` is missing, to each rank as much as it is through with, until all is there.
///
/// Ranks of whole networks can be lost, as long as one is left: their tiles go to the others. Of a
/// divided network each is needed: where one is lost, std::runtime_error names it, and what has
/// come is kept in `work`. Throws InputError where request, ranks or rasters are wrong.
[[nodiscard]] ScoredByRanks score_on_ranks(const ScoringInput& input, const ScoringPlan& plan,
                                           MapWork& work, const std::function<void()>& on_tile);

}  // namespace cadastre
