#include "executor/synthetic_scene.h"

#include <ogr_spatialref.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/gdal_support.h"
#include "executor/raster_writer.h"
#include "executor/synthetic/ground_truth.h"
#include "executor/synthetic/land.h"
#include "executor/synthetic/light.h"
#include "executor/synthetic/materials.h"
#include "executor/synthetic/noise.h"
#include "executor/synthetic/sensors.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/scene.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kLeastSize_m = 128;
constexpr std::int64_t kMostSize_m = 4096;

/// In UTM zone 34 north, in the hills north of Athens.
Grid reference_grid(std::int64_t size_m) {
  OGRSpatialReference system;
  char* wkt = nullptr;
  if (system.importFromEPSG(32634) != OGRERR_NONE || system.exportToWkt(&wkt) != OGRERR_NONE)
    throw std::runtime_error("EPSG:32634 is unknown: " + gdal_cause());
  Grid grid;
  grid.num_rows = size_m;
  grid.num_columns = size_m;
  grid.geo_transform = {735600, 1, 0, 4215000, 0, -1};
  grid.projection = wkt;
  CPLFree(wkt);
  return grid;
}

/// The same ground in pixels of 1 / `pixels_per_metre` m.
Grid finer(Grid grid, std::int64_t pixels_per_metre) {
  grid.num_rows *= pixels_per_metre;
  grid.num_columns *= pixels_per_metre;
  grid.geo_transform[1] /= static_cast<double>(pixels_per_metre);
  grid.geo_transform[5] /= static_cast<double>(pixels_per_metre);
  return grid;
}

/// The scene's document; its rasters lie beside it.
Scene scene_document(const SyntheticSceneOptions& options) {
  Scene scene;
  scene.name =
      "synthetic-" + std::to_string(options.size_m) + "m-seed-" + std::to_string(options.seed);
  scene.description =
      "Made procedurally: a river valley with a town, fields and woods, seen by three sensors";
  scene.modalities = {
      {.name = "hyperspectral", .raster = "hyperspectral.tif", .num_bands = synthetic::kNumBands},
      {.name = "lidar", .raster = "lidar.tif", .num_bands = 2},
      {.name = "rgb", .raster = "rgb.tif", .num_bands = 3}};
  scene.labels = "labels.tif";
  scene.classes = {{.id = 1, .name = "Water", .color = {52, 120, 186}},
                   {.id = 2, .name = "Road", .color = {92, 92, 100}},
                   {.id = 3, .name = "Flat roof", .color = {176, 150, 196}},
                   {.id = 4, .name = "Tiled roof", .color = {200, 76, 54}},
                   {.id = 5, .name = "Grass", .color = {160, 206, 96}},
                   {.id = 6, .name = "Shrub", .color = {92, 150, 62}},
                   {.id = 7, .name = "Trees", .color = {26, 92, 52}},
                   {.id = 8, .name = "Bare soil", .color = {206, 168, 110}}};
  scene.split = {.raster = "split.tif", .train = synthetic::kTrain, .test = synthetic::kTest};
  return scene;
}

void describe_wavelengths(GDALDataset& raster) {
  for (int band = 0; band < synthetic::kNumBands; ++band) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", synthetic::band_centre_nm(band));
    GDALRasterBand& target = *raster.GetRasterBand(band + 1);
    target.SetDescription((std::string(text) + " nm").c_str());
    target.SetMetadataItem("wavelength", text);
    target.SetMetadataItem("wavelength_units", "nanometers");
  }
}

struct Site {
  std::uint64_t seed = 0;
  synthetic::Land land;
  std::vector<std::uint8_t> labels;
  std::vector<std::uint8_t> split;
};

