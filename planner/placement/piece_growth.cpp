#include "planner/placement/piece_growth.h"

#include <algorithm>
#include <numeric>

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sums of the same numbers in another order differ by less than this part.
constexpr double kRounding = 1e-10;

/// Going over so many groups takes about as long as a step.
constexpr std::size_t kGroupsPerStep = 16;

}  // namespace

PieceRules::PieceRules(const PieceGraph& of, const Devices& on, const BackwardPieces& backward)
    : graph(of),
      devices(on),
      relief(of),
      dependent_work_ms(of.num_groups()),
      memory_binds(std::accumulate(of.size_bytes.begin(), of.size_bytes.end(), 0.0) >
                   on.accelerator_bytes),
      backward_follows(backward.follow_forward()) {
  for (std::size_t g = of.num_groups(); g-- > 0;) {
    for (const std::uint32_t after : of.successors[g])
      dependent_work_ms[g] = std::max(dependent_work_ms[g], dependent_work_ms[after]);
    if (of.runs_on_accelerator[g] != 0) dependent_work_ms[g] += of.accelerator_ms[g];
  }
}

double PieceLook::least_ms() const { return std::max(limit_ms, next_limit_ms * (1 - kRounding)); }

PieceGrowth::PieceGrowth(const PieceRules& rules, PieceLook& look)
    : rules_(rules),
      graph_(rules.graph),
      devices_(rules.devices),
      look_(look),
      all_nets_ms_(graph_.num_groups(), 0),
      words_((graph_.num_groups() + 63) / 64),
      num_missing_(graph_.num_groups()),
      is_excluded_(graph_.num_groups()),
      num_before_(graph_.net_ms.size()),
      num_in_(graph_.net_ms.size()),
      num_excluded_(graph_.net_ms.size()) {
  for (std::uint32_t g = 0; g < graph_.num_groups(); ++g)
    for (const std::uint32_t e : graph_.nets_of_group[g]) all_nets_ms_[g] += graph_.net_ms[e];
}

/// Work that accelerators do unless a CPU takes it over.
double PieceGrowth::accelerator_work_ms(std::uint32_t g) const {
  return graph_.runs_on_accelerator[g] != 0 ? graph_.accelerator_ms[g] : 0;
}

bool PieceGrowth::runs_on_accelerator(std::uint32_t g) const {
  return graph_.runs_on_accelerator[g] != 0 && graph_.size_bytes[g] <= devices_.accelerator_bytes;
}

/// No piece's load can rise by more when it takes g.
double PieceGrowth::most_added_ms(std::uint32_t g) const {
  return kind_ == DeviceKind::kCpu ? graph_.cpu_ms[g] : graph_.accelerator_ms[g] + all_nets_ms_[g];
}

double PieceGrowth::own_ms(std::uint32_t g) const {
  return kind_ == DeviceKind::kCpu ? graph_.cpu_ms[g] : graph_.accelerator_ms[g];
}

bool PieceGrowth::contains(std::uint32_t g) const {
  return ((words_[g / 64] >> (g % 64)) & 1) != 0;
}

void PieceGrowth::start_from(std::span<const std::uint64_t> downset) {
  std::copy(downset.begin(), downset.end(), words_.begin());
  std::fill(num_before_.begin(), num_before_.end(), 0);
  left_work_ms_ = left_cpu_only_ms_ = left_bytes_ = 0;
  num_left_ = 0;
  first_ready_.clear();
  for (std::uint32_t g = 0; g < graph_.num_groups(); ++g) {
    if (contains(g)) {
      for (const std::uint32_t e : graph_.nets_of_group[g]) ++num_before_[e];
      continue;
    }
    ++num_left_;
    left_work_ms_ += accelerator_work_ms(g);
    left_bytes_ += graph_.size_bytes[g];
    if (!runs_on_accelerator(g)) left_cpu_only_ms_ += graph_.cpu_ms[g];
    num_missing_[g] = 0;
    for (const std::uint32_t before : graph_.predecessors[g])
      if (!contains(before)) ++num_missing_[g];
    if (num_missing_[g] == 0) first_ready_.push_back(g);
  }
  num_steps_ = 0;
  num_steps_until_look_ -= std::min(num_steps_until_look_, graph_.num_groups() / kGroupsPerStep);
}

