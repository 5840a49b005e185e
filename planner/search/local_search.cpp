#include "planner/search/local_search.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace cadastre {

namespace {

class Annealing {
 public:
  Annealing(const Draft& start, const Estimator& estimator, const LocalSearchOptions& options)
      : estimator_(estimator),
        options_(options),
        model_(estimator.table().model()),
        num_hosts_(estimator.num_hosts()),
        random_(options.seed) {
    current_.labels = start.stage_of_layer;
    for (const std::vector<int>& hosts : start.stage_hosts)
      current_.placements.push_back(estimator.placement(hosts));
    weigh(current_);
    if (options_.exact)
      current_.score = options_.exact(start, std::numeric_limits<double>::infinity());
    best_ = current_;
  }

  Draft run() {
    for (std::int64_t n = 0; n < options_.num_proposals; ++n) {
      constexpr std::int64_t kAskEvery = 64;
      if (n % kAskEvery == 0 && options_.stop()) break;
      const double left = 1 - static_cast<double>(n) / static_cast<double>(options_.num_proposals);
      proposal_ = current_;
      if (!propose(proposal_) || !is_allowed(proposal_)) continue;
      // The loss that is just accepted is drawn first: it rules out most proposals.
      const double most =
          current_.score * (1 - options_.temperature * left * left * std::log(uniform()));
      weigh(proposal_, most);
      if (options_.exact) {
        if (proposal_.estimate.value > most) continue;
        if (num_weighed_++ == options_.num_weighed) break;
        proposal_.score = options_.exact(draft_of(proposal_), most);
      }
      if (!(proposal_.score <= most)) continue;
      std::swap(current_, proposal_);
      if (current_.score < best_.score) best_ = current_;
    }
    return draft_of(best_);
  }

 private:
  struct State {
    std::vector<int> labels;
    std::vector<const Placement*> placements;
    Estimate estimate;
    double score = 0;
  };

  static Draft draft_of(const State& state) {
    Draft draft{.stage_of_layer = state.labels, .stage_hosts = {}};
    for (const Placement* placement : state.placements)
      draft.stage_hosts.push_back(placement->hosts);
    tidy_stages(draft);
    return draft;
  }

  void weigh(State& state, double enough = std::numeric_limits<double>::infinity()) {
    state.estimate = estimator_.estimate(state.labels, state.placements, enough);
    constexpr double kCrowdingWeight = 0.02;
    state.score = state.estimate.value * (1 + kCrowdingWeight * state.estimate.crowding);
  }

  [[nodiscard]] double uniform() {
    constexpr double kRange = 4294967296.0;
    return (static_cast<double>(random_()) + 0.5) / kRange;  // never 0
  }

  [[nodiscard]] std::size_t below(std::size_t end) { return random_() % end; }

  [[nodiscard]] std::size_t pick_stage(const State& state) {
    constexpr double kCritical = 0.6;
    return uniform() < kCritical ? static_cast<std::size_t>(state.estimate.critical_stage)
                                 : below(state.placements.size());
  }

  /// Changes `state` a little; false when the change drawn is not possible.
  bool propose(State& state) {
    const double kind = uniform();
    if (kind < 0.55) return shift_layers(state);
    if (kind < 0.65) return swap_hosts(state);
    if (kind < 0.75) return move_host(state);
    if (kind < 0.83) return exchange_order(state);
    if (kind < 0.92) return cut_stage(state);
    return unite_stages(state);
  }

  /// Whether each host has one stage, or, interleaved, one or two stages, each with one host.
  [[nodiscard]] bool is_allowed(const State& state) {
    counts_.assign(num_hosts_, 0);
    int most = 0;
    std::size_t most_replicas = 1;
    for (const Placement* placement : state.placements) {
      most_replicas = std::max(most_replicas, placement->hosts.size());
      for (const int host : placement->hosts)
        most = std::max(most, ++counts_[static_cast<std::size_t>(host)]);
    }
    return most <= 1 || (most <= kMostStagesOfHost && most_replicas == 1);
  }

  /// The stages that the layer may be in: [first, last].
  [[nodiscard]] std::pair<int, int> range_of(const State& state, std::size_t layer) const {
    int first = 0;
    int last = static_cast<int>(state.placements.size()) - 1;
    for (const int read : model_.reads[layer])
      first = std::max(first, state.labels[static_cast<std::size_t>(read)]);
    for (const int reader : model_.read_by[layer])
      last = std::min(last, state.labels[static_cast<std::size_t>(reader)]);
    return {first, last};
  }

