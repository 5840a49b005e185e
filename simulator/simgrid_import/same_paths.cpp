#include "simulator/simgrid_import/same_paths.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>

#include "planner/routes.h"

namespace cadastre {

namespace {

bool same_number(double a, double b) {
  constexpr double kRounding = 1e-12;
  return std::abs(a - b) <= kRounding * std::max(std::abs(a), std::abs(b));
}

/// Compares one path after the other, and remembers which links are the same.
class Comparison {
 public:
  explicit Comparison(const Cluster& cluster)
      : routes_(nominal(cluster), Routes::Table::kNone), seen_of_(routes_.num_half_links(), -1) {}

  bool same(int from, int to, std::span<const int> seen, const std::vector<SeenLink>& links) {
    half_of_.resize(links.size(), -1);
    const std::vector<int> path = routes_.path(from, to);
    if (path.size() != seen.size()) return false;
    for (std::size_t l = 0; l < path.size(); ++l) {
      const auto half = static_cast<std::size_t>(path[l]);
      const auto other = static_cast<std::size_t>(seen[l]);
      if (seen_of_[half] < 0 && half_of_[other] < 0) {
        const HalfLink& ours = routes_.half_links()[half];
        const SeenLink& theirs = links[other];
        if (!same_number(ours.bandwidth_bytes_per_s, theirs.bandwidth_bytes_per_s) ||
            !same_number(ours.latency_s, theirs.latency_s) || ours.fat_pipe != theirs.fat_pipe)
          return false;
        seen_of_[half] = seen[l];
        half_of_[other] = path[l];
      } else if (seen_of_[half] != seen[l] || half_of_[other] != path[l]) {
        return false;
      }
    }
    return true;
  }

 private:
  static Cluster nominal(Cluster cluster) {
    cluster.network.model = {};
    return cluster;
  }

  Routes routes_;
  std::vector<int> seen_of_;  ///< [half link]
  std::vector<int> half_of_;  ///< [seen link]
};

}  // namespace

std::vector<std::pair<int, int>> sampled_pairs(int num_hosts) {
  std::vector<std::pair<int, int>> pairs;
  constexpr int kFewHosts = 64;
  if (num_hosts <= kFewHosts) {
    for (int from = 0; from < num_hosts; ++from)
      for (int to = 0; to < num_hosts; ++to)
        if (from != to) pairs.emplace_back(from, to);
    return pairs;
  }
  for (int host = 0; host < num_hosts; ++host) {
    const int next = (host + 1) % num_hosts;
    pairs.emplace_back(host, next);
    pairs.emplace_back(next, host);
  }
  std::mt19937_64 random(1);
  const auto draw = [&] {
    return static_cast<int>(random() % static_cast<std::uint64_t>(num_hosts));
  };
  constexpr int kNumDrawn = 20000;
  for (int drawn = 0; drawn < kNumDrawn; ++drawn) {
    const int from = draw();
    const int to = draw();
    if (from != to) pairs.emplace_back(from, to);
  }
  return pairs;
}

bool same_paths(const Cluster& cluster, const std::vector<std::pair<int, int>>& pairs,
                const SeenPlatform& platform) {
  Comparison comparison(cluster);
  return std::all_of(pairs.begin(), pairs.end(), [&](const std::pair<int, int>& pair) {
    const std::vector<int> path = platform.find_path(pair.first, pair.second);
    return comparison.same(pair.first, pair.second, path, *platform.links);
  });
}

bool same_paths(const Cluster& cluster, const SeenPaths& paths) {
  Comparison comparison(cluster);
  for (int from = 0; from < paths.num_hosts(); ++from)
    for (int to = 0; to < paths.num_hosts(); ++to)
      if (from != to && !comparison.same(from, to, paths.path(from, to), paths.links()))
        return false;
  return true;
}

}  // namespace cadastre
