#include "planner/slowed_clusters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "planner/log_normal.h"

namespace cadastre {

namespace {

constexpr double kWorstTwentiethOfNormal = 1.6448536269514722;

/// Searches take time: of the hosts and links that vary, so many are looked at alone.
constexpr std::size_t kMostAlone = 6;

/// What varies, by names.
struct Variation {
  std::map<std::string, double> hosts;  ///< spread of each that varies
  std::map<std::string, double> links;  ///< likewise, by link names
};

Variation variation_of(const Cluster& cluster, const Routes& routes, const StepSpreads& spreads) {
  Variation variation;
  for (std::size_t h = 0; h < spreads.hosts.size(); ++h)
    if (spreads.hosts[h] > 0) variation.hosts[cluster.hosts[h].name] = spreads.hosts[h];
  for (std::size_t l = 0; l < spreads.links.size(); ++l)
    if (spreads.links[l] > 0) {
      double& of_link = variation.links[link_name(routes.half_links()[l])];
      of_link = std::max(of_link, spreads.links[l]);
    }
  return variation;
}

void slow_links(Cluster& cluster, const std::map<std::string, double>& factor_of_link) {
  if (factor_of_link.empty()) return;
  Network& network = cluster.network;
  if (!is_star(network.topology)) {
    double least = 1;
    for (const auto& [link, factor] : factor_of_link) least = std::min(least, factor);
    scale_bandwidth(cluster, least);
    return;
  }
  const auto slow = [&](const std::string& link, double& bandwidth_bytes_per_s) {
    const auto found = factor_of_link.find(link);
    if (found != factor_of_link.end()) bandwidth_bytes_per_s *= found->second;
  };
  const auto slow_own = [&](auto& owner) {
    double bandwidth_bytes_per_s =
        owner.bandwidth_bytes_per_s.value_or(network.bandwidth_bytes_per_s);
    slow(owner.name, bandwidth_bytes_per_s);
    if (factor_of_link.contains(owner.name)) owner.bandwidth_bytes_per_s = bandwidth_bytes_per_s;
  };
  for (Host& host : cluster.hosts)
    if (host.machine.empty()) slow_own(host);
  for (Machine& machine : cluster.machines) slow_own(machine);
  for (Zone& zone : network.zones) slow("zone " + zone.name, zone.bandwidth_bytes_per_s);
  for (DirectLink& link : network.direct_links) {
    std::string name = link.from + "-";
    name += link.to;
    slow(name, link.bandwidth_bytes_per_s);
  }
}

/// With everything of `variation` slower than its median by as many deviations.
Cluster slowed(const Cluster& cluster, const Variation& variation, double deviations) {
  const auto factor = [&](double spread) {
    return std::exp(-deviations * log_normal_deviation(spread));
  };
  Cluster slow = cluster;
  for (Host& host : slow.hosts)
    if (const auto found = variation.hosts.find(host.name); found != variation.hosts.end()) {
      host.relative_speed *= factor(found->second);
      if (host.transport_speed) *host.transport_speed *= factor(found->second);
    }
  std::map<std::string, double> factor_of_link;
  for (const auto& [link, spread] : variation.links) factor_of_link[link] = factor(spread);
  slow_links(slow, factor_of_link);
  return slow;
}

/// Each host and each link alone: those that vary most.
std::vector<Variation> alone(const Variation& variation) {
  std::vector<std::pair<double, Variation>> each;
  for (const auto& host : variation.hosts)
    each.push_back({host.second, {.hosts = {host}, .links = {}}});
  for (const auto& link : variation.links)
    each.push_back({link.second, {.hosts = {}, .links = {link}}});
  std::stable_sort(each.begin(), each.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  each.resize(std::min(each.size(), kMostAlone));
  std::vector<Variation> variations;
  for (auto& [spread, one] : each) variations.push_back(std::move(one));
  return variations;
}

}  // namespace

std::vector<Cluster> slowed_clusters(const Cluster& cluster, const Routes& routes,
                                     const StepSpreads& spreads) {
  const Variation all = variation_of(cluster, routes, spreads);
  std::vector<Variation> variations = {
      all, {.hosts = all.hosts, .links = {}}, {.hosts = {}, .links = all.links}};
  for (Variation& one : alone(all)) variations.push_back(std::move(one));
  std::vector<Cluster> slow;
  for (const double deviations : {kUpperQuartileOfNormal, kWorstTwentiethOfNormal})
    for (const Variation& variation : variations) {
      Cluster made = slowed(cluster, variation, deviations);
      if (made != cluster && std::find(slow.begin(), slow.end(), made) == slow.end())
        slow.push_back(std::move(made));
    }
  return slow;
}

}  // namespace cadastre
