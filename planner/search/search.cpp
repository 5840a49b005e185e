#include "planner/search/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
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
  Draft seed;
  Draft draft;                 ///< the best one so far
  double value = 0;            ///< estimated at first, then that of its best plan
  std::int64_t num_tries = 0;  ///< rounds that went on from it
};

bool better(const Lead& a, const Lead& b) { return a.value < b.value; }

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
    if (!done()) try_every_lead();
    // Some more finds a plan that is nearly the best, so that the exact search cuts more.
    constexpr std::int64_t kFewRounds = 8;
    if (!done()) follow_leads(kFewRounds);
    if (!done()) prove();
    if (!done()) follow_leads(std::numeric_limits<std::int64_t>::max());
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

  /// Asked once a step, by whatever searches.
  [[nodiscard]] bool out_of_time() {
    ++num_steps_;
    const double searched_s = elapsed_s();
    return out_of_steps() || searched_s > options_.time_limit_s || out_of_patience(searched_s);
  }

  /// Also notes when the last plan was found that is better by more than a trifle, which is no sign
  /// that more would come.
  [[nodiscard]] bool out_of_patience(double searched_s) {
    constexpr double kTrifle = 0.005;
    if (incumbents_.value() < best_value_ * (1 - kTrifle)) {
      best_value_ = incumbents_.value();
      improved_s_ = searched_s;
    }
    return options_.patience_s > 0 && incumbents_.best() &&
           searched_s - improved_s_ > std::max(options_.patience_s, 2 * improved_s_);
  }

  [[nodiscard]] bool out_of_steps() const {
    return options_.max_steps > 0 && num_steps_ >= options_.max_steps;
  }

  [[nodiscard]] bool done() {
    const double searched_s = elapsed_s();
    if (options_.on_progress) options_.on_progress(searched_s, incumbents_.value(), lower_bound_);
    return proven_ || searched_s > options_.time_limit_s || out_of_steps() ||
           out_of_patience(searched_s) || gap() <= std::max(options_.enough_gap, kTolerance);
  }

  /// Estimates all seeds for all numbers of micro-batches and keeps the most promising.
  void plant_seeds() {
    for (const std::int64_t micro_batches : options_.micro_batches) {
      estimators_.push_back(
          std::make_unique<Estimator>(problem_, options_.goal, options_.batch_size, micro_batches));
      const Estimator& estimator = *estimators_.back();
      std::vector<Lead> leads;
      for (Draft& draft : seed_drafts(problem_, options_.batch_size / micro_batches)) {
        if (!leads.empty() && out_of_time()) break;
        std::vector<const Placement*> placements;
        for (const std::vector<int>& hosts : draft.stage_hosts)
          placements.push_back(estimator.placement(hosts));
        const double value = estimator.estimate(draft.stage_of_layer, placements).value;
        Lead& lead = leads.emplace_back();
        lead.estimator = &estimator;
        lead.seed = draft;
        lead.draft = std::move(draft);
        lead.value = value;
      }
      std::stable_sort(leads.begin(), leads.end(), better);
      keep_different(leads);
      leads_.insert(leads_.end(), leads.begin(), leads.end());
      if (done()) break;
    }
    std::stable_sort(leads_.begin(), leads_.end(), better);
  }

  /// Of the leads of one number of micro-batches, best first, the best with each number of stages,
  /// a few in all.
  static void keep_different(std::vector<Lead>& leads) {
    constexpr std::size_t kMostLeads = 4;
    std::vector<Lead> kept;
    for (Lead& lead : leads) {
      if (kept.size() == kMostLeads) break;
      const std::size_t num_stages = lead.draft.stage_hosts.size();
      if (std::none_of(kept.begin(), kept.end(), [&](const Lead& other) {
            return other.draft.stage_hosts.size() == num_stages;
          }))
        kept.push_back(std::move(lead));
    }
    leads = std::move(kept);
  }

  /// A short annealing from every lead; from then on leads are known by what their plans are worth.
  void try_every_lead() {
    // Estimates are too low by a tenth or two; what is behind by more is left alone.
    constexpr double kHopeless = 1.35;
    std::erase_if(leads_, [&, least = leads_.front().value](const Lead& lead) {
      return lead.value > least * kHopeless;
    });
    for (Lead& lead : leads_) {
      if (done()) break;
      lead.value = std::numeric_limits<double>::infinity();
      anneal(lead, lead.seed, LocalSearchOptions{.num_proposals = 500 + 10 * num_layers()});
    }
    std::stable_sort(leads_.begin(), leads_.end(), better);
  }

  /// Rounds of annealing, half of them from the best lead, a quarter from the second, and so on,
  /// and longer the more there were: in turns from the lead's seed anew, from its best draft in
  /// little steps, and from that on exact values.
  void follow_leads(std::int64_t num_rounds) {
    for (std::int64_t round = 0; round < num_rounds && !leads_.empty() && !done(); ++round) {
      const auto number = static_cast<std::uint64_t>(++rounds_);
      std::size_t pick = 0;
      while (((number >> pick) & 1) == 0 && pick + 1 < leads_.size()) ++pick;
      Lead& lead = leads_[pick];
      constexpr std::int64_t kRoundsToDouble = 6;
      constexpr std::int64_t kMostDoublings = 9;
      const std::int64_t doublings = std::min(rounds_ / kRoundsToDouble, kMostDoublings);
      LocalSearchOptions options{.num_proposals = (2000 + 30 * num_layers()) << doublings};
      const std::int64_t turn = lead.num_tries++ % 3;
      if (turn == 0 && exact_weighings(lead) > 0) {
        options.num_proposals = 4000;
        options.num_weighed = exact_weighings(lead);
        options.temperature = 0.005;
      } else if (turn == 1) {
        options.temperature = 0.005;
      }
      anneal(lead, turn == 2 ? lead.seed : lead.draft, options);
      std::stable_sort(leads_.begin(), leads_.end(), better);
    }
  }

  /// The lead goes on from what the annealing found where that is better.
  void anneal(Lead& lead, const Draft& start, LocalSearchOptions options) {
    const std::int64_t micro_batches = lead.estimator->micro_batches();
    std::optional<Schedule> favourite;  // that of the last draft that was not too bad
    const auto exact_value = [&](const Draft& draft, double enough) {
      // What is this much worse under the schedule of its neighbours is seldom good under others.
      constexpr double kFarAbove = 1.03;
      std::vector<Schedule> schedules = allowed_schedules(draft);
      if (micro_batches == 1) schedules.resize(1);  // they are one
      const auto first = std::find(schedules.begin(), schedules.end(), favourite);
      if (first != schedules.end()) std::rotate(schedules.begin(), first, first + 1);
      double least = std::numeric_limits<double>::infinity();
      std::optional<Schedule> best;
      for (const Schedule schedule : schedules) {
        double of_schedule = std::numeric_limits<double>::infinity();
        for (LoweredDivision& lowered : complete(draft, options_.batch_size, micro_batches,
                                                 options_.goal, problem_, {schedule})) {
          Candidate candidate = evaluate(std::move(lowered), options_.goal, problem_);
          if (acceptable(candidate, options_.goal))
            of_schedule = std::min(of_schedule, candidate.value);
          incumbents_.offer(std::move(candidate));
        }
        if (of_schedule < least) {
          least = of_schedule;
          best = schedule;
        }
        if (std::isfinite(of_schedule) && of_schedule > enough * kFarAbove) break;
      }
      if (best && least <= enough) favourite = best;
      return least;
    };
    options.seed = static_cast<std::uint32_t>(++num_annealings_);
    options.interleave = num_annealings_ % 3 == 0;
    options.stop = [&] { return out_of_time(); };
    if (options.num_weighed > 0) options.exact = exact_value;
    Draft draft = improve(start, *lead.estimator, options);
    const double value = exact_value(draft, std::numeric_limits<double>::infinity());
    if (value >= lead.value) return;
    lead.value = value;
    lead.draft = std::move(draft);
  }

  [[nodiscard]] std::int64_t num_layers() const {
    return static_cast<std::int64_t>(problem_.training.model().num_layers());
  }

  /// How many plans a round on exact values may weigh in about the time of one on estimates; 0
  /// when their programs are too long for it to make sense.
  [[nodiscard]] static std::int64_t exact_weighings(const Lead& lead) {
    constexpr std::int64_t kInstructions = 600'000;
    constexpr std::int64_t kInstructionsOfPass = 8;
    constexpr std::int64_t kFewest = 100;
    const std::int64_t weighings =
        kInstructions / (static_cast<std::int64_t>(lead.draft.stage_hosts.size()) *
                         lead.estimator->micro_batches() * kInstructionsOfPass);
    return weighings < kFewest ? 0 : weighings;
  }

  void prove() {
    const double begun_s = elapsed_s();
    // Where it does not end soon it seldom ends at all; annealing makes better use of the rest.
    constexpr double kPartOfRest = 0.6;
    const double until_s = begun_s + (options_.time_limit_s - begun_s) * kPartOfRest;
    const auto until_steps =
        num_steps_ + static_cast<std::int64_t>(
                         kPartOfRest * static_cast<double>(options_.max_steps - num_steps_));
    const auto stop = [&] {
      ++num_steps_;
      return elapsed_s() > until_s || (options_.max_steps > 0 && num_steps_ > until_steps) ||
             done();
    };
    const BranchAndBoundResult proof = branch_and_bound(problem_, options_.goal,
                                                        {.batch_size = options_.batch_size,
                                                         .micro_batches = options_.micro_batches,
                                                         .max_downsets = options_.max_downsets,
                                                         .stop = stop},
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
  /// Of the last plan noted as better, and when that was.
  double best_value_ = std::numeric_limits<double>::infinity();
  double improved_s_ = 0;
  bool proven_ = false;
  std::vector<std::unique_ptr<Estimator>> estimators_;
  std::vector<Lead> leads_;
  std::int64_t num_steps_ = 0;  ///< how often it was asked whether to stop
  std::int64_t rounds_ = 0;
  std::int64_t num_annealings_ = 0;
};

}  // namespace

SearchResult search_plan(const PlanningProblem& problem, const SearchOptions& options,
                         const std::vector<Candidate>& offered) {
  return Search(problem, options).run(offered);
}

}  // namespace cadastre
