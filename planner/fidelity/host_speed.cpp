#include "planner/fidelity/host_speed.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "planner/lowering.h"
#include "planner/program_costs.h"

namespace cadastre {

namespace {

/// At what it computes, not at messages.
void set_speed(Host& host, double speed) {
  if (speed == host.relative_speed) return;
  host.transport_speed = transport_speed(host);
  host.relative_speed = speed;
}

bool has_whole_processors(const Host& host) { return host.relative_speed == 1; }

/// Summed over the sizes.
double seconds_of_a_sample(const Profile& profile) {
  double seconds = 0;
  for (const LayerProfile& layer : profile.layers)
    for (const Measurement& measurement : layer.measurements)
      seconds += (measurement.forward_s + measurement.backward_s) /
                 static_cast<double>(measurement.batch_size);
  return seconds;
}

}  // namespace

bool are_stated_alike(const Host& a, const Host& b) {
  return a.relative_speed == b.relative_speed && a.cores == b.cores;
}

std::size_t profiled_host(const Cluster& stated) {
  const auto whole = std::find_if(stated.hosts.begin(), stated.hosts.end(), has_whole_processors);
  return whole == stated.hosts.end() ? 0 : static_cast<std::size_t>(whole - stated.hosts.begin());
}

int profiled_threads(const Cluster& stated) {
  const Host& host = stated.hosts[profiled_host(stated)];
  return has_whole_processors(host) ? host.cores : 1;
}

ProfiledProcessors profiled_processors(const Cluster& stated, int num_threads,
                                       const std::map<std::string, std::vector<int>>& of_hosts) {
  ProfiledProcessors divided;
  divided.own = of_hosts.at(stated.hosts[profiled_host(stated)].name);
  divided.own.resize(std::min(divided.own.size(), static_cast<std::size_t>(num_threads)));
  for (const auto& of_host : of_hosts)
    std::copy_if(of_host.second.begin(), of_host.second.end(), std::back_inserter(divided.others),
                 [&](int processor) {
                   return std::find(divided.own.begin(), divided.own.end(), processor) ==
                          divided.own.end();
                 });
  return divided;
}

std::vector<std::size_t> hosts_to_measure(const Cluster& stated) {
  const int num_threads = profiled_threads(stated);
  std::vector<std::size_t> hosts;
  for (std::size_t h = 0; h < stated.hosts.size(); ++h) {
    const Host& host = stated.hosts[h];
    if (has_whole_processors(host) && host.cores == num_threads) continue;
    const bool is_known = std::any_of(hosts.begin(), hosts.end(), [&](std::size_t other) {
      return are_stated_alike(stated.hosts[other], host);
    });
    if (!is_known) hosts.push_back(h);
  }
  return hosts;
}

double relative_speed(const Profile& on_host, const Profile& on_other) {
  return seconds_of_a_sample(on_other) / seconds_of_a_sample(on_host);
}

Cluster with_speeds(const Cluster& stated, const std::map<std::size_t, double>& speeds) {
  const int num_threads = profiled_threads(stated);
  Cluster cluster = stated;
  for (Host& host : cluster.hosts) set_speed(host, host.relative_speed * host.cores / num_threads);
  for (const auto& [measured, speed] : speeds)
    for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
      if (are_stated_alike(stated.hosts[h], stated.hosts[measured]))
        set_speed(cluster.hosts[h], speed);
  return cluster;
}

Cluster with_speeds_at_work(const PlanDocument& document, const Cluster& stated,
                            const std::map<std::size_t, HostProfile>& on_hosts) {
  Cluster cluster = document.cluster;
  if (on_hosts.empty()) return cluster;
  Cluster equal = cluster;
  for (Host& host : equal.hosts) host.relative_speed = 1;
  const Program program = lower(document.plan, document.profile.model, equal);
  const auto seconds_of_ranks = [&](const Profile& profile) {
    std::vector<double> sums;
    for (const std::vector<double>& seconds :
         program_costs(program, document.plan, profile, equal).seconds)
      sums.push_back(std::accumulate(seconds.begin(), seconds.end(), 0.0));
    return sums;
  };
  for (const auto& [measured, profiles] : on_hosts) {
    const std::vector<double> host_s = seconds_of_ranks(profiles.on_host);
    const std::vector<double> whole_s = seconds_of_ranks(profiles.on_whole);
    for (std::size_t r = 0; r < program.ranks.size(); ++r) {
      const auto h = static_cast<std::size_t>(program.ranks[r].host_index);
      if (are_stated_alike(stated.hosts[h], stated.hosts[measured]) && whole_s[r] > 0 &&
          host_s[r] > 0)
        set_speed(cluster.hosts[h], whole_s[r] / host_s[r]);
    }
  }
  return cluster;
}

Cluster slowed(const Cluster& cluster, const std::map<std::string, double>& factors) {
  Cluster made = cluster;
  for (Host& host : made.hosts)
    if (const auto found = factors.find(host.name); found != factors.end())
      set_speed(host, host.relative_speed / found->second);
  return made;
}

Cluster between(const Cluster& alone, const Cluster& beside, double part) {
  Cluster cluster = alone;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    Host& host = cluster.hosts[h];
    set_speed(host, 1 / std::lerp(1 / alone.hosts[h].relative_speed,
                                  1 / beside.hosts[h].relative_speed, part));
    host.speed_spread = std::lerp(host.speed_spread, beside.hosts[h].speed_spread, part);
  }
  return cluster;
}

}  // namespace cadastre