void PieceGrowth::each_piece(DeviceKind kind, std::size_t num_accelerators, std::size_t num_cpus,
                             const std::function<bool()>& take) {
  kind_ = kind;
  const auto accelerators = static_cast<double>(num_accelerators);
  const auto cpus = static_cast<double>(num_cpus);
  const CpuRelief::Relief relief = rules_.relief.in(cpus * look_.limit_ms);
  rest_capacity_ms_ = accelerators * look_.limit_ms + relief.accelerator_ms;
  rest_capacity_slope_ = accelerators + cpus * relief.per_cpu_ms;
  rest_cpu_capacity_ms_ = cpus * look_.limit_ms;
  rest_num_cpus_ = cpus;
  rest_capacity_bytes_ = num_cpus > 0 ? kInfinity : accelerators * devices_.accelerator_bytes;

  work_ms_ = sure_ms_ = cut_ms_ = bytes_ = 0;
  open_work_ms_ = left_work_ms_;
  open_cpu_only_ms_ = kind == DeviceKind::kCpu ? left_cpu_only_ms_ : 0;
  open_bytes_ = left_bytes_;
  open_load_ms_ = 0;
  for (std::uint32_t g = 0; g < graph_.num_groups(); ++g)
    if (!contains(g)) open_load_ms_ += most_added_ms(g);
  num_in_piece_ = 0;
  if (!leaves_enough(0)) return;
  ready_ = first_ready_;
  decisions_.clear();
  while (true) {
    bool deeper = false;
    if (decisions_.size() < ready_.size()) {
      const std::uint32_t g = choose_next();
      deeper = include(g) || exclude(g);
      if (!deeper) forget_choice();
    } else if (can_be_a_piece() && take()) {
      while (!decisions_.empty()) undo();
      return;
    }
    if (is_time_to_stop()) {
      while (!decisions_.empty()) undo();
      return;
    }
    while (!deeper) {
      if (decisions_.empty()) return;
      if (is_time_to_stop()) break;
      const Decision last = undo();
      if (!last.included || last.must_include) continue;
      choose_next();
      deeper = exclude(last.group);
      if (!deeper) forget_choice();
    }
  }
}

/// Large groups are decided first: then it shows early what still fits, or must.
std::uint32_t PieceGrowth::choose_next() {
  const std::size_t place = decisions_.size();
  std::size_t largest = place;
  for (std::size_t i = place + 1; i < ready_.size(); ++i)
    if (own_ms(ready_[i]) > own_ms(ready_[largest])) largest = i;
  std::swap(ready_[place], ready_[largest]);
  decisions_.push_back(decision_now(ready_[place]));
  decisions_.back().swapped_with = largest;
  return ready_[place];
}

void PieceGrowth::forget_choice() {
  const Decision last = decisions_.back();
  decisions_.pop_back();
  std::swap(ready_[decisions_.size()], ready_[last.swapped_with]);
}

bool PieceGrowth::is_time_to_stop() {
  constexpr std::size_t kStepsBetweenLooks = 256;  // the clock costs more than a step
  if (num_steps_until_look_ == 0) {
    num_steps_until_look_ = kStepsBetweenLooks;
    if (look_.out_of_time()) look_.is_stopped = true;
  }
  --num_steps_until_look_;
  if (++num_steps_ > look_.max_steps_per_downset) {
    look_.is_complete = false;
    return true;
  }
  return look_.is_stopped;
}

PieceGrowth::Decision PieceGrowth::decision_now(std::uint32_t g) const {
  return {.group = g,
          .work_ms = work_ms_,
          .sure_ms = sure_ms_,
          .cut_ms = cut_ms_,
          .bytes = bytes_,
          .open_load_ms = open_load_ms_,
          .open_work_ms = open_work_ms_,
          .open_cpu_only_ms = open_cpu_only_ms_,
          .open_bytes = open_bytes_,
          .num_ready = ready_.size(),
          .num_refused = refused_.size()};
}

PieceGrowth::Decision PieceGrowth::undo() {
  const Decision last = decisions_.back();
  if (last.included) {
    words_[last.group / 64] &= ~(std::uint64_t{1} << (last.group % 64));
    --num_in_piece_;
    for (const std::uint32_t e : graph_.nets_of_group[last.group]) --num_in_[e];
    for (const std::uint32_t after : graph_.successors[last.group]) ++num_missing_[after];
    ready_.resize(last.num_ready);
  } else {
    forget_refused(last.num_refused);
  }
  work_ms_ = last.work_ms;
  sure_ms_ = last.sure_ms;
  cut_ms_ = last.cut_ms;
  bytes_ = last.bytes;
  open_load_ms_ = last.open_load_ms;
  open_work_ms_ = last.open_work_ms;
  open_cpu_only_ms_ = last.open_cpu_only_ms;
  open_bytes_ = last.open_bytes;
  forget_choice();
  return last;
}

