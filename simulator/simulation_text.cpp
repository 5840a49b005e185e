#include "simulator/simulation_text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/table.h"

namespace cadastre {

namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string ms(double seconds) { return fixed(seconds * 1e3, 3); }

std::string megabytes(std::int64_t bytes) { return fixed(static_cast<double>(bytes) / 1e6, 3); }

std::string difference_text(const SimulatedPlan& plan) {
  if (plan.predicted_step_s <= 0) return "";
  const double percent = 100 * (plan.simulated_step_s / plan.predicted_step_s - 1);
  return fixed(std::abs(percent) < 0.005 ? 0 : percent, 2);  // no -0.00
}

Rows plan_rows(const Simulation& simulation) {
  const bool has_band = simulation.conditions.num_steps > 1;
  Rows rows = {{"  strategy", "schedule", "micro-batches", "predicted ms", "simulated ms"}};
  if (has_band) rows[0].insert(rows[0].end(), {"5 % ms", "95 % ms"});
  rows[0].insert(rows[0].end(), {"difference %", "traffic MB", "fits"});
  for (std::size_t i = 0; i < simulation.plans.size(); ++i) {
    const SimulatedPlan& plan = simulation.plans[i];
    const bool best = static_cast<int>(i) == simulation.best;
    std::vector<std::string>& row = rows.emplace_back(std::vector<std::string>{
        (best ? "* " : "  ") + plan.strategy, schedule_name(plan.schedule),
        std::to_string(plan.micro_batches), ms(plan.predicted_step_s), ms(plan.simulated_step_s)});
    if (has_band)
      row.insert(row.end(), {ms(plan.figures.steps.p5_s), ms(plan.figures.steps.p95_s)});
    row.insert(row.end(), {difference_text(plan), megabytes(plan.traffic_bytes_per_step),
                           plan.fits_memory ? "yes" : "no"});
  }
  return rows;
}

Rows host_rows(const SimulationFigures& figures) {
  const bool has_energy = std::any_of(figures.hosts.begin(), figures.hosts.end(),
                                      [](const SimulatedHost& host) { return host.energy_j > 0; });
  Rows rows = {{"host", "compute ms", "receiving ms", "sending ms", "waiting ms", "sent MB",
                "received MB", "peak memory MB"}};
  if (has_energy) rows[0].emplace_back("energy J");
  for (const SimulatedHost& host : figures.hosts) {
    std::vector<std::string>& row = rows.emplace_back(std::vector<std::string>{
        host.host, ms(host.compute_s), ms(host.receiving_s), ms(host.sending_s), ms(host.waiting_s),
        megabytes(host.sent_bytes), megabytes(host.received_bytes),
        megabytes(host.peak_memory_bytes)});
    if (has_energy) row.push_back(fixed(host.energy_j, 3));
  }
  return rows;
}

std::string restart_text(const Restart& restart) {
  const bool host = restart.resource.link.empty();
  std::string text = host ? "host " + restart.resource.host : "link " + restart.resource.link;
  text += " failed at " + fixed(restart.failed_at_s, 3) + " s";
  text += "; the run went on at " + fixed(restart.resumed_at_s, 3) + " s with step ";
  text += std::to_string(restart.from_step);
  if (restart.lost_s > 0) text += ", after " + fixed(restart.lost_s, 3) + " s of lost work";
  return text + "\n";
}

}  // namespace

std::string simulation_text(const Simulation& simulation) {
  // A large cluster's hosts are in the document.
  constexpr std::size_t kMostHostsShown = 32;
  std::string text = text_table(plan_rows(simulation));
  const SimulatedPlan& plan = simulation.plans.front();
  const std::vector<SimulatedHost>& hosts = plan.figures.hosts;
  if (!hosts.empty() && hosts.size() <= kMostHostsShown)
    text += "\nA step of " + plan.strategy + ", host by host:\n\n" +
            text_table(host_rows(plan.figures));
  const SimulatedRun& run = plan.figures.run;
  if (!run.restarts.empty() || run.checkpoint_s > 0) {
    text += "\nThe run of " + std::to_string(plan.figures.steps.num_steps + 1) + " steps took ";
    text +=
        fixed(run.run_s, 3) + " s, " + fixed(run.checkpoint_s, 3) + " s of these in checkpoints\n";
  }
  for (const Restart& restart : run.restarts) text += restart_text(restart);
  return text;
}

}  // namespace cadastre
