#include "planner/roofline.h"

#include <algorithm>

namespace cadastre {

namespace {

double seconds_on(const Device& device, double flops, double bytes) {
  return std::max(flops / device.flops_per_s, bytes / device.memory_bandwidth_bytes_per_s);
}

double pass_seconds(const Device& device, const PassWork& work, std::int64_t batch_size) {
  const auto samples = static_cast<double>(batch_size);
  const double flops = work.flops_per_sample * samples;
  const double bytes = work.bytes_per_sample * samples + work.bytes;
  return flops + bytes > 0 ? device.layer_overhead_s + seconds_on(device, flops, bytes) : 0;
}

}  // namespace

std::vector<Measurement> roofline_measurements(const Device& device,
                                               const std::vector<LayerWork>& passes) {
  std::vector<Measurement> measurements;
  for (const std::int64_t batch_size : {1, 4, 16, 64, 256, 1024}) {
    Measurement measurement{.batch_size = batch_size};
    for (const LayerWork& pass : passes) {
      measurement.forward_s += pass_seconds(device, pass.forward, batch_size);
      measurement.backward_s += pass_seconds(device, pass.backward, batch_size);
    }
    measurements.push_back(measurement);
  }
  return measurements;
}

void set_roofline_step_costs(Profile& profile, const Device& device) {
  constexpr double kReadAndWritten = 2;
  profile.load_s_per_sample = seconds_on(device, 0, kReadAndWritten * input_bytes(profile.model));
  // Cross-entropy: exponential, sum, logarithm, and the difference that is its gradient.
  constexpr double kLossFlops = 5;
  const auto num_scores = static_cast<double>(num_elements(score_shape(profile.model)));
  profile.loss_s_per_sample =
      seconds_on(device, kLossFlops * num_scores,
                 kReadAndWritten * static_cast<double>(kBytesPerElement) * num_scores);
  // Parameter, gradient and momentum are read; parameter, momentum and the cleared gradient
  // written. Two multiplications and two additions a parameter.
  constexpr double kOptimizerMoves = 6;
  constexpr double kOptimizerFlops = 4 / static_cast<double>(kBytesPerElement);
  profile.optimizer_s_per_parameter_byte = seconds_on(device, kOptimizerFlops, kOptimizerMoves);
}

double input_bytes(const ModelGraph& model) {
  double bytes = 0;
  for (const ModelInput& input : model.inputs)
    bytes += static_cast<double>(kBytesPerElement * num_elements(input.shape));
  return bytes;
}

}  // namespace cadastre
