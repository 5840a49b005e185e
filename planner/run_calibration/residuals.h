#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/run_calibration/measured_run.h"
#include "planner/run_calibration/parameters.h"
#include "planner/run_calibration/run_model.h"

namespace cadastre::run_calibration {

/// What is compared of a run: the step; seconds that a host computes in a step, by kind of
/// instruction, and hands to the network; and its waits, for tensors and for reductions, which are the schedule's and other
/// hosts' as much as the network's.
enum class QuantityKind {
  kStep,
  kLoading,
  kForward,
  kRecomputation,
  kBackward,
  kOptimizer,
  kSending,
  kTransferWait,
  kReductionWait,
};
inline constexpr std::size_t kNumQuantityKinds = 9;

struct Quantity {
  std::size_t run = 0;  ///< index
  QuantityKind kind = QuantityKind::kStep;
  std::size_t rank = 0;
  double measured_s = 0;
  /// Added to both sides, a part of the step: what is much shorter hardly counts.
  double floor_s = 0;
  bool operator==(const Quantity&) const = default;
};

/// log(measured / cost model) of everything that is compared of some runs. The runs must outlive
/// it.
class Residuals {
 public:
  /// `profile_of_run[i]`: whose constants of a model are for run i, an index into
  /// `Constants::profiles`.
  Residuals(const std::vector<MeasuredRun>& runs, std::vector<std::size_t> profile_of_run);

  [[nodiscard]] const std::vector<Quantity>& quantities() const { return quantities_; }

  [[nodiscard]] std::size_t num_runs() const { return runs_->size(); }

  /// Of the quantities, in their order. Each run keeps its own plan, and its profile's measurements
  /// of layers.
  [[nodiscard]] std::vector<double> at(const Constants& constants) const;

  /// Recalculates those of the runs in which the parameter may matter; the others are in `known`.
  [[nodiscard]] std::vector<double> at(const Constants& constants, const Parameter& changed,
                                       const std::vector<double>& known) const;

 private:
  void evaluate_run(std::size_t run, const Constants& constants,
                    std::vector<double>& residuals) const;
  [[nodiscard]] bool matters(const Parameter& parameter, std::size_t run) const;

  const std::vector<MeasuredRun>* runs_;
  std::vector<std::size_t> profile_of_run_;
  mutable std::vector<RunModel> models_;  ///< remember what they were asked
  std::vector<Quantity> quantities_;
  std::vector<std::size_t> first_;  ///< [run] in the quantities, and one behind the last
};

/// The constants that the first run's plan was made with, and for each run the index of its model's
/// profile among them.
struct StartingPoint {
  Constants constants;
  std::vector<std::size_t> profile_of_run;
};

[[nodiscard]] StartingPoint starting_point(const std::vector<MeasuredRun>& runs);

/// Seconds of the run's step by the cost model.
[[nodiscard]] double modelled_step_s(const MeasuredRun& run, const Constants& constants,
                                     std::size_t profile);

}  // namespace cadastre::run_calibration
