#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "planner/model_facts.h"

namespace cadastre {

/// A set of layers, by index in the model, as a bit set.
class LayerSet {
 public:
  explicit LayerSet(std::size_t num_layers = 0) : words_((num_layers + 63) / 64, 0) {}

  void insert(std::size_t layer) { words_[layer / 64] |= std::uint64_t{1} << (layer % 64); }

  void insert(const LayerSet& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }

  [[nodiscard]] bool contains(std::size_t layer) const {
    return ((words_[layer / 64] >> (layer % 64)) & 1) != 0;
  }

  [[nodiscard]] bool includes(const LayerSet& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      if ((other.words_[w] & ~words_[w]) != 0) return false;
    return true;
  }

  /// Calls `visit(layer)` for each layer of this set that is not in `other`, ascending.
  template <typename Visit>
  void visit_without(const LayerSet& other, const Visit& visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t bits = words_[w] & ~other.words_[w]; bits != 0; bits &= bits - 1)
        visit(w * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
  }

  /// Whether a layer of both sets is not in `excluded`.
  [[nodiscard]] bool meets_without(const LayerSet& other, const LayerSet& excluded) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      if ((words_[w] & other.words_[w] & ~excluded.words_[w]) != 0) return true;
    return false;
  }

  /// This set without the layers of `other`, ascending.
  [[nodiscard]] std::vector<std::size_t> without(const LayerSet& other) const;

  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return words_; }

  bool operator==(const LayerSet&) const = default;

 private:
  std::vector<std::uint64_t> words_;
};

/// The downsets of a model's layer DAG: sets that hold, with a layer, everything it depends on. The
/// stages of any plan are the differences along a chain of downsets (Tarnawski et al. 2020,
/// fact 5.2).
struct Downsets {
  /// The empty set first, the whole model last, never after a superset.
  std::vector<LayerSet> sets;
  /// [set] its last layer and the set without it, so that sums over layers take one addition each;
  /// 0 and 0 for the empty set.
  std::vector<std::size_t> last_layers;
  std::vector<std::size_t> without_last;
  bool complete = false;  ///< false when there are more than the limit, and `sets` has none
};

[[nodiscard]] Downsets enumerate_downsets(const ModelFacts& model, std::size_t limit);

}  // namespace cadastre
