#include "simulator/step_factors.h"

#include <cstddef>

namespace cadastre {

StepFactors::StepFactors(const Jitter& jitter, const StepSpreads& spreads, const Cluster& cluster,
                         const Routes& routes, const Platform& platform, std::size_t num_ranks)
    : num_ranks_(num_ranks) {
  const double correlation_steps = jitter.between_steps.value_or(StepVariation{}).correlation_steps;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
    hosts_.emplace_back(jitter.seed, "host " + cluster.hosts[h].name, spreads.hosts[h],
                        correlation_steps);
  for (std::size_t l = 0; l < platform.links.size(); ++l) {
    if (platform.links[l] == nullptr || !(spreads.links[l] > 0)) continue;
    links_.push_back({.link = platform.links[l],
                      .bandwidth_bytes_per_s = platform.links[l]->get_bandwidth(),
                      .factors = {jitter.seed, "link " + link_name(routes.half_links()[l]),
                                  spreads.links[l], correlation_steps}});
  }
}

double StepFactors::of_host(int host, int step) {
  return hosts_[static_cast<std::size_t>(host)].at(step);
}

void StepFactors::begin_step(int step) {
  if (++num_begun_[step] < num_ranks_) return;
  num_begun_.erase(step);
  for (VaryingLink& varying : links_)
    varying.link->set_bandwidth(varying.bandwidth_bytes_per_s * varying.factors.at(step));
}

}  // namespace cadastre
