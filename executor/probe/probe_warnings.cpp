#include "executor/probe/probe_warnings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kSlowTwin = 0.8;               ///< of the twin's speed
constexpr double kLopsided = 1 / kClearFactor;  ///< of one direction to the other
constexpr double kRestless = 0.25;              ///< between the quartiles, relative to the median
constexpr double kMostClockOffsetS = 1;
constexpr double kLittleMemoryBytes = 1e9;
constexpr const char* kUnknownProcessor = "unknown processor";

std::string percent(double fraction) { return fixed(100 * fraction, 0) + " %"; }

/// "94 Mbit/s", "9.4 Gbit/s"
std::string rate(double bytes_per_s) {
  const double megabits = 8 * bytes_per_s / 1e6;
  if (megabits >= 9999.5) return fixed(megabits / 1e3, 0) + " Gbit/s";
  if (megabits >= 999.5) return fixed(megabits / 1e3, 1) + " Gbit/s";
  return fixed(megabits, megabits < 9.95 ? 1 : 0) + " Mbit/s";
}

double median_of(std::vector<double> values) { return summarize(std::move(values)).median_s; }

class Warnings {
 public:
  Warnings(const ProbeMeasurements& measurements, const StarFit& fit)
      : hosts_(measurements.hosts),
        ways_(measurements.ways),
        fit_(fit),
        machine_of_(machine_of_hosts(measurements.hosts)),
        num_machines_(1 + *std::max_element(machine_of_.begin(), machine_of_.end())) {}

  std::vector<std::string> all() && {
    if (num_machines_ > 1) look_at_names();
    look_at_twins();
    look_at_links();
    look_at_slow_ways();
    look_at_directions();
    look_at_processors();
    look_at_memory();
    look_at_clocks();
    look_at_load();
    return std::move(found_);
  }

 private:
  void look_at_names() {
    for (const ProbedHost& host : hosts_)
      for (const LoopbackName& name : host.loopback_names) {
        const bool is_own = name.name == host.name || name.name == host.facts.name;
        found_.push_back(name.name + " resolves to " + name.address +
                         (is_own ? std::string(" there") : " on " + host.name) +
                         ": by that name the other hosts do not find it; mend /etc/hosts or give "
                         "addresses");
      }
  }

  void look_at_twins() {
    std::map<std::pair<std::string, int>, std::vector<std::size_t>> twins;
    for (std::size_t h = 0; h < hosts_.size(); ++h)
      if (!hosts_[h].facts.processor.empty() && hosts_[h].facts.processor != kUnknownProcessor)
        twins[{hosts_[h].facts.processor, hosts_[h].num_threads}].push_back(h);
    std::vector<std::pair<std::size_t, std::string>> slow;
    for (const auto& [kind, of_kind] : twins) {
      const std::size_t fastest =
          *std::min_element(of_kind.begin(), of_kind.end(), [&](std::size_t a, std::size_t b) {
            return hosts_[a].pass.median_s < hosts_[b].pass.median_s;
          });
      for (const std::size_t h : of_kind) {
        const double speed = hosts_[fastest].pass.median_s / hosts_[h].pass.median_s;
        // Hosts of one machine are in each other's way.
        if (speed >= kSlowTwin || machine_of_[h] == machine_of_[fastest]) continue;
        slow.emplace_back(h, hosts_[h].name + " is " + percent(1 - speed) +
                                 " slower than its twin " + hosts_[fastest].name + " (" +
                                 hosts_[h].facts.processor +
                                 ", cores used: " + std::to_string(hosts_[h].num_threads) + ")");
      }
    }
    std::sort(slow.begin(), slow.end());
    for (auto& [host, text] : slow) found_.push_back(std::move(text));
  }

  void look_at_links() {
    if (num_machines_ < 3) return;  // of two, neither is the one to blame
    for (std::size_t m = 0; m < fit_.links.size(); ++m) {
      std::vector<double> others;
      for (std::size_t o = 0; o < fit_.links.size(); ++o)
        if (o != m) others.push_back(fit_.links[o].bandwidth_bytes_per_s);
      const double others_bytes_per_s = median_of(others);
      const double own_bytes_per_s = fit_.links[m].bandwidth_bytes_per_s;
      if (own_bytes_per_s * kClearFactor < others_bytes_per_s)
        found_.push_back(machine_name(static_cast<int>(m)) + "'s link gives " +
                         rate(own_bytes_per_s) + ", the others " + rate(others_bytes_per_s));
    }
  }

  void look_at_slow_ways() {
    for (const ProbedWay& way : ways_) {
      const int from = machine_of(way.from);
      const int to = machine_of(way.to);
      if (from >= to || has_cable(from, to)) continue;
      const double links_bytes_per_s =
          std::min(fit_.links[static_cast<std::size_t>(from)].bandwidth_bytes_per_s,
                   fit_.links[static_cast<std::size_t>(to)].bandwidth_bytes_per_s);
      const double worst = std::min(way.bandwidth_bytes_per_s, back_bytes_per_s(way));
      const double best = std::max(way.bandwidth_bytes_per_s, back_bytes_per_s(way));
      if (best * kClearFactor < links_bytes_per_s)
        found_.push_back("between " + name(way.from) + " and " + name(way.to) + " there are " +
                         rate(worst) + ", though the links of both give " +
                         rate(links_bytes_per_s));
    }
  }

