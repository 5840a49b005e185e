#pragma once

#include <cstdint>
#include <vector>

#include "planner/objective.h"
#include "planner/search/downsets.h"
#include "planner/search/stage_bounds.h"

namespace cadastre {

/// Lower bounds on an objective (minimised), from lower bounds on time and from what is placed.
class ObjectiveBound {
 public:
  ObjectiveBound(const PlanningProblem& problem, Objective objective, std::int64_t batch_size);

  /// The costs that its time is made of: of training or of inference.
  [[nodiscard]] const CostTable& table() const { return *table_; }

  /// Latency: the time is that of one sample.
  [[nodiscard]] bool one_sample() const { return objective_ == Objective::kLatency; }

  /// Throughput: the time is that of the busiest host alone, not of the ways through the stages.
  [[nodiscard]] bool steady() const { return objective_ == Objective::kThroughput; }

  /// Of any plan whose step (or sample, or steady state) takes `step_s` at least.
  [[nodiscard]] double at_least(double step_s) const;

  /// Of any plan that has these stages, besides.
  [[nodiscard]] double of(double step_s, const std::vector<PlacedStage>& stages,
                          const Downsets& downsets, bool interleaved) const;

  /// Of any plan at all with these numbers of micro-batches.
  [[nodiscard]] double of_all(const std::vector<std::int64_t>& micro_batches) const;

 private:
  [[nodiscard]] double rate(const Host& host) const;  ///< per second: idle watts, or price
  /// Per second of computing, besides: watts.
  [[nodiscard]] double computing_rate(const Host& host) const;
  [[nodiscard]] double layer_bound_s(const std::vector<double>& work_s, std::int64_t count) const;

  const PlanningProblem& problem_;
  Objective objective_;
  std::int64_t batch_size_;
  const CostTable* table_;
  double least_rate_ = 0;            ///< of any host
  double least_rate_per_speed_ = 0;  ///< of any host that computes, for the work of speed 1
  double computing_ = 0;             ///< what all the work of a step costs besides, at least
  double all_speed_ = 0;
};

}  // namespace cadastre
