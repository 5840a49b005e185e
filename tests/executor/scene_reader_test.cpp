#include "executor/scene/scene_reader.h"

#include <cmath>
#include <limits>

#include "executor/scene_data.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::input_error;
using test::TemporaryDirectory;
using test::write_tiny_raster;
using test::write_tiny_scene;

const std::vector<ModelInput> kInputs = {{.name = "a", .shape = {2, 4, 4}},
                                         {.name = "b", .shape = {1, 8, 8}}};

/// The largest difference between a window that is read and the patch that is copied there, over
/// windows in and across the border.
double worst_difference(const Scene& scene) {
  const SceneData data = load_scene(scene, kInputs);
  SceneReader reader(scene, kInputs, normalization_of(data));
  WindowValues values;
  double worst = 0;
  constexpr std::int64_t kSide = 5;
  for (const std::int64_t row : {-2, 1, 3, 6})
    for (const std::int64_t column : {-3, 0, 2, 7}) {
      reader.read({.row = row, .column = column, .num_rows = kSide, .num_columns = kSide}, values);
      for (std::size_t i = 0; i < kInputs.size(); ++i) {
        std::vector<float> patch(values.inputs[i].size());
        copy_patch(data.modalities[i], data.grid, row + kSide / 2, column + kSide / 2, kSide,
                   patch.data());
        for (std::size_t j = 0; j < patch.size(); ++j)
          worst = std::max(worst, static_cast<double>(std::abs(patch[j] - values.inputs[i][j])));
      }
    }
  return worst;
}

TEST_CASE("windows hold what patches of the loaded scene hold, borders included", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  SECTION("on the grid's own pixels") { CHECK(worst_difference(scene) == 0); }
  SECTION("warped from other pixels") {
    write_tiny_raster(
        scene.modalities[1].raster,
        {.rows = 30, .columns = 30, .left = 299999.7, .top = 4200000.9, .pixel = 0.45},
        [](int, int row, int column) { return row * row + 3 * column; });
    CHECK(worst_difference(scene) == 0);
  }
  SECTION("warped from another coordinate reference system") {
    write_tiny_raster(scene.modalities[1].raster,
                      {.rows = 60,
                       .columns = 60,
                       .left = 18.7243,
                       .top = 37.92575,
                       .pixel = 0.5e-5,
                       .epsg = 4326},
                      [](int, int row, int column) { return row * column; });
    CHECK(worst_difference(scene) == 0);
  }
}

TEST_CASE("a scene without labels or split is read by another's normalisation", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  scene.labels.clear();
  scene.split = {};
  const Normalization given = {{"a", {.mean = {0, 1000}, .stddev = {1, 2}}},
                               {"b", {.mean = {10}, .stddev = {1}}}};
  SceneReader reader(scene, kInputs, given);
  CHECK(reader.grid().num_rows == 8);  // the first modality's
  WindowValues values;
  reader.read({.row = 1, .column = 2, .num_rows = 1, .num_columns = 1}, values);
  CHECK(values.inputs[0] == std::vector<float>{10, 5});
  CHECK(values.inputs[1] == std::vector<float>{2 * 16 + 4 - 10, 2 * 16 + 5 - 10,  //
                                               3 * 16 + 4 - 10, 3 * 16 + 5 - 10});
  const SceneData data = load_scene(scene, kInputs, {.normalization = &given});
  CHECK(data.train.empty());
  CHECK(data.modalities[0].values[0] == 0);
  CHECK(input_error([&] { static_cast<void>(load_scene(scene, kInputs)); }) ==
        "/labels: expected labels to train with, found none in the scene");
}

TEST_CASE("a normalisation of another modality or band count is refused", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const auto refusal = [&](const Normalization& given) {
    return input_error([&] { SceneReader(scene, {kInputs[0]}, given); });
  };
  CHECK(refusal({}) == "/normalization: expected mean and deviation of modality a, found none");
  CHECK(refusal({{"a", {.mean = {1}, .stddev = {1}}}}) ==
        "/normalization/a: expected mean and deviation of 2 bands, found 1");
}

TEST_CASE("a window knows where no modality has a value", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.modalities[0].raster, {.bands = 2, .no_data = 7},
                    [](int band, int row, int column) {
                      return row == 0 || (row == 1 && band == 0) ? 7 : column;
                    });
  write_tiny_raster(scene.modalities[1].raster, {.rows = 16, .columns = 16, .pixel = 0.5},
                    [](int, int row, int column) {
                      return row < 4 && !(row == 1 && column == 3) ? std::nan("") : 1.0;
                    });
  const SceneData data = load_scene(scene, kInputs);
  SceneReader reader(scene, kInputs, normalization_of(data));
  WindowValues values;
  reader.read({.row = 0, .column = 0, .num_rows = 2, .num_columns = 3}, values);
  CHECK(values.has_data == std::vector<std::uint8_t>{0, 1, 0,  //
                                                     1, 1, 1});
}

TEST_CASE("a scene beyond its memory goes to a file and is the same", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const SceneData in_memory = load_scene(scene, kInputs);
  const TemporaryDirectory spill;
  const SceneData spilled =
      load_scene(scene, kInputs, {.memory_bytes = 600, .spill_directory = spill.path()});
  CHECK_FALSE(in_memory.modalities[0].values.is_in_file());
  CHECK_FALSE(spilled.modalities[0].values.is_in_file());  // 2 × 64 floats fit
  CHECK(spilled.modalities[1].values.is_in_file());
  CHECK(spilled.modalities[1].values == in_memory.modalities[1].values);
  CHECK(fs::is_empty(spill.path()));  // nothing to be left behind
  std::string message;
  try {
    static_cast<void>(load_scene(scene, kInputs,
                                 {.memory_bytes = 0, .spill_directory = spill.path() / "absent"}));
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message == (spill.path() / "absent").string() +
                       ": expected room for 1 MB of pixels, found: No such file or directory; set "
                       "TMPDIR to a directory with more room");
}

TEST_CASE("planes hold each pixel's class and part, and are cut like patches", "[executor]") {
  const TemporaryDirectory directory;
  Scene scene = write_tiny_scene(directory.path());
  write_tiny_raster(scene.labels, {.is_float = false}, [](int, int row, int column) {
    return row == 7 ? 0 : column < 4 ? 1 : 2;
  });
  write_tiny_raster(scene.split.raster, {.is_float = false}, [](int, int row, int) {
    return row < 4 ? 1 : row == 4 ? 3 : 2;
  });
  scene.split.validation = 3;
  const SceneData data = load_scene(scene, {});
  CHECK(data.class_plane[3] == 0);
  CHECK(data.class_plane[4] == 1);
  CHECK(data.class_plane[7 * 8] == kNoClass);
  CHECK(data.part_plane[7 * 8] == static_cast<std::uint8_t>(Part::kNone));
  CHECK(data.part_plane[4 * 8] == static_cast<std::uint8_t>(Part::kValidation));
  CHECK(data.validation.size() == 8);
  CHECK(data.test.size() == 16);
  std::vector<std::uint8_t> patch(9);
  copy_plane_patch(data.class_plane, data.grid, 7, 4, 3, patch.data());
  CHECK(patch == std::vector<std::uint8_t>{0, 1, 1, kNoClass, kNoClass, kNoClass,  //
                                           kNoClass, kNoClass, kNoClass});
}

}  // namespace
}  // namespace cadastre
