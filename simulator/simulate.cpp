#include "simulator/simulate.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/table.h"
#include "simulator/isolated.h"
#include "simulator/platform.h"
#include "simulator/replay.h"

namespace cadastre {

namespace {

// Parent and worker are the same program, so a timeline crosses as the bytes it is in memory.
static_assert(std::is_trivially_copyable_v<TimelineEvent>);

std::string pack(const Timeline& timeline) {
  const std::size_t events_bytes = timeline.events.size() * sizeof(TimelineEvent);
  std::string bytes(sizeof timeline.step_s + events_bytes, '\0');
  std::memcpy(bytes.data(), &timeline.step_s, sizeof timeline.step_s);
  if (events_bytes > 0)
    std::memcpy(bytes.data() + sizeof timeline.step_s, timeline.events.data(), events_bytes);
  return bytes;
}

Timeline unpack(const std::string& bytes, const Program& program) {
  Timeline timeline = timeline_of(program, "simulated");
  const std::size_t events_bytes = bytes.size() - sizeof timeline.step_s;
  std::memcpy(&timeline.step_s, bytes.data(), sizeof timeline.step_s);
  timeline.events.resize(events_bytes / sizeof(TimelineEvent));
  if (events_bytes > 0)
    std::memcpy(timeline.events.data(), bytes.data() + sizeof timeline.step_s, events_bytes);
  return timeline;
}

std::vector<const Plan*> plans_of(const PlanDocument& document) {
  std::vector<const Plan*> plans = {&document.plan};
  for (const Plan& plan : document.alternatives) plans.push_back(&plan);
  return plans;
}

std::string difference_text(const SimulatedPlan& plan) {
  if (plan.predicted_step_s <= 0) return "";
  const double percent = 100 * (plan.simulated_step_s / plan.predicted_step_s - 1);
  return fixed(std::abs(percent) < 0.005 ? 0 : percent, 2);  // no -0.00
}

}  // namespace

Simulation simulate(const PlanDocument& document, const SimulateOptions& options) {
  const std::vector<const Plan*> plans = plans_of(document);
  check_platform(document.cluster);
  std::vector<Program> programs;
  std::vector<IsolatedWork> work;
  for (const Plan* plan : plans)
    programs.push_back(lower(*plan, document.profile.model, document.cluster));
  for (std::size_t i = 0; i < plans.size(); ++i)
    work.emplace_back([&document, &program = programs[i], plan = plans[i]] {
      return pack(replay(program, program_costs(program, *plan, document.profile, document.cluster),
                         document.cluster));
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
  std::string failures;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Plan& plan = *plans[i];
    if (!results[i].error.empty()) {
      failures += (failures.empty() ? "" : "; ") + std::string("simulation of the plan ") +
                  plan.strategy + " failed: " + results[i].error;
      continue;
    }
    Timeline timeline = unpack(results[i].output, programs[i]);
    simulation.plans.push_back({.strategy = plan.strategy,
                                .micro_batches = plan.micro_batches,
                                .schedule = plan.schedule,
                                .predicted_step_s = plan.predicted.step_s,
                                .simulated_step_s = timeline.step_s,
                                .traffic_bytes_per_step = traffic_bytes(programs[i]),
                                .fits_memory = plan.predicted.fits_memory,
                                .averaging_period = plan.averaging_period,
                                .timeline = std::move(timeline)});
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

std::string simulation_table(const Simulation& simulation) {
  constexpr double kMilli = 1e-3;
  constexpr double kMega = 1e6;
  std::vector<std::vector<std::string>> rows = {{"  strategy", "schedule", "micro-batches",
                                                 "predicted ms", "simulated ms", "difference %",
                                                 "traffic MB", "fits"}};
  for (std::size_t i = 0; i < simulation.plans.size(); ++i) {
    const SimulatedPlan& plan = simulation.plans[i];
    const bool best = static_cast<int>(i) == simulation.best;
    rows.push_back({(best ? "* " : "  ") + plan.strategy, schedule_name(plan.schedule),
                    std::to_string(plan.micro_batches), fixed(plan.predicted_step_s / kMilli, 3),
                    fixed(plan.simulated_step_s / kMilli, 3), difference_text(plan),
                    fixed(static_cast<double>(plan.traffic_bytes_per_step) / kMega, 3),
                    plan.fits_memory ? "yes" : "no"});
  }
  return text_table(rows);
}

}  // namespace cadastre
