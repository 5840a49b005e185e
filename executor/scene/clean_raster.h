#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "executor/gdal_support.h"

namespace cadastre {

/// What of some files makes a raster of clean values.
struct CleanRasterOptions {
  std::vector<std::filesystem::path> files;  ///< of the same pixels; their bands follow each other
  std::vector<int> bands = {};               ///< of all these, from 1 on; all when empty
  std::optional<double> nodata = {};         ///< beside what the files say
  double scale = 1;                          ///< beside what the files say, and after it
  double offset = 0;
  bool is_scaled = true;     ///< false: values as they are stored, as of class ids
  bool skips_nodata = true;  ///< false: all values, as of masks
};

/// Values of a greater magnitude are fill values that their file forgot to declare.
inline constexpr float kLargestValue = 1e30F;

/// The files as one dataset of Float32 bands that is computed as it is read: the values with scale
/// and offset applied, NaN where they are missing (the file's no-data value, mask or alpha 0, NaN,
/// infinite, beyond `kLargestValue`). Throws InputError naming the file that cannot be opened, has
/// complex values, or has not the first one's pixels; and the band that is not there.
[[nodiscard]] DatasetPtr open_clean_raster(const CleanRasterOptions& options);

}  // namespace cadastre
