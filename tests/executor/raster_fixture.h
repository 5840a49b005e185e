#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "executor/scene_data.h"
#include "planner/model_graph.h"

namespace cadastre::test {

/// A directory that goes with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Value of a band (from 0 on) at a pixel.
using PixelValue = std::function<double(int band, int row, int column)>;

/// A small raster: `columns` × `rows` pixels of `pixel` units from (`left`, `top`) in EPSG code
/// `epsg`; `epsg` 0 leaves the CRS out, `pixel` 0 the geotransform too.
struct TinyRaster {
  int rows = 8;
  int columns = 8;
  int bands = 1;
  double left = 300000;
  double top = 4200000;
  double pixel = 1;
  int epsg = 32634;
  bool is_float = true;  ///< else Byte
  double no_data = -1;   ///< none when negative
};

void write_tiny_raster(const std::filesystem::path& file, const TinyRaster& raster,
                       const PixelValue& value);

/// Two classes, Left (1) and Right (2), on 8 × 8 pixels of 1 m: columns 0-3 and 4-7. The upper half
/// trains, the lower tests. One modality `a` of 2 bands at 1 m, one `b` of 1 band at 0.5 m.
[[nodiscard]] Scene write_tiny_scene(const std::filesystem::path& directory);

/// The whole message of the InputError that `action` throws; fails the test when it throws none.
[[nodiscard]] std::string input_error(const std::function<void()>& action);

}  // namespace cadastre::test
