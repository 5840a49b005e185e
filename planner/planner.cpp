#include "planner/planner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "planner/error.h"
#include "planner/plan_check.h"
#include "planner/refusal.h"
#include "planner/search/search.h"
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
  std::vector<std::int64_t> counts = options.micro_batches;
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

/// Sums of bytes over all layers and a whole batch, there and back, must be numbers of 63 bits.
void check_bytes(const Profile& profile, const Cluster& cluster, std::int64_t batch_size) {
  constexpr double kMost = 4e18;
  constexpr double kTransfers = 4;
  const double copies = kTransfers * static_cast<double>(cluster.hosts.size());
  double per_sample = 0;
  double of_parameters = 0;
  for (const LayerProfile& layer : profile.layers) {
    per_sample += kTransfers * static_cast<double>(layer.activation_bytes_per_sample) +
                  static_cast<double>(layer.saved_bytes_per_sample);
    of_parameters += copies * static_cast<double>(layer.parameter_bytes);
  }
  if (per_sample * static_cast<double>(batch_size) + of_parameters <= kMost) return;
  throw InputError(
      "--batch-size", "",
      "expected a batch whose tensors and parameters are below 4 x 10^18 bytes on all hosts, "
      "found " +
          std::to_string(batch_size) + " samples of " + number_text(per_sample) +
          " bytes and copies of parameters of " + number_text(of_parameters));
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

void check_all_reduce(const AllReduce& all_reduce, const Cluster& cluster) {
  if (all_reduce.root.empty()) return;
  if (!has_root(all_reduce.algorithm)) throw InputError("--root", "", no_root_expected(all_reduce));
  if (host_index(cluster, all_reduce.root) < 0)
    throw InputError("--root", "", host_expected(all_reduce.root, cluster));
}

/// A limit on memory is a limit on each host's.
Cluster with_memory_limits(Cluster cluster, const std::vector<Constraint>& constraints) {
  for (const Constraint& constraint : constraints)
    if (constraint.objective == Objective::kMemory)
      for (Host& host : cluster.hosts)
        host.memory_bytes =
            std::min(host.memory_bytes, static_cast<std::int64_t>(constraint.limit));
  return cluster;
}

struct Named {
  std::string strategy;
  Candidate candidate;
};

/// Whether nothing but the baseline that was asked for is planned.
bool is_alone(const PlannerOptions& options) {
  return !options.with_alternatives && options.strategy != "auto";
}

std::vector<Named> baselines(const Profile& profile, const PlanningProblem& problem,
                             const PlannerOptions& options,
                             const std::vector<std::int64_t>& micro_batches, const Goal& goal) {
  // In a large model on many hosts each of their programs takes seconds: the search needs most of
  // the time.
  constexpr double kPartOfTime = 0.25;
  const auto began = std::chrono::steady_clock::now();
  const auto stop = [&] {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
    return elapsed.count() > kPartOfTime * options.time_limit_s;
  };
  std::vector<Named> found;
  for (const std::string& name : baseline_names()) {
    if (is_alone(options) && name != options.strategy) continue;
    const std::optional<Draft> draft = baseline_draft(name, profile, problem);
    if (!draft) continue;
    const std::int64_t period = name == "parameter-averaging" ? options.averaging_period : 0;
    std::optional<Candidate> best = best_setting(*draft, period, options.batch_size,
                                                 micro_batches, goal, problem, stop);
    if (best) found.push_back({.strategy = name, .candidate = std::move(*best)});
  }
  return found;
}

/// A plan that averages parameters computes another function: no rival of the others.
bool is_rival(const Candidate& candidate) { return candidate.division.averaging_period == 0; }

}  // namespace

