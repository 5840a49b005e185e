#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "executor/raster_alignment.h"
#include "executor/scene/grid.h"
#include "planner/normalization.h"
#include "planner/scene.h"

namespace cadastre {

/// One modality, aligned on the reference grid and read window by window, in memory bounded by the
/// window and GDAL's cache of blocks. For one thread at a time.
class ModalityReader {
 public:
  /// Throws InputError when a raster is missing, not readable, of the wrong band count, or cannot
  /// be placed on the grid.
  ModalityReader(const Modality& modality, const ReferenceGrid& reference);

  [[nodiscard]] const Modality& modality() const { return modality_; }

  [[nodiscard]] std::int64_t num_bands() const { return modality_.num_bands; }

  /// S: each reference pixel is S × S of what is read.
  [[nodiscard]] std::int64_t scale() const { return scale_; }

  /// Reads a window of the reference grid into `values`, (B, h·S, w·S): NaN where there is no value
  /// or a mask says so; mirrored over the grid's border.
  void read(const Window& window, float* values);

 private:
  struct Mask {
    PixelMask meaning;
    std::unique_ptr<AlignedRaster> raster;
  };

  /// Pixels of the refined grid, inside it.
  void read_inside(const Window& window, float* values);

  Modality modality_;
  Grid grid_;
  std::int64_t scale_ = 1;
  std::unique_ptr<AlignedRaster> raster_;
  std::vector<Mask> masks_;
  std::vector<float> inside_;
  std::vector<float> mask_values_;
};

/// Standardises `num_values` values of one band: what is missing becomes 0, the mean.
void standardise(const BandStatistics& statistics, std::size_t band, float* values,
                 std::size_t num_values);

/// Opens a modality's bands as one raster (see `open_clean_raster`) and checks their number.
[[nodiscard]] DatasetPtr open_modality(const Modality& modality);

}  // namespace cadastre
