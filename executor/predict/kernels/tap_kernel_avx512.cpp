#include "executor/predict/kernels/tap_kernel_body.inc"
#include "executor/predict/kernels/tap_kernels.h"

namespace cadastre {

const TapKernel kTapKernelAvx512{.compute = compute, .greatest = greatest, .mean = mean};

}  // namespace cadastre
