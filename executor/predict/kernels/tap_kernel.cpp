#include "executor/predict/kernels/tap_kernels.h"

namespace cadastre {

const TapKernel& tap_kernel() {
#ifdef CADASTRE_X86_KERNELS
  static const TapKernel& kernel = [&]() -> const TapKernel& {
    if (__builtin_cpu_supports("avx512f")) return kTapKernelAvx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kTapKernelAvx2;
    return kTapKernelGeneric;
  }();
  return kernel;
#else
  return kTapKernelGeneric;
#endif
}

}  // namespace cadastre
