#include "executor/scene_data.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::input_error;
using test::TemporaryDirectory;
using test::TinyRaster;
using test::write_tiny_raster;
using test::write_tiny_scene;

const ModelInput kInputA = {.name = "a", .shape = {2, 4, 4}};
const ModelInput kInputB = {.name = "b", .shape = {1, 8, 8}};

/// A value as the raster had it.
double raw(const ModalityData& modality, const Grid& grid, std::int64_t band, std::int64_t row,
           std::int64_t column) {
  const std::int64_t columns = grid.num_columns * modality.scale;
  const std::int64_t rows = grid.num_rows * modality.scale;
  const auto i = static_cast<std::size_t>(band);
  const auto pixel = static_cast<std::size_t>((band * rows + row) * columns + column);
  return static_cast<double>(modality.values[pixel]) * modality.stddev[i] + modality.mean[i];
}

TEST_CASE("a scene is loaded on the label raster's grid", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const SceneData data = load_scene(scene, {kInputB, kInputA});

  CHECK(data.grid.num_rows == 8);
  CHECK(data.grid.num_columns == 8);
  CHECK(data.grid.geo_transform == std::array<double, 6>{300000, 1, 0, 4200000, 0, -1});
  CHECK(data.grid.projection.find("32634") != std::string::npos);
  REQUIRE(data.modalities.size() == 2);
  CHECK(data.modalities[0].name == "b");
  CHECK(data.modalities[0].scale == 2);
  CHECK(data.modalities[1].scale == 1);
  REQUIRE(data.train.size() == 32);
  REQUIRE(data.test.size() == 32);
  CHECK(data.train[5] == Sample{.row = 0, .column = 5, .class_index = 1});
  CHECK(data.test[0] == Sample{.row = 4, .column = 0, .class_index = 0});
  CHECK(raw(data.modalities[0], data.grid, 0, 15, 3) == Approx(15 * 16 + 3));
  CHECK(raw(data.modalities[1], data.grid, 1, 7, 2) == Approx(1000 + 7 * 8 + 2));
}

TEST_CASE("bands are standardised over the training pixels alone", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const SceneData data = load_scene(scene, {kInputA});
  const ModalityData& a = data.modalities[0];
  // Training rows 0-3 hold 0 … 31: mean 15.5, variance (32² - 1) / 12.
  CHECK_THAT(a.mean[0], WithinRel(15.5, 1e-12));
  CHECK_THAT(a.stddev[0], WithinRel(std::sqrt(1023.0 / 12), 1e-12));
  CHECK_THAT(a.mean[1], WithinRel(1015.5, 1e-12));
  CHECK_THAT(static_cast<double>(a.values[40]),
             WithinRel((40 - 15.5) / std::sqrt(1023.0 / 12), 1e-6));
}

TEST_CASE("a modality is the same whichever others are loaded with it", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const SceneData both = load_scene(scene, {kInputA, kInputB});
  const SceneData alone = load_scene(scene, {kInputB});
  CHECK(both.modalities[1].values == alone.modalities[0].values);
  CHECK(both.modalities[1].mean == alone.modalities[0].mean);
  CHECK(both.train == alone.train);
}

TEST_CASE("what has no value becomes the band's training mean", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.modalities[0].raster, {.bands = 2, .no_data = 7},
                    [](int band, int row, int column) {
                      if (band == 1) return 5.0;  // constant: divided by 1, not by 0
                      if (row == 0 && column == 0) return 7.0;
                      if (row == 0 && column == 1) return std::nan("");
                      if (row == 5 && column == 2) return std::numeric_limits<double>::infinity();
                      return column < 4 ? 10.0 : 20.0;
                    });
  const SceneData data = load_scene(scene, {kInputA});
  const ModalityData& a = data.modalities[0];
  CHECK(a.values[0] == 0);
  CHECK(a.values[1] == 0);
  CHECK(a.values[5 * 8 + 2] == 0);
  CHECK_THAT(a.mean[0], WithinRel((14 * 10.0 + 16 * 20.0) / 30, 1e-12));
  CHECK(a.stddev[1] == 1);
  CHECK(a.values[64] == 0);
}

TEST_CASE("a raster of another extent and resolution is aligned", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  // 2 m pixels that start 4 m further north-west and hold their centre's easting: bilinear
  // interpolation gives back a linear field exactly.
  write_tiny_raster(scene.modalities[1].raster,
                    {.rows = 10, .columns = 10, .left = 299996, .top = 4200004, .pixel = 2},
                    [](int, int, int column) { return 299996 + 2 * column + 1 - 300000; });
  const SceneData data = load_scene(scene, {kInputB});
  CHECK(data.modalities[0].scale == 1);
  for (int column = 0; column < 8; ++column)
    CHECK(raw(data.modalities[0], data.grid, 0, 3, column) == Approx(column + 0.5));
}

