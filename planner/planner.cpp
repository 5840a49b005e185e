#include "planner/planner.h"

#include <algorithm>
#include <utility>

#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/search.h"
#include "planner/strategies.h"

namespace cadastre {

namespace {

std::vector<std::int64_t> checked_micro_batches(const Profile& profile,
                                                const PlannerOptions& options) {
  const std::int64_t group = profile.model.batch_norm_group_samples;
  if (options.batch_size < 1 || options.batch_size % group != 0)
    throw InputError("--batch-size", "",
                     "expected a multiple of the model's batch-norm group of " +
                         std::to_string(group) + " samples, found " +
                         std::to_string(options.batch_size));
  if (options.micro_batches.empty()) return micro_batch_choices(options.batch_size, group);
  for (const std::int64_t count : options.micro_batches)
    if (count < 1 || (options.batch_size / group) % count != 0)
      throw InputError("--micro-batches", "",
                       "expected a divisor of the " + std::to_string(options.batch_size / group) +
                           " batch-norm groups in a batch, found " + std::to_string(count));
  return options.micro_batches;
}

void check_strategy(const std::string& strategy) {
  std::vector<std::string> names = baseline_names();
  names.insert(names.begin(), "auto");
  if (std::find(names.begin(), names.end(), strategy) != names.end()) return;
  std::string expected;
  for (std::size_t i = 0; i < names.size(); ++i)
    expected += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  throw InputError(
      "--strategy", "",
      "expected " + expected + ", found " + in_quotes(strategy) + did_you_mean(strategy, names));
}

}  // namespace

PlanDocument make_plan(const Profile& profile, const Cluster& cluster,
                       const PlannerOptions& options) {
  check_strategy(options.strategy);
  const std::vector<std::int64_t> micro_batches = checked_micro_batches(profile, options);

  std::vector<Plan> plans;
  for (const std::string& name : baseline_names()) {
    const std::vector<Stage> stages = baseline_stages(name, profile, cluster);
    if (!stages.empty())
      plans.push_back(
          best_setting(name, stages, options.batch_size, micro_batches, profile, cluster));
  }
  const auto start = std::min_element(plans.begin(), plans.end(), [](const Plan& a, const Plan& b) {
    if (a.predicted.fits_memory != b.predicted.fits_memory) return a.predicted.fits_memory;
    return a.predicted.step_s < b.predicted.step_s;
  });
  const SearchResult found = search_plan(profile, cluster,
                                         {.batch_size = options.batch_size,
                                          .micro_batches = micro_batches,
                                          .time_limit_s = options.time_limit_s,
                                          .on_progress = options.on_progress},
                                         *start);
  plans.insert(plans.begin(), found.best);

  const auto asked = std::find_if(plans.begin(), plans.end(), [&](const Plan& plan) {
    return plan.strategy == options.strategy;
  });
  if (asked == plans.end())
    throw InputError("--strategy", "",
                     "expected a strategy that divides this model on this cluster, found \"" +
                         options.strategy + "\"");
  PlanDocument document{.plan = *asked,
                        .search = found.report,
                        .alternatives = {},
                        .profile = profile,
                        .cluster = cluster};
  document.search.optimality_gap = 1 - found.report.lower_bound_s / document.plan.predicted.step_s;
  plans.erase(asked);
  document.alternatives = std::move(plans);
  return document;
}

}  // namespace cadastre
