#include "executor/max_pool.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace cadastre {

namespace {

/// Planes of H × W pixels become planes of `rows` × `columns`.
struct Layout {
  std::int64_t num_planes = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  /// Planes that make a piece of work worth a thread.
  [[nodiscard]] std::int64_t grain() const {
    constexpr std::int64_t kValuesPerThread = 32768;
    return std::max<std::int64_t>(1, kValuesPerThread / std::max<std::int64_t>(1, height * width));
  }
};

Layout layout_of(const at::Tensor& x, const MaxPool2d& pool) {
  const auto windows = [&](std::int64_t size) {
    return (size + 2 * pool.padding - pool.kernel_size) / pool.stride + 1;
  };
  return {.num_planes = x.size(0) * x.size(1),
          .height = x.size(2),
          .width = x.size(3),
          .rows = windows(x.size(2)),
          .columns = windows(x.size(3))};
}

/// Pools one plane. `kKernel` is the window's side where it is known and windows never leave the
/// plane, else 0. `places`, the maxima's indices in the plane, is written where `kWithPlaces`.
template <int kKernel, bool kWithPlaces>
void pool_plane(const float* plane, const Layout& layout, const MaxPool2d& pool, float* maxima,
                std::int32_t* places) {
  for (std::int64_t row = 0; row < layout.rows; ++row) {
    const std::int64_t top = row * pool.stride - pool.padding;
    for (std::int64_t column = 0; column < layout.columns; ++column) {
      const std::int64_t left = column * pool.stride - pool.padding;
      std::int64_t first_y = top;
      std::int64_t first_x = left;
      std::int64_t end_y = top + kKernel;
      std::int64_t end_x = left + kKernel;
      if constexpr (kKernel == 0) {
        first_y = std::max<std::int64_t>(0, top);
        first_x = std::max<std::int64_t>(0, left);
        end_y = std::min(layout.height, top + pool.kernel_size);
        end_x = std::min(layout.width, left + pool.kernel_size);
      }
      float greatest = -std::numeric_limits<float>::infinity();
      auto place = static_cast<std::int32_t>(first_y * layout.width + first_x);
      for (std::int64_t y = first_y; y < end_y; ++y) {
        for (std::int64_t x = first_x; x < end_x; ++x) {
          const std::int64_t here = y * layout.width + x;
          const float value = plane[here];
          // No branch, which real images would mispredict half the time. NaN stays once seen.
          const bool greater = (value > greatest) | (value != value);
          greatest = greater ? value : greatest;
          if constexpr (kWithPlaces) place = greater ? static_cast<std::int32_t>(here) : place;
        }
      }
      *maxima++ = greatest;
      if constexpr (kWithPlaces) *places++ = place;
    }
  }
}

/// `places` may be null.
void pool_planes(const float* x, const Layout& layout, const MaxPool2d& pool, float* y,
                 std::int32_t* places) {
  const bool pairs = pool.kernel_size == 2 && pool.padding == 0;
  const auto pool_one = places != nullptr ? (pairs ? pool_plane<2, true> : pool_plane<0, true>)
                                          : (pairs ? pool_plane<2, false> : pool_plane<0, false>);
  at::parallel_for(0, layout.num_planes, layout.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const std::int64_t output = plane * layout.rows * layout.columns;
      pool_one(x + plane * layout.height * layout.width, layout, pool, y + output,
               places != nullptr ? places + output : nullptr);
    }
  });
}

at::Tensor empty_output(const at::Tensor& x, const Layout& layout) {
  return at::empty({x.size(0), x.size(1), layout.rows, layout.columns}, at::kFloat);
}

class MaxPoolFunction : public torch::autograd::Function<MaxPoolFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const MaxPool2d& pool) {
    const at::Tensor x = input.contiguous();
    const Layout layout = layout_of(x, pool);
    at::Tensor y = empty_output(x, layout);
    at::Tensor places = at::empty(y.sizes(), at::kInt);
    pool_planes(x.data_ptr<float>(), layout, pool, y.data_ptr<float>(),
                places.data_ptr<std::int32_t>());
    context->save_for_backward({places});
    context->saved_data["shape"] = x.sizes().vec();
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor places = context->get_saved_variables().front();
    const at::Tensor y_gradient = gradients.front().contiguous();
    at::Tensor x_gradient = at::zeros(context->saved_data["shape"].toIntVector(), at::kFloat);
    const std::int64_t num_planes = x_gradient.size(0) * x_gradient.size(1);
    const std::int64_t plane_size = x_gradient.size(2) * x_gradient.size(3);
    const std::int64_t output_size = y_gradient.size(2) * y_gradient.size(3);
    const float* const dy = y_gradient.data_ptr<float>();
    const std::int32_t* const place = places.data_ptr<std::int32_t>();
    float* const dx = x_gradient.data_ptr<float>();
    constexpr std::int64_t kPlanesPerThread = 32;
    at::parallel_for(0, num_planes, kPlanesPerThread, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t plane = begin; plane < end; ++plane)
        for (std::int64_t i = plane * output_size; i < (plane + 1) * output_size; ++i)
          dx[plane * plane_size + place[i]] += dy[i];
    });
    return {x_gradient, at::Tensor()};
  }
};

}  // namespace

at::Tensor max_pool(const at::Tensor& x, const MaxPool2d& pool) {
  if (at::GradMode::is_enabled() && x.requires_grad()) return MaxPoolFunction::apply(x, pool);
  const at::Tensor input = x.contiguous();
  const Layout layout = layout_of(input, pool);
  at::Tensor y = empty_output(input, layout);
  pool_planes(input.data_ptr<float>(), layout, pool, y.data_ptr<float>(), nullptr);
  return y;
}

}  // namespace cadastre
