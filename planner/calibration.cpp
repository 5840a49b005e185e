#include "planner/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/routes.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr int kDecimals = 4;

/// The geometric mean of ratios, and their range.
class Ratios {
 public:
  void add(double ratio) {
    sum_of_logs_ += std::log(ratio);
    ++count_;
    least_ = std::min(least_, ratio);
    greatest_ = std::max(greatest_, ratio);
  }

  [[nodiscard]] double mean() const { return std::exp(sum_of_logs_ / count_); }

  [[nodiscard]] double least() const { return least_; }

  [[nodiscard]] double greatest() const { return greatest_; }

  [[nodiscard]] int count() const { return count_; }

 private:
  double sum_of_logs_ = 0;
  int count_ = 0;
  double least_ = std::numeric_limits<double>::infinity();
  double greatest_ = 0;
};

std::vector<std::string> host_names(const Cluster& cluster) {
  std::vector<std::string> names;
  for (const Host& host : cluster.hosts) names.push_back(host.name);
  return names;
}

void check_range(double ratio, double least, double most, const std::string& what,
                 const std::string& pair, const std::string& file) {
  if (ratio >= least && ratio <= most) return;
  std::string message = "expected a " + what + " from " + number_text(least) + " to ";
  message += number_text(most) + " times the nominal " + pair + ", found ";
  throw InputError(file, "/network", message + number_text(ratio) + " times");
}

}  // namespace

Calibration calibration_of(const Cluster& nominal, const Cluster& measured,
                           const std::string& nominal_file, const std::string& measured_file) {
  Cluster without_factors = nominal;
  without_factors.network.model.bandwidth_factor = 1;
  without_factors.network.model.latency_factor = 1;
  const Routes nominal_routes(without_factors, Routes::Table::kNone);
  const Routes measured_routes(measured, Routes::Table::kNone);

  struct Pair {
    int nominal = -1;
    int measured = -1;
  };

  std::vector<Pair> hosts;
  for (std::size_t h = 0; h < measured.hosts.size(); ++h) {
    const int found = host_index(nominal, measured.hosts[h].name);
    if (found >= 0) hosts.push_back({.nominal = found, .measured = static_cast<int>(h)});
  }
  const auto is_apart = [](const Cluster& cluster, int a, int b) {
    const Host& first = cluster.hosts[static_cast<std::size_t>(a)];
    return first.machine.empty() ||
           first.machine != cluster.hosts[static_cast<std::size_t>(b)].machine;
  };
  // Ratios of clocks and networks that differ more than this are of something else.
  constexpr double kLeastBandwidth = 0.01;
  constexpr double kMostBandwidth = 10;
  constexpr double kLeastLatency = 0.01;
  constexpr double kMostLatency = 1e4;
  Ratios bandwidths;
  Ratios latencies;
  for (const Pair& from : hosts)
    for (const Pair& to : hosts) {
      if (from.nominal == to.nominal || !is_apart(nominal, from.nominal, to.nominal) ||
          !is_apart(measured, from.measured, to.measured))
        continue;
      const Way expected = nominal_routes.way(from.nominal, to.nominal);
      const Way found = measured_routes.way(from.measured, to.measured);
      std::string pair = "from ";
      pair += in_quotes(nominal.hosts[static_cast<std::size_t>(from.nominal)].name) + " to ";
      pair += in_quotes(nominal.hosts[static_cast<std::size_t>(to.nominal)].name);
      if (!(expected.latency_s > 0))
        throw InputError(nominal_file, "/network",
                         "expected a latency > 0 " + pair + ", which no factor makes of 0");
      const double bandwidth = found.bandwidth_bytes_per_s / expected.bandwidth_bytes_per_s;
      const double latency = found.latency_s / expected.latency_s;
      check_range(bandwidth, kLeastBandwidth, kMostBandwidth, "bandwidth", pair, measured_file);
      check_range(latency, kLeastLatency, kMostLatency, "latency", pair, measured_file);
      bandwidths.add(bandwidth);
      latencies.add(latency);
    }
  if (bandwidths.count() == 0)
    throw InputError(measured_file, "/hosts",
                     "expected two hosts at least, on different machines, that " + nominal_file +
                         " has, too (" + listed(host_names(nominal)) + "), found " +
                         listed(host_names(measured)));
  return {.bandwidth_factor = bandwidths.mean(),
          .latency_factor = latencies.mean(),
          .least_bandwidth_factor = bandwidths.least(),
          .greatest_bandwidth_factor = bandwidths.greatest(),
          .least_latency_factor = latencies.least(),
          .greatest_latency_factor = latencies.greatest(),
          .reduction_s_per_byte = measured.network.reduction_s_per_byte,
          .message_s = measured.network.message_s,
          .transport_s_per_byte = measured.network.transport_s_per_byte,
          .burst_bytes = measured.network.burst_bytes,
          .num_pairs = bandwidths.count()};
}

Cluster calibrated(Cluster nominal, const Cluster& measured, const Calibration& calibration) {
  NetworkModel& model = nominal.network.model;
  model.bandwidth_factor = calibration.bandwidth_factor;
  model.latency_factor = calibration.latency_factor;
  nominal.network.reduction_s_per_byte = calibration.reduction_s_per_byte;
  nominal.network.message_s = calibration.message_s;
  nominal.network.transport_s_per_byte = calibration.transport_s_per_byte;
  nominal.network.burst_bytes = calibration.burst_bytes;
  // Whatever else the hosts' speeds are relative to, messages take of them what was measured.
  for (Host& host : nominal.hosts)
    if (const int found = host_index(measured, host.name); found >= 0) {
      const double speed = transport_speed(measured.hosts[static_cast<std::size_t>(found)]);
      host.transport_speed.reset();
      if (speed != host.relative_speed) host.transport_speed = speed;
    }
  std::string& description = nominal.description;
  if (!description.empty()) description += " ";
  description += "Network calibrated by the measured cluster " + in_quotes(measured.name) + ": " +
                 std::to_string(calibration.num_pairs) + " pairs of hosts, bandwidth factor " +
                 fixed(calibration.bandwidth_factor, kDecimals) + ", latency factor " +
                 fixed(calibration.latency_factor, kDecimals) + ".";
  return nominal;
}

}  // namespace cadastre
