#include "executor/probe/probed_cluster.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iomanip>
#include <numeric>
#include <set>
#include <sstream>

#include "executor/launch/hosts_file.h"
#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/quantile.h"

namespace cadastre {

namespace {

// A network that nothing crosses still needs numbers in its document.
constexpr double kUnusedBandwidthBytesPerS = 1e9;
constexpr double kUnusedLatencyS = 25e-6;
constexpr double kAlike = 0.1;

/// What was measured has no more than four digits that mean something.
double rounded(double value) {
  std::ostringstream text;
  text << std::setprecision(4) << value;
  return std::strtod(text.str().c_str(), nullptr);
}

/// Of two, the lower.
double lower_median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What clusters can say.
double as_spread(double spread) { return rounded(std::min(spread, kMostStepSpread)); }

bool are_alike(double a, double b) {
  return std::abs(a - b) <= kAlike * std::max(std::abs(a), std::abs(b));
}

/// Hosts (or machines) of one machine, in order.
std::vector<std::vector<std::size_t>> hosts_of_machines(const std::vector<int>& machine_of) {
  std::vector<std::vector<std::size_t>> hosts;
  for (std::size_t host = 0; host < machine_of.size(); ++host) {
    const auto machine = static_cast<std::size_t>(machine_of[host]);
    hosts.resize(std::max(hosts.size(), machine + 1));
    hosts[machine].push_back(host);
  }
  return hosts;
}

/// Bytes per second between hosts of one machine; 0 where nothing was measured.
double memory_bandwidth(const ProbeMeasurements& measurements, const std::vector<int>& machine_of,
                        std::size_t machine) {
  std::vector<double> found;
  for (const ProbedWay& way : measurements.ways)
    if (machine_of[static_cast<std::size_t>(way.from)] == static_cast<int>(machine) &&
        machine_of[static_cast<std::size_t>(way.to)] == static_cast<int>(machine))
      found.push_back(way.bandwidth_bytes_per_s);
  return median(found);
}

/// The network of hosts that are all on one machine.
Network local_network(const ProbeMeasurements& measurements) {
  std::vector<double> bandwidths;
  std::vector<double> latencies;
  std::vector<double> spreads;
  for (const ProbedWay& way : measurements.ways) {
    bandwidths.push_back(way.bandwidth_bytes_per_s);
    latencies.push_back(way.latency_s);
    spreads.push_back(way.spread);
  }
  if (bandwidths.empty())
    return {.bandwidth_bytes_per_s = kUnusedBandwidthBytesPerS, .latency_s = kUnusedLatencyS};
  // A message crosses the links of two hosts.
  Network network;
  network.bandwidth_bytes_per_s = rounded(median(bandwidths));
  network.latency_s = rounded(median(latencies) / 2);
  network.bandwidth_spread = as_spread(median(spreads));
  return network;
}

class ClusterMaker {
 public:
  ClusterMaker(const ProbeMeasurements& measurements, const StarFit& machines)
      : measurements_(measurements),
        fit_(machines),
        machine_of_(machine_of_hosts(measurements.hosts)),
        hosts_of_(hosts_of_machines(machine_of_)) {}

  Cluster make(const std::string& name) && {
    cluster_.name = name;
    cluster_.description = "Measured by cadastre probe: speeds by " + measurements_.model +
                           ", relative to " + measurements_.reference;
    add_hosts();
    if (hosts_of_.size() < 2) {
      cluster_.network = local_network(measurements_);
    } else {
      add_network();
      add_machines();
      add_links();
    }
    add_transport_cost();
    add_reduction_cost();
    return std::move(cluster_);
  }

 private:
  void add_hosts() {
    for (std::size_t h = 0; h < measurements_.hosts.size(); ++h) {
      const ProbedHost& host = measurements_.hosts[h];
      const auto num_sharing = static_cast<std::int64_t>(hosts_on(h).size());
      cluster_.hosts.push_back(
          {.name = host.name,
           .relative_speed = rounded(measurements_.reference_s / host.pass.median_s),
           .cores = host.num_threads,
           .memory_bytes = host.facts.available_memory_bytes / num_sharing,
           .address = host.address,
           .speed_spread = as_spread(host.speed_spread.value_or(0))});
    }
  }