TEST_CASE("a raster in another coordinate reference system is aligned", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  // EPSG:4326 around the tiny scene, (300000, 4200000) in UTM 34N; pixels of about 0.9 m × 1.1 m
  // hold their latitude's row.
  const double degree = 1e-5;
  write_tiny_raster(
      scene.modalities[1].raster,
      {.rows = 60, .columns = 60, .left = 18.7243, .top = 37.92575, .pixel = degree, .epsg = 4326},
      [](int, int row, int) { return row; });
  const SceneData data = load_scene(scene, {kInputB});
  CHECK(data.modalities[0].scale == 1);
  // One metre of northing is 1 / 1.11 rows of 1e-5 degrees.
  const double step =
      (raw(data.modalities[0], data.grid, 0, 7, 4) - raw(data.modalities[0], data.grid, 0, 0, 4)) /
      7;
  CHECK(step == Approx(1 / 1.11).epsilon(0.02));
}

TEST_CASE("ground outside a raster becomes the mean", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.modalities[1].raster, {.rows = 8, .columns = 4},
                    [](int, int row, int column) { return row + column; });
  const SceneData data = load_scene(scene, {kInputB});
  CHECK(data.modalities[0].values[0] != 0);
  for (std::size_t column = 4; column < 8; ++column) CHECK(data.modalities[0].values[column] == 0);
}

TEST_CASE("rasters without georeferencing share the label raster's pixels", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  const TinyRaster plain = {.pixel = 0, .epsg = 0};
  write_tiny_raster(scene.labels, plain, [](int, int, int column) { return column < 4 ? 1 : 2; });
  write_tiny_raster(scene.split.raster, plain, [](int, int row, int) { return row < 4 ? 1 : 2; });
  write_tiny_raster(scene.modalities[1].raster, {.rows = 16, .columns = 16, .pixel = 0, .epsg = 0},
                    [](int, int row, int column) { return row * 16 + column; });
  const SceneData data = load_scene(scene, {kInputB});
  CHECK(data.modalities[0].scale == 2);
  CHECK(data.grid.projection.empty());
  CHECK(raw(data.modalities[0], data.grid, 0, 9, 4) == Approx(9 * 16 + 4));

  write_tiny_raster(scene.modalities[1].raster, {.rows = 9, .columns = 8, .pixel = 0, .epsg = 0},
                    [](int, int, int) { return 1; });
  CHECK(input_error([&] { static_cast<void>(load_scene(scene, {kInputB})); }) ==
        scene.modalities[1].raster.string() +
            ": expected georeferencing, or a multiple of the reference grid's 8 x 8 pixels, found "
            "9 x 8 pixels without");
}

TEST_CASE("the patch size follows from the rasters' resolutions", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const PatchSize size = patch_size(scene, {kInputA, kInputB});
  CHECK(size.reference_pixels == 4);
  CHECK(size.scales == std::vector<std::int64_t>{1, 2});

  const auto refusal = [&](const std::vector<ModelInput>& inputs) {
    return input_error([&] { static_cast<void>(patch_size(scene, inputs)); });
  };
  CHECK(refusal({kInputA, {.name = "b", .shape = {1, 6, 6}}}) ==
        "model input b: expected shape (1, 8, 8) to see the same ground as a, found (1, 6, 6)");
  CHECK(
      refusal({{.name = "b", .shape = {1, 7, 7}}}) ==
      "model input b: expected a multiple of 2 pixels a side, as the reference grid's pixel is 2 "
      "of the modality's, found shape (1, 7, 7)");
  CHECK(refusal({{.name = "a", .shape = {2, 4, 5}}}) ==
        "model input a: expected a square patch (bands, rows, columns), found shape (2, 4, 5)");
  CHECK(refusal({{.name = "sar", .shape = {2, 4, 4}}}) ==
        "model input sar: expected a modality of the scene (a, b), found none of that name");
  CHECK(refusal({{.name = "a", .shape = {48, 4, 4}}}) ==
        "model input a: expected the 2 bands of the scene's modality, found 48");
}

TEST_CASE("a patch lies around its centre pixel at every scale", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const SceneData data = load_scene(scene, {kInputA, kInputB});
  std::vector<float> patch(2 * 3 * 3);
  copy_patch(data.modalities[0], data.grid, 4, 5, 3, patch.data());
  for (std::size_t band = 0; band < 2; ++band)
    for (std::size_t y = 0; y < 3; ++y)
      for (std::size_t x = 0; x < 3; ++x)
        CHECK(patch[(band * 3 + y) * 3 + x] ==
              data.modalities[0].values[band * 64 + (3 + y) * 8 + 4 + x]);

  std::vector<float> fine(6 * 6);
  copy_patch(data.modalities[1], data.grid, 4, 5, 3, fine.data());
  CHECK(fine[0] == data.modalities[1].values[6 * 16 + 8]);
  CHECK(fine[35] == data.modalities[1].values[11 * 16 + 13]);
}

