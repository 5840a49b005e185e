#include "executor/batch_norm.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

namespace cadastre {

namespace {

// LibTorch's own kernel sums in scalar double precision and would be called once per group; the
// loops below sum each plane in independent float lanes, which compilers vectorise without
// reordering, and add the planes in double precision.

constexpr std::int64_t kNumLanes = 16;

template <typename Term>
double plane_sum(std::int64_t num_pixels, const Term& term) {
  std::array<float, kNumLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kNumLanes <= num_pixels; i += kNumLanes)
    for (std::int64_t lane = 0; lane < kNumLanes; ++lane)
      lanes[static_cast<std::size_t>(lane)] += term(i + lane);
  double sum = 0;
  for (; i < num_pixels; ++i) sum += static_cast<double>(term(i));
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

/// How a batch is laid out: contiguous (N, C, H, W), cut into groups of samples.
struct Layout {
  std::int64_t num_samples = 0;
  std::int64_t num_channels = 0;
  std::int64_t num_pixels = 0;  // H · W
  std::int64_t group_samples = 1;
  std::int64_t num_groups = 0;

  [[nodiscard]] std::int64_t plane(std::int64_t sample, std::int64_t channel) const {
    return (sample * num_channels + channel) * num_pixels;
  }

  [[nodiscard]] double group_values() const {
    return static_cast<double>(group_samples * num_pixels);
  }

