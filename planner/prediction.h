#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost_model.h"
#include "planner/cost_table.h"
#include "planner/plan.h"
#include "planner/program.h"

namespace cadastre {

/// What the cost model needs of a profile and a cluster, worked out once for many plans. Both must
/// outlive it. `all_reduce`, `wire_dtype` and `optimizer` are of the plans that are searched for.
struct PlanningProblem {
  PlanningProblem(const Profile& profile, const Cluster& on_cluster, const AllReduce& of_plans = {},
                  WireDtype of_wire = WireDtype::kFloat32, const Optimizer& optimizer = {})
      : cluster(on_cluster),
        network(on_cluster),
        all_reduce(divided(of_plans, on_cluster)),
        wire_dtype(of_wire),
        training(profile, Purpose::kTraining, optimizer),
        inference(profile, Purpose::kInference) {}

  const Cluster& cluster;
  NetworkCosts network;
  DividedAllReduce all_reduce;
  WireDtype wire_dtype = WireDtype::kFloat32;
  CostTable training;
  CostTable inference;
};

/// Everything the cost model says of a plan.
[[nodiscard]] Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster);
[[nodiscard]] Prediction predict(const Division& division, const PlanningProblem& problem);

/// What is part of a training step's prediction alone: no latency, no throughput.
[[nodiscard]] Prediction predict_training(const Division& division, const Program& program,
                                          const PlanningProblem& problem);

/// Seconds of the inference of one sample.
[[nodiscard]] double inference_latency_s(const Division& division, const PlanningProblem& problem);

/// Samples per second of inference, once the pipeline is full.
[[nodiscard]] double inference_samples_per_s(const Division& division,
                                             const PlanningProblem& problem);

}  // namespace cadastre
