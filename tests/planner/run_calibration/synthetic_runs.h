#pragma once

// Runs whose constants are known: what the cost model says under them, with noise.

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "planner/cost_model.h"
#include "planner/lowering.h"
#include "planner/program_costs.h"
#include "planner/run_calibration/measured_run.h"
#include "tests/support/worlds.h"

namespace cadastre::run_calibration::synthetic {

struct Truth {
  Cluster cluster;
  Profile profile;
};

/// Three unequal hosts and a chain of four layers, as they are.
[[nodiscard]] inline Truth truth() {
  Truth truth{.cluster = worlds::hosts({0.9, 0.55, 1.3}),
              .profile = worlds::chain({0.6e-5, 1.2e-5, 1e-5, 0.4e-5})};
  truth.profile.optimizer_s_per_parameter_byte = 1.5e-9;
  truth.profile.load_s_per_sample = 2.5e-6;
  truth.profile.loss_s_per_sample = 2e-6;
  Network& network = truth.cluster.network;
  network.bandwidth_bytes_per_s = 50e6;
  network.latency_s = 100e-6;
  network.reduction_s_per_byte = 5e-9;
  network.message_s = 2e-4;
  network.transport_s_per_byte = 2e-9;
  network.model.bandwidth_factor = 0.8;
  network.model.latency_factor = 3;
  return truth;
}

/// The same world as a planner thought it to be.
[[nodiscard]] inline Truth thought() {
  Truth thought = truth();
  for (Host& host : thought.cluster.hosts) host.relative_speed = 1;
  thought.cluster.network.reduction_s_per_byte = 0;
  thought.cluster.network.message_s = 0;
  thought.cluster.network.transport_s_per_byte = 0;
  thought.cluster.network.model = {};
  thought.profile.optimizer_s_per_parameter_byte = 1e-9;
  thought.profile.load_s_per_sample = 1e-6;
  thought.profile.loss_s_per_sample = 1e-6;
  return thought;
}

/// How runs stray from the truth.
struct Noise {
  double of_run = 0;  ///< standard deviation of the log: of a host's speed, and of the links'
  double of_instruction = 0;  ///< likewise, of each instruction
  double outliers = 0;        ///< part of the instructions that take five times as long
};

/// A run of `plan` as `truth` and noise make it, which was planned as `thought`.
[[nodiscard]] inline MeasuredRun run_of(const std::string& name, const Plan& plan,
                                        const Truth& truth, const Truth& thought,
                                        const Noise& noise, std::mt19937& random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  Cluster cluster = truth.cluster;
  for (Host& host : cluster.hosts) host.relative_speed *= std::exp(noise.of_run * normal(random));
  cluster.network.model.bandwidth_factor *= std::exp(noise.of_run * normal(random));
  const Program program = lower(plan, truth.profile.model, cluster);
  ProgramCosts costs = program_costs(program, plan, truth.profile, cluster);
  for (std::vector<double>& of_rank : costs.seconds)
    for (double& cost : of_rank) {
      cost *= std::exp(noise.of_instruction * normal(random));
      constexpr double kSlower = 5;
      if (uniform(random) < noise.outliers) cost *= kSlower;
    }
  Timeline timeline = evaluate(program, costs, cluster);
  timeline.source = "measured";
  const double step_s = timeline.step_s;
  PlanDocument document;
  document.plan = plan;
  document.profile = thought.profile;
  document.cluster = thought.cluster;
  return measured_run(name, std::move(document), step_s, std::move(timeline));
}

/// Runs of every division that tells something: each host alone, data-parallel, pipelines.
[[nodiscard]] inline std::vector<Plan> plans(const Truth& truth) {
  const ModelGraph& model = truth.profile.model;
  const auto on = [&](std::vector<std::size_t> hosts) {
    Cluster some = truth.cluster;
    some.hosts.clear();
    for (const std::size_t h : hosts) some.hosts.push_back(truth.cluster.hosts[h]);
    return some;
  };
  constexpr std::int64_t kBatch = 512;
  std::vector<Plan> plans;
  for (const std::size_t host : {0, 1, 2})
    plans.push_back(worlds::data_parallel(model, on({host}), {1}, kBatch, 2));
  plans.push_back(worlds::data_parallel(model, on({0, 1, 2}), {0.375, 0.25, 0.375}, kBatch));
  plans.push_back(worlds::data_parallel(model, on({2, 1}), {0.5, 0.5}, kBatch));
  plans.push_back(worlds::pipeline(model, on({0, 2}), {2, 2}, kBatch, 4));
  plans.push_back(worlds::pipeline(model, on({1, 0, 2}), {1, 2, 1}, kBatch, 1));
  plans.push_back(
      worlds::pipeline(model, on({2, 1}), {3, 1}, kBatch, 2, Schedule::kOneForwardOneBackward));
  return plans;
}

/// `num_rounds` of all those plans.
[[nodiscard]] inline std::vector<MeasuredRun> runs(const Truth& truth, const Truth& thought,
                                                   const Noise& noise, unsigned seed,
                                                   int num_rounds = 1) {
  std::mt19937 random(seed);
  std::vector<MeasuredRun> runs;
  for (int round = 0; round < num_rounds; ++round)
    for (const Plan& plan : plans(truth))
      runs.push_back(
          run_of("run" + std::to_string(runs.size() + 1), plan, truth, thought, noise, random));
  return runs;
}

}  // namespace cadastre::run_calibration::synthetic
