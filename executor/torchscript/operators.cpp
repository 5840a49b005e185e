#include "executor/torchscript/operators.h"

#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

#include "executor/batch_norm.h"
#include "executor/random.h"

namespace cadastre {

namespace {

using Tensor = at::Tensor;
using MaybeTensor = c10::optional<at::Tensor>;

/// What `pass_context` puts together.
struct PassContext {
  ForwardMode mode = ForwardMode::kEvaluation;
  std::int64_t batch_norm_group_samples = 1;
  DropoutDraw dropout;
};

PassContext context_from(at::IntArrayRef numbers) {
  PassContext context;
  context.mode = static_cast<ForwardMode>(numbers.at(0));
  context.batch_norm_group_samples = numbers.at(1);
  context.dropout = {.seed = static_cast<std::uint64_t>(numbers.at(2)),
                     .step = numbers.at(3),
                     .layer = static_cast<std::uint64_t>(numbers.at(4)),
                     .first_sample = numbers.at(5)};
  return context;
}

/// `group_batch_norm` by LibTorch's own operations, of any precision: x (N, C, L).
Tensor plain_batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift,
                        std::int64_t group_rows, double eps, const Tensor& sums) {
  const std::int64_t rows = std::min(group_rows, x.size(0));
  const Tensor grouped = x.reshape({-1, rows, x.size(1), x.size(2)});
  const auto [variance, mean] = at::var_mean(grouped, {1, 3}, /*unbiased=*/false, /*keepdim=*/true);
  const Tensor y = (grouped - mean) / (variance + eps).sqrt() * scale.view({1, 1, -1, 1}) +
                   shift.view({1, 1, -1, 1});
  if (sums.defined()) {
    const double count = static_cast<double>(rows * x.size(2));
    const Tensor means = mean.detach().flatten(1).sum(0);
    const Tensor variances = variance.detach().flatten(1).sum(0) * (count / (count - 1));
    const Tensor groups = at::full({1}, static_cast<double>(grouped.size(0)), sums.options());
    sums.add_(at::cat({means.to(at::kDouble), variances.to(at::kDouble), groups}));
  }
  return y.view(x.sizes());
}

Tensor batch_norm(const Tensor& x, const MaybeTensor& weight, const MaybeTensor& bias,
                  const Tensor& mean, const Tensor& variance, double eps,
                  std::int64_t rows_per_sample, const MaybeTensor& sums, at::IntArrayRef numbers) {
  const PassContext context = context_from(numbers);
  constexpr double kUnusedMomentum = 0;
  if (context.mode == ForwardMode::kEvaluation)
    return at::batch_norm(x, weight, bias, mean, variance, /*training=*/false, kUnusedMomentum, eps,
                          /*cudnn_enabled=*/false);
  const Tensor scale = weight ? *weight : at::ones_like(mean);
  const Tensor shift = bias ? *bias : at::zeros_like(mean);
  const bool counts = sums && context.mode == ForwardMode::kTraining;
  // Layers are float32; in double precision the last digit of their gradients can be told.
  if (x.scalar_type() != at::kFloat)
    return plain_batch_norm(x.reshape({x.size(0), x.size(1), -1}), scale, shift,
                            context.batch_norm_group_samples * rows_per_sample, eps,
                            counts ? *sums : Tensor())
        .view(x.sizes());
  const auto normalised = [&](const Tensor& x_NCHW) {
    return group_batch_norm(x_NCHW, scale, shift,
                            context.batch_norm_group_samples * rows_per_sample, eps,
                            counts ? *sums : Tensor());
  };
  if (x.dim() == 4) return normalised(x);
  return normalised(x.reshape({x.size(0), x.size(1), -1, 1})).view(x.sizes());
}

Tensor dropout(const Tensor& x, double p, std::int64_t index, std::int64_t batch_dim,
               std::int64_t rows_per_sample, bool whole_channels, at::IntArrayRef numbers) {
  PassContext context = context_from(numbers);
  if (context.mode == ForwardMode::kEvaluation || p == 0) return x.clone();
  context.dropout.layer = mix(context.dropout.layer, static_cast<std::uint64_t>(index));
  if (batch_dim < 0) context.dropout.first_sample = 0;
  // Sample by sample: (N, everything else), or (N, C) where channels are dropped as wholes.
  Tensor by_sample = batch_dim > 0 ? x.movedim(batch_dim, 0) : x;
  if (batch_dim < 0) by_sample = by_sample.unsqueeze(0);
  if (whole_channels && x.dim() > 2)
    by_sample = by_sample.flatten(2).narrow(2, 0, 1);  // one element stands for its channel
  const std::vector<std::int64_t> shape = by_sample.sizes().vec();
  const std::int64_t num_samples = shape.front() / (batch_dim < 0 ? 1 : rows_per_sample);
  Tensor mask = dropout_mask(by_sample.reshape({num_samples, -1}), p, context.dropout).view(shape);
  if (whole_channels && x.dim() > 2) {
    std::vector<std::int64_t> channels(static_cast<std::size_t>(x.dim()), 1);
    channels[0] = shape[0];
    channels[1] = shape[1];
    mask = mask.view(channels);
  }
  if (batch_dim < 0) mask = mask.squeeze(0);
  if (batch_dim > 0) mask = mask.movedim(0, batch_dim);
  return x * mask;
}

/// Scaled dot-product attention (Vaswani et al. 2017), its weights dropped like those of `dropout`.
/// query (B, …, T, E), key (B, …, S, E), value (B, …, S, V), mask that is added, or true where a
/// weight may be; gives (B, …, T, V) and the weights (B, …, T, S).
std::tuple<Tensor, Tensor> attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                     const MaybeTensor& mask, double p, bool is_causal,
                                     c10::optional<double> scale, std::int64_t index,
                                     std::int64_t rows_per_sample, at::IntArrayRef numbers) {
  const double factor = scale ? *scale : 1 / std::sqrt(static_cast<double>(query.size(-1)));
  Tensor weights = at::matmul(query * factor, key.transpose(-2, -1));
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const auto keep = [&](const Tensor& kept) {
    weights = weights.masked_fill(kept.logical_not(), kNever);
  };
  if (is_causal)
    keep(at::ones({query.size(-2), key.size(-2)}, query.options().dtype(at::kBool)).tril());
  if (mask && mask->scalar_type() == at::kBool)
    keep(*mask);
  else if (mask)
    weights = weights + *mask;
  weights = dropout(at::softmax(weights, -1), p, index, /*batch_dim=*/0, rows_per_sample,
                    /*whole_channels=*/false, numbers);
  return {at::matmul(weights, value), weights};
}

}  // namespace

// The macro names a static of its own by the line.
TORCH_LIBRARY(cadastre, library) {
  library.def(
      "batch_norm(Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor variance, float eps, "
      "int rows_per_sample, Tensor? sums, int[] context) -> Tensor",
      batch_norm);
  library.def(
      "dropout(Tensor x, float p, int index, int batch_dim, int rows_per_sample, "
      "bool whole_channels, int[] context) -> Tensor",
      dropout);
  library.def(
      "attention(Tensor query, Tensor key, Tensor value, Tensor? mask, float p, bool is_causal, "
      "float? scale, int index, int rows_per_sample, int[] context) -> (Tensor, Tensor)",
      attention);
}

void register_operators() {
  // Being called keeps this file, and with it the registration above, in the program.
}

c10::IValue pass_context(const LayerContext& context) {
  return c10::List<std::int64_t>(
      {static_cast<std::int64_t>(context.mode), context.batch_norm_group_samples,
       static_cast<std::int64_t>(context.dropout.seed), context.dropout.step,
       static_cast<std::int64_t>(context.dropout.layer), context.dropout.first_sample});
}

}  // namespace cadastre