void PieceGrowth::forget_refused(std::size_t num_kept) {
  while (refused_.size() > num_kept) {
    is_excluded_[refused_.back()] = 0;
    for (const std::uint32_t e : graph_.nets_of_group[refused_.back()]) --num_excluded_[e];
    refused_.pop_back();
  }
}

PieceGrowth::Addition PieceGrowth::transfers_with(std::uint32_t g) const {
  Addition added;
  if (kind_ == DeviceKind::kCpu) return added;
  for (const std::uint32_t e : graph_.nets_of_group[g]) {
    if (num_in_[e] == 0) {
      added.cut_ms += graph_.net_ms[e];
      if (num_before_[e] + num_excluded_[e] > 0) added.sure_ms += graph_.net_ms[e];
    }
    if (num_in_[e] + 1 == graph_.groups_of_net[e].size()) added.cut_ms -= graph_.net_ms[e];
  }
  return added;
}

bool PieceGrowth::fits(std::uint32_t g) const {
  return kind_ == DeviceKind::kCpu ||
         (runs_on_accelerator(g) && bytes_ + graph_.size_bytes[g] <= devices_.accelerator_bytes);
}

/// Whether, when everything placed and g is taken away from any later piece, that piece's load
/// cannot rise by the loss of g: its work, and what it would pay for g alone, make up for all
/// that g has in common with groups that come later.
bool PieceGrowth::is_not_missed(std::uint32_t g) const {
  if (!rules_.backward_follows) return false;
  if (!runs_on_accelerator(g)) return true;
  double gain_ms = graph_.accelerator_ms[g];
  for (const std::uint32_t e : graph_.nets_of_group[g]) {
    const std::uint32_t num_placed = num_before_[e] + num_in_[e];
    if (num_placed == 0)
      gain_ms -= graph_.net_ms[e];
    else if (num_placed + 1 == graph_.groups_of_net[e].size())
      gain_ms += graph_.net_ms[e];
  }
  return gain_ms >= 0;
}

/// Takes g into the piece if that can be under the limit. Where it makes nothing worse, neither
/// here (then, by submodularity, in no larger piece) nor later, it must be taken.
bool PieceGrowth::include(std::uint32_t g) {
  if (!fits(g)) return false;
  const Addition added = transfers_with(g);
  const double bound_ms = work_ms_ + own_ms(g) + sure_ms_ + added.sure_ms;
  if (bound_ms > look_.limit_ms) {
    look_.needs_limit(bound_ms);
    return false;
  }
  Decision& decision = decisions_.back();
  decision.included = true;
  decision.must_include =
      own_ms(g) + added.cut_ms <= 0 &&
      (kind_ == DeviceKind::kCpu || !rules_.memory_binds || graph_.size_bytes[g] == 0) &&
      is_not_missed(g);
  work_ms_ += own_ms(g);
  sure_ms_ += added.sure_ms;
  cut_ms_ += added.cut_ms;
  bytes_ += graph_.size_bytes[g];
  open_load_ms_ -= most_added_ms(g);
  words_[g / 64] |= std::uint64_t{1} << (g % 64);
  ++num_in_piece_;
  for (const std::uint32_t e : graph_.nets_of_group[g]) ++num_in_[e];
  for (const std::uint32_t after : graph_.successors[g])
    if (--num_missing_[after] == 0) ready_.push_back(after);
  return true;
}

/// Refuses g, and so all that depends on it, if the later devices can take that much, and the
/// piece may become one that g does not fit into.
bool PieceGrowth::exclude(std::uint32_t g) {
  if (!leaves_enough(rules_.dependent_work_ms[g])) return false;
  const std::size_t num_refused = refused_.size();
  refuse_group(g);
  for (std::size_t i = num_refused; i < refused_.size(); ++i)
    for (const std::uint32_t after : graph_.successors[refused_[i]])
      if (is_excluded_[after] == 0) refuse_group(after);
  num_steps_until_look_ -=
      std::min(num_steps_until_look_, (refused_.size() - num_refused) / kGroupsPerStep);
  if (leaves_enough(left_work_ms_ - open_work_ms_) && !will_have_room_for(g)) return true;
  const Decision& decision = decisions_.back();
  forget_refused(num_refused);
  sure_ms_ = decision.sure_ms;
  open_load_ms_ = decision.open_load_ms;
  open_work_ms_ = decision.open_work_ms;
  open_cpu_only_ms_ = decision.open_cpu_only_ms;
  open_bytes_ = decision.open_bytes;
  return false;
}

