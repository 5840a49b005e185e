#include "planner/strategies.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "planner/lowering.h"
#include "planner/pipedream/strategy.h"
#include "planner/search/branches.h"
#include "planner/search/incumbent.h"

namespace cadastre {

namespace {

/// Makes the baselines; `work_s` is what each layer takes for one sample on a host of speed 1.
class Baselines {
 public:
  explicit Baselines(const PlanningProblem& problem)
      : problem_(problem),
        model_(problem.training.model()),
        work_s_(model_.num_layers()),
        by_speed_(problem.cluster.hosts.size()) {
    const std::vector<LayerCost>& costs =
        problem.training.layers(problem.training.measured_sizes().back());
    for (std::size_t i = 0; i < work_s_.size(); ++i)
      work_s_[i] = costs[i].forward_s + costs[i].backward_s;
    std::iota(by_speed_.begin(), by_speed_.end(), 0);
    std::stable_sort(by_speed_.begin(), by_speed_.end(),
                     [&](int a, int b) { return speed(a) > speed(b); });
  }

  [[nodiscard]] Draft everything_on(std::vector<int> hosts) const {
    std::sort(hosts.begin(), hosts.end());
    return {.stage_of_layer = std::vector<int>(model_.num_layers(), 0),
            .stage_hosts = {std::move(hosts)}};
  }

  [[nodiscard]] Draft single() const { return everything_on({by_speed_.front()}); }

  [[nodiscard]] std::optional<Draft> data_parallel() const {
    if (by_speed_.size() < 2) return std::nullopt;
    return everything_on(by_speed_);
  }

  /// `apart`: what the branches meet in has a host of its own, the slowest.
  [[nodiscard]] std::optional<Draft> branches(bool apart) const {
    const Branches found = meeting_branches();
    if (found.num_branches < 2 || by_speed_.size() < (apart ? 3U : 2U)) return std::nullopt;
    const std::size_t num_places = by_speed_.size() - (apart ? 1 : 0);
    std::vector<double> load_s(num_places, 0);
    std::vector<std::size_t> place_of(found.num_branches);
    for (const std::size_t branch : found.heaviest_first) {
      std::size_t best = 0;
      const auto loaded_s = [&](std::size_t place) {
        return (load_s[place] + found.parts[branch].work_s) / speed(by_speed_[place]);
      };
      for (std::size_t place = 1; place < num_places; ++place)
        if (loaded_s(place) < loaded_s(best)) best = place;
      load_s[best] += found.parts[branch].work_s;
      place_of[branch] = best;
    }
    const std::size_t trunk = apart ? num_places : place_of[found.heaviest_first.front()];
    std::vector<std::vector<int>> hosts_of_place;
    for (const int host : by_speed_) hosts_of_place.push_back({host});
    return placed(found, place_of, trunk, hosts_of_place);
  }

  [[nodiscard]] std::optional<Draft> hybrid() const {
    const Branches found = meeting_branches();
    if (found.num_branches < 2 || by_speed_.size() <= found.num_branches) return std::nullopt;
    std::vector<std::vector<int>> hosts_of_branch(found.num_branches);
    std::vector<double> speed_of_branch(found.num_branches, 0);
    for (const int host : by_speed_) {
      // The fastest hosts first, to the branch that waits longest for its work to be done.
      std::size_t neediest = found.heaviest_first.front();
      for (const std::size_t branch : found.heaviest_first) {
        const auto takes_s = [&](std::size_t of) {
          return speed_of_branch[of] > 0 ? found.parts[of].work_s / speed_of_branch[of]
                                         : std::numeric_limits<double>::infinity();
        };
        if (takes_s(branch) > takes_s(neediest)) neediest = branch;
      }
      hosts_of_branch[neediest].push_back(host);
      speed_of_branch[neediest] += speed(host);
    }
    std::vector<std::size_t> place_of(found.num_branches);
    std::iota(place_of.begin(), place_of.end(), std::size_t{0});
    for (std::vector<int>& hosts : hosts_of_branch) std::sort(hosts.begin(), hosts.end());
    return placed(found, place_of, found.heaviest_first.front(), hosts_of_branch);
  }

