#pragma once

#include <vector>

namespace cadastre {

/// What another machine's steady clock shows more than this one's, from round trips: it read the
/// other clock somewhere between sending and receiving, so half a round trip is how wrong it can be
/// (Cristian 1989).
class ClockOffset {
 public:
  /// A message that left at `sent_s` was answered with `other_s` on the other clock and came back
  /// at `received_s`.
  void add(double sent_s, double other_s, double received_s);

  /// A time of the other clock on this one's: by the nearest in time of the measurements that are
  /// about as sure as the surest, as clocks drift. Unchanged without any.
  [[nodiscard]] double to_own_s(double other_s) const;

  /// How wrong `to_own_s` can be, drift apart; 0 without measurements.
  [[nodiscard]] double uncertainty_s() const;

  /// Of the surest measurement; 0 without any.
  [[nodiscard]] double offset_s() const;

 private:
  struct Measurement {
    double other_s = 0;
    double offset_s = 0;
    double uncertainty_s = 0;
  };

  [[nodiscard]] const Measurement& surest() const;

  std::vector<Measurement> measurements_;
};

}  // namespace cadastre