  /// Moves a layer, or a few, out of a stage or into it; then, as a rule, the stage that got them
  /// gives others on, and so on (an ejection chain, Glover 1996): loads change little by little.
  bool shift_layers(State& state) {
    if (state.placements.size() < 2) return false;
    auto stage = static_cast<int>(pick_stage(state));
    bool outward = uniform() < 0.6;
    constexpr int kMostShifts = 6;
    int shifts = 0;
    for (; shifts < kMostShifts; ++shifts) {
      const int other = shift(state, stage, outward);
      if (other < 0) break;
      stage = other;
      if (uniform() < 0.35) {
        ++shifts;
        break;
      }
      if (uniform() < 0.2) outward = !outward;
    }
    if (shifts == 0) return false;
    drop_empty(state);
    return true;
  }

  /// Moves layers out of the stage to another, or the other way round. Returns the other one, or -1
  /// when nothing could move.
  int shift(State& state, int stage, bool outward) {
    std::size_t most = 1;
    while (most < 16 && uniform() < 0.25) most *= 2;
    int other = -1;
    std::size_t moved = 0;
    // Any layer of the stage may be on its boundary: begin anywhere, go around.
    const std::size_t num_layers = state.labels.size();
    const std::size_t begin = below(num_layers);
    const bool descending = uniform() < 0.5;
    std::size_t next = begin;
    for (std::size_t k = 0; k < num_layers && moved < most; ++k) {
      const std::size_t layer = next;
      if (descending)
        next = (next == 0 ? num_layers : next) - 1;
      else
        next = next + 1 == num_layers ? 0 : next + 1;
      const int at = state.labels[layer];
      if (outward ? at != stage : (at == stage || (other >= 0 && at != other))) continue;
      const auto [first, last] = range_of(state, layer);
      if (first == last) continue;
      if (outward) {
        if (other < 0) other = pick_target(state, layer, first, last);
        if (other == stage) other = -1;
        if (other < first || other > last) continue;
        state.labels[layer] = other;
      } else {
        if (stage < first || stage > last) continue;
        other = at;
        state.labels[layer] = stage;
      }
      ++moved;
    }
    return moved > 0 ? other : -1;
  }

  /// A neighbour's stage, or any that the layer may be in.
  [[nodiscard]] int pick_target(const State& state, std::size_t layer, int first, int last) {
    const std::vector<int>& neighbours =
        uniform() < 0.5 ? model_.reads[layer] : model_.read_by[layer];
    if (!neighbours.empty() && uniform() < 0.8)
      return state.labels[static_cast<std::size_t>(neighbours[below(neighbours.size())])];
    const std::size_t num_stages =
        static_cast<std::size_t>(last) - static_cast<std::size_t>(first) + 1;
    return first + static_cast<int>(below(num_stages));
  }

  void drop_empty(State& state) {
    counts_.assign(state.placements.size(), 0);
    for (const int label : state.labels) ++counts_[static_cast<std::size_t>(label)];
    if (std::find(counts_.begin(), counts_.end(), 0) == counts_.end()) return;
    std::size_t kept = 0;
    for (std::size_t s = 0; s < counts_.size(); ++s) {
      const bool empty = counts_[s] == 0;
      counts_[s] = static_cast<int>(kept);
      if (!empty) state.placements[kept++] = state.placements[s];
    }
    state.placements.resize(kept);
    for (int& label : state.labels) label = counts_[static_cast<std::size_t>(label)];
  }

  bool swap_hosts(State& state) {
    if (state.placements.size() < 2) {
      // The one stage tries other hosts.
      const auto unused = unused_host(state);
      if (unused < 0) return false;
      return replace_host(state, 0, below(state.placements[0]->hosts.size()), unused);
    }
    const std::size_t a = pick_stage(state);
    const std::size_t b = below(state.placements.size());
    if (a == b) return false;
    const int unused = unused_host(state);
    if (unused >= 0 && uniform() < 0.3)
      return replace_host(state, a, below(state.placements[a]->hosts.size()), unused);
    if (uniform() < 0.5) {
      std::swap(state.placements[a], state.placements[b]);
      return true;
    }
    const std::size_t i = below(state.placements[a]->hosts.size());
    const std::size_t j = below(state.placements[b]->hosts.size());
    const int host_a = state.placements[a]->hosts[i];
    const int host_b = state.placements[b]->hosts[j];
    return replace_host(state, a, i, host_b) && replace_host(state, b, j, host_a);
  }

  bool replace_host(State& state, std::size_t stage, std::size_t place, int host) {
    std::vector<int> hosts = state.placements[stage]->hosts;
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) return false;
    hosts[place] = host;
    std::sort(hosts.begin(), hosts.end());
    state.placements[stage] = estimator_.placement(hosts);
    return true;
  }

  [[nodiscard]] std::vector<int> uses_of_hosts(const State& state) const {
    std::vector<int> uses(num_hosts_, 0);
    for (const Placement* placement : state.placements)
      for (const int host : placement->hosts) ++uses[static_cast<std::size_t>(host)];
    return uses;
  }

  /// Any host in no stage, or -1.
  [[nodiscard]] int unused_host(const State& state) {
    const std::vector<int> uses = uses_of_hosts(state);
    const std::size_t begin = below(num_hosts_);
    for (std::size_t k = 0; k < num_hosts_; ++k)
      if (uses[(begin + k) % num_hosts_] == 0) return static_cast<int>((begin + k) % num_hosts_);
    return -1;
  }

