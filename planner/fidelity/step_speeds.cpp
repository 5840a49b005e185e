#include "planner/fidelity/step_speeds.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <utility>
#include <vector>

#include "planner/cost_model.h"
#include "planner/log_normal.h"
#include "planner/lowering.h"
#include "planner/program_costs.h"

namespace cadastre {

namespace {

constexpr std::size_t kNumSteps = 256;

double normal_quantile(double fraction) {
  return boost::math::quantile(boost::math::normal_distribution<>(), fraction);
}

/// The parts of 1 by which the sequence's coordinates go on from point to point: 1/g, 1/g^2, ...,
/// where g^(dimensions + 1) = g + 1.
std::vector<double> recurrence(std::size_t dimensions) {
  constexpr int kIterations = 64;
  const auto power = 1 / static_cast<double>(dimensions + 1);
  double g = 2;
  for (int i = 0; i < kIterations; ++i) g = std::pow(1 + g, power);
  std::vector<double> parts;
  for (double part = 1 / g; parts.size() < dimensions; part /= g) parts.push_back(part);
  return parts;
}

void slow_down(Host& host, double factor) {
  host.relative_speed /= factor;
  if (host.transport_speed) *host.transport_speed /= factor;
}

}  // namespace

Cluster with_step_spreads(const PlanDocument& document, const Cluster& stated,
                          const std::map<std::size_t, HostProfile>& on_hosts) {
  Cluster cluster = document.cluster;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    double spread = document.profile.step_spread;
    for (const auto& [measured, profiles] : on_hosts)
      if (are_stated_alike(stated.hosts[h], stated.hosts[measured]))
        spread = profiles.on_host.step_spread;
    cluster.hosts[h].speed_spread = std::min(spread, kMostStepSpread);
  }
  return cluster;
}

Cluster at_step_quantile(const PlanDocument& document, double fraction) {
  const Cluster& cluster = document.cluster;
  std::vector<std::size_t> varying;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
    if (cluster.hosts[h].speed_spread > 0) varying.push_back(h);
  if (varying.empty()) return cluster;

  const Program program = lower(document.plan, document.profile.model, cluster);
  const std::vector<double> parts = recurrence(varying.size());
  std::vector<std::pair<double, Cluster>> steps;  // by their seconds
  for (std::size_t i = 0; i < kNumSteps; ++i) {
    Cluster in_step = cluster;
    for (std::size_t k = 0; k < varying.size(); ++k) {
      constexpr double kBegin = 0.5;
      double whole = 0;
      const double place = std::modf(kBegin + static_cast<double>(i + 1) * parts[k], &whole);
      Host& host = in_step.hosts[varying[k]];
      slow_down(host, std::exp(log_normal_deviation(host.speed_spread) *
                               (normal_quantile(place) - normal_quantile(fraction))));
    }
    const ProgramCosts costs = program_costs(program, document.plan, document.profile, in_step);
    const double step_s = step_seconds(program, costs, NetworkCosts(in_step)).step_s;
    steps.emplace_back(step_s, std::move(in_step));
  }
  const auto at = steps.begin() + std::lround(fraction * static_cast<double>(kNumSteps - 1));
  std::nth_element(steps.begin(), at, steps.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return std::move(at->second);
}

}  // namespace cadastre