  [[nodiscard]] std::optional<Draft> equal_layers() const {
    const std::size_t num_layers = model_.num_layers();
    const std::size_t num_stages = std::min(by_speed_.size(), num_layers);
    if (num_stages < 2) return std::nullopt;
    Draft draft{.stage_of_layer = std::vector<int>(num_layers, 0), .stage_hosts = {}};
    for (std::size_t s = 0; s < num_stages; ++s) {
      draft.stage_hosts.push_back({static_cast<int>(s)});
      for (std::size_t i = s * num_layers / num_stages; i < (s + 1) * num_layers / num_stages; ++i)
        draft.stage_of_layer[i] = static_cast<int>(s);
    }
    return draft;
  }

  [[nodiscard]] std::optional<Draft> equal_compute() const {
    if (std::min(by_speed_.size(), model_.num_layers()) < 2) return std::nullopt;
    const double all_s = std::accumulate(work_s_.begin(), work_s_.end(), 0.0);
    double all_speed = 0;
    for (const int host : by_speed_) all_speed += speed(host);
    Draft draft{.stage_of_layer = std::vector<int>(model_.num_layers(), 0), .stage_hosts = {}};
    for (const int host : by_speed_) draft.stage_hosts.push_back({host});
    std::size_t stage = 0;
    double until_s = all_s * speed(by_speed_.front()) / all_speed;
    double done_s = 0;
    for (std::size_t i = 0; i < model_.num_layers(); ++i) {
      while (stage + 1 < by_speed_.size() && done_s + work_s_[i] / 2 > until_s)
        until_s += all_s * speed(by_speed_[++stage]) / all_speed;
      draft.stage_of_layer[i] = static_cast<int>(stage);
      done_s += work_s_[i];
    }
    tidy_stages(draft);
    return draft;
  }

  [[nodiscard]] std::optional<Draft> greedy() const {
    if (std::min(by_speed_.size(), model_.num_layers()) < 2) return std::nullopt;
    // Stage s is the s-th fastest host's: a layer may go to the stages not before those it reads.
    Draft draft{.stage_of_layer = std::vector<int>(model_.num_layers(), 0), .stage_hosts = {}};
    for (const int host : by_speed_) draft.stage_hosts.push_back({host});
    std::vector<double> free_s(by_speed_.size(), 0);
    std::vector<double> end_s(model_.num_layers(), 0);
    for (std::size_t i = 0; i < model_.num_layers(); ++i) {
      std::size_t first = 0;
      for (const int read : model_.reads[i])
        first = std::max(
            first, static_cast<std::size_t>(draft.stage_of_layer[static_cast<std::size_t>(read)]));
      const auto finishes_s = [&](std::size_t stage) {
        double ready_s = free_s[stage];
        for (const int read : model_.reads[i]) {
          const auto r = static_cast<std::size_t>(read);
          const auto from = static_cast<std::size_t>(draft.stage_of_layer[r]);
          double arrives_s = end_s[r];
          if (from != stage) {
            const Way& way = problem_.network.routes.way(by_speed_[from], by_speed_[stage]);
            arrives_s += way.latency_s + static_cast<double>(model_.activation_bytes[r]) /
                                             way.bandwidth_bytes_per_s;
          }
          ready_s = std::max(ready_s, arrives_s);
        }
        return ready_s + work_s_[i] / speed(by_speed_[stage]);
      };
      std::size_t best = first;
      for (std::size_t stage = first + 1; stage < by_speed_.size(); ++stage)
        if (finishes_s(stage) < finishes_s(best)) best = stage;
      draft.stage_of_layer[i] = static_cast<int>(best);
      end_s[i] = free_s[best] = finishes_s(best);
    }
    tidy_stages(draft);
    return draft;
  }

 private:
  [[nodiscard]] double speed(int host) const {
    return problem_.cluster.hosts[static_cast<std::size_t>(host)].relative_speed;
  }

  /// The parts that run into the model's first meeting point, and all others behind them.
  struct Branches {
    std::vector<BranchPart> parts;  ///< the branches first
    std::size_t num_branches = 0;
    std::vector<std::size_t> heaviest_first;  ///< of the branches
  };

  [[nodiscard]] Branches meeting_branches() const {
    Branches found{.parts = branch_parts(model_, work_s_), .num_branches = 0, .heaviest_first = {}};
    while (found.num_branches < found.parts.size() &&
           !depends_on_others(found.parts[found.num_branches], found.parts))
      ++found.num_branches;
    found.heaviest_first.resize(found.num_branches);
    std::iota(found.heaviest_first.begin(), found.heaviest_first.end(), std::size_t{0});
    std::stable_sort(found.heaviest_first.begin(), found.heaviest_first.end(),
                     [&](std::size_t a, std::size_t b) {
                       return found.parts[a].work_s > found.parts[b].work_s;
                     });
    return found;
  }