  /// A host whose link is slower one way than the other is told from those that talk to it by its
  /// fastest way in and out.
  void look_at_directions() {
    std::vector<double> out(static_cast<std::size_t>(num_machines_), 0);
    std::vector<double> in(out);
    for (const ProbedWay& way : ways_) {
      if (machine_of(way.from) == machine_of(way.to)) continue;
      double& from = out[static_cast<std::size_t>(machine_of(way.from))];
      double& to = in[static_cast<std::size_t>(machine_of(way.to))];
      from = std::max(from, way.bandwidth_bytes_per_s);
      to = std::max(to, way.bandwidth_bytes_per_s);
    }
    std::vector<bool> is_blamed(out.size(), false);
    for (std::size_t m = 0; m < out.size() && num_machines_ > 2; ++m) {
      if (std::min(out[m], in[m]) >= kLopsided * std::max(out[m], in[m])) continue;
      is_blamed[m] = true;
      found_.push_back(machine_name(static_cast<int>(m)) + " sends at " + rate(out[m]) +
                       " and receives at " + rate(in[m]));
    }
    for (const ProbedWay& way : ways_) {
      const auto from = static_cast<std::size_t>(machine_of(way.from));
      const auto to = static_cast<std::size_t>(machine_of(way.to));
      const double back = back_bytes_per_s(way);
      if (from == to || is_blamed[from] || is_blamed[to] ||
          way.bandwidth_bytes_per_s >= kLopsided * back)
        continue;
      found_.push_back(name(way.from) + " to " + name(way.to) + " gives " +
                       rate(way.bandwidth_bytes_per_s) + ", the way back " + rate(back));
    }
  }

  void look_at_processors() {
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      const HostFacts& facts = hosts_[h].facts;
      if (!is_first_of_machine(h) || facts.quota_cores <= 0 ||
          facts.quota_cores >= facts.machine_cores)
        continue;
      found_.push_back(hosts_[h].name + " may use " + fixed(facts.quota_cores, 2) + " of its " +
                       std::to_string(facts.machine_cores) +
                       " cores: a control group limits it, as containers have them");
    }
  }

  void look_at_memory() {
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      const auto bytes = static_cast<double>(hosts_[h].facts.available_memory_bytes);
      if (is_first_of_machine(h) && bytes < kLittleMemoryBytes)
        found_.push_back(hosts_[h].name + " has only " + fixed(bytes / 1e9, 2) +
                         " GB of free memory");
    }
  }

  void look_at_clocks() {
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      const double offset_s = hosts_[h].wall_clock_offset_s;
      if (is_first_of_machine(h) && std::abs(offset_s) > kMostClockOffsetS)
        found_.push_back(hosts_[h].name + "'s clock is " + fixed(std::abs(offset_s), 1) + " s " +
                         (offset_s > 0 ? "ahead" : "behind") +
                         "; runs do not mind, other programs may");
    }
  }

  void look_at_load() {
    for (const ProbedHost& host : hosts_) {
      const double spread = host.pass.spread_s / host.pass.median_s;
      // A limit stops a host now and then by itself.
      const bool is_limited =
          host.facts.quota_cores > 0 && host.facts.quota_cores < host.num_threads;
      if (spread > kRestless && !is_limited)
        found_.push_back(host.name + "'s times differ by " + percent(spread) +
                         " between repetitions: it has other work (load " +
                         fixed(host.facts.load_average, 1) + " on " +
                         std::to_string(host.facts.machine_cores) +
                         " cores before the probe), and was measured beside it");
    }
  }

  /// Of the same message the other way; of this one where that was not measured.
  [[nodiscard]] double back_bytes_per_s(const ProbedWay& way) const {
    for (const ProbedWay& other : ways_)
      if (other.from == way.to && other.to == way.from) return other.bandwidth_bytes_per_s;
    return way.bandwidth_bytes_per_s;
  }

  [[nodiscard]] bool has_cable(int a, int b) const {
    return std::any_of(fit_.cables.begin(), fit_.cables.end(), [&](const StarCable& cable) {
      return cable.from == std::min(a, b) && cable.to == std::max(a, b);
    });
  }

  [[nodiscard]] int machine_of(int host) const {
    return machine_of_[static_cast<std::size_t>(host)];
  }

  [[nodiscard]] const std::string& name(int host) const {
    return hosts_[static_cast<std::size_t>(host)].name;
  }

  [[nodiscard]] bool is_first_of_machine(std::size_t host) const {
    return std::find(machine_of_.begin(), machine_of_.end(), machine_of_[host]) ==
           machine_of_.begin() + static_cast<std::ptrdiff_t>(host);
  }

  /// By its first host.
  [[nodiscard]] const std::string& machine_name(int machine) const {
    const auto first = std::find(machine_of_.begin(), machine_of_.end(), machine);
    return hosts_[static_cast<std::size_t>(first - machine_of_.begin())].name;
  }

  const std::vector<ProbedHost>& hosts_;
  const std::vector<ProbedWay>& ways_;
  const StarFit& fit_;
  std::vector<int> machine_of_;
  int num_machines_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> probe_warnings(const ProbeMeasurements& measurements,
                                        const StarFit& machines) {
  return Warnings(measurements, machines).all();
}

}  // namespace cadastre