  void add_network() {
    std::vector<double> bandwidths;
    std::vector<double> latencies;
    for (const StarLink& link : fit_.links) {
      bandwidths.push_back(link.bandwidth_bytes_per_s);
      latencies.push_back(link.latency_s);
    }
    cluster_.network.bandwidth_bytes_per_s = rounded(median(bandwidths));
    cluster_.network.latency_s = rounded(median(latencies));
    for (std::size_t m = 0; m < hosts_of_.size(); ++m)
      link_spreads_.push_back(as_spread(link_spread(m)));
    cluster_.network.bandwidth_spread = rounded(median(link_spreads_));
    cluster_.network.burst_bytes = rounded(median(bursts()));
    for (const StarCable& cable : fit_.cables)
      cluster_.network.direct_links.push_back(
          {.from = first_host(cable.from),
           .to = first_host(cable.to),
           .bandwidth_bytes_per_s = rounded(cable.bandwidth_bytes_per_s),
           .latency_s = rounded(cable.latency_s)});
  }

  /// Of the ways between machines.
  [[nodiscard]] std::vector<double> bursts() const {
    std::vector<double> bytes;
    for (const ProbedWay& way : measurements_.ways)
      if (machine_of_[static_cast<std::size_t>(way.from)] !=
          machine_of_[static_cast<std::size_t>(way.to)])
        bytes.push_back(way.burst_bytes);
    return bytes;
  }

  /// Those of several hosts.
  void add_machines() {
    std::set<std::string> names;
    for (std::size_t m = 0; m < hosts_of_.size(); ++m) {
      if (hosts_of_[m].size() < 2) continue;
      const HostFacts& facts = measurements_.hosts[hosts_of_[m].front()].facts;
      std::string name = short_name(facts.name);
      if (!names.insert(name).second) {
        name += "-machine" + std::to_string(m + 1);
        names.insert(name);
      }
      int cores = 0;
      for (const std::size_t h : hosts_of_[m]) {
        cluster_.hosts[h].machine = name;
        cores += cluster_.hosts[h].cores;
      }
      const double memory = memory_bandwidth(measurements_, machine_of_, m);
      cluster_.machines.push_back({.name = name,
                                   .cores = std::max(cores, facts.cores),
                                   .memory_bandwidth_bytes_per_s =
                                       rounded(memory > 0 ? memory : kUnusedBandwidthBytesPerS)});
      add_own_link(m, cluster_.machines.back());
    }
  }

  void add_links() {
    for (std::size_t m = 0; m < hosts_of_.size(); ++m)
      if (hosts_of_[m].size() == 1) add_own_link(m, cluster_.hosts[hosts_of_[m].front()]);
  }

  void add_own_link(std::size_t machine, auto& owner) const {
    const StarLink& link = fit_.links[machine];
    const Network& network = cluster_.network;
    if (!are_alike(link.bandwidth_bytes_per_s, network.bandwidth_bytes_per_s))
      owner.bandwidth_bytes_per_s = rounded(link.bandwidth_bytes_per_s);
    if (!are_alike(link.latency_s, network.latency_s)) owner.latency_s = rounded(link.latency_s);
    constexpr double kSpreadsAlike = 0.05;
    if (const double spread = link_spreads_[machine];
        std::abs(spread - network.bandwidth_spread) > kSpreadsAlike)
      owner.bandwidth_spread = spread;
  }

  /// Of the ways to and from other machines.
  [[nodiscard]] double link_spread(std::size_t machine) const {
    std::vector<double> spreads;
    for (const ProbedWay& way : measurements_.ways) {
      const auto from = static_cast<std::size_t>(machine_of_[static_cast<std::size_t>(way.from)]);
      const auto to = static_cast<std::size_t>(machine_of_[static_cast<std::size_t>(way.to)]);
      if (from != to && (from == machine || to == machine)) spreads.push_back(way.spread);
    }
    return median(std::move(spreads));
  }

