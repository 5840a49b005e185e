#include "executor/scene/labels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "executor/scene/clean_raster.h"
#include "executor/scene/label_vector.h"
#include "executor/scene/row_strips.h"
#include "executor/scene_data.h"
#include "planner/error.h"

namespace cadastre {

namespace {

/// Counts of label values that no class of the scene has.
using UnknownLabels = std::map<float, std::int64_t>;

[[noreturn]] void refuse_unknown(const std::string& file, const UnknownLabels& unknown) {
  const auto& [value, num_pixels] = *unknown.begin();
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", static_cast<double>(value));
  throw InputError(file, "",
                   std::string("expected 0 or the id of a class of the scene, found ") +
                       text.data() + " in " + std::to_string(num_pixels) +
                       (num_pixels == 1 ? " pixel" : " pixels"));
}

DatasetPtr open_label_raster(const Scene& scene) {
  const int band = scene.label_reading.band;
  DatasetPtr raster =
      open_clean_raster({.files = {scene.labels},
                         .bands = band > 0 ? std::vector<int>{band} : std::vector<int>{},
                         .is_scaled = false});
  if (raster->GetRasterCount() != 1)
    throw InputError(scene.labels.string(), "",
                     "expected 1 band of class ids, found " +
                         std::to_string(raster->GetRasterCount()) +
                         "; say which in the scene: \"labels\": {\"raster\": …, \"band\": 1}");
  return raster;
}

std::vector<std::uint8_t> read_raster(const Scene& scene, const ReferenceGrid& reference) {
  AlignedRaster raster(open_label_raster(scene), {scene.labels}, reference, 1,
                       Resampling::kNearest);
  std::map<float, std::uint8_t> index_of_value = {{0.0F, kNoClass}};
  for (std::size_t i = 0; i < scene.classes.size(); ++i)
    index_of_value[static_cast<float>(scene.classes[i].id)] = static_cast<std::uint8_t>(i);

  const Grid& grid = reference.grid;
  std::vector<std::uint8_t> plane(static_cast<std::size_t>(grid.num_rows * grid.num_columns),
                                  kNoClass);
  UnknownLabels unknown;
  std::vector<float> values;
  for (const Window& strip : row_strips(grid, 1)) {
    values.resize(static_cast<std::size_t>(strip.num_rows * strip.num_columns));
    raster.read(1, strip, values.data());
    std::uint8_t* indices = plane.data() + strip.row * grid.num_columns;
    for (const float value : values) {
      std::uint8_t& index = *indices++;
      if (std::isnan(value)) continue;
      const auto found = index_of_value.find(value);
      if (found == index_of_value.end())
        ++unknown[value];
      else
        index = found->second;
    }
  }
  if (!unknown.empty()) refuse_unknown(scene.labels.string(), unknown);
  return plane;
}

}  // namespace

std::vector<std::uint8_t> read_class_plane(const Scene& scene, const ReferenceGrid& reference) {
  return scene.label_reading.is_vector ? rasterized_labels(scene, reference)
                                       : read_raster(scene, reference);
}

}  // namespace cadastre