  /// A stage gains a replica or loses one.
  bool move_host(State& state) {
    const std::size_t gains = pick_stage(state);
    const double kind = uniform();
    if (kind < 0.3) return remove_host(state, below(state.placements.size())) >= 0;
    int host = unused_host(state);
    if (host < 0 || kind < 0.6) {
      const std::size_t loses = below(state.placements.size());
      if (loses == gains) return false;
      host = remove_host(state, loses);
    }
    return host >= 0 && add_host(state, gains, host);
  }

  /// The host that left the stage, or -1.
  int remove_host(State& state, std::size_t stage) {
    std::vector<int> hosts = state.placements[stage]->hosts;
    if (hosts.size() < 2) return -1;
    const std::size_t place = below(hosts.size());
    const int host = hosts[place];
    hosts.erase(hosts.begin() + static_cast<std::ptrdiff_t>(place));
    state.placements[stage] = estimator_.placement(hosts);
    return host;
  }

  bool add_host(State& state, std::size_t stage, int host) {
    std::vector<int> hosts = state.placements[stage]->hosts;
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) return false;
    hosts.push_back(host);
    std::sort(hosts.begin(), hosts.end());
    state.placements[stage] = estimator_.placement(hosts);
    return true;
  }

  /// Two stages that follow each other and do not depend on each other change places.
  bool exchange_order(State& state) {
    if (state.placements.size() < 2) return false;
    const auto a = static_cast<int>(below(state.placements.size() - 1));
    for (std::size_t i = 0; i < state.labels.size(); ++i) {
      if (state.labels[i] != a) continue;
      for (const int reader : model_.read_by[i])
        if (state.labels[static_cast<std::size_t>(reader)] == a + 1) return false;
    }
    for (int& label : state.labels)
      if (label == a || label == a + 1) label = 2 * a + 1 - label;
    std::swap(state.placements[static_cast<std::size_t>(a)],
              state.placements[static_cast<std::size_t>(a) + 1]);
    return true;
  }

  /// The later part of a stage's layers becomes a stage of its own: on a host that is free, on one
  /// of the stage's replicas, or, interleaved, on a host that has one stage to itself.
  bool cut_stage(State& state) {
    const std::size_t stage = pick_stage(state);
    std::vector<std::size_t> layers;
    for (std::size_t i = 0; i < state.labels.size(); ++i)
      if (state.labels[i] == static_cast<int>(stage)) layers.push_back(i);
    if (layers.size() < 2) return false;
    const std::size_t cut = 1 + below(layers.size() - 1);
    int host = -1;
    const double kind = uniform();
    if (kind < 0.4) host = remove_host(state, stage);
    if (host < 0 && kind < 0.7) host = unused_host(state);
    if (host < 0) {
      if (!options_.interleave) return false;
      const std::size_t other = below(state.placements.size());
      if (other == stage) return false;
      host = state.placements[other]->hosts.front();
    }
    for (int& label : state.labels)
      if (label > static_cast<int>(stage)) ++label;
    for (std::size_t k = cut; k < layers.size(); ++k) ++state.labels[layers[k]];
    const bool swapped = uniform() < 0.5;
    const Placement* added = estimator_.placement({host});
    state.placements.insert(state.placements.begin() + static_cast<std::ptrdiff_t>(stage) + 1,
                            added);
    if (swapped) std::swap(state.placements[stage], state.placements[stage + 1]);
    return true;
  }

  /// Two stages that follow each other become one, on the hosts of both or of one.
  bool unite_stages(State& state) {
    if (state.placements.size() < 2) return false;
    const std::size_t a = below(state.placements.size() - 1);
    std::vector<int> hosts = state.placements[a]->hosts;
    const std::vector<int>& others = state.placements[a + 1]->hosts;
    const double kind = uniform();
    if (kind < 0.5) {
      for (const int host : others)
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    } else if (kind < 0.75) {
      hosts = others;
    }
    std::sort(hosts.begin(), hosts.end());
    for (int& label : state.labels)
      if (label > static_cast<int>(a)) --label;
    state.placements.erase(state.placements.begin() + static_cast<std::ptrdiff_t>(a) + 1);
    state.placements[a] = estimator_.placement(hosts);
    return true;
  }

  const Estimator& estimator_;
  const LocalSearchOptions& options_;
  const ModelFacts& model_;
  std::size_t num_hosts_;
  std::mt19937 random_;
  State current_;
  State best_;
  State proposal_;
  std::vector<int> counts_;
  std::int64_t num_weighed_ = 0;
};

}  // namespace

Draft improve(const Draft& start, const Estimator& estimator, const LocalSearchOptions& options) {
  return Annealing(start, estimator, options).run();
}

}  // namespace cadastre