  /// Channels that make a piece of work worth a thread.
  [[nodiscard]] std::int64_t grain() const {
    constexpr std::int64_t kValuesPerThread = 32768;
    return std::max<std::int64_t>(
        1, kValuesPerThread / std::max<std::int64_t>(1, num_samples * num_pixels));
  }
};

Layout layout_of(const at::Tensor& x, std::int64_t group_samples) {
  Layout layout;
  layout.num_samples = x.size(0);
  layout.num_channels = x.size(1);
  layout.num_pixels = x.size(2) * x.size(3);
  layout.group_samples = std::min(group_samples, layout.num_samples);
  if (layout.group_samples < 1 || layout.num_samples % layout.group_samples != 0)
    throw std::invalid_argument("batch norm: " + std::to_string(layout.num_samples) +
                                " samples are no multiple of the group of " +
                                std::to_string(group_samples));
  if (layout.group_samples * layout.num_pixels < 2)
    throw std::invalid_argument("batch norm: a group of one value per channel has no variance");
  layout.num_groups = layout.num_samples / layout.group_samples;
  return layout;
}

/// `sums`: the elements of `pending`, or null.
class GroupBatchNorm : public torch::autograd::Function<GroupBatchNorm> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bias,
                            std::int64_t group_samples, double eps, double* sums) {
    const at::Tensor x = input.contiguous();
    const Layout layout = layout_of(x, group_samples);
    at::Tensor y = at::empty_like(x);
    at::Tensor mean = at::empty({layout.num_groups, layout.num_channels}, at::kFloat);
    at::Tensor inverse_stddev = at::empty_like(mean);

    const float* const x_values = x.data_ptr<float>();
    const float* const weights = weight.data_ptr<float>();
    const float* const biases = bias.data_ptr<float>();
    float* const y_values = y.data_ptr<float>();
    float* const means = mean.data_ptr<float>();
    float* const inverse_stddevs = inverse_stddev.data_ptr<float>();
    const double count = layout.group_values();

    at::parallel_for(
        0, layout.num_channels, layout.grain(), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t group = 0; group < layout.num_groups; ++group) {
            const std::int64_t first = group * layout.group_samples;
            const std::int64_t last = first + layout.group_samples;
            for (std::int64_t channel = begin; channel < end; ++channel) {
              double sum = 0;
              for (std::int64_t sample = first; sample < last; ++sample) {
                const float* const plane = x_values + layout.plane(sample, channel);
                sum += plane_sum(layout.num_pixels, [=](std::int64_t i) { return plane[i]; });
              }
              const auto center = static_cast<float>(sum / count);
              double squares = 0;
              for (std::int64_t sample = first; sample < last; ++sample) {
                const float* const plane = x_values + layout.plane(sample, channel);
                squares += plane_sum(layout.num_pixels, [=](std::int64_t i) {
                  const float difference = plane[i] - center;
                  return difference * difference;
                });
              }
              const auto inverse = static_cast<float>(1 / std::sqrt(squares / count + eps));
              const float scale = weights[channel] * inverse;
              const float shift = biases[channel] - center * scale;
              for (std::int64_t sample = first; sample < last; ++sample) {
                const float* const from = x_values + layout.plane(sample, channel);
                float* const to = y_values + layout.plane(sample, channel);
                for (std::int64_t i = 0; i < layout.num_pixels; ++i)
                  to[i] = from[i] * scale + shift;
              }
              means[group * layout.num_channels + channel] = center;
              inverse_stddevs[group * layout.num_channels + channel] = inverse;
              if (sums == nullptr) continue;
              sums[channel] += static_cast<double>(center);
              sums[layout.num_channels + channel] += squares / (count - 1);
            }
          }
        });
    if (sums != nullptr) sums[2 * layout.num_channels] += static_cast<double>(layout.num_groups);

    context->save_for_backward({x, weight, mean, inverse_stddev});
    context->saved_data["group_samples"] = layout.group_samples;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor gradient = gradients[0].contiguous();
    const Layout layout = layout_of(x, context->saved_data["group_samples"].toInt());
    at::Tensor x_gradient = at::empty_like(x);
    at::Tensor weight_gradient = at::empty_like(weight);
    at::Tensor bias_gradient = at::empty_like(weight);

    const float* const x_values = x.data_ptr<float>();
    const float* const y_gradients = gradient.data_ptr<float>();
    const float* const weights = weight.data_ptr<float>();
    const float* const means = saved[2].data_ptr<float>();
    const float* const inverse_stddevs = saved[3].data_ptr<float>();
    float* const x_gradients = x_gradient.data_ptr<float>();
    float* const weight_gradients = weight_gradient.data_ptr<float>();
    float* const bias_gradients = bias_gradient.data_ptr<float>();
    const double count = layout.group_values();

    at::parallel_for(
        0, layout.num_channels, layout.grain(), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t channel = begin; channel < end; ++channel) {
            double weight_sum = 0;
            double bias_sum = 0;
            for (std::int64_t group = 0; group < layout.num_groups; ++group) {
              const std::int64_t first = group * layout.group_samples;
              const std::int64_t last = first + layout.group_samples;
              const float center = means[group * layout.num_channels + channel];
              const float inverse = inverse_stddevs[group * layout.num_channels + channel];
              double sum = 0;      // of dy
              double product = 0;  // of dy · (x - mean)
              for (std::int64_t sample = first; sample < last; ++sample) {
                const float* const x_plane = x_values + layout.plane(sample, channel);
                const float* const dy = y_gradients + layout.plane(sample, channel);
                sum += plane_sum(layout.num_pixels, [=](std::int64_t i) { return dy[i]; });
                product += plane_sum(layout.num_pixels,
                                     [=](std::int64_t i) { return dy[i] * (x_plane[i] - center); });
              }
              // dx = weight · inverse · (dy - mean(dy) - (x - mean) · inverse² · mean(dy · (x -
              // mean))) (Ioffe and Szegedy 2015, section 3).
              const float scale = weights[channel] * inverse;
              const auto offset = static_cast<float>(sum / count);
              const auto slope = static_cast<float>(product / count) * inverse * inverse;
              for (std::int64_t sample = first; sample < last; ++sample) {
                const float* const x_plane = x_values + layout.plane(sample, channel);
                const float* const dy = y_gradients + layout.plane(sample, channel);
                float* const dx = x_gradients + layout.plane(sample, channel);
                for (std::int64_t i = 0; i < layout.num_pixels; ++i)
                  dx[i] = scale * (dy[i] - offset - (x_plane[i] - center) * slope);
              }
              weight_sum += product * static_cast<double>(inverse);
              bias_sum += sum;
            }
            weight_gradients[channel] = static_cast<float>(weight_sum);
            bias_gradients[channel] = static_cast<float>(bias_sum);
          }
        });
    return {x_gradient, weight_gradient, bias_gradient, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor group_batch_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            std::int64_t group_samples, double eps, const at::Tensor& pending) {
  return GroupBatchNorm::apply(x, weight, bias, group_samples, eps,
                               pending.defined() ? pending.data_ptr<double>() : nullptr);
}

void update_running_statistics(at::Tensor& running_mean, at::Tensor& running_variance,
                               at::Tensor& pending, double momentum) {
  const std::int64_t num_channels = running_mean.numel();
  double* const sums = pending.data_ptr<double>();
  const double count = sums[2 * num_channels];
  if (count == 0) return;
  float* const means = running_mean.data_ptr<float>();
  float* const variances = running_variance.data_ptr<float>();
  const auto moved = [&](float running, double sum) {
    return static_cast<float>((1 - momentum) * static_cast<double>(running) +
                              momentum * (sum / count));
  };
  for (std::int64_t channel = 0; channel < num_channels; ++channel) {
    means[channel] = moved(means[channel], sums[channel]);
    variances[channel] = moved(variances[channel], sums[num_channels + channel]);
  }
  pending.zero_();
}

}  // namespace cadastre
