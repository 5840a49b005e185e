#include "planner/placement/piece_search.h"

#include <algorithm>
#include <numeric>

#include "planner/placement/downset_table.h"

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sums of the same numbers in another order differ by less than this part.
constexpr double kRounding = 1e-10;

/// Beyond this the downsets of one look are no longer all kept.
constexpr std::size_t kMostTableBytes = std::size_t{256} << 20;

}  // namespace

class PieceSearch::Run {
 public:
  Run(const PieceSearch& search, double limit_ms, const PieceEffort& effort,
      const std::function<bool()>& out_of_time)
      : search_(search),
        graph_(search.graph_),
        devices_(search.devices_),
        limit_ms_(limit_ms),
        effort_(effort),
        out_of_time_(out_of_time),
        table_(graph_.num_groups()),
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

  PieceOutcome look() {
    table_.add(words_, 0, 0, DownsetTable::kNone);
    excess_ms_.push_back(0);
    // Ways come layer by layer, each with one device more than the one before.
    for (std::size_t begin = 0, end = 1; begin < end && !stopped_; begin = end, end = num_ways()) {
      for (const std::uint32_t way : promising_ways(begin, end)) {
        extend(way);
        if (chain_) return {.chain = std::move(chain_), .least_ms = 0};
        if (stopped_) break;
      }
    }
    if (stopped_ || !complete_) return {};
    return {.chain = std::nullopt,
            .least_ms = std::max(limit_ms_, next_limit_ms_ * (1 - kRounding))};
  }

 private:
  /// Going over so many groups takes about as long as a step.
  static constexpr std::size_t kGroupsPerStep = 16;

  /// A group in the piece, or out of it for good, with what was before.
  struct Decision {
    std::uint32_t group = 0;
    bool included = false;
    bool must_include = false;
    double work_ms = 0;
    double sure_ms = 0;
    double cut_ms = 0;
    double bytes = 0;
    double open_load_ms = 0;
    double open_work_ms = 0;
    double open_cpu_only_ms = 0;
    double open_bytes = 0;
    std::size_t num_ready = 0;
    std::size_t num_refused = 0;
    std::size_t swapped_with = 0;  ///< its place in `ready_` before it was chosen
  };

  [[nodiscard]] std::size_t num_ways() const { return table_.ways().size(); }

  /// The ways to extend of those with as many devices: all, or those whose rest is easiest.
  std::vector<std::uint32_t> promising_ways(std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> ways(end - begin);
    std::iota(ways.begin(), ways.end(), static_cast<std::uint32_t>(begin));
    if (ways.size() <= effort_.max_downsets) return ways;
    complete_ = false;
    const auto easier = [&](std::uint32_t a, std::uint32_t b) {
      return excess_ms_[a] != excess_ms_[b] ? excess_ms_[a] < excess_ms_[b] : a < b;
    };
    std::nth_element(ways.begin(), ways.begin() + static_cast<std::ptrdiff_t>(effort_.max_downsets),
                     ways.end(), easier);
    ways.resize(effort_.max_downsets);
    std::sort(ways.begin(), ways.end(), easier);
    return ways;
  }

  void needs_limit(double limit_ms) { next_limit_ms_ = std::min(next_limit_ms_, limit_ms); }

  /// Work that accelerators do unless a CPU takes it over.
  [[nodiscard]] double accelerator_work_ms(std::uint32_t g) const {
    return graph_.runs_on_accelerator[g] != 0 ? graph_.accelerator_ms[g] : 0;
  }

  [[nodiscard]] bool runs_on_accelerator(std::uint32_t g) const {
    return graph_.runs_on_accelerator[g] != 0 && graph_.size_bytes[g] <= devices_.accelerator_bytes;
  }

  /// No piece's load can rise by more when it takes g.
  [[nodiscard]] double most_added_ms(std::uint32_t g) const {
    return kind_ == DeviceKind::kCpu ? graph_.cpu_ms[g]
                                     : graph_.accelerator_ms[g] + all_nets_ms_[g];
  }

  [[nodiscard]] double own_ms(std::uint32_t g) const {
    return kind_ == DeviceKind::kCpu ? graph_.cpu_ms[g] : graph_.accelerator_ms[g];
  }

