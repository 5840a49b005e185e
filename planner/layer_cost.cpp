#include <algorithm>
#include <cmath>

#include "planner/profile.h"

namespace cadastre {

namespace {

/// The line through (x0, y0) and (x1, y1), at x.
double on_line(double x0, double y0, double x1, double y1, double x) {
  return y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

double seconds_at(const std::vector<Measurement>& measurements, double Measurement::*seconds,
                  std::int64_t batch_size) {
  const auto size = [](const Measurement& m) { return static_cast<double>(m.batch_size); };
  const auto between = [&](const Measurement& a, const Measurement& b) {
    return on_line(size(a), a.*seconds, size(b), b.*seconds, static_cast<double>(batch_size));
  };

  const Measurement& least = measurements.front();
  const Measurement& greatest = measurements.back();
  const auto samples = static_cast<double>(batch_size);
  if (batch_size >= greatest.batch_size || measurements.size() == 1)
    return greatest.*seconds * samples / size(greatest);
  if (batch_size <= least.batch_size) {
    // The line keeps the layer's fixed cost; noise must not make it negative or rising.
    const double in_proportion = least.*seconds * samples / size(least);
    return std::clamp(between(least, measurements[1]), in_proportion, least.*seconds);
  }
  const auto above = std::upper_bound(
      measurements.begin(), measurements.end(), batch_size,
      [](std::int64_t wanted, const Measurement& m) { return wanted < m.batch_size; });
  return between(*(above - 1), *above);
}

double total_s(const Measurement& measurement) {
  return measurement.forward_s + measurement.backward_s;
}

}  // namespace

LayerCost layer_cost(const LayerProfile& layer, std::int64_t batch_size) {
  if (batch_size == 0) return {};
  return {.forward_s = seconds_at(layer.measurements, &Measurement::forward_s, batch_size),
          .backward_s = seconds_at(layer.measurements, &Measurement::backward_s, batch_size)};
}

double optimizer_s_per_parameter_byte(const Profile& profile, const Optimizer& optimizer) {
  // SGD reads parameter, gradient and momentum, and writes parameter, momentum and the cleared
  // gradient. AdamW reads and writes one tensor more, the average reads two and writes one.
  constexpr double kSgd = 6;
  constexpr double kAdamW = kSgd + 2;
  constexpr double kAverage = 3;
  const double sgd_s = profile.optimizer_s_per_parameter_byte;
  const auto measured_or = [&](double measured_s, double tensors) {
    return measured_s > 0 ? measured_s : sgd_s * tensors / kSgd;
  };
  const double step_s = optimizer.kind == OptimizerKind::kAdamW
                            ? measured_or(profile.adamw_s_per_parameter_byte, kAdamW)
                            : sgd_s;
  return step_s + (optimizer.averages_weights
                       ? measured_or(profile.average_s_per_parameter_byte, kAverage)
                       : 0);
}

double leave_one_out_error(const std::vector<Measurement>& measurements) {
  double greatest = 0;
  for (std::size_t i = 1; i + 1 < measurements.size(); ++i) {
    const Measurement& before = measurements[i - 1];
    const Measurement& left_out = measurements[i];
    const Measurement& after = measurements[i + 1];
    if (total_s(left_out) <= 0) continue;  // too fast for the clock: no relative error
    const double interpolated = on_line(static_cast<double>(before.batch_size), total_s(before),
                                        static_cast<double>(after.batch_size), total_s(after),
                                        static_cast<double>(left_out.batch_size));
    greatest = std::max(greatest, std::abs(interpolated / total_s(left_out) - 1));
  }
  return greatest;
}

}  // namespace cadastre
