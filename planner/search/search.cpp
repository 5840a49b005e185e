#include "planner/search/search.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "planner/search/branch_and_bound.h"
#include "planner/search/estimate.h"
#include "planner/search/local_search.h"
#include "planner/search/objective_bound.h"
#include "planner/search/seeds.h"

namespace cadastre {

namespace {

using Clock = std::chrono::steady_clock;

/// A draft to go on from, for one number of micro-batches.
struct Lead {
  const Estimator* estimator = nullptr;
  Draft draft;
  double estimate = 0;
};

class Search {
 public:
  Search(const PlanningProblem& problem, const SearchOptions& options)
      : problem_(problem),
        options_(options),
        incumbents_(options.goal, problem),
        began_(Clock::now()) {}

  SearchResult run(const std::vector<Candidate>& offered) {
    const ObjectiveBound bound(problem_, options_.goal.objective, options_.batch_size);
    lower_bound_ = bound.of_all(options_.micro_batches);
    for (const Candidate& candidate : offered) incumbents_.offer(candidate);
    if (!done()) plant_seeds();
    // A short annealing finds a plan that is nearly the best, so that the exact search cuts more.
    constexpr std::int64_t kFewRounds = 2;
    anneal(kFewRounds, [&] { return done(); });
    if (!done()) prove();
    if (!proven_) anneal(std::numeric_limits<std::int64_t>::max(), [&] { return done(); });
    return result();
  }

 private:
  [[nodiscard]] double elapsed_s() const {
    return std::chrono::duration<double>(Clock::now() - began_).count();
  }

  [[nodiscard]] double gap() const {
    if (!incumbents_.best()) return 1;
    const double value = incumbents_.value();
    return value > lower_bound_ ? 1 - lower_bound_ / value : 0;
  }

  [[nodiscard]] bool done() {
    const double searched_s = elapsed_s();
    if (options_.on_progress) options_.on_progress(searched_s, incumbents_.value(), lower_bound_);
    return proven_ || searched_s > options_.time_limit_s ||
           gap() <= std::max(options_.enough_gap, kTolerance);
  }

  /// Estimates all seeds for all numbers of micro-batches and evaluates the most promising.
  void plant_seeds() {
    for (const std::int64_t micro_batches : options_.micro_batches) {
      estimators_.push_back(
          std::make_unique<Estimator>(problem_, options_.goal, options_.batch_size, micro_batches));
      const Estimator& estimator = *estimators_.back();
      std::vector<Lead> leads;
      for (Draft& draft : seed_drafts(problem_, options_.batch_size / micro_batches)) {
        std::vector<const Placement*> placements;
        for (const std::vector<int>& hosts : draft.stage_hosts)
          placements.push_back(estimator.placement(hosts));
        const double value = estimator.estimate(draft.stage_of_layer, placements).value;
        leads.push_back({.estimator = &estimator, .draft = std::move(draft), .estimate = value});
      }
      std::stable_sort(leads.begin(), leads.end(),
                       [](const Lead& a, const Lead& b) { return a.estimate < b.estimate; });
      constexpr std::size_t kMostLeads = 6;
      leads.resize(std::min(leads.size(), kMostLeads));
      leads_.insert(leads_.end(), leads.begin(), leads.end());
      if (done()) break;
    }
    std::stable_sort(leads_.begin(), leads_.end(),
                     [](const Lead& a, const Lead& b) { return a.estimate < b.estimate; });
    constexpr std::size_t kMostEvaluated = 12;
    for (std::size_t i = 0; i < std::min(leads_.size(), kMostEvaluated) && !done(); ++i)
      incumbents_.offer(leads_[i].draft, options_.batch_size, leads_[i].estimator->micro_batches());
  }

  /// Rounds of annealing over the leads, the most promising first; a lead that a round improves
  /// goes on from there.
  template <typename Stop>
  void anneal(std::int64_t num_rounds, const Stop& stop) {
    constexpr std::int64_t kStaleRounds = 60;
    const auto num_layers = static_cast<std::int64_t>(problem_.training.model().num_layers());
    std::int64_t stale = 0;
    for (std::int64_t round = 0; round < num_rounds && !leads_.empty() && !stop(); ++round) {
      // Half of the rounds go to the best lead, a quarter to the second, and so on.
      const auto number = static_cast<std::uint64_t>(++rounds_);
      std::size_t pick = 0;
      while (((number >> pick) & 1) == 0 && pick + 1 < leads_.size()) ++pick;
      Lead& lead = leads_[pick];
      LocalSearchOptions options{.seed = static_cast<std::uint32_t>(rounds_),
                                 .num_proposals = 3000 + 60 * num_layers,
                                 .stop = [&] { return elapsed_s() > options_.time_limit_s; }};
      options.interleave = rounds_ % 3 != 1;
      Draft draft = improve(lead.draft, *lead.estimator, options);
      const bool improved =
          incumbents_.offer(draft, options_.batch_size, lead.estimator->micro_batches());
      std::vector<const Placement*> placements;
      for (const std::vector<int>& hosts : draft.stage_hosts)
        placements.push_back(lead.estimator->placement(hosts));
      lead.estimate = lead.estimator->estimate(draft.stage_of_layer, placements).value;
      lead.draft = std::move(draft);
      std::stable_sort(leads_.begin(), leads_.end(),
                       [](const Lead& a, const Lead& b) { return a.estimate < b.estimate; });
      stale = improved ? 0 : stale + 1;
      if (stale >= kStaleRounds) return;
    }
  }

  void prove() {
    const double begun_s = elapsed_s();
    // Where it does not end soon it seldom ends at all; annealing makes better use of the rest.
    const double until_s = begun_s + (options_.time_limit_s - begun_s) * 0.6;
    const BranchAndBoundResult proof =
        branch_and_bound(problem_, options_.goal,
                         {.batch_size = options_.batch_size,
                          .micro_batches = options_.micro_batches,
                          .max_downsets = options_.max_downsets,
                          .stop = [&] { return elapsed_s() > until_s || done(); }},
                         incumbents_);
    if (proof.complete) {
      proven_ = true;
      if (incumbents_.best()) lower_bound_ = incumbents_.value();
    } else {
      lower_bound_ = std::max(lower_bound_, std::min(proof.least_open, incumbents_.value()));
    }
  }

  SearchResult result() {
    SearchResult result{.best = incumbents_.best(),
                        .runners_up = {},
                        .nearest = incumbents_.least_lacking(),
                        .lower_bound = lower_bound_,
                        .proven = proven_ || gap() <= kTolerance,
                        .search_s = elapsed_s(),
                        .num_evaluated = incumbents_.num_evaluated()};
    if (result.best) result.lower_bound = std::min(lower_bound_, incumbents_.value());
    for (Candidate& candidate : incumbents_.best_of_kinds())
      if (!(candidate.division == result.best->division))
        result.runners_up.push_back(std::move(candidate));
    return result;
  }

  const PlanningProblem& problem_;
  const SearchOptions& options_;
  Incumbents incumbents_;
  Clock::time_point began_;
  double lower_bound_ = 0;
  bool proven_ = false;
  std::vector<std::unique_ptr<Estimator>> estimators_;
  std::vector<Lead> leads_;
  std::int64_t rounds_ = 0;
};

}  // namespace

SearchResult search_plan(const PlanningProblem& problem, const SearchOptions& options,
                         const std::vector<Candidate>& offered) {
  return Search(problem, options).run(offered);
}

}  // namespace cadastre
