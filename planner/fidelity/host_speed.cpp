#include "planner/fidelity/host_speed.h"

#include <algorithm>

namespace cadastre {

namespace {

bool are_stated_alike(const Host& a, const Host& b) {
  return a.relative_speed == b.relative_speed && a.cores == b.cores;
}

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

std::vector<std::size_t> hosts_to_measure(const Cluster& stated) {
  std::vector<std::size_t> hosts;
  for (std::size_t h = 0; h < stated.hosts.size(); ++h) {
    const Host& host = stated.hosts[h];
    if (host.relative_speed == 1) continue;  // it has whole processors
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
  Cluster cluster = stated;
  for (const auto& [measured, speed] : speeds)
    for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
      if (!are_stated_alike(stated.hosts[h], stated.hosts[measured])) continue;
      cluster.hosts[h].transport_speed = transport_speed(stated.hosts[h]);
      cluster.hosts[h].relative_speed = speed;
    }
  return cluster;
}

}  // namespace cadastre
