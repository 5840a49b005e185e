#pragma once

#include <functional>

#include "planner/plan.h"

namespace cadastre {

/// What predictions of a suite start from, beside what was measured.
struct Assumptions {
  /// Made to the profile and cluster of every plan, as by a calibration.
  std::function<void(PlanDocument&)> change = [](PlanDocument&) {};
  bool hosts_contend = true;  ///< computation is slower while other hosts compute
  /// Of `hosts_to_measure`, each is as fast as the model's passes on it; or as stated.
  bool speeds_are_measured = true;
  /// Processors are as fast in a run as a yardstick says; or as beside the profiles.
  bool moments_differ = true;
  /// Passes by several threads take what they took; or what they take one thread, shared evenly.
  bool threads_are_measured = true;
};

}  // namespace cadastre
