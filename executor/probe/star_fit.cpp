#include "executor/probe/star_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "planner/quantile.h"

namespace cadastre {

namespace {

struct Way {
  int a = 0;  // < b
  int b = 0;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
  bool is_cable = false;
};

/// Both directions as one.
std::vector<Way> undirected(const std::vector<MeasuredWay>& measured) {
  struct Sum {
    int num = 0;
    double s_per_byte = 0;
    double latency_s = 0;
  };

  std::map<std::pair<int, int>, Sum> sums;
  for (const MeasuredWay& way : measured) {
    Sum& sum = sums[std::minmax(way.from, way.to)];
    ++sum.num;
    sum.s_per_byte += 1 / way.bandwidth_bytes_per_s;
    sum.latency_s += way.latency_s;
  }
  std::vector<Way> ways;
  for (const auto& [hosts, sum] : sums)
    ways.push_back({.a = hosts.first,
                    .b = hosts.second,
                    .bandwidth_bytes_per_s = sum.num / sum.s_per_byte,
                    .latency_s = sum.latency_s / sum.num});
  return ways;
}

class Fit {
 public:
  Fit(int num_hosts, const std::vector<MeasuredWay>& measured)
      : ways_(undirected(measured)), ways_of_(static_cast<std::size_t>(num_hosts)) {
    for (std::size_t w = 0; w < ways_.size(); ++w) {
      ways_of_[static_cast<std::size_t>(ways_[w].a)].push_back(w);
      ways_of_[static_cast<std::size_t>(ways_[w].b)].push_back(w);
    }
  }

  StarFit fit() && {
    fit_bandwidths();
    find_cables();
    const std::vector<double> latencies_s = fit_latencies();
    StarFit found;
    for (std::size_t h = 0; h < ways_of_.size(); ++h)
      found.links.push_back({.bandwidth_bytes_per_s = bandwidths_[h], .latency_s = latencies_s[h]});
    for (const Way& way : ways_)
      if (way.is_cable)
        found.cables.push_back({.from = way.a,
                                .to = way.b,
                                .bandwidth_bytes_per_s = way.bandwidth_bytes_per_s,
                                .latency_s = way.latency_s});
    return found;
  }

 private:
  [[nodiscard]] std::vector<double> bandwidths_of(std::size_t host) const {
    std::vector<double> found;
    for (const std::size_t w : ways_of_[host]) found.push_back(ways_[w].bandwidth_bytes_per_s);
    return found;
  }

  static double explained(const Way& way, const std::vector<double>& links) {
    return std::min(links[static_cast<std::size_t>(way.a)], links[static_cast<std::size_t>(way.b)]);
  }

  static double misfit(const Way& way, const std::vector<double>& links) {
    return std::abs(std::log(way.bandwidth_bytes_per_s / explained(way, links)));
  }

  [[nodiscard]] double host_misfit(std::size_t host, const std::vector<double>& links) const {
    double sum = 0;
    for (const std::size_t w : ways_of_[host]) sum += misfit(ways_[w], links);
    return sum;
  }

  [[nodiscard]] double total_misfit(const std::vector<double>& links) const {
    double sum = 0;
    for (const Way& way : ways_) sum += misfit(way, links);
    return sum;
  }

  /// A host's best link, the others' given, is as fast as one of its ways.
  [[nodiscard]] std::vector<double> descend(std::vector<double> links) const {
    constexpr int kMostSweeps = 100;
    constexpr double kBetter = 1e-9;
    bool changed = true;
    for (int sweep = 0; sweep < kMostSweeps && changed; ++sweep) {
      changed = false;
      for (std::size_t host = 0; host < links.size(); ++host) {
        double best = links[host];
        double best_misfit = host_misfit(host, links);
        for (const double candidate : bandwidths_of(host)) {
          links[host] = candidate;
          const double candidate_misfit = host_misfit(host, links);
          if (candidate_misfit >= best_misfit - kBetter) continue;
          best = candidate;
          best_misfit = candidate_misfit;
          changed = true;
        }
        links[host] = best;
      }
    }
    return links;
  }

  void fit_bandwidths() {
    std::vector<double> fastest;
    std::vector<double> typical;
    for (std::size_t host = 0; host < ways_of_.size(); ++host) {
      const std::vector<double> own = bandwidths_of(host);
      fastest.push_back(own.empty() ? 0 : *std::max_element(own.begin(), own.end()));
      typical.push_back(median(own));
    }
    fastest = descend(std::move(fastest));
    typical = descend(std::move(typical));
    bandwidths_ = total_misfit(typical) < total_misfit(fastest) ? typical : fastest;
  }

  void find_cables() {
    bool has_cables = false;
    for (Way& way : ways_) {
      way.is_cable = way.bandwidth_bytes_per_s > kClearFactor * explained(way, bandwidths_);
      has_cables = has_cables || way.is_cable;
    }
    if (!has_cables) return;
    for (Way& way : ways_) {
      const double without_a = fastest_beside(way.a, way);
      const double without_b = fastest_beside(way.b, way);
      if (way.is_cable || without_a == 0 || without_b == 0 ||
          way.bandwidth_bytes_per_s <= kClearFactor * std::max(without_a, without_b))
        continue;
      way.is_cable = true;
      bandwidths_[static_cast<std::size_t>(way.a)] = without_a;
      bandwidths_[static_cast<std::size_t>(way.b)] = without_b;
    }
  }

  /// The fastest of a host's other ways that are no cables; 0 without any.
  [[nodiscard]] double fastest_beside(int host, const Way& way) const {
    double fastest = 0;
    for (const std::size_t w : ways_of_[static_cast<std::size_t>(host)])
      if (&ways_[w] != &way && !ways_[w].is_cable)
        fastest = std::max(fastest, ways_[w].bandwidth_bytes_per_s);
    return fastest;
  }

  /// By Gauss and Seidel: each host's latency is the mean of what its ways leave for it.
  [[nodiscard]] std::vector<double> fit_latencies() const {
    constexpr int kSweeps = 500;
    std::vector<double> halves;
    for (const Way& way : ways_)
      if (!way.is_cable) halves.push_back(way.latency_s / 2);
    const double typical_s = median(halves);
    std::vector<double> latencies_s(ways_of_.size(), typical_s);
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      for (std::size_t host = 0; host < ways_of_.size(); ++host) {
        double sum = 0;
        int num = 0;
        for (const std::size_t w : ways_of_[host]) {
          const Way& way = ways_[w];
          if (way.is_cable) continue;
          const int other = way.a == static_cast<int>(host) ? way.b : way.a;
          sum += way.latency_s - latencies_s[static_cast<std::size_t>(other)];
          ++num;
        }
        if (num > 0) latencies_s[host] = std::max(0.0, sum / num);
      }
    }
    return latencies_s;
  }

  std::vector<Way> ways_;
  std::vector<std::vector<std::size_t>> ways_of_;
  std::vector<double> bandwidths_;
};

}  // namespace

StarFit fit_star(int num_hosts, const std::vector<MeasuredWay>& ways) {
  return Fit(num_hosts, ways).fit();
}

}  // namespace cadastre
