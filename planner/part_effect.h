#pragma once

#include <vector>

namespace cadastre {

/// A rank that holds a part of the network finds more of it in its processor's caches than one that
/// holds all: its passes and updates take less than the same layers' do within the whole network.
/// What they save, as a part of these seconds, where next to nothing else is held; otherwise in
/// proportion to what of the network's bytes, parameters and a micro-batch's tensors, is not held.
struct PartEffect {
  double forward_saving = 0;
  double backward_saving = 0;
  double update_saving = 0;
  bool operator==(const PartEffect&) const = default;
};

/// No rank saves more.
inline constexpr double kMostPartSaving = 0.9;

/// Of seconds where next to nothing else is held, at least 1.
struct PartRatios {
  double forward = 1;
  double backward = 1;
  double update = 1;
};

/// Where `share` of the network's bytes is held, 0 to 1.
[[nodiscard]] PartRatios part_ratios(const PartEffect& effect, double share);

/// One measurement: what a part of the network takes, within the whole and on its own.
struct PartSeconds {
  double forward_s = 0;
  double backward_s = 0;
  double update_s = 0;
};

struct PartOfNetwork {
  double share = 1;  ///< of the network's bytes
  PartSeconds within;
  PartSeconds alone;
};

/// By parts that were measured in turn with the whole, again and again: the medians of what fits
/// each time. None without measurements, or where nothing was saved.
[[nodiscard]] PartEffect fit_part_effect(const std::vector<std::vector<PartOfNetwork>>& times);

}  // namespace cadastre
