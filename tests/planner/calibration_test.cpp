#include "planner/calibration.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/network_worlds.h"

using namespace cadastre;

namespace {

Calibration calibrate(const Cluster& nominal, const Cluster& measured) {
  return calibration_of(nominal, measured, "nominal.json", "measured.json");
}

std::string refused(const Cluster& nominal, const Cluster& measured) {
  return documents::refusal([&] { static_cast<void>(calibrate(nominal, measured)); });
}

}  // namespace

TEST_CASE("a calibrated network is as fast as the measured one", "[planner]") {
  const Cluster nominal = networks::wired(4, FatTree{.down = {4}, .up = {1}, .parallel = {1}});
  Cluster measured = networks::hosts(3);
  measured.network.bandwidth_bytes_per_s *= 0.9;
  measured.network.latency_s *= 3;
  measured.network.reduction_s_per_byte = 2e-10;
  measured.network.message_s = 3e-5;
  measured.network.transport_s_per_byte = 1e-9;
  measured.network.burst_bytes = 6000;
  const Calibration calibration = calibrate(nominal, measured);
  CHECK(calibration.num_pairs == 6);
  CHECK_THAT(calibration.bandwidth_factor, WithinRel(0.9, 1e-12));
  CHECK_THAT(calibration.latency_factor, WithinRel(3, 1e-12));
  const Cluster fitted = calibrated(nominal, measured, calibration);
  CHECK(fitted.network.reduction_s_per_byte == 2e-10);
  CHECK(fitted.network.message_s == 3e-5);
  CHECK(fitted.network.transport_s_per_byte == 1e-9);
  CHECK(fitted.network.burst_bytes == 6000);
  CHECK_THAT(route_between(fitted, 0, 2).latency_s,
             WithinRel(route_between(measured, 0, 2).latency_s, 1e-12));
  CHECK_THAT(route_between(fitted, 0, 2).bandwidth_bytes_per_s,
             WithinRel(route_between(measured, 0, 2).bandwidth_bytes_per_s, 1e-12));
  // Factors that the nominal cluster had are replaced.
  CHECK_THAT(calibrate(fitted, measured).latency_factor, WithinRel(3, 1e-12));
}

TEST_CASE("messages take what they were measured to, whatever speeds are relative to",
          "[planner]") {
  Cluster nominal = networks::hosts(3);
  nominal.hosts[1].relative_speed = nominal.hosts[2].relative_speed = 0.5;
  nominal.hosts[2].transport_speed = 0.1;
  Cluster measured = networks::hosts(3);
  measured.hosts[2].relative_speed = 0.25;
  measured.hosts[2].transport_speed = 0.5;
  const Cluster fitted = calibrated(nominal, measured, calibrate(nominal, measured));
  CHECK_FALSE(fitted.hosts[0].transport_speed);
  CHECK(fitted.hosts[1].transport_speed == 1.0);
  CHECK_FALSE(fitted.hosts[2].transport_speed);
  for (std::size_t h = 0; h < 3; ++h)
    CHECK(transport_speed(fitted.hosts[h]) == transport_speed(measured.hosts[h]));
}

TEST_CASE("one factor of ways that differ is their geometric mean", "[planner]") {
  const Cluster nominal = networks::hosts(2);
  Cluster measured = networks::hosts(3);
  measured.hosts[0].latency_s = networks::kLatency * 7;  // n1-n2: (7 + 1) / 2 = 4 times
  measured.hosts.pop_back();
  const Calibration calibration = calibrate(networks::hosts(2), measured);
  CHECK_THAT(calibration.latency_factor, WithinRel(4, 1e-12));
  Cluster three = networks::hosts(3);
  three.hosts[0].latency_s = networks::kLatency * 7;  // 4, 4 and 1 times
  const Calibration spread = calibrate(networks::hosts(3), three);
  CHECK_THAT(spread.latency_factor, WithinRel(std::cbrt(16.0), 1e-12));
  CHECK_THAT(spread.least_latency_factor, WithinRel(1, 1e-12));
  CHECK_THAT(spread.greatest_latency_factor, WithinRel(4, 1e-12));
}

TEST_CASE("a measurement of something else is refused", "[planner]") {
  CHECK(refused(networks::hosts(3), networks::hosts(2, "other")) ==
        "measured.json: /hosts: expected two hosts at least, on different machines, that "
        "nominal.json has, too (n1, n2, n3), found other1, other2");
  CHECK(refused(networks::hosts(3), networks::hosts(1))
            .starts_with("measured.json: /hosts: expected two hosts at least"));
  Cluster fast = networks::hosts(2);
  fast.network.bandwidth_bytes_per_s *= 1000;
  CHECK(refused(networks::hosts(2), fast) ==
        "measured.json: /network: expected a bandwidth from 0.01 to 10 times the nominal from "
        "\"n1\" to \"n2\", found 1000 times");
  Cluster instant = networks::hosts(2);
  instant.network.latency_s = 0;
  CHECK(refused(instant, networks::hosts(2)) ==
        "nominal.json: /network: expected a latency > 0 from \"n1\" to \"n2\", which no factor "
        "makes of 0");
  CHECK(refused(networks::hosts(2), instant)
            .starts_with("measured.json: /network: expected a latency from 0.01 to 10000 times"));
}
