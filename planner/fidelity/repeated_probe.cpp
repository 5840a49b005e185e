#include "planner/fidelity/repeated_probe.h"

#include <cstddef>
#include <functional>
#include <utility>

#include "planner/quantile.h"

namespace cadastre {

namespace {

constexpr double Calibration::*kFigures[] = {
    &Calibration::bandwidth_factor,       &Calibration::latency_factor,
    &Calibration::least_bandwidth_factor, &Calibration::greatest_bandwidth_factor,
    &Calibration::least_latency_factor,   &Calibration::greatest_latency_factor,
    &Calibration::reduction_s_per_byte,   &Calibration::message_s,
    &Calibration::transport_s_per_byte,   &Calibration::burst_bytes};

double median_of(const std::vector<NetworkProbe>& probes,
                 const std::function<double(const NetworkProbe&)>& figure) {
  std::vector<double> figures;
  for (const NetworkProbe& probe : probes) figures.push_back(figure(probe));
  return median(std::move(figures));
}

}  // namespace

Cluster calibrated(const Cluster& stated, const std::vector<NetworkProbe>& probes) {
  NetworkProbe typical = probes.front();
  for (double Calibration::*const figure : kFigures)
    typical.calibration.*figure =
        median_of(probes, [&](const NetworkProbe& probe) { return probe.calibration.*figure; });
  for (std::size_t h = 0; h < typical.measured.hosts.size(); ++h)
    typical.measured.hosts[h].transport_speed = median_of(probes, [&](const NetworkProbe& probe) {
      return transport_speed(probe.measured.hosts[h]);
    });
  return calibrated(stated, typical.measured, typical.calibration);
}

}  // namespace cadastre