  /// What messages take of the processors, of hosts of relative speed 1: by the fastest hosts. How
  /// fast they are is told by passes from the same time. What else hosts do makes a byte seem
  /// dearer, never cheaper: a host on which it is cheaper than its speed makes it has another speed
  /// for that.
  void add_transport_cost() {
    const std::vector<double> speeds = loaded_speeds();
    if (speeds.empty()) return;
    const double fastest = *std::max_element(speeds.begin(), speeds.end());
    std::vector<double> s_per_byte;
    for (std::size_t h = 0; h < speeds.size(); ++h)
      if (are_alike(speeds[h], fastest)) s_per_byte.push_back(byte_s(h) * speeds[h]);
    const double at_speed_1_s = lower_median(s_per_byte);
    std::vector<double> message_s;
    for (std::size_t h = 0; h < speeds.size(); ++h) {
      double speed = speeds[h];
      constexpr double kCheaper = 0.75;  // less than that is what measurements vary by
      if (byte_s(h) > 0 && byte_s(h) < kCheaper * at_speed_1_s / speed) {
        speed = at_speed_1_s / byte_s(h);
        cluster_.hosts[h].transport_speed = rounded(speed);
      }
      message_s.push_back(measurements_.hosts[h].load->message_s * speed);
    }
    cluster_.network.message_s = rounded(median(message_s));
    cluster_.network.transport_s_per_byte = rounded(at_speed_1_s);
  }

  [[nodiscard]] double byte_s(std::size_t host) const {
    return measurements_.hosts[host].load->transport_s_per_byte;
  }

  /// Of all hosts, relative, by the passes beside which messages were timed; none where they were
  /// not.
  [[nodiscard]] std::vector<double> loaded_speeds() const {
    std::vector<double> speeds;
    for (const ProbedHost& host : measurements_.hosts) {
      if (!host.load) return {};
      speeds.push_back(measurements_.hosts.front().load->pass_s / host.load->pass_s *
                       cluster_.hosts.front().relative_speed);
    }
    return speeds;
  }

  /// What reductions beside passes took beyond their messages, which have as much of a processor
  /// as the passes, those that go, and those that come.
  void add_reduction_cost() {
    const std::optional<ProbedLoad>& load = measurements_.hosts.front().load;
    if (!load) return;
    std::vector<int> hosts(cluster_.hosts.size());
    std::iota(hosts.begin(), hosts.end(), 0);
    const auto bytes =
        static_cast<double>(ring_bytes_per_rank(load->reduction_bytes, hosts.size()));
    const double wire_s = ring_seconds(NetworkCosts(cluster_), hosts, load->reduction_bytes);
    double slowest = 1;
    for (const Host& host : cluster_.hosts) slowest = std::min(slowest, transport_speed(host));
    const double transport_s = 3 * bytes * cluster_.network.transport_s_per_byte / slowest;
    const double beyond_s = load->reduction_s - std::max(wire_s, transport_s);
    cluster_.network.reduction_s_per_byte = rounded(std::max(0.0, beyond_s / 2 / bytes));
  }

  [[nodiscard]] const std::vector<std::size_t>& hosts_on(std::size_t host) const {
    return hosts_of_[static_cast<std::size_t>(machine_of_[host])];
  }

  [[nodiscard]] const std::string& first_host(int machine) const {
    return measurements_.hosts[hosts_of_[static_cast<std::size_t>(machine)].front()].name;
  }

  const ProbeMeasurements& measurements_;
  const StarFit& fit_;
  std::vector<int> machine_of_;
  std::vector<std::vector<std::size_t>> hosts_of_;
  std::vector<double> link_spreads_;  ///< [machine]
  Cluster cluster_;
};

}  // namespace

StarFit fit_machines(const ProbeMeasurements& measurements) {
  const std::vector<int> machine_of = machine_of_hosts(measurements.hosts);
  const int num_machines = 1 + *std::max_element(machine_of.begin(), machine_of.end());
  std::vector<MeasuredWay> ways;
  for (const ProbedWay& way : measurements.ways) {
    const int from = machine_of[static_cast<std::size_t>(way.from)];
    const int to = machine_of[static_cast<std::size_t>(way.to)];
    if (from != to)
      ways.push_back({.from = from,
                      .to = to,
                      .latency_s = way.latency_s,
                      .bandwidth_bytes_per_s = way.bandwidth_bytes_per_s});
  }
  return fit_star(num_machines, ways);
}

Cluster cluster_of(const ProbeMeasurements& measurements, const StarFit& machines,
                   const std::string& name) {
  return ClusterMaker(measurements, machines).make(name);
}

}  // namespace cadastre
