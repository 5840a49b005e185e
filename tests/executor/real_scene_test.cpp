// Real imagery, read from beside the project where it is; it is not shipped with it.
#include <cmath>

#include "executor/scene_data.h"
#include "planner/scene.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

/// The folder of a data set; empty, with the reason printed, where it is absent.
fs::path data_folder(const std::string& name) {
  fs::path folder = source_directory() / ".." / "shared" / "data" / name;
  if (fs::exists(folder)) return folder;
  WARN("skipped: there is no " << folder.string());
  return {};
}

/// The largest distance of a band's mean from 0 and of its deviation from 1 over training pixels.
double worst_standardisation(const SceneData& data, const ModalityData& modality) {
  double worst = 0;
  const std::int64_t columns = data.grid.num_columns * modality.scale;
  const std::int64_t rows = data.grid.num_rows * modality.scale;
  for (std::int64_t band = 0; band < modality.num_bands; ++band) {
    double sum = 0;
    double sum_of_squares = 0;
    for (const Sample& sample : data.train) {
      const double value = modality.values[static_cast<std::size_t>(
          (band * rows + sample.row * modality.scale) * columns + sample.column * modality.scale)];
      sum += value;
      sum_of_squares += value * value;
    }
    const double mean = sum / static_cast<double>(data.train.size());
    const double variance = sum_of_squares / static_cast<double>(data.train.size()) - mean * mean;
    worst = std::max({worst, std::abs(mean), std::abs(std::sqrt(variance) - 1)});
  }
  return worst;
}

TEST_CASE("the Zion scene loads on its grid", "[executor]") {
  const fs::path folder = data_folder("zion_landsat_dem");
  if (folder.empty()) return;
  const Scene scene =
      read_scene(source_directory() / "scenarios/scenes/zion-landsat-dem.json", folder);
  const std::vector<ModelInput> inputs = {{.name = "optical", .shape = {4, 9, 9}},
                                          {.name = "elevation", .shape = {1, 9, 9}}};
  CHECK(patch_size(scene, inputs).scales == std::vector<std::int64_t>{1, 1});
  const SceneData data = load_scene(scene, inputs);
  CHECK(data.grid.num_rows == 1427);
  CHECK(data.grid.num_columns == 1127);
  // The counts that the data set's description gives.
  CHECK(data.train.size() == 399 + 8538 + 56498 + 380290 + 267389 + 2453 + 4351 + 3183);
  CHECK(data.test.size() == 532 + 8782 + 48951 + 382493 + 273484 + 2550 + 3867 + 3013);
  CHECK(worst_standardisation(data, data.modalities[0]) < 1e-3);
  CHECK(worst_standardisation(data, data.modalities[1]) < 1e-3);
}

TEST_CASE("radar and optical images in degrees load", "[executor]") {
  const fs::path folder = data_folder("sen1floods11_spain");
  if (folder.empty()) return;
  Scene scene;
  scene.labels = folder / "labels.tif";
  scene.split.raster = folder / "split.tif";
  scene.classes = {{.id = 1, .name = "Land"}, {.id = 2, .name = "Water"}};
  scene.modalities = {{.name = "sar", .raster = folder / "sar.tif", .num_bands = 2},
                      {.name = "optical", .raster = folder / "optical.tif", .num_bands = 13}};
  const SceneData data = load_scene(
      scene, {{.name = "sar", .shape = {2, 9, 9}}, {.name = "optical", .shape = {13, 9, 9}}});
  CHECK(data.grid.num_rows == 512);
  CHECK(data.modalities[0].scale == 1);
  CHECK(worst_standardisation(data, data.modalities[1]) < 1e-3);
  CHECK(data.train.size() > 50000);
}

TEST_CASE("rasters without any georeferencing load", "[executor]") {
  const fs::path folder = data_folder("trento_lidar");
  if (folder.empty()) return;
  Scene scene;
  scene.labels = folder / "labels.tif";
  scene.split.raster = folder / "split.tif";
  for (int id = 1; id <= 6; ++id) scene.classes.push_back({.id = id, .name = std::to_string(id)});
  scene.modalities = {{.name = "height", .raster = folder / "lidar_height.tif"},
                      {.name = "intensity", .raster = folder / "lidar_intensity.tif"}};
  const SceneData data = load_scene(
      scene, {{.name = "height", .shape = {1, 9, 9}}, {.name = "intensity", .shape = {1, 9, 9}}});
  CHECK(data.grid.num_rows == 166);
  CHECK(data.grid.num_columns == 600);
  CHECK(data.grid.projection.empty());
  CHECK(worst_standardisation(data, data.modalities[0]) < 1e-3);
}

}  // namespace
}  // namespace cadastre
