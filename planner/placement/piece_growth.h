#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "planner/placement/backward_pieces.h"
#include "planner/placement/piece_chain.h"

namespace cadastre {

/// What pieces of a problem are grown by, whatever the limit.
struct PieceRules {
  PieceRules(const PieceGraph& graph, const Devices& devices, const BackwardPieces& backward);

  const PieceGraph& graph;
  Devices devices;
  CpuRelief relief;
  std::vector<double> dependent_work_ms;  ///< most work on a path from each group on
  bool memory_binds = false;
  bool backward_follows = true;  ///< the order of the forward pass: `follow_forward`
};

/// A look for pieces under a limit, and what came of it.
struct PieceLook {
  double limit_ms = 0;
  std::size_t max_steps_per_downset = std::numeric_limits<std::size_t>::max();
  const std::function<bool()>& out_of_time;
  double next_limit_ms = std::numeric_limits<double>::infinity();  ///< no lower one allows more
  bool is_complete = true;                                         ///< nothing was left out
  bool is_stopped = false;                                         ///< out of time

  void needs_limit(double needed_ms) { next_limit_ms = std::min(next_limit_ms, needed_ms); }

  /// Where nothing was left out and nothing found: no greatest load is below this.
  [[nodiscard]] double least_ms() const;
};

/// Every piece that one device can take after a downset, group by group. What a piece is sure to
/// pay for never falls while it grows, so that growth ends at the limit; left out are pieces that
/// leave too much for later devices, or can take one more group that none of those would miss (see
/// piece_search.h).
class PieceGrowth {
 public:
  PieceGrowth(const PieceRules& rules, PieceLook& look);

  /// The groups of `downset` are placed.
  void start_from(std::span<const std::uint64_t> downset);

  /// Calls `take` with every piece of a device when so many are left after it, until it says that
  /// this is enough, or the look is out of steps.
  void each_piece(DeviceKind kind, std::size_t num_accelerators, std::size_t num_cpus,
                  const std::function<bool()>& take);

  /// Whether a device of this kind can take all that is left.
  [[nodiscard]] bool can_take_rest(DeviceKind kind);

  /// Of the piece that `take` is called with: the downset that it makes of the one before, as bits.
  [[nodiscard]] const std::vector<std::uint64_t>& downset() const { return words_; }

  /// Likewise, whether nothing is left after it.
  [[nodiscard]] bool is_last() const { return num_in_piece_ == num_left_; }

  /// Likewise, work left over what later devices can do: negative where they can do more.
  [[nodiscard]] double excess_ms() const {
    return left_work_ms_ - open_work_ms_ - rest_capacity_ms_;
  }

 private:
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

  struct Addition {
    double sure_ms = 0;  ///< outputs that are sure to cross the piece's border, more than so far
    double cut_ms = 0;   ///< those that cross it if the piece ends here; may be less than so far
  };

  [[nodiscard]] double accelerator_work_ms(std::uint32_t g) const;
  [[nodiscard]] bool runs_on_accelerator(std::uint32_t g) const;
  [[nodiscard]] double most_added_ms(std::uint32_t g) const;
  [[nodiscard]] double own_ms(std::uint32_t g) const;
  [[nodiscard]] bool contains(std::uint32_t g) const;
  [[nodiscard]] bool fits(std::uint32_t g) const;
  [[nodiscard]] Addition transfers_with(std::uint32_t g) const;
  [[nodiscard]] bool is_not_missed(std::uint32_t g) const;
  [[nodiscard]] bool will_have_room_for(std::uint32_t g) const;
  [[nodiscard]] bool can_be_a_piece();
  bool leaves_enough(double rest_work_ms);
  std::uint32_t choose_next();
  void forget_choice();
  bool include(std::uint32_t g);
  bool exclude(std::uint32_t g);
  void refuse_group(std::uint32_t g);
  void forget_refused(std::size_t num_kept);
  [[nodiscard]] Decision decision_now(std::uint32_t g) const;
  Decision undo();
  bool is_time_to_stop();

  const PieceRules& rules_;
  const PieceGraph& graph_;
  const Devices& devices_;
  PieceLook& look_;
  std::vector<double> all_nets_ms_;  ///< by group
  std::size_t num_steps_ = 0;
  std::size_t num_steps_until_look_ = 0;

  // What is left.
  double left_work_ms_ = 0;
  double left_cpu_only_ms_ = 0;
  double left_bytes_ = 0;
  std::size_t num_left_ = 0;
  std::vector<std::uint32_t> first_ready_;

  // The device being filled.
  DeviceKind kind_ = DeviceKind::kAccelerator;
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

}  // namespace cadastre
