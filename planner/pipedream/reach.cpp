#include "planner/pipedream/reach.h"

#include <algorithm>
#include <functional>

namespace cadastre::pipedream {

namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

constexpr double kNone = -std::numeric_limits<double>::infinity();

// Sums are exact; this covers the roundings of products and differences.
constexpr double kSlack = 1e-12;

}  // namespace

Reach::Reach(const CutLattice& lattice, const std::vector<MachineLevel>& levels,
             Clock::time_point deadline)
    : lattice_(lattice),
      levels_(levels),
      levels_state_(levels.size()),
      known_(levels.size()),
      deadline_(deadline) {
  double machines = 1;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    levels_state_[l].machines_in_one = machines;
    levels_state_[l].label.assign(index(lattice.num_cuts()), kUnreached);
    levels_state_[l].reached_by.resize(index(levels[l].num_machines) + 1);
    machines *= levels[l].num_machines;
  }
}

double Reach::s_per_byte(int level, int num_machines, bool is_first) const {
  const auto m = static_cast<double>(num_machines);
  const double shared_by =
      is_first && level > 0 ? static_cast<double>(levels_[index(level - 1)].num_machines) : 1;
  return 4 * (m - 1) / (levels_[index(level)].bandwidth_bytes_per_s * m) / shared_by;
}

bool Reach::time_is_up() {
  if (!out_of_time_ && Clock::now() >= deadline_) out_of_time_ = true;
  return out_of_time_;
}

void Reach::set_label(LevelState& state, int cut, int label) {
  int& current = state.label[index(cut)];
  if (current == kUnreached) state.touched.push_back(cut);
  current = label;
  state.reached_by[index(label)].push_back(cut);
}

bool Reach::fits(int level, int from, int to, double limit_s) {
  if (from == to) return true;
  const double total_s = lattice_.compute_s(to) - lattice_.compute_s(from);
  if (level < 0) return total_s <= limit_s * (1 + kSlack);
  const double machines = machines_in_one(level) * levels_[index(level)].num_machines;
  if (total_s > machines * limit_s * (1 + kSlack)) return false;

  const std::uint64_t pair =
      static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint32_t>(to);
  // A reference into the map stays good while inner levels add to their own.
  Known& known = known_[index(level)][pair];
  if (limit_s >= known.most_s) return true;
  if (limit_s <= known.least_s) return false;
  reach(level, {.sources = {from},
                .to = to,
                .base_s = lattice_.compute_s(to) - machines * limit_s,
                .limit_s = limit_s});
  if (levels_state_[index(level)].label[index(to)] != kUnreached) {
    known.most_s = limit_s;
    return true;
  }
  if (!out_of_time_) known.least_s = limit_s;
  return false;
}

void Reach::reach(int level, const Request& request) {
  LevelState& state = levels_state_[index(level)];
  for (const int cut : state.touched) state.label[index(cut)] = kUnreached;
  state.touched.clear();
  for (std::vector<int>& cuts : state.reached_by) cuts.clear();
  for (const int source : request.sources) set_label(state, source, 0);

  const std::vector<double>& seconds = lattice_.compute_s();
  const double machine_limit_s = state.machines_in_one * request.limit_s;
  const double slack_s = kSlack * std::max(seconds.back(), 0.0);
  const int most = levels_[index(level)].num_machines;
  for (int used = 0; used < most; ++used) {
    std::vector<int> sources;
    for (const int cut : state.reached_by[index(used)])
      if (state.label[index(cut)] == used && cut != request.to) sources.push_back(cut);
    if (sources.empty()) continue;
    std::sort(sources.begin(), sources.end());
    if (level > 0) spread_one_group(level, request, sources, used);
    for (int m = level > 0 ? 2 : 1; used + m <= most; ++m) {
      if (time_is_up() || state.label[index(request.to)] != kUnreached) return;
      // The window of cuts that are of use and within reach.
      const double least_s = request.base_s + (used + m) * machine_limit_s - slack_s;
      const double most_s = seconds[index(sources.back())] + m * machine_limit_s + slack_s;
      if (most_s < least_s) continue;
      const auto begin = seconds.begin() + sources.front() + 1;
      const auto end = seconds.begin() + request.to + 1;
      if (begin >= end) continue;
      const int first = static_cast<int>(std::lower_bound(begin, end, least_s) - seconds.begin());
      const int last = static_cast<int>(std::upper_bound(begin, end, most_s) - seconds.begin()) - 1;
      if (first > last) continue;
      if (level == 0)
        spread_innermost(request, sources, first, last, used, m);
      else
        spread_groups(level, request, sources, first, last, used, m);
    }
  }
}

