#include "tests/executor/raster_fixture.h"

#include <gdal_priv.h>
#include <ogr_spatialref.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "executor/gdal_support.h"
#include "planner/error.h"
#include "tests/support/catch.h"

namespace cadastre::test {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "cadastre-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  fs::remove_all(path_, error);
}

void write_tiny_raster(const fs::path& file, const TinyRaster& raster, const PixelValue& value) {
  DatasetPtr dataset(
      gdal_driver("GTiff").Create(file.c_str(), raster.columns, raster.rows, raster.bands,
                                  raster.is_float ? GDT_Float32 : GDT_Byte, nullptr));
  REQUIRE(dataset != nullptr);
  if (raster.pixel > 0) {
    std::array<double, 6> transform = {raster.left, raster.pixel, 0, raster.top, 0, -raster.pixel};
    dataset->SetGeoTransform(transform.data());
  }
  if (raster.epsg > 0) {
    OGRSpatialReference system;
    system.importFromEPSG(raster.epsg);
    dataset->SetSpatialRef(&system);
  }
  for (int band = 0; band < raster.bands; ++band) {
    std::vector<double> values;
    for (int row = 0; row < raster.rows; ++row)
      for (int column = 0; column < raster.columns; ++column)
        values.push_back(value(band, row, column));
    GDALRasterBand& target = *dataset->GetRasterBand(band + 1);
    if (raster.no_data >= 0) target.SetNoDataValue(raster.no_data);
    REQUIRE(target.RasterIO(GF_Write, 0, 0, raster.columns, raster.rows, values.data(),
                            raster.columns, raster.rows, GDT_Float64, 0, 0, nullptr) == CE_None);
  }
}

Scene write_tiny_scene(const fs::path& directory) {
  Scene scene;
  scene.name = "tiny";
  scene.labels = directory / "labels.tif";
  scene.split.raster = directory / "split.tif";
  scene.classes = {{.id = 1, .name = "Left", .color = {10, 20, 30}},
                   {.id = 2, .name = "Right", .color = {200, 100, 0}}};
  scene.modalities = {{.name = "a", .raster = directory / "a.tif", .num_bands = 2},
                      {.name = "b", .raster = directory / "b.tif", .num_bands = 1}};
  write_tiny_raster(scene.labels, {.is_float = false},
                    [](int, int, int column) { return column < 4 ? 1 : 2; });
  write_tiny_raster(scene.split.raster, {.is_float = false},
                    [](int, int row, int) { return row < 4 ? 1 : 2; });
  write_tiny_raster(scene.modalities[0].raster, {.bands = 2},
                    [](int band, int row, int column) { return band * 1000 + row * 8 + column; });
  write_tiny_raster(scene.modalities[1].raster, {.rows = 16, .columns = 16, .pixel = 0.5},
                    [](int, int row, int column) { return row * 16 + column; });
  return scene;
}

std::string input_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  FAIL("no InputError was thrown");
  return {};
}

}  // namespace cadastre::test
