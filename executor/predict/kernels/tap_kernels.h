#pragma once

#include "executor/predict/kernels/tap_row.h"

namespace cadastre {

// Each from a file of its own (see CMakeLists.txt): where the compiler is not for x86-64, the first
// alone.
extern const TapKernel kTapKernelGeneric;
extern const TapKernel kTapKernelAvx2;
extern const TapKernel kTapKernelAvx512;

}  // namespace cadastre
