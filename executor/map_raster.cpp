#include "executor/map_raster.h"

#include <algorithm>
#include <string>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
#include "executor/raster_writer.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMostPicturePixels = 1200;

fs::path beside(const fs::path& map, const std::string& ending) {
  return map.parent_path() / (map.stem().string() + ending);
}

/// Nearest pixels only: a mean of class ids is no class. No data is transparent.
void write_class_picture(const fs::path& file, const Grid& grid,
                         const std::vector<std::uint8_t>& class_ids,
                         const std::vector<LandCoverClass>& classes) {
  const std::int64_t longest = std::max(grid.num_rows, grid.num_columns);
  const std::int64_t shown = std::min(longest, kMostPicturePixels);
  Grid size;  // without georeferencing, which PNG cannot carry and GDAL would put in a sidecar
  size.geo_transform = {0, 1, 0, 0, 0, 1};
  size.num_rows = std::max<std::int64_t>(1, grid.num_rows * shown / longest);
  size.num_columns = std::max<std::int64_t>(1, grid.num_columns * shown / longest);

  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(size.num_rows * size.num_columns));
  for (std::int64_t y = 0; y < size.num_rows; ++y) {
    const std::int64_t row = (2 * y + 1) * grid.num_rows / (2 * size.num_rows);
    for (std::int64_t x = 0; x < size.num_columns; ++x) {
      const std::int64_t column = (2 * x + 1) * grid.num_columns / (2 * size.num_columns);
      pixels.push_back(class_ids[static_cast<std::size_t>(row * grid.num_columns + column)]);
    }
  }
  const DatasetPtr picture = wrap_as_raster(size, 1, GDT_Byte, pixels.data());
  GDALColorTable colors = color_table(classes);
  picture->GetRasterBand(1)->SetColorTable(&colors);
  write_png(file, *picture);
}

}  // namespace

void write_class_map(const fs::path& map, const ClassMap& class_map,
                     const std::vector<LandCoverClass>& classes) {
  write_class_picture(beside(map, ".png"), class_map.grid, class_map.class_ids, classes);
  write_geotiff(beside(map, "-confidence.tif"),
                {.grid = class_map.grid, .num_bands = 1, .type = GDT_Float32},
                [&](GDALDataset& raster) {
                  raster.GetRasterBand(1)->SetDescription("Probability of the class");
                  write_band(raster, 1, class_map.confidence.data());
                });
  // Last: where the map is, its companions are.
  write_geotiff(map, {.grid = class_map.grid, .num_bands = 1, .type = GDT_Byte},
                [&](GDALDataset& raster) {
                  GDALRasterBand& band = *raster.GetRasterBand(1);
                  band.SetDescription("Land cover");
                  describe_classes(band, classes);
                  write_band(raster, 1, class_map.class_ids.data());
                });
}

void write_label_picture(const fs::path& picture, const Scene& scene) {
  const DatasetPtr raster = open_raster(scene.labels);
  check_num_bands(*raster, scene.labels, 1);
  const Grid grid = grid_of(*raster);
  std::vector<float> values(static_cast<std::size_t>(grid.num_rows * grid.num_columns));
  read_band(*raster, scene.labels, 1, values.data());
  std::vector<std::uint8_t> class_ids(values.size(), 0);
  // What is no class of the scene, no data (NaN) included, stays 0.
  for (const LandCoverClass& land_cover : scene.classes)
    for (std::size_t pixel = 0; pixel < values.size(); ++pixel)
      if (values[pixel] == static_cast<float>(land_cover.id))
        class_ids[pixel] = static_cast<std::uint8_t>(land_cover.id);
  write_class_picture(picture, grid, class_ids, scene.classes);
}

}  // namespace cadastre
