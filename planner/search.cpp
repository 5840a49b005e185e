#include "planner/search.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "planner/cost_model.h"
#include "planner/downsets.h"
#include "planner/host_sets.h"
#include "planner/prediction.h"
#include "planner/program.h"
#include "planner/stage_bounds.h"
#include "planner/strategies.h"

namespace cadastre {

namespace {

/// A difference below this part of the step time is rounding, not a better plan.
constexpr double kTolerance = 1e-9;

class BranchAndBound {
 public:
  BranchAndBound(const Profile& profile, const Cluster& cluster, const SearchOptions& options,
                 const Plan& start)
      : profile_(profile),
        cluster_(cluster),
        options_(options),
        downsets_(enumerate_downsets(profile.model, options.max_downsets)),
        host_sets_(cluster),
        best_(start),
        began_(Clock::now()) {
    best_.strategy = "auto";
  }

  SearchResult run() {
    // Narrow searches first: they look at the most promising children only, soon find a plan that
    // is nearly the best, and so the whole search cuts more.
    for (const std::size_t width : {std::size_t{2}, std::size_t{5}, kUnlimited}) search(width);
    SearchResult result{.best = best_, .report = {}};
    double lower_s = std::min(best_.predicted.step_s, least_open_s_);
    if (!downsets_.complete || !host_sets_.complete()) lower_s = std::min(lower_s, least_root_s_);
    result.report.lower_bound_s = lower_s;
    result.report.optimality_gap =
        best_.predicted.step_s > 0 ? 1 - lower_s / best_.predicted.step_s : 0;
    result.report.num_evaluated = num_evaluated_;
    result.report.search_s = elapsed_s();
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  struct Child {
    PlacedStage stage;
    std::vector<std::vector<StageChain>> chains;
    double bound_s = 0;
  };

  /// Looks at `width` children of each node at most.
  void search(std::size_t width) {
    // Many micro-batches first: their plans are the better ones as a rule, and a good plan cuts
    // more.
    std::vector<std::int64_t> counts = options_.micro_batches;
    std::sort(counts.rbegin(), counts.rend());
    width_ = width;
    for (const std::int64_t micro_batches : counts) {
      StageBounds bounds(profile_, cluster_, downsets_, options_.batch_size, micro_batches);
      bounds_ = &bounds;
      micro_batches_ = micro_batches;
      stages_.clear();
      used_.assign(cluster_.hosts.size(), false);
      least_root_s_ = std::min(least_root_s_, bounds.rest_s(0, free_speed()));
      extend(0, {}, 0);
    }
    bounds_ = nullptr;
  }

  [[nodiscard]] double elapsed_s() const {
    return std::chrono::duration<double>(Clock::now() - began_).count();
  }

  [[nodiscard]] bool out_of_time() {
    // The clock costs more than a node does.
    if (!out_of_time_ && ++num_asked_ % 64 == 0) {
      const double searched_s = elapsed_s();
      out_of_time_ = searched_s > options_.time_limit_s;
      if (options_.on_progress) options_.on_progress(searched_s, best_.predicted.step_s);
    }
    return out_of_time_;
  }

  [[nodiscard]] double free_speed() const {
    double speed = 0;
    for (std::size_t h = 0; h < used_.size(); ++h)
      if (!used_[h]) speed += cluster_.hosts[h].relative_speed;
    return speed;
  }

  [[nodiscard]] bool can_win(double bound_s) const {
    return !best_.predicted.fits_memory || bound_s < best_.predicted.step_s * (1 - kTolerance);
  }

  /// Of plans that are the same up to the order of stages that do not depend on each other, only
  /// the one is looked at in which such neighbours come in the order of their first layers.
  [[nodiscard]] bool in_order(const PlacedStage& stage) const {
    if (stages_.empty()) return true;
    const PlacedStage& before = stages_.back();
    if (bounds_->depends(stage, before)) return true;
    const auto first_layer = [&](const PlacedStage& s) {
      return downsets_.sets[s.upto].without(downsets_.sets[s.below]).front();
    };
    return first_layer(before) < first_layer(stage);
  }

  void extend(std::size_t covered, const std::vector<std::vector<StageChain>>& chains,
              double bound_s) {
    const std::size_t whole = downsets_.sets.size() - 1;
    if (covered == whole) {
      evaluate_leaf();
      return;
    }
    std::vector<Child> children;
    const double free = free_speed();
    for (const std::vector<int>& hosts : host_sets_.choices(used_)) {
      double speed = 0;
      for (const int host : hosts)
        speed += cluster_.hosts[static_cast<std::size_t>(host)].relative_speed;
      const bool last_hosts = all_used_with(hosts);
      const double left = last_hosts ? 0 : free - speed;
      const int num_left = static_cast<int>(std::count(used_.begin(), used_.end(), false)) -
                           static_cast<int>(hosts.size());
      const StageBounds::Placement placement = bounds_->on(hosts);
      for (std::size_t upto = covered + 1; upto <= whole; ++upto) {
        if (last_hosts && upto != whole) continue;
        if (!downsets_.sets[upto].includes(downsets_.sets[covered])) continue;
        const double rest_s = upto == whole ? 0 : bounds_->rest_s(upto, left);
        if (!can_win(rest_s)) continue;
        Child child{.stage = placement.place(covered, upto), .chains = {}, .bound_s = bound_s};
        child.bound_s = std::max({bound_s, child.stage.cycle_s, rest_s});
        if (!can_win(child.bound_s) || !bounds_->parameters_fit(child.stage) ||
            !in_order(child.stage))
          continue;
        child.chains = chains;
        stages_.push_back(child.stage);
        child.bound_s =
            std::max(child.bound_s, bounds_->bound_s(stages_, upto == whole ? 0 : left,
                                                     upto == whole ? 0 : num_left, child.chains));
        stages_.pop_back();
        if (can_win(child.bound_s)) children.push_back(std::move(child));
      }
    }
    std::stable_sort(children.begin(), children.end(),
                     [](const Child& a, const Child& b) { return a.bound_s < b.bound_s; });
    std::size_t num_looked_at = 0;
    for (const Child& child : children) {
      if (!can_win(child.bound_s) || num_looked_at++ == width_) break;
      if (out_of_time()) {
        if (width_ == kUnlimited) least_open_s_ = std::min(least_open_s_, child.bound_s);
        break;
      }
      stages_.push_back(child.stage);
      for (const int host : child.stage.hosts) used_[static_cast<std::size_t>(host)] = true;
      extend(child.stage.upto, child.chains, child.bound_s);
      for (const int host : child.stage.hosts) used_[static_cast<std::size_t>(host)] = false;
      stages_.pop_back();
    }
  }

  [[nodiscard]] bool all_used_with(const std::vector<int>& hosts) const {
    const auto num_used = static_cast<std::size_t>(std::count(used_.begin(), used_.end(), true));
    return num_used + hosts.size() == used_.size();
  }

  void evaluate_leaf() {
    std::vector<Stage> stages;
    for (const PlacedStage& placed : stages_) {
      Stage stage{.layers = {}, .replicas = replicas_by_speed(cluster_, placed.hosts)};
      for (const std::size_t layer :
           downsets_.sets[placed.upto].without(downsets_.sets[placed.below]))
        stage.layers.push_back(profile_.model.layers[layer].id);
      stages.push_back(std::move(stage));
    }
    for (const Schedule schedule : {Schedule::kOneForwardOneBackward, Schedule::kGpipe}) {
      Plan plan{.strategy = "auto",
                .batch_size = options_.batch_size,
                .micro_batches = micro_batches_,
                .schedule = schedule,
                .stages = stages,
                .predicted = {},
                .simulated_step_s = {}};
      const Program program = lower(plan, profile_.model, cluster_);
      ++num_evaluated_;
      if (!can_win(step_seconds(program, program_costs(program, plan, profile_, cluster_),
                                NetworkCosts(cluster_))
                       .step_s))
        continue;
      plan.predicted = predict(plan, profile_, cluster_);
      if (plan.predicted.fits_memory) best_ = std::move(plan);
    }
  }

  const Profile& profile_;
  const Cluster& cluster_;
  const SearchOptions& options_;
  Downsets downsets_;
  HostSets host_sets_;
  Plan best_;
  Clock::time_point began_;

  StageBounds* bounds_ = nullptr;
  std::int64_t micro_batches_ = 1;
  std::vector<PlacedStage> stages_;
  std::vector<bool> used_;
  std::size_t width_ = kUnlimited;
  double least_root_s_ = std::numeric_limits<double>::infinity();  ///< all work, shared perfectly
  double least_open_s_ = std::numeric_limits<double>::infinity();
  std::int64_t num_evaluated_ = 0;
  std::int64_t num_asked_ = 0;
  bool out_of_time_ = false;
};

}  // namespace

SearchResult search_plan(const Profile& profile, const Cluster& cluster,
                         const SearchOptions& options, const Plan& start) {
  return BranchAndBound(profile, cluster, options, start).run();
}

}  // namespace cadastre