PlanDocument make_plan(const Profile& profile, const Cluster& cluster,
                       const PlannerOptions& options) {
  check_strategy(options.strategy);
  check_all_reduce(options.all_reduce, cluster);
  check_bytes(profile, cluster, options.batch_size);
  const auto began = std::chrono::steady_clock::now();
  const std::vector<std::int64_t> micro_batches = checked_micro_batches(profile, options);
  const Cluster limited = with_memory_limits(cluster, options.constraints);
  const PlanningProblem problem(profile, limited, options.all_reduce, options.wire_dtype,
                                options.optimizer);
  const Goal goal{.objective = options.objective, .constraints = options.constraints};
  const std::vector<Named> known = baselines(profile, problem, options, micro_batches, goal);

  const auto plan_of_candidate = [&](const Candidate& candidate, const std::string& strategy) {
    Plan plan = plan_of(candidate.division, strategy, profile.model, cluster);
    plan.optimizer = options.optimizer;
    plan.predicted = predict(candidate.division, problem);
    return plan;
  };
  // What the search minimises, in the objective's unit.
  const auto in_unit = [&](double value) { return minimised(options.objective, value); };

  std::vector<Candidate> offered;
  for (const Named& baseline : known)
    if (is_rival(baseline.candidate)) offered.push_back(baseline.candidate);
  const double passed_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  SearchOptions search{.goal = goal,
                       .batch_size = options.batch_size,
                       .micro_batches = micro_batches,
                       .time_limit_s = options.time_limit_s - passed_s,
                       .enough_gap = options.enough_gap,
                       .patience_s = options.patience_s,
                       .max_steps = options.max_search_steps};
  if (options.on_progress)
    search.on_progress = [&](double searched_s, double best, double lower_bound) {
      options.on_progress(searched_s, in_unit(best), in_unit(lower_bound));
    };
  const SearchResult found =
      is_alone(options) ? SearchResult{} : search_plan(problem, search, offered);

  PlanDocument document{.plan = {},
                        .search = {},
                        .alternatives = {},
                        .runners_up = {},
                        .profile = profile,
                        .cluster = cluster};
  const std::optional<Candidate>& searched = found.best ? found.best : found.nearest;
  std::vector<Plan> plans;
  if (searched) plans.push_back(plan_of_candidate(*searched, "auto"));
  for (const Named& baseline : known)
    plans.push_back(plan_of_candidate(baseline.candidate, baseline.strategy));
  const auto asked = std::find_if(plans.begin(), plans.end(), [&](const Plan& plan) {
    return plan.strategy == options.strategy;
  });
  if (asked == plans.end())
    throw InputError("--strategy", "",
                     "expected a strategy that divides this model on this cluster, found \"" +
                         options.strategy + "\"");
  document.plan = *asked;
  plans.erase(asked);
  document.alternatives = std::move(plans);
  for (const Candidate& candidate : found.runners_up)
    document.runners_up.push_back(plan_of_candidate(candidate, "auto"));

  SearchReport& report = document.search;
  report.objective = objective_name(options.objective);
  report.value = objective_value(document.plan.predicted, options.objective, options.batch_size);
  const double least = minimised(options.objective, report.value);
  report.bound = in_unit(std::min(found.lower_bound, least));
  report.optimality_gap = least > found.lower_bound ? 1 - found.lower_bound / least : 0;
  report.proven = found.proven;
  report.feasible = document.plan.predicted.fits_memory &&
                    keeps(document.plan.predicted, options.batch_size, options.constraints);
  report.search_s = found.search_s;
  report.num_evaluated = found.num_evaluated;
  return document;
}

std::vector<PlanDocument> pareto_front(const Profile& profile, const Cluster& cluster,
                                       const PlannerOptions& options, Objective first,
                                       Objective second, int num_plans) {
  std::vector<PlanDocument> front;
  PlannerOptions next = options;
  next.objective = first;
  next.time_limit_s = options.time_limit_s / num_plans;
  const auto least = [&](const PlanDocument& document, Objective objective) {
    return minimised(objective,
                     objective_value(document.plan.predicted, objective, options.batch_size));
  };
  while (static_cast<int>(front.size()) < num_plans) {
    PlanDocument document = make_plan(profile, cluster, next);
    if (!document.search.feasible) break;
    const double reached = least(document, second);
    // The search is not always exact: a plan that beats earlier ones in both takes their place.
    while (!front.empty() && least(front.back(), first) >= least(document, first)) front.pop_back();
    front.push_back(std::move(document));
    if (reached <= 0) break;
    constexpr double kLess = 1 - 1e-6;
    next.constraints = options.constraints;
    next.constraints.push_back({.objective = second, .limit = minimised(second, reached * kLess)});
  }
  return front;
}

double default_patience_s(const Profile& profile, const Cluster& cluster) {
  constexpr double kSecondsPerPairOfHosts = 6.5e-4;
  // Problems of a few layers are proven within half a second as a rule; larger ones seldom are.
  constexpr std::size_t kFewLayers = 16;
  const double least_s = profile.layers.size() <= kFewLayers ? 0.5 : 0.03;
  const auto num_hosts = static_cast<double>(cluster.hosts.size());
  // Twice as many layers take less than twice as long, as measured on 31 to 326 of them.
  const double size = std::sqrt(static_cast<double>(profile.layers.size()));
  return std::max(least_s, kSecondsPerPairOfHosts * size * num_hosts * num_hosts);
}

}  // namespace cadastre
