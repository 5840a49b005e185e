#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/pipedream/module_cuts.h"
#include "planner/pipedream/weighted_graph.h"

namespace cadastre::pipedream {

/// All places where a graph can be cut in two: its downsets, each with the sums of what is in it.
/// (PipeDream calls them antichain states; its list lacks those that are not the ancestors of one
/// path from the first source.)
///
/// Nodes without weight are left out: a chain of cuts of the others is one of all. A cut that is
/// comparable with every other (a *trunk* cut) divides the rest into *modules*, so a cut is a
/// module and a bit set within it, and most pairs are compared by their modules alone. The sums are
/// of weights rounded to 2^-50 of the total, so that they are exact in any order, and a cut within
/// another never has more.
///
/// Cuts are numbered by seconds, then by size: the empty cut is 0, the whole graph the last, and a
/// cut comes after every cut within it.
class CutLattice {
 public:
  /// Keeps at most about `most_cuts`: a module that would have more is cut only between chains of
  /// nodes or, if these are still too many, only along one topological order.
  CutLattice(const WeightedGraph& graph, std::size_t most_cuts);

  /// Whether no cut was left out.
  [[nodiscard]] bool complete() const { return complete_; }

  [[nodiscard]] int num_cuts() const { return static_cast<int>(module_.size()); }

  [[nodiscard]] int last_cut() const { return num_cuts() - 1; }

  /// Ascending.
  [[nodiscard]] const std::vector<double>& compute_s() const { return compute_s_; }

  [[nodiscard]] const std::vector<double>& parameter_bytes() const { return parameter_bytes_; }

  [[nodiscard]] double compute_s(int cut) const { return compute_s_[index(cut)]; }

  [[nodiscard]] double parameter_bytes(int cut) const { return parameter_bytes_[index(cut)]; }

  [[nodiscard]] int module_of(int cut) const { return module_[index(cut)]; }

  /// The cuts of a module: its start, a trunk cut, is `first_cut(module)`; its end is the next
  /// module's start.
  [[nodiscard]] int first_cut(int module) const { return modules_[index(module)].first_cut; }

  [[nodiscard]] int end_cut(int module) const { return modules_[index(module) + 1].first_cut; }

  /// Whether `within` is a subset of `cut`.
  [[nodiscard]] bool includes(int cut, int within) const {
    if (module_of(within) != module_of(cut)) return module_of(within) < module_of(cut);
    const Module& module = modules_[index(module_of(cut))];
    const std::uint64_t* large = mask(module, cut);
    const std::uint64_t* small = mask(module, within);
    for (std::size_t w = 0; w < module.num_words; ++w)
      if ((small[w] & ~large[w]) != 0) return false;
    return true;
  }

  /// The nodes with weight that are in `to` and not in `from`, which it includes.
  [[nodiscard]] std::vector<int> nodes_between(int from, int to) const;

  /// For each cut of a module, in order: the cuts of the module that are next smaller: they
  /// lack one node of it, or one chain of nodes where chains are not cut.
  struct Covers {
    std::vector<std::size_t> begins;  ///< into `cuts`, one more than there are cuts
    std::vector<int> cuts;
  };

  [[nodiscard]] Covers covers(int module) const;

 private:
  struct Module {
    std::size_t first_node = 0;  ///< into `order_`
    std::size_t num_nodes = 0;
    std::size_t num_words = 0;  ///< of the bit set of a cut
    std::size_t first_word = 0;
    int first_cut = 0;
    std::vector<NodeGroup> groups;  ///< by which neighbouring cuts differ
  };

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }

  [[nodiscard]] const std::uint64_t* mask(const Module& module, int cut) const {
    return words_.data() + module.first_word +
           static_cast<std::size_t>(cut - module.first_cut) * module.num_words;
  }

  void add_module(std::size_t first_node, std::size_t end_node,
                  const std::vector<std::vector<std::uint64_t>>& ancestors, std::size_t most_cuts);

  std::vector<int> order_;                    ///< the nodes with weight, in topological order
  std::vector<WeightedGraph::Node> weights_;  ///< of `order_`, rounded
  std::vector<Module> modules_;               ///< the last has no nodes: it is the whole graph
  std::vector<double> compute_s_;
  std::vector<double> parameter_bytes_;
  std::vector<int> module_;
  std::vector<std::uint64_t> words_;
  bool complete_ = true;
};

}  // namespace cadastre::pipedream
