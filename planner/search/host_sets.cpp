#include "planner/search/host_sets.h"

#include <algorithm>

namespace cadastre {

namespace {

constexpr std::size_t kMostSets = 1024;

bool has_direct_link(const Cluster& cluster, const Host& host) {
  return std::any_of(
      cluster.network.direct_links.begin(), cluster.network.direct_links.end(),
      [&](const DirectLink& link) { return link.from == host.name || link.to == host.name; });
}

/// Whether nothing changes when the two change places. On other topologies than the star their ways
/// may differ, unless they are on one machine.
bool identical(const Cluster& cluster, const Host& a, int zone_a, const Host& b, int zone_b) {
  Host renamed = b;
  renamed.name = a.name;
  renamed.address = a.address;
  return renamed == a && zone_a == zone_b &&
         (is_star(cluster.network.topology) || !a.machine.empty()) &&
         !has_direct_link(cluster, a) && !has_direct_link(cluster, b);
}

}  // namespace

HostSets::HostSets(const Cluster& cluster, const DividedAllReduce& all_reduce) {
  const bool ordered = all_reduce.algorithm != AllReduceAlgorithm::kRing;
  const int root = all_reduce.root_host;
  const std::vector<int> zones = host_zones(cluster);
  for (int h = 0; h < static_cast<int>(cluster.hosts.size()); ++h) {
    const Host& host = cluster.hosts[static_cast<std::size_t>(h)];
    const auto found = std::find_if(classes_.begin(), classes_.end(), [&](const auto& members) {
      if (ordered && members.back() != h - 1) return false;
      if (root == h || root == members.front()) return false;
      const auto first = static_cast<std::size_t>(members.front());
      return identical(cluster, cluster.hosts[first], zones[first], host,
                       zones[static_cast<std::size_t>(h)]);
    });
    if (found == classes_.end())
      classes_.push_back({h});
    else
      found->push_back(h);
  }
  std::size_t num_sets = 1;
  for (const std::vector<int>& members : classes_) {
    num_sets *= members.size() + 1;
    if (num_sets > kMostSets) {
      complete_ = false;
      break;
    }
  }
}

std::vector<std::vector<int>> HostSets::choices(const std::vector<bool>& used) const {
  std::vector<std::vector<int>> free;
  for (const std::vector<int>& members : classes_) {
    std::vector<int>& left = free.emplace_back();
    for (const int host : members)
      if (!used[static_cast<std::size_t>(host)]) left.push_back(host);
  }
  std::vector<std::vector<int>> sets;
  const auto first = [](const std::vector<int>& hosts, std::size_t count) {
    return std::vector<int>(hosts.begin(), hosts.begin() + static_cast<std::ptrdiff_t>(count));
  };
  if (complete_) {
    sets.emplace_back();
    for (const std::vector<int>& left : free) {
      const std::size_t num_before = sets.size();
      for (std::size_t count = 1; count <= left.size(); ++count) {
        for (std::size_t s = 0; s < num_before; ++s) {
          std::vector<int> set = sets[s];
          const std::vector<int> added = first(left, count);
          set.insert(set.end(), added.begin(), added.end());
          sets.push_back(std::move(set));
        }
      }
    }
    sets.erase(sets.begin());
  } else {
    std::vector<int> all;
    for (const std::vector<int>& left : free) {
      for (std::size_t count = 1; count <= left.size(); ++count) sets.push_back(first(left, count));
      all.insert(all.end(), left.begin(), left.end());
    }
    if (!all.empty()) sets.push_back(all);
  }
  for (std::vector<int>& set : sets) std::sort(set.begin(), set.end());
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  return sets;
}

}  // namespace cadastre
