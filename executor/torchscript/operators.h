#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "executor/layer_forward.h"

namespace cadastre {

/// Makes known to LibTorch's interpreter what layers of imported models use in place of its own
/// batch norm and dropout, so that they too compute the same under every division:
///
///   cadastre::batch_norm(Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor variance,
///                        float eps, int rows_per_sample, Tensor? sums, int[] context) -> Tensor
///   cadastre::dropout(Tensor x, float p, int index, int batch_dim, int rows_per_sample,
///                     bool whole_channels, int[] context) -> Tensor
///
/// `rows_per_sample`: of x, where a sample has several rows (images cut into windows, say), one
/// sample's after the other's. `batch_dim`: the dimension of the samples, -1 where x is the same
/// for all. `sums`: see `group_batch_norm`. `index`: tells a layer's dropouts apart.
///
/// May be called any number of times.
void register_operators();

/// The integers by which code is told of the pass.
[[nodiscard]] c10::IValue pass_context(const LayerContext& context);

}  // namespace cadastre
