#include "planner/search/seeds.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "planner/search/branches.h"

namespace cadastre {

namespace {

using HostGroups = std::vector<std::vector<int>>;

class Seeds {
 public:
  Seeds(const PlanningProblem& problem, std::int64_t micro_batch_samples)
      : problem_(problem), work_s_(problem.training.model().num_layers()) {
    const std::vector<LayerCost>& costs = problem.training.layers(micro_batch_samples);
    for (std::size_t i = 0; i < work_s_.size(); ++i)
      work_s_[i] = costs[i].forward_s + costs[i].backward_s;
    by_speed_.resize(problem.cluster.hosts.size());
    std::iota(by_speed_.begin(), by_speed_.end(), 0);
    std::stable_sort(by_speed_.begin(), by_speed_.end(),
                     [&](int a, int b) { return speed(a) > speed(b); });
  }

  std::vector<Draft> run() && {
    const std::size_t num_hosts = by_speed_.size();
    const std::vector<std::vector<std::size_t>> orders = layer_orders();
    const std::vector<BranchPart> parts = branch_parts(problem_.training.model(), work_s_);
    for (const std::size_t k : host_counts()) {
      add_stages(orders.front(), {fastest(k)});
      for (HostGroups groups : groupings(k)) {
        for (int turn = 0; turn < 2; ++turn) {
          for (const std::vector<std::size_t>& order : orders) add_stages(order, groups);
          if (parts.size() > 1) add_branches(parts, groups);
          std::reverse(groups.begin(), groups.end());
        }
      }
    }
    if (num_hosts > 0) add_stages(orders.front(), {{by_speed_.front()}});
    return std::move(drafts_);
  }

 private:
  [[nodiscard]] double speed(int host) const {
    return problem_.cluster.hosts[static_cast<std::size_t>(host)].relative_speed;
  }

  [[nodiscard]] double speed(const std::vector<int>& hosts) const {
    double sum = 0;
    for (const int host : hosts) sum += speed(host);
    return sum;
  }

  [[nodiscard]] std::vector<int> fastest(std::size_t count) const {
    std::vector<int> hosts(by_speed_.begin(),
                           by_speed_.begin() + static_cast<std::ptrdiff_t>(count));
    std::sort(hosts.begin(), hosts.end());
    return hosts;
  }

  /// All numbers of hosts of small clusters, every second power of the square root of 2 of large.
  [[nodiscard]] std::vector<std::size_t> host_counts() const {
    constexpr std::size_t kAllUpTo = 16;
    std::vector<std::size_t> counts;
    std::size_t last = 1;
    for (std::size_t k = 2; k <= by_speed_.size(); ++k) {
      const bool taken = k <= kAllUpTo || k == by_speed_.size() || k * 2 >= last * 3;
      if (!taken) continue;
      counts.push_back(k);
      last = k;
    }
    return counts;
  }

  /// The fastest `count` hosts one by one, and dealt to fewer groups of nearly the same speed.
  [[nodiscard]] std::vector<HostGroups> groupings(std::size_t count) const {
    std::vector<HostGroups> all;
    for (std::size_t num_groups = count; num_groups >= 2; num_groups /= 2) {
      HostGroups groups(num_groups);
      std::vector<double> speeds(num_groups, 0);
      for (std::size_t k = 0; k < count; ++k) {
        const auto least = static_cast<std::size_t>(std::min_element(speeds.begin(), speeds.end()) -
                                                    speeds.begin());
        groups[least].push_back(by_speed_[k]);
        speeds[least] += speed(by_speed_[k]);
      }
      for (std::vector<int>& group : groups) std::sort(group.begin(), group.end());
      all.push_back(std::move(groups));
    }
    return all;
  }

