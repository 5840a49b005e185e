#pragma once

#include <ATen/ATen.h>

namespace cadastre {

// Tensors on their way to other ranks may be rounded to bfloat16 or float16. These work in the
// calling thread alone, whatever the size, so that they disturb no computation beside them.
// All tensors are flat, contiguous and of the same number of elements.

/// `wire` = `values` (float32), rounded to nearest even.
void to_wire(const at::Tensor& values, at::Tensor wire);

/// `values` (float32) = `wire`.
void from_wire(const at::Tensor& wire, at::Tensor values);

/// `values` += `received`. Of the same type, float32 or float64, or float32 += a rounded one.
void add_received(const at::Tensor& received, at::Tensor values);

}  // namespace cadastre
