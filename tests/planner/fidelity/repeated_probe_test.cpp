#include "planner/fidelity/repeated_probe.h"

#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

NetworkProbe probe_of(const Calibration& calibration, double transport_speed) {
  NetworkProbe probe{.measured = worlds::two_hosts(), .calibration = calibration};
  probe.measured.hosts[1].transport_speed = transport_speed;
  return probe;
}

}  // namespace

TEST_CASE("a network is what probes say in the median, figure by figure", "[planner]") {
  const NetworkProbe first = probe_of(
      {.bandwidth_factor = 0.5, .latency_factor = 16, .message_s = 1e-4, .burst_bytes = 0}, 0.75);
  const NetworkProbe second = probe_of(
      {.bandwidth_factor = 1, .latency_factor = 2, .message_s = 3e-4, .burst_bytes = 4096}, 0.5);
  const NetworkProbe third = probe_of(
      {.bandwidth_factor = 0.75, .latency_factor = 1, .message_s = 2e-4, .burst_bytes = 0}, 1.5);
  const Cluster stated = worlds::two_hosts();
  const Cluster cluster = calibrated(stated, {first, second, third});
  CHECK(cluster.network.model.bandwidth_factor == 0.75);
  CHECK(cluster.network.model.latency_factor == 2);
  CHECK(cluster.network.message_s == 2e-4);
  CHECK(cluster.network.burst_bytes == 0);
  CHECK(cluster.hosts[0] == stated.hosts[0]);
  CHECK(cluster.hosts[1].transport_speed == 0.75);
  CHECK(cluster.network.bandwidth_bytes_per_s == stated.network.bandwidth_bytes_per_s);
  // Of two the mean.
  CHECK(calibrated(stated, {first, second}).network.model.latency_factor == 9);
  // Of one what it says.
  CHECK(calibrated(stated, {third}) == calibrated(stated, third.measured, third.calibration));
}

}  // namespace cadastre