  /// Topological orders: the model's own; and by how far along its longest way each layer is, so
  /// that prefixes reach equally far into all branches.
  [[nodiscard]] std::vector<std::vector<std::size_t>> layer_orders() const {
    const ModelFacts& model = problem_.training.model();
    std::vector<std::size_t> own(model.num_layers());
    std::iota(own.begin(), own.end(), std::size_t{0});
    std::vector<double> before(model.num_layers(), 0);
    std::vector<double> after(model.num_layers(), 0);
    for (std::size_t i = 0; i < model.num_layers(); ++i)
      for (const int read : model.reads[i])
        before[i] = std::max(before[i], before[static_cast<std::size_t>(read)] +
                                            work_s_[static_cast<std::size_t>(read)]);
    for (std::size_t i = model.num_layers(); i-- > 0;)
      for (const int reader : model.read_by[i])
        after[i] = std::max(after[i], after[static_cast<std::size_t>(reader)] +
                                          work_s_[static_cast<std::size_t>(reader)]);
    std::vector<double> place(model.num_layers());
    for (std::size_t i = 0; i < place.size(); ++i) {
      const double way_s = before[i] + work_s_[i] + after[i];
      place[i] = way_s > 0 ? (before[i] + work_s_[i] / 2) / way_s : 0;
      for (const int read : model.reads[i])
        place[i] = std::max(place[i], place[static_cast<std::size_t>(read)]);
    }
    std::vector<std::size_t> even = own;
    std::stable_sort(even.begin(), even.end(),
                     [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
    if (even == own) return {own};
    return {own, even};
  }

  /// Cuts `layers` into consecutive stages, one a group, in proportion to the groups' speeds, and
  /// labels them from `first_label` on.
  void cut(const std::vector<std::size_t>& layers, const HostGroups& groups, Draft& draft) const {
    double work_s = 0;
    for (const std::size_t layer : layers) work_s += work_s_[layer];
    double all_speed = 0;
    for (const std::vector<int>& group : groups) all_speed += speed(group);
    const std::size_t first_stage = draft.stage_hosts.size();
    draft.stage_hosts.insert(draft.stage_hosts.end(), groups.begin(), groups.end());
    std::size_t stage = 0;
    double until_s = work_s * speed(groups.front()) / all_speed;
    double done_s = 0;
    for (const std::size_t layer : layers) {
      while (stage + 1 < groups.size() && done_s + work_s_[layer] / 2 > until_s)
        until_s += work_s * speed(groups[++stage]) / all_speed;
      draft.stage_of_layer[layer] = static_cast<int>(first_stage + stage);
      done_s += work_s_[layer];
    }
  }

  void add_stages(const std::vector<std::size_t>& order, const HostGroups& groups) {
    if (groups.size() > order.size()) return;
    Draft draft{.stage_of_layer = std::vector<int>(order.size(), 0), .stage_hosts = {}};
    cut(order, groups, draft);
    add(std::move(draft));
  }

  /// Deals the groups to the parts, each to the one that has most work for the speed it has; parts
  /// that get none join the part before them.
  void add_branches(const std::vector<BranchPart>& parts, const HostGroups& groups) {
    std::vector<HostGroups> dealt(parts.size());
    std::vector<double> speeds(parts.size(), 0);
    for (const std::vector<int>& group : groups) {
      std::size_t neediest = 0;
      const auto need = [&](std::size_t p) {
        return parts[p].work_s / std::max(speeds[p], speed(group) / 2);
      };
      for (std::size_t p = 1; p < parts.size(); ++p)
        if (need(p) > need(neediest)) neediest = p;
      dealt[neediest].push_back(group);
      speeds[neediest] += speed(group);
    }
    Draft draft{.stage_of_layer = std::vector<int>(work_s_.size(), 0), .stage_hosts = {}};
    std::vector<std::size_t> waiting;  // layers of parts without hosts
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (!dealt[p].empty()) {
        std::vector<std::size_t> layers = std::exchange(waiting, {});
        layers.insert(layers.end(), parts[p].layers.begin(), parts[p].layers.end());
        if (dealt[p].size() > layers.size()) return;
        cut(layers, dealt[p], draft);
      } else if (draft.stage_hosts.empty()) {
        waiting.insert(waiting.end(), parts[p].layers.begin(), parts[p].layers.end());
      } else {
        for (const std::size_t layer : parts[p].layers)
          draft.stage_of_layer[layer] = static_cast<int>(draft.stage_hosts.size()) - 1;
      }
    }
    add(std::move(draft));
  }

  void add(Draft draft) {
    tidy_stages(draft);
    if (std::find(drafts_.begin(), drafts_.end(), draft) == drafts_.end())
      drafts_.push_back(std::move(draft));
  }

  const PlanningProblem& problem_;
  std::vector<double> work_s_;
  std::vector<int> by_speed_;  ///< hosts, fastest first
  std::vector<Draft> drafts_;
};

}  // namespace

std::vector<Draft> seed_drafts(const PlanningProblem& problem, std::int64_t micro_batch_samples) {
  return Seeds(problem, micro_batch_samples).run();
}

}  // namespace cadastre
