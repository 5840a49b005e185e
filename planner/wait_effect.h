#pragma once

#include <vector>

namespace cadastre {

/// While a rank waits, what the network left in its processor's caches makes room for other things,
/// and the processor slows down or halts. What it computes next takes longer: the more, the longer
/// it waited since it last did the like, up to these seconds, of the whole network whatever the
/// number of samples; a stage's part of it is its part of the network's seconds.
struct WaitEffect {
  double forward_s = 0;
  double backward_s = 0;
  double update_s = 0;
  double time_constant_s = 0;  ///< after which 1 - 1/e of it is lost; > 0 where there is an effect
  bool operator==(const WaitEffect&) const = default;
};

/// The part that is lost after waiting for so long: 1 - exp(-waited_s / time_constant_s).
[[nodiscard]] double part_lost(double waited_s, double time_constant_s);

/// One measurement: how much longer each took after waiting than at once.
struct LongerAfterWaiting {
  double waited_s = 0;
  double forward_s = 0;
  double backward_s = 0;
  double update_s = 0;
};

/// What fits them best (least squares; one time constant for all three, within what was tried);
/// none without measurements, or where nothing took longer.
[[nodiscard]] WaitEffect fit_wait_effect(const std::vector<LongerAfterWaiting>& measured);

}  // namespace cadastre