/// The first land, of those that the seed gives, in which every class can train and test: a small
/// one may have a single hall, or none.
Site make_site(const SyntheticSceneOptions& options) {
  constexpr std::int64_t kNumTries = 16;
  for (std::int64_t i = 0; i < kNumTries; ++i) {
    Site site;
    site.seed = i == 0 ? options.seed : synthetic::hash(options.seed, i);
    site.land = synthetic::make_land(site.seed, options.size_m);
    site.labels = synthetic::label_pixels(site.land, site.seed);
    site.split = synthetic::split_pixels(site.labels, options.size_m, site.seed);
    if (!site.split.empty()) return site;
  }
  throw InputError("", "",
                   "expected a seed that gives training and test pixels of every class, found " +
                       std::to_string(options.seed) + " with a side of " +
                       std::to_string(options.size_m) + " m: choose another or a larger side");
}

template <class Value>
void write_bands(GDALDataset& raster, const std::vector<Value>& values) {
  const std::size_t band_size = values.size() / static_cast<std::size_t>(raster.GetRasterCount());
  for (int band = 0; band < raster.GetRasterCount(); ++band)
    write_band(raster, band + 1, values.data() + band_size * static_cast<std::size_t>(band));
}

}  // namespace

void write_synthetic_scene(const fs::path& directory, const SyntheticSceneOptions& options,
                           const std::function<void(int done, int total)>& progress) {
  if (options.size_m < kLeastSize_m || options.size_m > kMostSize_m)
    throw InputError("", "",
                     "expected a scene of " + std::to_string(kLeastSize_m) + " to " +
                         std::to_string(kMostSize_m) + " m a side, found " +
                         std::to_string(options.size_m));
  prepare_gdal();
  constexpr int kNumParts = 6;
  int num_done = 0;
  const auto part_done = [&] {
    ++num_done;
    if (progress) progress(num_done, kNumParts);
  };

  const Scene scene = scene_document(options);
  const Grid grid = reference_grid(options.size_m);
  const Site site = make_site(options);
  const synthetic::Land& land = site.land;
  const std::vector<float> light = synthetic::sunlight(land);
  part_done();

  write_geotiff(directory / "hyperspectral.tif",
                {.grid = grid, .num_bands = synthetic::kNumBands, .type = GDT_UInt16},
                [&](GDALDataset& raster) {
                  raster.SetMetadataItem("reflectance_scale", "10000");
                  describe_wavelengths(raster);
                  write_bands(raster, synthetic::hyperspectral_image(land, light, site.seed));
                });
  part_done();
  write_geotiff(directory / "lidar.tif",
                {.grid = finer(grid, 2), .num_bands = 2, .type = GDT_Float32},
                [&](GDALDataset& raster) {
                  raster.GetRasterBand(1)->SetDescription("Surface height above sea level");
                  raster.GetRasterBand(1)->SetUnitType("m");
                  raster.GetRasterBand(2)->SetDescription("Intensity");
                  write_bands(raster, synthetic::lidar_image(land, site.seed));
                });
  part_done();
  write_geotiff(directory / "rgb.tif", {.grid = finer(grid, 4), .num_bands = 3, .type = GDT_Byte},
                [&](GDALDataset& raster) {
                  write_bands(raster, synthetic::rgb_image(land, light, site.seed));
                });
  part_done();

  write_geotiff(directory / "labels.tif", {.grid = grid, .num_bands = 1, .type = GDT_Byte},
                [&](GDALDataset& raster) {
                  describe_classes(*raster.GetRasterBand(1), scene.classes);
                  write_bands(raster, site.labels);
                });
  write_geotiff(directory / "split.tif", {.grid = grid, .num_bands = 1, .type = GDT_Byte},
                [&](GDALDataset& raster) {
                  describe_classes(
                      *raster.GetRasterBand(1),
                      {{.id = synthetic::kTrain, .name = "Train", .color = {60, 110, 200}},
                       {.id = synthetic::kTest, .name = "Test", .color = {230, 150, 40}}});
                  write_bands(raster, site.split);
                });
  part_done();
  // Last: where the document is, its rasters are.
  write_file(directory / "scene.json", json_text(to_json(scene)));
  part_done();
}

}  // namespace cadastre
