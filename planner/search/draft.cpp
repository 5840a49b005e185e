#include "planner/search/draft.h"

#include <algorithm>
#include <utility>

#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/sample_split.h"

namespace cadastre {

namespace {

bool needs_inference(Objective objective) {
  return objective == Objective::kLatency || objective == Objective::kThroughput;
}

/// Lets stages recompute on the hosts that lack memory, and lowers the plan.
LoweredDivision recompute_where_needed(Division division, const PlanningProblem& problem) {
  const CostTable& table = problem.training;
  std::vector<std::int64_t> saved_bytes(division.stages.size(), 0);
  for (std::size_t i = 0; i < division.stage_of_layer.size(); ++i)
    saved_bytes[static_cast<std::size_t>(division.stage_of_layer[i])] +=
        table.saved_bytes_per_sample()[i];
  Program program;
  for (bool changed = true; changed;) {
    changed = false;
    program = lower(division, table.model());
    const std::vector<std::int64_t> peaks = peak_memory_bytes(program, division, table);
    for (std::size_t r = 0; r < program.ranks.size(); ++r) {
      const RankProgram& rank = program.ranks[r];
      if (peaks[r] <= problem.cluster.hosts[static_cast<std::size_t>(rank.host_index)].memory_bytes)
        continue;
      int most = -1;
      for (const RankPart& part : rank.parts) {
        const auto s = static_cast<std::size_t>(part.stage);
        if (!division.stages[s].recompute && saved_bytes[s] > 0 &&
            (most < 0 || saved_bytes[s] > saved_bytes[static_cast<std::size_t>(most)]))
          most = part.stage;
      }
      if (most < 0) continue;
      division.stages[static_cast<std::size_t>(most)].recompute = true;
      changed = true;
    }
  }
  return {.division = std::move(division), .program = std::move(program)};
}

/// Whether a program of the division can be held and evaluated: instructions that go with the
/// number of micro-batches, counted from above.
bool has_feasible_length(const Division& division, const ModelFacts& model) {
  constexpr std::int64_t kMostInstructions = std::int64_t{1} << 22;
  constexpr std::int64_t kOfPass = 4;
  constexpr std::int64_t kOfPiece = 4;  // sent and received, there and back
  std::int64_t num_replicas = 0;
  for (const DividedStage& stage : division.stages)
    num_replicas += static_cast<std::int64_t>(stage.hosts.size());
  const auto fits = [&](std::int64_t num_pieces) {
    return kOfPass * num_replicas + kOfPiece * num_pieces <=
           kMostInstructions / division.micro_batches;
  };
  std::int64_t num_edges = 0;
  for (const std::vector<int>& readers : model.read_by)
    num_edges += static_cast<std::int64_t>(readers.size());
  if (fits(num_edges * num_replicas)) return true;
  std::int64_t num_pieces = 0;
  std::vector<int> last_layer(division.stages.size(), -1);
  for (std::size_t i = 0; i < model.num_layers(); ++i) {
    const auto from = static_cast<std::size_t>(division.stage_of_layer[i]);
    for (const int reader : model.read_by[i]) {
      const auto to =
          static_cast<std::size_t>(division.stage_of_layer[static_cast<std::size_t>(reader)]);
      if (to == from || std::exchange(last_layer[to], static_cast<int>(i)) == static_cast<int>(i))
        continue;
      // Consecutive parts of the samples on both sides.
      num_pieces += static_cast<std::int64_t>(division.stages[from].hosts.size() +
                                              division.stages[to].hosts.size() - 1);
    }
  }
  return fits(num_pieces);
}

/// What a pass takes on each stage's slowest replica.
void predict_passes(Division& division, const PlanningProblem& problem) {
  const CostTable& table = problem.training;
  const std::int64_t samples = division.batch_size / division.micro_batches;
  for (DividedStage& stage : division.stages) stage.forward_s = stage.backward_s = 0;
  for (std::size_t s = 0; s < division.stages.size(); ++s) {
    DividedStage& stage = division.stages[s];
    std::int64_t parameter_bytes = 0;
    std::int64_t saved_bytes_per_sample = 0;
    for (std::size_t i = 0; i < division.stage_of_layer.size(); ++i) {
      if (division.stage_of_layer[i] != static_cast<int>(s)) continue;
      parameter_bytes += table.parameter_bytes()[i];
      saved_bytes_per_sample += table.saved_bytes_per_sample()[i];
    }
    const std::vector<SampleRange> slices =
        split_samples(samples, stage.shares, table.model().granularity);
    for (std::size_t r = 0; r < stage.hosts.size(); ++r) {
      const std::vector<LayerCost>& costs = table.layers(slices[r].size());
      const double speed =
          problem.cluster.hosts[static_cast<std::size_t>(stage.hosts[r])].relative_speed;
      const PartRatios ratios =
          table.part_ratios(parameter_bytes, saved_bytes_per_sample, slices[r].size());
      double forward_s = 0;
      double backward_s = 0;
      for (std::size_t i = 0; i < costs.size(); ++i) {
        if (division.stage_of_layer[i] != static_cast<int>(s)) continue;
        forward_s += ratios.forward * costs[i].forward_s / speed;
        backward_s += ratios.backward * costs[i].backward_s / speed;
      }
      if (forward_s + backward_s < stage.forward_s + stage.backward_s) continue;
      stage.forward_s = forward_s;
      stage.backward_s = backward_s;
    }
  }
}

}  // namespace

bool interleaved(const Draft& draft) {
  std::vector<int> hosts;
  for (const std::vector<int>& stage : draft.stage_hosts)
    hosts.insert(hosts.end(), stage.begin(), stage.end());
  std::sort(hosts.begin(), hosts.end());
  return std::adjacent_find(hosts.begin(), hosts.end()) != hosts.end();
}

void tidy_stages(Draft& draft) {
  std::vector<int> number(draft.stage_hosts.size(), -1);
  for (const int stage : draft.stage_of_layer) number[static_cast<std::size_t>(stage)] = 0;
  std::vector<std::vector<int>> kept;
  for (std::size_t s = 0; s < number.size(); ++s) {
    if (number[s] < 0) continue;
    const std::vector<int>& hosts = draft.stage_hosts[s];
    if (kept.empty() || hosts.size() > 1 || kept.back() != hosts) kept.push_back(hosts);
    number[s] = static_cast<int>(kept.size()) - 1;
  }
  draft.stage_hosts = std::move(kept);
  for (int& stage : draft.stage_of_layer) stage = number[static_cast<std::size_t>(stage)];
}

std::vector<Schedule> allowed_schedules(const Draft& draft) {
  if (interleaved(draft)) return {Schedule::kInterleaved};
  return {Schedule::kOneForwardOneBackward, Schedule::kEagerOneForwardOneBackward,
          Schedule::kGpipe};
}

std::vector<LoweredDivision> complete(const Draft& draft, std::int64_t batch_size,
                                      std::int64_t micro_batches, const Goal& goal,
                                      const PlanningProblem& problem,
                                      const std::vector<Schedule>& schedules) {
  Division division{.stage_of_layer = draft.stage_of_layer,
                    .stages = {},
                    .batch_size = batch_size,
                    .micro_batches = micro_batches,
                    .all_reduce = problem.all_reduce,
                    .wire_dtype = problem.wire_dtype};
  division.stages.reserve(draft.stage_hosts.size());
  for (const std::vector<int>& hosts : draft.stage_hosts) {
    std::vector<double> speeds;
    for (const int host : hosts)
      speeds.push_back(problem.cluster.hosts[static_cast<std::size_t>(host)].relative_speed);
    std::vector<double> shares =
        balanced_shares(batch_size / micro_batches, speeds, problem.training.model().granularity);
    if (shares.empty()) return {};
    division.stages.push_back({.hosts = hosts, .shares = std::move(shares), .recompute = false});
  }
  if (!has_feasible_length(division, problem.training.model())) return {};
  predict_passes(division, problem);
  std::vector<LoweredDivision> lowered;
  for (const Schedule schedule : schedules) {
    division.schedule = schedule;
    lowered.push_back(recompute_where_needed(division, problem));
    if (goal.objective != Objective::kMemory) continue;
    Division all = division;
    for (DividedStage& stage : all.stages) stage.recompute = true;
    lowered.push_back(recompute_where_needed(std::move(all), problem));
  }
  return lowered;
}

std::vector<LoweredDivision> complete(const Draft& draft, std::int64_t batch_size,
                                      std::int64_t micro_batches, const Goal& goal,
                                      const PlanningProblem& problem) {
  return complete(draft, batch_size, micro_batches, goal, problem, allowed_schedules(draft));
}

Candidate evaluate(LoweredDivision lowered, const Goal& goal, const PlanningProblem& problem) {
  Candidate candidate;
  const Division& division = lowered.division;
  candidate.predicted = predict_training(division, lowered.program, problem);
  bool inference = needs_inference(goal.objective);
  for (const Constraint& constraint : goal.constraints)
    inference = inference || needs_inference(constraint.objective);
  if (inference) {
    candidate.predicted.latency_s = inference_latency_s(division, problem);
    candidate.predicted.inference_samples_per_s = inference_samples_per_s(division, problem);
  }
  candidate.division = std::move(lowered.division);
  candidate.value = minimised(goal.objective, objective_value(candidate.predicted, goal.objective,
                                                              candidate.division.batch_size));
  return candidate;
}

bool acceptable(const Candidate& candidate, const Goal& goal) {
  return candidate.predicted.fits_memory &&
         keeps(candidate.predicted, candidate.division.batch_size, goal.constraints);
}

}  // namespace cadastre