TEST_CASE("a patch is mirrored at the scene's border", "[executor]") {
  Grid grid;
  grid.num_rows = 2;
  grid.num_columns = 3;
  const ModalityData modality = {.name = "a",
                                 .num_bands = 1,
                                 .scale = 1,
                                 .values = {0, 1, 2,  //
                                            3, 4, 5},
                                 .mean = {0},
                                 .stddev = {1}};
  std::vector<float> patch(9);
  copy_patch(modality, grid, 0, 0, 3, patch.data());
  CHECK(patch == std::vector<float>{0, 0, 1,  //
                                    0, 0, 1,  //
                                    3, 3, 4});
  // A patch of more than the scene: mirrored again and again.
  std::vector<float> large(49);
  copy_patch(modality, grid, 1, 2, 7, large.data());
  // Rows -2 … 4 of 2 are 1 -1 … 5 of 3 are 0 0 1 2 2 1 0; rows -2 … are 1 0 0 1 1 0 0.
  CHECK(std::vector<float>(large.begin(), large.begin() + 7) ==
        std::vector<float>{3, 3, 4, 5, 5, 4, 3});
}

TEST_CASE("rasters that cannot be used are refused by name", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  const fs::path& b = scene.modalities[1].raster;
  const auto refusal = [&] {
    return input_error([&] { static_cast<void>(load_scene(scene, {kInputA, kInputB})); });
  };

  SECTION("missing") {
    fs::remove(b);
    CHECK(refusal() == b.string() + ": expected a raster, found no file");
  }
  SECTION("no raster at all") {
    std::ofstream(b) << "this is no raster";
    CHECK(refusal() == b.string() + ": expected a raster that GDAL opens, found: `" + b.string() +
                           "' not recognized as a supported file format");
  }
  SECTION("of another number of bands") {
    scene.modalities[0].num_bands = 2;
    write_tiny_raster(scene.modalities[0].raster, {.bands = 3}, [](int, int, int) { return 1; });
    CHECK(refusal() == scene.modalities[0].raster.string() + ": expected 2 bands, found 3");
  }
  SECTION("somewhere else") {
    write_tiny_raster(b, {.left = 400000}, [](int, int, int) { return 1; });
    CHECK(refusal() == b.string() + ": expected to overlap " + scene.labels.string() +
                           ", found no common ground");
  }
  SECTION("on the other side of the globe") {
    write_tiny_raster(b, {.left = -120, .top = -40, .pixel = 1e-5, .epsg = 4326},
                      [](int, int, int) { return 1; });
    CHECK(refusal() == b.string() + ": expected to overlap " + scene.labels.string() +
                           ", found no common ground");
  }
  SECTION("all no data") {
    write_tiny_raster(b, {.no_data = 3}, [](int, int, int) { return 3; });
    CHECK(refusal() == b.string() + ": expected values on the grid of " + scene.labels.string() +
                           ", found none");
  }
  SECTION("without a coordinate reference system among others that have one") {
    write_tiny_raster(b, {.pixel = 0.5, .epsg = 0}, [](int, int, int) { return 1; });
    CHECK(refusal() ==
          b.string() +
              ": expected a coordinate reference system as the reference grid has, found none");
  }
}

TEST_CASE("a truncated raster is refused by file and band", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  const fs::path& a = scene.modalities[0].raster;
  // The header still opens. On the label raster's own grid blocks are read, else the warper reads.
  const double left = GENERATE(300000.0, 299999.9);
  write_tiny_raster(a, {.rows = 32, .columns = 32, .bands = 2, .left = left, .pixel = 0.25},
                    [](int, int row, int column) { return row + column; });
  fs::resize_file(a, fs::file_size(a) * 3 / 4);
  const std::string message = input_error([&] { static_cast<void>(load_scene(scene, {kInputA})); });
  CHECK(message.substr(0, message.find("found: ")) ==
        a.string() + ": band 1: expected readable pixels, ");
  CHECK(message.find('\n') == std::string::npos);
}

TEST_CASE("labels that no class explains are refused with their count", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.labels, {.is_float = false},
                    [](int, int row, int column) { return row == 2 && column < 3 ? 17 : 1; });
  CHECK(input_error([&] { static_cast<void>(load_scene(scene, {kInputA})); }) ==
        scene.labels.string() +
            ": expected 0 or the id of a class of the scene, found 17 in 3 pixels");
}

TEST_CASE("a label raster's no-data value is unlabelled", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.labels, {.is_float = false, .no_data = 255},
                    [](int, int row, int column) { return row == 0     ? 255
                                                          : column < 4 ? 1
                                                                       : 2; });
  CHECK(load_scene(scene, {kInputA}).train.size() == 24);
}

TEST_CASE("a split that leaves nothing to learn from is refused", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  const auto refusal = [&] {
    return input_error([&] { static_cast<void>(load_scene(scene, {kInputA})); });
  };
  SECTION("no training pixel") {
    scene.split.train = 9;
    CHECK(refusal() == scene.split.raster.string() +
                           ": expected labelled training pixels (value 9), found none");
  }
  SECTION("a class without training pixels") {
    write_tiny_raster(scene.split.raster, {.is_float = false},
                      [](int, int, int column) { return column < 4 ? 1 : 2; });
    CHECK(refusal() ==
          scene.split.raster.string() +
              ": expected labelled training pixels (value 1) of every class, found none of Right");
  }
}

}  // namespace
}  // namespace cadastre