  void extend(std::uint32_t number) {
    way_ = number;
    const DownsetTable::Way way = table_.ways()[number];
    const auto downset = table_.words(way.downset);
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
    if (way.num_accelerators < devices_.num_accelerators)
      add_pieces(DeviceKind::kAccelerator, devices_.num_accelerators - way.num_accelerators - 1,
                 devices_.num_cpus - way.num_cpus);
    if (way.num_cpus < devices_.num_cpus && !chain_ && !stopped_)
      add_pieces(DeviceKind::kCpu, devices_.num_accelerators - way.num_accelerators,
                 devices_.num_cpus - way.num_cpus - 1);
  }

  [[nodiscard]] bool contains(std::uint32_t g) const {
    return ((words_[g / 64] >> (g % 64)) & 1) != 0;
  }

  /// Every piece of the next device, when so many are left after it.
  void add_pieces(DeviceKind kind, std::size_t num_accelerators, std::size_t num_cpus) {
    kind_ = kind;
    if (num_accelerators + num_cpus == 0) {
      add_last_piece();
      return;
    }
    const DownsetTable::Way& way = table_.ways()[way_];
    num_accelerators_used_ = way.num_accelerators + (kind == DeviceKind::kAccelerator ? 1 : 0);
    num_cpus_used_ = way.num_cpus + (kind == DeviceKind::kCpu ? 1 : 0);
    const auto accelerators = static_cast<double>(num_accelerators);
    const auto cpus = static_cast<double>(num_cpus);
    const CpuRelief::Relief relief = search_.relief_.in(cpus * limit_ms_);
    rest_capacity_ms_ = accelerators * limit_ms_ + relief.accelerator_ms;
    rest_capacity_slope_ = accelerators + cpus * relief.per_cpu_ms;
    rest_cpu_capacity_ms_ = cpus * limit_ms_;
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
      } else {
        add_piece();
        if (chain_) return;
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
  std::uint32_t choose_next() {
    const std::size_t place = decisions_.size();
    std::size_t largest = place;
    for (std::size_t i = place + 1; i < ready_.size(); ++i)
      if (own_ms(ready_[i]) > own_ms(ready_[largest])) largest = i;
    std::swap(ready_[place], ready_[largest]);
    decisions_.push_back(decision_now(ready_[place]));
    decisions_.back().swapped_with = largest;
    return ready_[place];
  }

  void forget_choice() {
    const Decision last = decisions_.back();
    decisions_.pop_back();
    std::swap(ready_[decisions_.size()], ready_[last.swapped_with]);
  }

  bool is_time_to_stop() {
    constexpr std::size_t kStepsBetweenLooks = 256;  // the clock costs more than a step
    if (num_steps_until_look_ == 0) {
      num_steps_until_look_ = kStepsBetweenLooks;
      if (out_of_time_()) stopped_ = true;
    }
    --num_steps_until_look_;
    if (++num_steps_ > effort_.max_steps_per_downset) {
      complete_ = false;
      return true;
    }
    return stopped_;
  }

  [[nodiscard]] Decision decision_now(std::uint32_t g) const {
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

  Decision undo() {
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

  void forget_refused(std::size_t num_kept) {
    while (refused_.size() > num_kept) {
      is_excluded_[refused_.back()] = 0;
      for (const std::uint32_t e : graph_.nets_of_group[refused_.back()]) --num_excluded_[e];
      refused_.pop_back();
    }
  }

  struct Addition {
    double sure_ms = 0;  ///< outputs that are sure to cross the piece's border, more than so far
    double cut_ms = 0;   ///< those that cross it if the piece ends here; may be less than so far
  };

  [[nodiscard]] Addition transfers_with(std::uint32_t g) const {
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

  [[nodiscard]] bool fits(std::uint32_t g) const {
    return kind_ == DeviceKind::kCpu ||
           (runs_on_accelerator(g) && bytes_ + graph_.size_bytes[g] <= devices_.accelerator_bytes);
  }

  /// Whether, when everything placed and g is taken away from any later piece, that piece's load
  /// cannot rise by the loss of g: its work, and what it would pay for g alone, make up for all
  /// that g has in common with groups that come later.
  [[nodiscard]] bool is_not_missed(std::uint32_t g) const {
    if (!search_.backward_.follow_forward()) return false;
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
  bool include(std::uint32_t g) {
    if (!fits(g)) return false;
    const Addition added = transfers_with(g);
    const double bound_ms = work_ms_ + own_ms(g) + sure_ms_ + added.sure_ms;
    if (bound_ms > limit_ms_) {
      needs_limit(bound_ms);
      return false;
    }
    Decision& decision = decisions_.back();
    decision.included = true;
    decision.must_include =
        own_ms(g) + added.cut_ms <= 0 &&
        (kind_ == DeviceKind::kCpu || !search_.memory_binds_ || graph_.size_bytes[g] == 0) &&
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
  bool exclude(std::uint32_t g) {
    if (!leaves_enough(search_.dependent_work_ms_[g])) return false;
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
  [[nodiscard]] bool will_have_room_for(std::uint32_t g) const {
    if (!fits(g) || !is_not_missed(g)) return false;
    if (kind_ == DeviceKind::kAccelerator &&
        bytes_ + open_bytes_ + graph_.size_bytes[g] > devices_.accelerator_bytes)
      return false;
    return work_ms_ + cut_ms_ + own_ms(g) + transfers_with(g).cut_ms + open_load_ms_ <= limit_ms_;
  }

  void refuse_group(std::uint32_t g) {
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
  bool leaves_enough(double rest_work_ms) {
    const double rounding_ms = kRounding * std::max(limit_ms_, left_work_ms_);
    const double missing_ms = rest_work_ms - rest_capacity_ms_;
    if (missing_ms > rounding_ms) {
      needs_limit(limit_ms_ + (missing_ms - rounding_ms) / rest_capacity_slope_);
      return false;
    }
    const double rest_cpu_only_ms = left_cpu_only_ms_ - open_cpu_only_ms_;
    if (rest_cpu_only_ms > rest_cpu_capacity_ms_ + rounding_ms) {
      needs_limit((rest_cpu_only_ms - rounding_ms) / rest_num_cpus_);
      return false;
    }
    return left_bytes_ - open_bytes_ <=
           rest_capacity_bytes_ + kRounding * devices_.accelerator_bytes;
  }

  /// The piece is as it is: a downset for the next device, unless something speaks against it.
  void add_piece() {
    if (num_in_piece_ == 0) return;
    const double load_ms = work_ms_ + cut_ms_;
    if (load_ms > limit_ms_) {
      needs_limit(load_ms);
      return;
    }
    if (num_in_piece_ < num_left_) {
      for (const Decision& decision : decisions_) {
        if (decision.included || !fits(decision.group)) continue;
        const double more_ms = own_ms(decision.group) + transfers_with(decision.group).cut_ms;
        if (load_ms + more_ms <= limit_ms_ && is_not_missed(decision.group)) return;
      }
    }
    if (!is_backward_contiguous()) return;
    if (num_in_piece_ == num_left_) {
      chain_ = chain_with_last(kind_);
      return;
    }
    if (table_.num_bytes() > kMostTableBytes) {
      complete_ = false;
      return;
    }
    if (table_.add(words_, num_accelerators_used_, num_cpus_used_, way_) == DownsetTable::kNone)
      return;
    excess_ms_.push_back(left_work_ms_ - open_work_ms_ - rest_capacity_ms_);
  }

  /// All that is left, on the last device.
  void add_last_piece() {
    double load_ms = 0;
    for (std::uint32_t g = 0; g < graph_.num_groups(); ++g) {
      if (contains(g)) continue;
      if (kind_ == DeviceKind::kAccelerator && !runs_on_accelerator(g)) return;
      load_ms += own_ms(g);
    }
    if (kind_ == DeviceKind::kAccelerator) {
      if (left_bytes_ > devices_.accelerator_bytes) return;
      for (std::size_t e = 0; e < num_before_.size(); ++e)
        if (num_before_[e] > 0 && num_before_[e] < graph_.groups_of_net[e].size())
          load_ms += graph_.net_ms[e];
    }
    if (load_ms > limit_ms_) {
      needs_limit(load_ms);
      return;
    }
    const std::vector<std::uint64_t> before = words_;
    std::fill(words_.begin(), words_.end(), ~std::uint64_t{0});
    if (is_backward_contiguous()) chain_ = chain_with_last(kind_);
    words_ = before;
  }

  [[nodiscard]] bool is_backward_contiguous() const {
    if (search_.backward_.follow_forward()) return true;
    const auto before = table_.words(table_.ways()[way_].downset);
    std::vector<char> in_piece(graph_.num_groups());
    for (std::uint32_t g = 0; g < graph_.num_groups(); ++g)
      in_piece[g] = contains(g) && ((before[g / 64] >> (g % 64)) & 1) == 0 ? 1 : 0;
    return search_.backward_.contiguous(in_piece);
  }

  /// The placement of the current way, and what is left on a last device.
  [[nodiscard]] PieceChain chain_with_last(DeviceKind last) const {
    std::vector<DownsetTable::Way> ways;
    for (std::uint32_t w = way_; w != DownsetTable::kNone; w = table_.ways()[w].parent)
      ways.push_back(table_.ways()[w]);
    std::reverse(ways.begin(), ways.end());
    // Piece p is what way p + 1 has and way p has not.
    PieceChain chain;
    for (std::size_t p = 0; p + 1 < ways.size(); ++p)
      chain.kind_of_piece.push_back(
          ways[p + 1].num_cpus > ways[p].num_cpus ? DeviceKind::kCpu : DeviceKind::kAccelerator);
    chain.kind_of_piece.push_back(last);
    chain.piece_of_group.assign(graph_.num_groups(), 0);
    for (const DownsetTable::Way& way : ways) {
      const auto words = table_.words(way.downset);
      for (std::size_t g = 0; g < graph_.num_groups(); ++g)
        if (((words[g / 64] >> (g % 64)) & 1) == 0) ++chain.piece_of_group[g];
    }
    for (std::uint32_t& piece : chain.piece_of_group) --piece;  // the empty way counts none
    return chain;
  }

  const PieceSearch& search_;
  const PieceGraph& graph_;
  const Devices& devices_;
  double limit_ms_;
  const PieceEffort& effort_;
  const std::function<bool()>& out_of_time_;

  DownsetTable table_;
  std::vector<double> all_nets_ms_;  ///< by group
  std::vector<double> excess_ms_;    ///< by way: work left over what the devices left can do
  std::optional<PieceChain> chain_;
  double next_limit_ms_ = kInfinity;
  bool complete_ = true;
  bool stopped_ = false;
  std::size_t num_steps_ = 0;
  std::size_t num_steps_until_look_ = 0;

  // The way being extended.
  std::uint32_t way_ = 0;
  double left_work_ms_ = 0;
  double left_cpu_only_ms_ = 0;
  double left_bytes_ = 0;
  std::size_t num_left_ = 0;
  std::vector<std::uint32_t> first_ready_;

  // The device being filled.
  DeviceKind kind_ = DeviceKind::kAccelerator;
  std::uint32_t num_accelerators_used_ = 0;
  std::uint32_t num_cpus_used_ = 0;
  double rest_capacity_ms_ = 0;
  double rest_capacity_slope_ = 0;
  double rest_cpu_capacity_ms_ = 0;
  double rest_num_cpus_ = 0;
  double rest_capacity_bytes_ = 0;

  // The piece so far.
  std::vector<std::uint64_t> words_;  ///< with the downset before it
  std::vector<Decision> decisions_;   ///< the first of `ready_`, in their order
  std::vector<std::uint32_t> ready_;  ///< groups whose predecessors are placed or in the piece
  std::vector<std::uint32_t> refused_;
  std::vector<std::uint32_t> num_missing_;  ///< by group: predecessors neither placed nor in
  std::vector<char> is_excluded_;
  std::vector<std::uint32_t> num_before_;    ///< by net: groups placed before
  std::vector<std::uint32_t> num_in_;        ///< by net: groups in the piece
  std::vector<std::uint32_t> num_excluded_;  ///< by net: groups refused
  double work_ms_ = 0;
  double sure_ms_ = 0;
  double cut_ms_ = 0;
  double bytes_ = 0;
  double open_load_ms_ = 0;  ///< most that can still be added to the piece's load
  double open_work_ms_ = 0;  ///< accelerator work in the piece or still possible there
  double open_cpu_only_ms_ = 0;
  double open_bytes_ = 0;
  std::size_t num_in_piece_ = 0;
};

PieceSearch::PieceSearch(const PieceGraph& graph, const Devices& devices,
                         const BackwardPieces& backward)
    : graph_(graph), devices_(devices), backward_(backward), relief_(graph) {
  memory_binds_ = std::accumulate(graph.size_bytes.begin(), graph.size_bytes.end(), 0.0) >
                  devices.accelerator_bytes;
  dependent_work_ms_.resize(graph.num_groups());
  for (std::size_t g = graph.num_groups(); g-- > 0;) {
    for (const std::uint32_t after : graph.successors[g])
      dependent_work_ms_[g] = std::max(dependent_work_ms_[g], dependent_work_ms_[after]);
    if (graph.runs_on_accelerator[g] != 0) dependent_work_ms_[g] += graph.accelerator_ms[g];
  }
}

PieceOutcome PieceSearch::within(double limit_ms, const PieceEffort& effort,
                                 const std::function<bool()>& out_of_time) {
  return Run(*this, limit_ms, effort, out_of_time).look();
}

}  // namespace cadastre
