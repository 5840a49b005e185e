#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "planner/cost_table.h"
#include "planner/division.h"
#include "planner/run_calibration/measured_run.h"
#include "planner/run_calibration/parameters.h"

namespace cadastre::run_calibration {

/// The cost model of one run under any constants. The run's plan stays as it is, and so do its
/// profile's measurements of layers. The run must outlive it.
class RunModel {
 public:
  explicit RunModel(const MeasuredRun& run);

  /// `profile`: the index of the run's model among `Constants::profiles`.
  [[nodiscard]] Timeline step(const Constants& constants, std::size_t profile);

 private:
  /// For the constants of a model, of which few are asked for one after the other.
  const CostTable& table(const Constants& constants, std::size_t profile);

  const MeasuredRun* run_;
  Division division_;
  std::vector<double> model_constants_;  ///< that the table is for
  std::optional<CostTable> table_;
};

}  // namespace cadastre::run_calibration