void Reach::spread_innermost(const Request& request, const std::vector<int>& sources, int first,
                             int last, int used, int num_machines) {
  const double rate = s_per_byte(0, num_machines, used == 0);
  double carried_s = kNone;
  std::size_t next_source = 0;
  for (int cut = first; cut <= last;) {
    const int module = lattice_.module_of(cut);
    const int last_in_module = std::min(last, lattice_.end_cut(module) - 1);
    const auto sum_s = [&](int source) {
      return lattice_.compute_s(source) + rate * lattice_.parameter_bytes(source);
    };
    while (next_source < sources.size() && lattice_.module_of(sources[next_source]) < module)
      carried_s = std::max(carried_s, sum_s(sources[next_source++]));
    std::size_t end_source = next_source;
    while (end_source < sources.size() && sources[end_source] <= last_in_module) ++end_source;
    spread_in_module(request, sources, next_source, end_source, carried_s, cut, last_in_module,
                     used + num_machines, num_machines, rate);
    cut = last_in_module + 1;
  }
}

void Reach::spread_in_module(const Request& request, const std::vector<int>& sources,
                             std::size_t first_source, std::size_t end_source, double carried_s,
                             int first, int last, int label, int num_machines, double s_per_byte) {
  LevelState& state = levels_state_[0];
  const double stage_limit_s = num_machines * request.limit_s * (1 + kSlack);
  const auto sum_s = [&](int cut) {
    return lattice_.compute_s(cut) + s_per_byte * lattice_.parameter_bytes(cut);
  };
  // How much less the greatest source may have, but for rounding.
  const double slack_s = kSlack * sum_s(lattice_.last_cut());
  const auto try_cut = [&](int cut, double greatest_s) {
    if (state.label[index(cut)] > label && sum_s(cut) - greatest_s <= stage_limit_s + slack_s &&
        lattice_.includes(request.to, cut))
      set_label(state, cut, label);
  };
  const auto num_sources = static_cast<std::int64_t>(end_source - first_source);
  if (num_sources == 0) {
    for (int cut = first; cut <= last; ++cut) try_cut(cut, carried_s);
    return;
  }

  const int module = lattice_.module_of(first);
  const int start = std::min(sources[first_source], first);
  constexpr std::int64_t kPassPerCut = 16;  // a pass costs about as much as so many comparisons
  if (num_sources * (last - first + 1) <= kPassPerCut * (last - start + 1)) {
    for (int cut = first; cut <= last; ++cut) {
      if (state.label[index(cut)] <= label) continue;
      double greatest_s = carried_s;
      for (std::size_t s = first_source; s < end_source && sources[s] < cut; ++s)
        if (const double sum = sum_s(sources[s]);
            sum > greatest_s && lattice_.includes(cut, sources[s]))
          greatest_s = sum;
      try_cut(cut, greatest_s);
    }
    return;
  }

  if (covers_.empty()) covers_.resize(index(lattice_.module_of(lattice_.last_cut())) + 1);
  CutLattice::Covers& covers = covers_[index(module)];
  if (covers.begins.empty()) covers = lattice_.covers(module);
  if (most_.empty()) most_.resize(index(lattice_.num_cuts()));
  const int module_start = lattice_.first_cut(module);
  std::size_t next_source = first_source;
  for (int cut = start; cut <= last; ++cut) {
    double greatest_s = carried_s;
    const std::size_t row = index(cut - module_start);
    for (std::size_t c = covers.begins[row]; c < covers.begins[row + 1]; ++c)
      if (covers.cuts[c] >= start) greatest_s = std::max(greatest_s, most_[index(covers.cuts[c])]);
    if (cut >= first) try_cut(cut, greatest_s);
    if (next_source < end_source && sources[next_source] == cut) {
      greatest_s = std::max(greatest_s, sum_s(cut));
      ++next_source;
    }
    most_[index(cut)] = greatest_s;
  }
}

void Reach::spread_one_group(int level, const Request& request, const std::vector<int>& sources,
                             int used) {
  LevelState& state = levels_state_[index(level)];
  const LevelState& inner = levels_state_[index(level - 1)];
  const double group_s = state.machines_in_one * request.limit_s;
  const double base_s = request.base_s + used * group_s;
  reach(level - 1,
        {.sources = sources, .to = request.to, .base_s = base_s, .limit_s = request.limit_s});
  const double least_s =
      base_s + group_s - kSlack * std::max(lattice_.compute_s(lattice_.last_cut()), 0.0);
  std::vector<int> found;
  for (const int cut : inner.touched)
    if (lattice_.compute_s(cut) >= least_s && state.label[index(cut)] > used + 1)
      found.push_back(cut);
  // A cut within another that takes no more machines is never needed. Comparing with some is
  // enough.
  std::sort(found.begin(), found.end(), std::greater<>());
  constexpr std::size_t kCompared = 64;
  std::vector<int> kept;
  for (const int cut : found) {
    const bool is_within = std::any_of(kept.begin(), kept.end(),
                                       [&](int other) { return lattice_.includes(other, cut); });
    if (is_within) continue;
    set_label(state, cut, used + 1);
    if (kept.size() < kCompared) kept.push_back(cut);
  }
}

