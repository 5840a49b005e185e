#include "executor/predict/scene_picture.h"

#include <cmath>

#include "executor/gdal_support.h"
#include "planner/files.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;
using test::write_tiny_raster;
using Kind = BandColor::Kind;

std::vector<BandColor> unnamed(std::size_t num_bands) { return std::vector<BandColor>(num_bands); }

std::vector<int> all_of(std::size_t num_bands) {
  std::vector<int> bands;
  for (std::size_t i = 1; i <= num_bands; ++i) bands.push_back(static_cast<int>(i));
  return bands;
}

TEST_CASE("bands that call themselves red, green and blue are shown so", "[executor]") {
  const std::vector<BandColor> colors = {
      {.kind = Kind::kBlue}, {.kind = Kind::kGreen}, {.kind = Kind::kRed}, {}};
  CHECK(choose_bands(colors, all_of(4)).bands == std::array<int, 3>{3, 2, 1});
  // Without the red one the others are bands as any.
  CHECK(choose_bands(colors, {1, 2, 4}).bands == std::array<int, 3>{1, 2, 4});
  CHECK(choose_bands(colors, all_of(4)).rank > choose_bands(colors, {1, 2, 4}).rank);
}

TEST_CASE("bands of known wavelengths are shown by them", "[executor]") {
  std::vector<BandColor> colors;
  for (int i = 0; i < 30; ++i) colors.push_back({.wavelength_nm = 400 + 20.0 * i});
  // 660, 560 and 480 nm are nearest, the first of equals: 640 | 660, 560, 460 | 480.
  CHECK(choose_bands(colors, all_of(30)).bands == std::array<int, 3>{13, 9, 4});
  // Short-wave infrared looks like nothing that people see.
  for (BandColor& color : colors) color.wavelength_nm += 1000;
  CHECK(choose_bands(colors, all_of(30)).rank == choose_bands(unnamed(30), all_of(30)).rank);
}

TEST_CASE("bands that say nothing are shown all the same", "[executor]") {
  CHECK(choose_bands(unnamed(3), all_of(3)).bands == std::array<int, 3>{1, 2, 3});
  CHECK(choose_bands(unnamed(12), all_of(12)).bands == std::array<int, 3>{4, 3, 2});
  CHECK(choose_bands(unnamed(5), {2, 5}).bands == std::array<int, 3>{2, 2, 2});
  CHECK(choose_bands(unnamed(3), all_of(3)).rank > choose_bands(unnamed(2), all_of(2)).rank);
}

TEST_CASE("a scene's picture is its most natural modality, stretched, without what has no data",
          "[executor]") {
  const TemporaryDirectory directory;
  const fs::path picture = directory.path() / "picture.png";
  // The tiny scene's `a` and `b` have 2 bands and 1; this one has 3, at twice the pixels.
  Scene scene = test::write_tiny_scene(directory.path());
  write_tiny_raster(directory.path() / "c.tif",
                    {.rows = 16, .columns = 16, .bands = 3, .pixel = 0.5, .no_data = 5},
                    [](int band, int row, int column) {
                      if (row < 2 && column < 2) return 5.0;
                      return band == 0 ? 100.0 + 10 * (column / 2) : 100.0 + 10 * (row / 2);
                    });
  scene.modalities.push_back({.name = "c", .raster = directory.path() / "c.tif", .num_bands = 3});
  REQUIRE(picture_bands(scene).front() == PictureBands{.modality = 2, .bands = {1, 2, 3}});
  REQUIRE(write_scene_picture(picture, scene));

  const DatasetPtr image = open_raster(picture);
  REQUIRE(image->GetRasterCount() == 4);
  REQUIRE(image->GetRasterXSize() == 8);
  const auto value = [&](int band, int row, int column) {
    std::uint8_t byte = 0;
    REQUIRE(image->GetRasterBand(band)->RasterIO(GF_Read, column, row, 1, 1, &byte, 1, 1, GDT_Byte,
                                                 0, 0, nullptr) == CE_None);
    return static_cast<int>(byte);
  };
  // From 100 to 170 in 8 steps, so the fourth is 255 · 3 / 7.
  CHECK(value(1, 4, 0) == 0);
  CHECK(value(1, 4, 7) == 255);
  CHECK(value(1, 4, 3) == std::lround(255 * 3 / 7.0));
  CHECK(value(2, 3, 5) == std::lround(255 * 3 / 7.0));
  CHECK(value(4, 0, 0) == 0);
  CHECK(value(4, 0, 1) == 255);
  CHECK(value(4, 7, 7) == 255);
}

TEST_CASE("a modality that cannot be read is not shown, and where none can there is no picture",
          "[executor]") {
  const TemporaryDirectory directory;
  const fs::path picture = directory.path() / "picture.png";
  Scene scene = test::write_tiny_scene(directory.path());
  const fs::path broken = directory.path() / "broken.tif";
  write_file(broken, "no raster");
  scene.modalities.insert(scene.modalities.begin(),
                          {.name = "broken", .raster = broken, .num_bands = 3});
  REQUIRE(picture_bands(scene).size() == 2);
  CHECK(write_scene_picture(picture, scene));
  CHECK(fs::exists(picture));

  fs::remove(picture);
  for (Modality& modality : scene.modalities) modality.raster = broken;
  CHECK_FALSE(write_scene_picture(picture, scene));
  CHECK_FALSE(fs::exists(picture));
}

}  // namespace
}  // namespace cadastre
