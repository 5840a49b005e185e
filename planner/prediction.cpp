#include "planner/prediction.h"

#include <algorithm>
#include <utility>

#include "planner/cost_model.h"
#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/program.h"
#include "planner/program_costs.h"

namespace cadastre {

Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  return predict(division_of(plan, profile.model, cluster), PlanningProblem(profile, cluster, {}, WireDtype::kFloat32, plan.optimizer));
}

Prediction predict(const Division& division, const PlanningProblem& problem) {
  Prediction prediction =
      predict_training(division, lower(division, problem.training.model()), problem);
  prediction.latency_s = inference_latency_s(division, problem);
  prediction.inference_samples_per_s = inference_samples_per_s(division, problem);
  return prediction;
}

Prediction predict_training(const Division& division, const Program& program,
                            const PlanningProblem& problem) {
  const StepSeconds seconds =
      step_seconds(program, program_costs(program, division, problem.training, problem.cluster),
                   problem.network);
  const std::vector<std::int64_t> peaks = peak_memory_bytes(program, division, problem.training);
  const std::vector<std::int64_t> sent = sent_bytes_by_rank(program);
  Prediction prediction{.step_s = seconds.step_s, .hosts = {}};
  constexpr double kSecondsPerHour = 3600;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const Host& host = problem.cluster.hosts[static_cast<std::size_t>(program.ranks[r].host_index)];
    const RankSeconds& rank = seconds.ranks[r];
    const double busy_s = rank.compute_s + rank.transfer_s + rank.reduction_s;
    prediction.traffic_bytes_per_step += sent[r];
    prediction.energy_j_per_step +=
        idle_watts(host) * seconds.step_s + (host.watts - idle_watts(host)) * rank.compute_s;
    prediction.price_per_step += host.price_per_hour / kSecondsPerHour * seconds.step_s;
    prediction.hosts.push_back({.host = host.name,
                                .compute_s = rank.compute_s,
                                .waiting_s = std::max(0.0, seconds.step_s - busy_s),
                                .transfer_s = rank.transfer_s,
                                .reduction_s = rank.reduction_s,
                                .sent_bytes = sent[r],
                                .peak_memory_bytes = peaks[r]});
    prediction.peak_memory_bytes = std::max(prediction.peak_memory_bytes, peaks[r]);
    if (peaks[r] > host.memory_bytes) prediction.fits_memory = false;
  }
  return prediction;
}

double inference_latency_s(const Division& division, const PlanningProblem& problem) {
  Division one = division;
  one.batch_size = 1;
  one.micro_batches = 1;
  const Program program = lower(one, problem.inference.model());
  const ProgramCosts costs = program_costs(program, one, problem.inference, problem.cluster);
  return step_seconds(program, costs, problem.network).first_step_s;
}

double inference_samples_per_s(const Division& division, const PlanningProblem& problem) {
  // Once full, a pipeline of forward passes gives a micro-batch whenever its slowest stage does:
  // a few of them tell as much as many.
  constexpr std::int64_t kFew = 4;
  Division few = division;
  if (division.batch_size % division.micro_batches == 0) {
    few.micro_batches = std::min(kFew, division.micro_batches);
    few.batch_size = division.batch_size / division.micro_batches * few.micro_batches;
  }
  const Program program = lower(few, problem.inference.model());
  const double step_s =
      step_seconds(program, program_costs(program, few, problem.inference, problem.cluster),
                   problem.network)
          .step_s;
  return step_s > 0 ? static_cast<double>(few.batch_size) / step_s : 0;
}

}  // namespace cadastre