bool Reach::link_fits(int level, int from, int to, int num_machines, bool is_first,
                      double limit_s) {
  const double bytes = lattice_.parameter_bytes(to) - lattice_.parameter_bytes(from);
  const double rate = s_per_byte(level, num_machines, is_first);
  if (level > 0) {
    const double inner_limit_s = num_machines * limit_s - rate * bytes;
    return inner_limit_s >= 0 && fits(level - 1, from, to, inner_limit_s);
  }
  const double seconds = lattice_.compute_s(to) - lattice_.compute_s(from);
  const int whole = lattice_.last_cut();
  const double slack_s =
      2 * kSlack * (lattice_.compute_s(whole) + rate * lattice_.parameter_bytes(whole));
  return seconds + rate * bytes <= num_machines * limit_s * (1 + kSlack) + slack_s;
}

void Reach::spread_groups(int level, const Request& request, const std::vector<int>& sources,
                          int first, int last, int used, int num_machines) {
  LevelState& state = levels_state_[index(level)];
  const int label = used + num_machines;
  const double stage_s = num_machines * state.machines_in_one * request.limit_s * (1 + kSlack);
  constexpr std::size_t kCompared = 64;
  std::vector<int> kept;  // reached already with this many machines or fewer
  for (int cut = last; cut >= first; --cut) {
    const bool is_within = state.label[index(cut)] <= label ||
                           std::any_of(kept.begin(), kept.end(),
                                       [&](int other) { return lattice_.includes(other, cut); });
    bool is_reached = state.label[index(cut)] <= label;
    if (!is_within && lattice_.includes(request.to, cut)) {
      for (std::size_t s = sources.size(); s-- > 0 && !is_reached;) {
        const int source = sources[s];
        if (source >= cut) continue;
        if (lattice_.compute_s(cut) - lattice_.compute_s(source) > stage_s) break;
        if (!lattice_.includes(cut, source)) continue;
        is_reached = link_fits(level, source, cut, num_machines, used == 0, request.limit_s);
        if (time_is_up()) return;
      }
      if (is_reached) set_label(state, cut, label);
    }
    if (is_reached && kept.size() < kCompared) kept.push_back(cut);
  }
}

std::vector<Reach::Link> Reach::chain(int level, int from, int to, double limit_s) {
  const double machines = machines_in_one(level) * levels_[index(level)].num_machines;
  reach(level, {.sources = {from},
                .to = to,
                .base_s = lattice_.compute_s(to) - machines * limit_s,
                .limit_s = limit_s});
  const LevelState& state = levels_state_[index(level)];
  std::vector<Link> links_found;
  if (state.label[index(to)] == kUnreached) return {};
  std::vector<int> cuts = state.touched;
  std::sort(cuts.begin(), cuts.end(), std::greater<>());
  // Who reached a cut is found again from the end, instead of being kept for every cut.
  const auto link_to = [&](int cut) -> Link {
    const int label = state.label[index(cut)];
    const double machine_limit_s = machines_in_one(level) * limit_s * (1 + kSlack);
    for (const int source : cuts) {
      if (source >= cut || state.label[index(source)] >= label) continue;
      const double seconds = lattice_.compute_s(cut) - lattice_.compute_s(source);
      if (seconds > label * machine_limit_s) break;
      if (!lattice_.includes(cut, source)) continue;
      for (int m = 1; m <= label - state.label[index(source)]; ++m) {
        if (seconds > m * machine_limit_s) continue;
        if (link_fits(level, source, cut, m, source == from, limit_s))
          return {.from = source, .to = cut, .num_machines = m};
      }
    }
    return {.from = cut, .to = cut};
  };
  for (int cut = to; cut != from;) {
    const Link link = link_to(cut);
    if (link.from == link.to) return {};  // the time is up
    links_found.push_back(link);
    cut = link.from;
  }
  std::reverse(links_found.begin(), links_found.end());
  return links_found;
}

}  // namespace cadastre::pipedream
