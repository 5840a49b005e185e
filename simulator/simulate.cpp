#include "simulator/simulate.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "planner/compute_spread.h"
#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/memory_traffic.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "simulator/environment.h"
#include "simulator/isolated.h"
#include "simulator/packed_plan.h"
#include "simulator/platform.h"

namespace cadastre {

namespace {

std::vector<const Plan*> plans_of(const PlanDocument& document) {
  std::vector<const Plan*> plans = {&document.plan};
  for (const Plan& plan : document.alternatives) plans.push_back(&plan);
  return plans;
}

/// Memory at the times of the timeline: while an instruction goes on, and after it.
void add_memory(ReplayResult& result, const std::vector<RankMemory>& memory) {
  for (std::size_t r = 0; r < memory.size(); ++r) {
    SimulatedHost& host = result.figures.hosts[r];
    host.peak_memory_bytes = memory[r].peak_bytes();
    host.memory = {{.at_s = 0, .bytes = memory[r].resident_bytes}};
  }
  const auto hold = [&](int rank, double at_s, std::int64_t bytes) {
    std::vector<MemoryPoint>& points = result.figures.hosts[static_cast<std::size_t>(rank)].memory;
    if (points.back().bytes == bytes) return;
    if (points.back().at_s >= at_s)
      points.back().bytes = std::max(points.back().bytes, bytes);
    else
      points.push_back({.at_s = at_s, .bytes = bytes});
  };
  std::vector<std::size_t> next(memory.size(), 0);
  for (const TimelineEvent& event : result.timeline.events) {
    const auto rank = static_cast<std::size_t>(event.rank);
    const InstructionMemory& instruction = memory[rank].instructions[next[rank]++];
    hold(event.rank, event.start_s, instruction.during_bytes);
    hold(event.rank, event.end_s, instruction.after_bytes);
  }
}

void add_prices(SimulationFigures& figures, const Cluster& cluster) {
  constexpr double kSecondsPerHour = 3600;
  for (SimulatedHost& host : figures.hosts)
    host.price =
        cluster.hosts[static_cast<std::size_t>(host_index(cluster, host.host))].price_per_hour /
        kSecondsPerHour * figures.steps.mean_s;
}

}  // namespace

SimulatedPlan simulate_plan(const Plan& plan, const PlanDocument& document,
                            const ReplayOptions& options) {
  const Program program = lower(plan, document.profile.model, document.cluster);
  ReplayOptions of_plan = options;
  if (options.conditions.jitter && !options.conditions.jitter->relative_spread)
    of_plan.spreads = program_spreads(program, plan, document.profile, document.cluster);
  if (!document.cluster.machines.empty())
    of_plan.memory_traffic =
        program_memory_traffic(program, plan, document.profile, document.cluster);
  ReplayResult result =
      replay(program, program_costs(program, plan, document.profile, document.cluster),
             document.cluster, of_plan);
  add_memory(result, program_memory(program, plan, document.profile, document.cluster));
  add_prices(result.figures, document.cluster);
  return {.strategy = plan.strategy,
          .micro_batches = plan.micro_batches,
          .schedule = plan.schedule,
          .predicted_step_s = plan.predicted.step_s,
          .simulated_step_s = result.figures.steps.mean_s,
          .traffic_bytes_per_step = traffic_bytes(program),
          .fits_memory = plan.predicted.fits_memory,
          .averaging_period = plan.averaging_period,
          .timeline = std::move(result.timeline),
          .figures = std::move(result.figures)};
}

Simulation simulate(const PlanDocument& document, const SimulateOptions& options) {
  const std::vector<const Plan*> plans = plans_of(document);
  check_platform(document.cluster);
  for (const Plan* plan : plans)
    check_conditions(options.conditions, options.conditions_file,
                     lower(*plan, document.profile.model, document.cluster), document.cluster,
                     "the plan " + plan->strategy);
  std::vector<IsolatedWork> work;
  for (const Plan* plan : plans)
    work.emplace_back([&document, &options, plan] {
      const bool is_first = plan == &document.plan;
      return packed(simulate_plan(*plan, document,
                                  {.conditions = options.conditions,
                                   .spreads = {},
                                   .memory_traffic = {},
                                   .meter_links = options.meter_links && is_first,
                                   .paje_file = is_first ? options.paje_file : ""}));
    });
  std::size_t num_finished = 0;
  const std::vector<IsolatedResult> results =
      run_isolated(work, options.max_processes == 0 ? num_usable_cores() : options.max_processes,
                   [&](std::size_t i) {
                     ++num_finished;
                     if (options.on_finished) options.on_finished(num_finished, plans[i]->strategy);
                   });

  Simulation simulation;
  simulation.network_model = network_model_text(document.cluster);
  simulation.cluster = document.cluster.name;
  simulation.conditions = options.conditions;
  std::string failures;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (results[i].error.empty())
      simulation.plans.push_back(unpacked(results[i].output));
    else
      failures += (failures.empty() ? "" : "; ") + std::string("simulation of the plan ") +
                  plans[i]->strategy + " failed: " + results[i].error;
  }
  if (!failures.empty()) throw std::runtime_error(failures);
  simulation.best = best_plan(simulation);
  return simulation;
}

int best_plan(const Simulation& simulation) {
  // Two plans that do the same differ by rounding: the earlier stays.
  constexpr double kRounding = 1e-9;
  int best = -1;
  for (std::size_t i = 0; i < simulation.plans.size(); ++i) {
    const SimulatedPlan& plan = simulation.plans[i];
    if (!plan.fits_memory || plan.averaging_period > 0) continue;
    if (best < 0 ||
        plan.simulated_step_s <
            simulation.plans[static_cast<std::size_t>(best)].simulated_step_s * (1 - kRounding))
      best = static_cast<int>(i);
  }
  return best < 0 ? 0 : best;
}

void choose_best(PlanDocument& document, const Simulation& simulation) {
  if (simulation.plans.size() != document.alternatives.size() + 1)
    throw std::invalid_argument("the simulation is of another plan document");
  document.plan.simulated_step_s = simulation.plans[0].simulated_step_s;
  for (std::size_t i = 0; i < document.alternatives.size(); ++i)
    document.alternatives[i].simulated_step_s = simulation.plans[i + 1].simulated_step_s;
  if (simulation.best > 0)
    std::swap(document.plan, document.alternatives[static_cast<std::size_t>(simulation.best) - 1]);
}

}  // namespace cadastre
