#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "planner/pipedream/cut_lattice.h"
#include "planner/pipedream/rule.h"

namespace cadastre::pipedream {

/// Which cuts a pipeline can reach with how many machines when no stage may take longer than a
/// limit: the question that `apply_rule` asks again and again.
///
/// A stage on m machines fits when c + 4 (m - 1) p / (b m) <= m * limit, and its left side is a sum
/// over the stage's nodes at the innermost level. So whether some stage of m machines ends at a cut
/// depends only on the greatest such sum among the cuts within it that k machines reach, and one
/// pass over the lattice answers it for all cuts. Two things keep the pass short. All machines
/// together have only limit * machines - total seconds to lose: a cut that leaves less for the rest
/// is never needed, which leaves a narrow window of cuts for each number of machines. And a module
/// that the window of sources does not enter needs no pass.
///
/// At outer levels a stage's inner pipeline makes the left side no sum. Stages on one group share
/// the limit, so they are one pass of the level below from all cuts at once; for those on several,
/// pairs of cuts in the windows are asked for one by one, with bounds that are remembered.
class Reach {
 public:
  using Clock = std::chrono::steady_clock;

  Reach(const CutLattice& lattice, const std::vector<MachineLevel>& levels,
        Clock::time_point deadline);

  /// Whether the nodes between `from` and `to` fit a pipeline on one full set of machines of
  /// `level` in which no stage takes longer than `limit_s`. False when the time is up.
  [[nodiscard]] bool fits(int level, int from, int to, double limit_s);

  struct Link {
    int from = 0;
    int to = 0;
    int num_machines = 1;
  };

  /// The stages of a pipeline that `fits`, in order; empty when the time is up.
  [[nodiscard]] std::vector<Link> chain(int level, int from, int to, double limit_s);

  [[nodiscard]] bool out_of_time() const { return out_of_time_; }

  [[nodiscard]] const CutLattice& lattice() const { return lattice_; }

  [[nodiscard]] const std::vector<MachineLevel>& levels() const { return levels_; }

  /// Machines of the innermost level in one of `level`'s machines.
  [[nodiscard]] double machines_in_one(int level) const {
    return levels_state_[static_cast<std::size_t>(level)].machines_in_one;
  }

  /// What a byte of parameters adds to a stage's seconds on `num_machines`, before they are divided
  /// by `num_machines`.
  [[nodiscard]] double s_per_byte(int level, int num_machines, bool is_first) const;

 private:
  static constexpr int kUnreached = std::numeric_limits<int>::max();

  struct LevelState {
    double machines_in_one = 1;
    std::vector<int> label;                    ///< for each cut, the machines that it takes so far
    std::vector<int> touched;                  ///< the cuts with a label
    std::vector<std::vector<int>> reached_by;  ///< for each number of machines
  };

  /// For pairs of cuts: the greatest limit known not to fit, the least known to.
  struct Known {
    double least_s = -1;
    double most_s = std::numeric_limits<double>::infinity();
  };

  /// A request to a level: from `sources` with no machine used to cuts within `to`; a cut is of use
  /// with k machines when it has at least `base_s` + k * limit of all machines in it.
  struct Request {
    std::vector<int> sources;
    int to = 0;
    double base_s = 0;
    double limit_s = 0;
  };

  void reach(int level, const Request& request);
  void set_label(LevelState& state, int cut, int label);
  void spread_innermost(const Request& request, const std::vector<int>& sources, int first,
                        int last, int used, int num_machines);
  void spread_in_module(const Request& request, const std::vector<int>& sources,
                        std::size_t first_source, std::size_t end_source, double carried_s,
                        int first, int last, int label, int num_machines, double s_per_byte);
  void spread_one_group(int level, const Request& request, const std::vector<int>& sources,
                        int used);
  void spread_groups(int level, const Request& request, const std::vector<int>& sources, int first,
                     int last, int used, int num_machines);
  /// Whether one stage from cut to cut on `num_machines` keeps the limit.
  bool link_fits(int level, int from, int to, int num_machines, bool is_first, double limit_s);
  bool time_is_up();

  const CutLattice& lattice_;
  std::vector<MachineLevel> levels_;
  std::vector<LevelState> levels_state_;
  std::vector<std::unordered_map<std::uint64_t, Known>> known_;
  std::vector<CutLattice::Covers> covers_;  ///< of each module, made when first needed
  std::vector<double> most_;                ///< workspace: greatest sum within each cut
  Clock::time_point deadline_;
  bool out_of_time_ = false;
};

}  // namespace cadastre::pipedream
