#include "planner/placement/piece_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "planner/placement/downset_table.h"

namespace cadastre {

namespace {

/// Beyond this the downsets of one look are no longer all kept.
constexpr std::size_t kMostTableBytes = std::size_t{256} << 20;

}  // namespace

/// One look: downsets layer by layer, each extended by the pieces that may follow it.
class PieceSearch::Run {
 public:
  Run(const PieceRules& rules, const BackwardPieces& backward, double limit_ms,
      const PieceEffort& effort, const std::function<bool()>& out_of_time)
      : graph_(rules.graph),
        devices_(rules.devices),
        backward_(backward),
        max_downsets_(effort.max_downsets),
        look_{.limit_ms = limit_ms,
              .max_steps_per_downset = effort.max_steps_per_downset,
              .out_of_time = out_of_time},
        growth_(rules, look_),
        table_(graph_.num_groups()) {}

  PieceOutcome look() {
    table_.add(std::vector<std::uint64_t>((graph_.num_groups() + 63) / 64), 0, 0,
               DownsetTable::kNone);
    excess_ms_.push_back(0);
    // Ways come layer by layer, each with one device more than the one before.
    for (std::size_t begin = 0, end = 1; begin < end && !look_.is_stopped;
         begin = end, end = num_ways()) {
      for (const std::uint32_t way : promising_ways(begin, end)) {
        extend(way);
        if (chain_) return {.chain = std::move(chain_), .least_ms = 0};
        if (look_.is_stopped) break;
      }
    }
    if (look_.is_stopped || !look_.is_complete) return {};
    return {.chain = std::nullopt, .least_ms = look_.least_ms()};
  }

 private:
  [[nodiscard]] std::size_t num_ways() const { return table_.ways().size(); }

  /// The ways to extend of those with as many devices: all, or those whose rest is easiest.
  std::vector<std::uint32_t> promising_ways(std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> ways(end - begin);
    std::iota(ways.begin(), ways.end(), static_cast<std::uint32_t>(begin));
    if (ways.size() <= max_downsets_) return ways;
    look_.is_complete = false;
    const auto easier = [&](std::uint32_t a, std::uint32_t b) {
      return excess_ms_[a] != excess_ms_[b] ? excess_ms_[a] < excess_ms_[b] : a < b;
    };
    std::nth_element(ways.begin(), ways.begin() + static_cast<std::ptrdiff_t>(max_downsets_),
                     ways.end(), easier);
    ways.resize(max_downsets_);
    std::sort(ways.begin(), ways.end(), easier);
    return ways;
  }

  void extend(std::uint32_t way) {
    const DownsetTable::Way at = table_.ways()[way];
    growth_.start_from(table_.words(at.downset));
    if (at.num_accelerators < devices_.num_accelerators) add_pieces(way, DeviceKind::kAccelerator);
    if (at.num_cpus < devices_.num_cpus && !chain_ && !look_.is_stopped)
      add_pieces(way, DeviceKind::kCpu);
  }

  /// Every piece of the next device.
  void add_pieces(std::uint32_t way, DeviceKind kind) {
    const DownsetTable::Way at = table_.ways()[way];
    const std::uint32_t num_accelerators =
        at.num_accelerators + (kind == DeviceKind::kAccelerator ? 1 : 0);
    const std::uint32_t num_cpus = at.num_cpus + (kind == DeviceKind::kCpu ? 1 : 0);
    const std::size_t accelerators_left = devices_.num_accelerators - num_accelerators;
    const std::size_t cpus_left = devices_.num_cpus - num_cpus;
    if (accelerators_left + cpus_left == 0) {
      add_last_piece(way, kind);
      return;
    }
    growth_.each_piece(kind, accelerators_left, cpus_left, [&] {
      if (!is_backward_contiguous(way, growth_.downset())) return false;
      if (growth_.is_last()) {
        chain_ = chain_with_last(way, kind);
        return true;
      }
      if (table_.num_bytes() > kMostTableBytes)
        look_.is_complete = false;
      else if (table_.add(growth_.downset(), num_accelerators, num_cpus, way) !=
               DownsetTable::kNone)
        excess_ms_.push_back(growth_.excess_ms());
      return false;
    });
  }

  /// All that is left, on the last device.
  void add_last_piece(std::uint32_t way, DeviceKind kind) {
    if (!growth_.can_take_rest(kind)) return;
    const std::vector<std::uint64_t> all(growth_.downset().size(), ~std::uint64_t{0});
    if (is_backward_contiguous(way, all)) chain_ = chain_with_last(way, kind);
  }

  /// Whether the piece is so that makes `downset` of the way's.
  [[nodiscard]] bool is_backward_contiguous(std::uint32_t way,
                                            const std::vector<std::uint64_t>& downset) const {
    if (backward_.follow_forward()) return true;
    const auto before = table_.words(table_.ways()[way].downset);
    std::vector<char> in_piece(graph_.num_groups());
    for (std::size_t g = 0; g < graph_.num_groups(); ++g)
      in_piece[g] = static_cast<char>(((downset[g / 64] & ~before[g / 64]) >> (g % 64)) & 1);
    return backward_.contiguous(in_piece);
  }

  /// The placement of a way, and what is left on a last device.
  [[nodiscard]] PieceChain chain_with_last(std::uint32_t way, DeviceKind last) const {
    std::vector<DownsetTable::Way> ways;
    for (std::uint32_t w = way; w != DownsetTable::kNone; w = table_.ways()[w].parent)
      ways.push_back(table_.ways()[w]);
    std::reverse(ways.begin(), ways.end());
    // Piece p is what way p + 1 has and way p has not.
    PieceChain chain;
    for (std::size_t p = 0; p + 1 < ways.size(); ++p)
      chain.kind_of_piece.push_back(
          ways[p + 1].num_cpus > ways[p].num_cpus ? DeviceKind::kCpu : DeviceKind::kAccelerator);
    chain.kind_of_piece.push_back(last);
    chain.piece_of_group.assign(graph_.num_groups(), 0);
    for (const DownsetTable::Way& part : ways) {
      const auto words = table_.words(part.downset);
      for (std::size_t g = 0; g < graph_.num_groups(); ++g)
        if (((words[g / 64] >> (g % 64)) & 1) == 0) ++chain.piece_of_group[g];
    }
    for (std::uint32_t& piece : chain.piece_of_group) --piece;  // the empty way counts none
    return chain;
  }

  const PieceGraph& graph_;
  const Devices& devices_;
  const BackwardPieces& backward_;
  std::size_t max_downsets_;
  PieceLook look_;
  PieceGrowth growth_;
  DownsetTable table_;
  std::vector<double> excess_ms_;  ///< by way: work left over what the devices left can do
  std::optional<PieceChain> chain_;
};

PieceSearch::PieceSearch(const PieceGraph& graph, const Devices& devices,
                         const BackwardPieces& backward)
    : rules_(graph, devices, backward), backward_(backward) {}

PieceOutcome PieceSearch::within(double limit_ms, const PieceEffort& effort,
                                 const std::function<bool()>& out_of_time) {
  return Run(rules_, backward_, limit_ms, effort, out_of_time).look();
}

}  // namespace cadastre
