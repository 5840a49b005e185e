#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "planner/search/draft.h"

namespace cadastre {

/// The baselines, in the order of the table of strategies.
[[nodiscard]] const std::vector<std::string>& baseline_names();

/// The stages of a baseline, or none where it does not exist (data-parallel on one host, a branch
/// division of a model without branches, …):
/// - `single`: everything on the fastest host
/// - `data-parallel`: everything on every host
/// - `parameter-averaging`: likewise, but replicas average their parameters after some steps of
///   their own (what data-parallel training on Spark does)
/// - `branch`: the branches that run into the model's first meeting point go to hosts, the heaviest
///   to the least loaded (longest processing time first, Graham 1969), the rest to the host of the
///   heaviest branch
/// - `fusion-apart`: likewise, but the rest goes to a host of its own, the slowest
/// - `hybrid`: every branch on hosts of its own that share its samples, as many as its work wants,
///   the rest on those of the heaviest branch: branches across, data-parallel within, all hosts in
///   use
/// - `pipeline`: as many consecutive layers on each host
/// - `equal-compute`: consecutive layers that take as long on each host, fastest host first
/// - `pipedream`: PipeDream's own rule (`pipedream_draft`)
/// - `greedy`: layer after layer, each to the host that would then finish it first, of those that
///   keep the stages convex (heterogeneous earliest finish time, Topcuoglu et al. 2002)
[[nodiscard]] std::optional<Draft> baseline_draft(const std::string& name, const Profile& profile,
                                                  const PlanningProblem& problem);

/// The plan of a baseline with the number of micro-batches and the schedule that are best for the
/// goal, among those acceptable (or, when none is, the one that lacks least memory). None where no
/// number of micro-batches gives every replica samples. `averaging_period`: as of a plan. Once `stop` holds, no more are tried than
/// the first that gives a plan.
[[nodiscard]] std::optional<Candidate> best_setting(
    const Draft& draft, std::int64_t averaging_period, std::int64_t batch_size,
    const std::vector<std::int64_t>& micro_batches, const Goal& goal,
    const PlanningProblem& problem, const std::function<bool()>& stop = [] { return false; });

/// The numbers of micro-batches that a search tries: the divisors of the number of batch-norm
/// groups in the global batch, at most 1024.
[[nodiscard]] std::vector<std::int64_t> micro_batch_choices(std::int64_t batch_size,
                                                            std::int64_t granularity);

}  // namespace cadastre