  /// A stage for each place in use; that of the place where the rest goes comes last.
  [[nodiscard]] Draft placed(const Branches& found, const std::vector<std::size_t>& place_of,
                             std::size_t trunk,
                             const std::vector<std::vector<int>>& hosts_of_place) const {
    std::vector<int> stage_of_place(hosts_of_place.size(), -1);
    Draft draft{.stage_of_layer = std::vector<int>(model_.num_layers(), 0), .stage_hosts = {}};
    const auto open = [&](std::size_t place) {
      if (stage_of_place[place] >= 0) return;
      stage_of_place[place] = static_cast<int>(draft.stage_hosts.size());
      draft.stage_hosts.push_back(hosts_of_place[place]);
    };
    for (const std::size_t place : place_of)
      if (place != trunk) open(place);
    open(trunk);
    for (std::size_t p = 0; p < found.parts.size(); ++p)
      for (const std::size_t layer : found.parts[p].layers)
        draft.stage_of_layer[layer] = stage_of_place[p < found.num_branches ? place_of[p] : trunk];
    return draft;
  }

  [[nodiscard]] bool depends_on_others(const BranchPart& part,
                                       const std::vector<BranchPart>& parts) const {
    for (const std::size_t layer : part.layers)
      for (const int read : model_.reads[layer])
        if (!std::binary_search(part.layers.begin(), part.layers.end(),
                                static_cast<std::size_t>(read)))
          return !parts.empty();
    return false;
  }

  const PlanningProblem& problem_;
  const ModelFacts& model_;
  std::vector<double> work_s_;
  std::vector<int> by_speed_;  ///< hosts, fastest first
};

}  // namespace

const std::vector<std::string>& baseline_names() {
  static const std::vector<std::string> names = {
      "single",   "data-parallel", "parameter-averaging", "branch",    "fusion-apart",
      "hybrid",   "pipeline",      "equal-compute",       "pipedream", "greedy"};
  return names;
}

std::optional<Draft> baseline_draft(const std::string& name, const Profile& profile,
                                    const PlanningProblem& problem) {
  const Baselines baselines(problem);
  if (name == "single") return baselines.single();
  if (name == "data-parallel" || name == "parameter-averaging") return baselines.data_parallel();
  if (name == "branch") return baselines.branches(/*apart=*/false);
  if (name == "fusion-apart") return baselines.branches(/*apart=*/true);
  if (name == "hybrid") return baselines.hybrid();
  if (name == "pipeline") return baselines.equal_layers();
  if (name == "equal-compute") return baselines.equal_compute();
  if (name == "pipedream") return pipedream::pipedream_draft(profile, problem.cluster);
  if (name == "greedy") return baselines.greedy();
  return std::nullopt;
}

std::vector<std::int64_t> micro_batch_choices(std::int64_t batch_size, std::int64_t granularity) {
  constexpr std::int64_t kMost = 1024;
  const std::int64_t num_groups = batch_size / granularity;
  std::vector<std::int64_t> choices;
  for (std::int64_t m = 1; m <= std::min(num_groups, kMost); ++m)
    if (num_groups % m == 0) choices.push_back(m);
  return choices;
}

std::optional<Candidate> best_setting(const Draft& draft, std::int64_t averaging_period,
                                      std::int64_t batch_size,
                                      const std::vector<std::int64_t>& micro_batches,
                                      const Goal& goal, const PlanningProblem& problem,
                                      const std::function<bool()>& stop) {
  Incumbents incumbents(goal, problem);
  for (const std::int64_t count : micro_batches) {
    if ((incumbents.best() || incumbents.least_lacking()) && stop()) break;
    for (LoweredDivision& lowered : complete(draft, batch_size, count, goal, problem)) {
      if (averaging_period > 0) {
        lowered.division.averaging_period = averaging_period;
        lowered.program = lower(lowered.division, problem.training.model());
      }
      incumbents.offer(evaluate(std::move(lowered), goal, problem));
    }
  }
  return incumbents.best() ? incumbents.best() : incumbents.least_lacking();
}

}  // namespace cadastre
