#pragma once

namespace cadastre {

/// Channels of an image are padded to a multiple of this many floats.
inline constexpr int kChannelBlock = 16;

/// One place from which a row of an image is computed: pixels of another image, and the weights by
/// which their channels count.
struct Tap {
  const float* values = nullptr;   ///< the first pixel's first channel
  const float* weights = nullptr;  ///< [channel][output], outputs padded; 0 beyond the last
  int channels = 0;
  int stride = 0;  ///< floats from one pixel to the next
};

/// Pixels that are added as they are.
struct Addend {
  const float* values = nullptr;  ///< channels readable up to a multiple of `kChannelBlock`
  int stride = 0;
};

/// A row of pixels of an image to compute, channels last. Each value by itself: the sum over the
/// taps in their order, on top of `bias` or of `start`, then · scale + shift, then the addends,
/// then the greater of it and 0. What a value is depends on no other, so neither does the row's
/// cut.
struct TapRow {
  const Tap* taps = nullptr;
  int num_taps = 0;
  int num_pixels = 0;
  int num_outputs = 0;  ///< a multiple of `kChannelBlock`, also of the weights' rows
  float* out = nullptr;
  int out_stride = 0;
  const float* bias = nullptr;   ///< null: 0
  Addend start = {};             ///< in place of the bias where not null
  const float* scale = nullptr;  ///< null: neither scale nor shift
  const float* shift = nullptr;
  const Addend* addends = nullptr;
  int num_addends = 0;
  bool is_rectified = false;
};

/// Values of several rows of the same length combined one by one.
struct PoolRow {
  const float* const* rows = nullptr;
  int num_rows = 0;
  int num_values = 0;
  float* out = nullptr;
};

/// The same functions compiled for a kind of processor.
struct TapKernel {
  void (*compute)(const TapRow& row);
  void (*greatest)(const PoolRow& row);  ///< NaN where any is
  void (*mean)(const PoolRow& row);
};

/// For the processor that this runs on.
[[nodiscard]] const TapKernel& tap_kernel();

}  // namespace cadastre