/// Whether the piece will have room for g, whatever else it takes, and no later piece will miss
/// it.
bool PieceGrowth::will_have_room_for(std::uint32_t g) const {
  if (!fits(g) || !is_not_missed(g)) return false;
  if (kind_ == DeviceKind::kAccelerator &&
      bytes_ + open_bytes_ + graph_.size_bytes[g] > devices_.accelerator_bytes)
    return false;
  return work_ms_ + cut_ms_ + own_ms(g) + transfers_with(g).cut_ms + open_load_ms_ <=
         look_.limit_ms;
}

void PieceGrowth::refuse_group(std::uint32_t g) {
  is_excluded_[g] = 1;
  refused_.push_back(g);
  open_load_ms_ -= most_added_ms(g);
  open_work_ms_ -= accelerator_work_ms(g);
  open_bytes_ -= graph_.size_bytes[g];
  if (kind_ == DeviceKind::kCpu && !runs_on_accelerator(g)) open_cpu_only_ms_ -= graph_.cpu_ms[g];
  for (const std::uint32_t e : graph_.nets_of_group[g])
    if (num_excluded_[e]++ == 0 && num_before_[e] == 0 && num_in_[e] > 0 &&
        kind_ == DeviceKind::kAccelerator)
      sure_ms_ += graph_.net_ms[e];
}

/// Whether the later devices can take what this one can no longer, of which `rest_work_ms` is
/// work.
bool PieceGrowth::leaves_enough(double rest_work_ms) {
  const double rounding_ms = kRounding * std::max(look_.limit_ms, left_work_ms_);
  const double missing_ms = rest_work_ms - rest_capacity_ms_;
  if (missing_ms > rounding_ms) {
    look_.needs_limit(look_.limit_ms + (missing_ms - rounding_ms) / rest_capacity_slope_);
    return false;
  }
  const double rest_cpu_only_ms = left_cpu_only_ms_ - open_cpu_only_ms_;
  if (rest_cpu_only_ms > rest_cpu_capacity_ms_ + rounding_ms) {
    look_.needs_limit((rest_cpu_only_ms - rounding_ms) / rest_num_cpus_);
    return false;
  }
  return left_bytes_ - open_bytes_ <= rest_capacity_bytes_ + kRounding * devices_.accelerator_bytes;
}

/// Whether the piece as it is may be one, and there is nothing that it should have too.
bool PieceGrowth::can_be_a_piece() {
  if (num_in_piece_ == 0) return false;
  const double load_ms = work_ms_ + cut_ms_;
  if (load_ms > look_.limit_ms) {
    look_.needs_limit(load_ms);
    return false;
  }
  if (num_in_piece_ == num_left_) return true;
  return std::none_of(decisions_.begin(), decisions_.end(), [&](const Decision& decision) {
    if (decision.included || !fits(decision.group)) return false;
    const double more_ms = own_ms(decision.group) + transfers_with(decision.group).cut_ms;
    return load_ms + more_ms <= look_.limit_ms && is_not_missed(decision.group);
  });
}

bool PieceGrowth::can_take_rest(DeviceKind kind) {
  kind_ = kind;
  double load_ms = 0;
  for (std::uint32_t g = 0; g < graph_.num_groups(); ++g) {
    if (contains(g)) continue;
    if (kind_ == DeviceKind::kAccelerator && !runs_on_accelerator(g)) return false;
    load_ms += own_ms(g);
  }
  if (kind_ == DeviceKind::kAccelerator) {
    if (left_bytes_ > devices_.accelerator_bytes) return false;
    for (std::size_t e = 0; e < num_before_.size(); ++e)
      if (num_before_[e] > 0 && num_before_[e] < graph_.groups_of_net[e].size())
        load_ms += graph_.net_ms[e];
  }
  if (load_ms <= look_.limit_ms) return true;
  look_.needs_limit(load_ms);
  return false;
}

}  // namespace cadastre
