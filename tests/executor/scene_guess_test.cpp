#include "executor/scene/scene_guess.h"

#include <fstream>

#include "executor/gdal_support.h"
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

Scene guessed(const fs::path& folder, const SceneChoices& choices = {}) {
  const std::vector<FoundFile> files = find_files({folder});
  return guess_scene(files, choices).scene;
}

void write_polygons(const fs::path& file, const std::string& property, double left = 300000) {
  const auto polygon = [&](const std::string& value, double from) {
    const auto at = [&](double x, double y) {
      return "[" + std::to_string(left + x) + "," + std::to_string(4200000 - y) + "]";
    };
    return "{\"type\":\"Feature\",\"properties\":{\"" + property + "\":\"" + value +
           "\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[" + at(from, 0) + "," +
           at(from + 4, 0) + "," + at(from + 4, 8) + "," + at(from, 8) + "," + at(from, 0) + "]]}}";
  };
  std::ofstream(file)
      << "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":"
         "\"urn:ogc:def:crs:EPSG::32634\"}},\"features\":["
      << polygon("Grass", 0) << "," << polygon("Water", 4) << "]}";
}

TEST_CASE("a folder's rasters are taken for what they are", "[executor]") {
  const TemporaryDirectory directory;
  static_cast<void>(write_tiny_scene(directory.path()));
  SceneChoices choices;
  choices.classes = {"2=Meadow=#102030"};
  const Scene scene = guessed(directory.path(), choices);
  REQUIRE(scene.modalities.size() == 2);
  CHECK(scene.modalities[0].name == "a");
  CHECK(scene.modalities[0].num_bands == 2);
  CHECK(scene.labels.filename() == "labels.tif");
  CHECK(scene.split.raster.filename() == "split.tif");
  REQUIRE(scene.classes.size() == 2);
  CHECK(scene.classes[0].name == "class 1");
  CHECK(scene.classes[1].name == "Meadow");
  CHECK(scene.classes[1].color == std::array<int, 3>{0x10, 0x20, 0x30});
  CHECK(load_scene(scene, {}).train.size() == 32);
}

TEST_CASE("bands in files of their own are one modality, and clouds mask it", "[executor]") {
  const TemporaryDirectory directory;
  static_cast<void>(write_tiny_scene(directory.path()));
  fs::remove(directory.path() / "a.tif");
  fs::remove(directory.path() / "b.tif");
  for (const int band : {10, 2, 3})
    write_tiny_raster(directory.path() / ("LC08_B" + std::to_string(band) + ".TIF"), {},
                      [band](int, int, int) { return band; });
  write_tiny_raster(directory.path() / "LC08_QA_PIXEL.TIF", {.is_float = false},
                    [](int, int row, int column) { return row == 0 && column == 0 ? 8 : 64; });
  const Scene scene = guessed(directory.path());
  REQUIRE(scene.modalities.size() == 1);
  CHECK(scene.modalities[0].name == "lc08");
  CHECK(scene.modalities[0].num_bands == 3);
  CHECK(scene.modalities[0].raster.filename() == "LC08_B2.TIF");
  CHECK(scene.modalities[0].more_rasters[1].filename() == "LC08_B10.TIF");
  const Normalization plain = {{"lc08", {.mean = {0, 0, 0}, .stddev = {1, 1, 1}}}};
  const SceneData data =
      load_scene(scene, {{.name = "lc08", .shape = {3, 3, 3}}}, {.normalization = &plain});
  CHECK(data.modalities[0].values[0] == 0);  // under a cloud: bit 3
  CHECK(data.modalities[0].values[1] == 2);
  CHECK(data.modalities[0].values[2 * 64 + 1] == 10);
}

TEST_CASE("polygons label the pixels whose centres they hold", "[executor]") {
  const TemporaryDirectory directory;
  static_cast<void>(write_tiny_scene(directory.path()));
  fs::remove(directory.path() / "labels.tif");
  write_polygons(directory.path() / "plots.geojson", "landcover");
  const Scene scene = guessed(directory.path());
  CHECK(scene.label_reading.is_vector);
  REQUIRE(scene.classes.size() == 2);
  CHECK(scene.classes[0].name == "Grass");
  REQUIRE(scene.grid.has_value());
  CHECK(scene.grid->modality == "b");  // the finest
  const SceneData data = load_scene(scene, {});
  CHECK(data.grid.num_columns == 16);
  CHECK(data.class_plane[7] == 0);
  CHECK(data.class_plane[8] == 1);

  Scene other = scene;
  other.label_reading.attribute = "landcovers";
  CHECK(input_error([&] { static_cast<void>(load_scene(other, {})); }) ==
        scene.labels.string() +
            ": expected an attribute \"landcovers\", found landcover, did you mean \"landcover\"?");
  other = scene;
  other.classes[1].name = "Lake";
  CHECK(input_error([&] { static_cast<void>(load_scene(other, {})); }) ==
        scene.labels.string() +
            ": feature 1: expected landcover to be the name of a class of the scene (Grass, Lake), "
            "found \"Water\"");
  write_polygons(scene.labels, "landcover", 500000);
  CHECK(input_error([&] { static_cast<void>(load_scene(scene, {})); }) ==
        scene.labels.string() + ": expected polygons on the grid of " +
            scene.modalities[1].raster.string() + ", found no pixel's centre in any of them");
}

TEST_CASE("what a folder lacks for a scene is said, with the option that decides", "[executor]") {
  const TemporaryDirectory directory;
  static_cast<void>(write_tiny_scene(directory.path()));
  const auto refusal = [&] {
    return input_error([&] { static_cast<void>(guessed(directory.path())); });
  };
  SECTION("labels") {
    fs::remove(directory.path() / "labels.tif");
    CHECK(refusal() ==
          "expected labels (a raster of class ids, or polygons), found none; say which file holds "
          "them with --labels FILE");
  }
  SECTION("one of several labels") {
    fs::copy(directory.path() / "labels.tif", directory.path() / "truth.tif");
    CHECK(refusal() ==
          "expected one file of labels, found labels.tif, truth.tif; choose with "
          "--labels FILE");
  }
  SECTION("measurements") {
    fs::remove(directory.path() / "a.tif");
    std::ofstream(directory.path() / "b.tif") << "";  // empty
    CHECK(refusal() ==
          "expected a raster of measurements, found none; say which with --modality NAME=FILE");
  }
}

TEST_CASE("a STAC item says what its assets are", "[executor]") {
  const TemporaryDirectory directory;
  static_cast<void>(write_tiny_scene(directory.path()));
  fs::rename(directory.path() / "labels.tif", directory.path() / "x.tif");
  std::ofstream(directory.path() / "item.json") << R"({
    "type": "Feature", "stac_version": "1.0.0", "id": "S2_scene", "assets": {
      "bands": {"href": "./a.tif", "roles": ["data"]},
      "small": {"href": "b.tif", "roles": ["thumbnail"]},
      "far": {"href": "https://example.org/far.tif", "roles": ["data"]},
      "map": {"href": "x.tif", "roles": ["labels"], "classification:classes": [
        {"value": 1, "name": "grass", "color_hint": "00ff10"}, {"value": 2, "name": "water"}]}}})";
  const Scene scene = guessed(directory.path());
  REQUIRE(scene.modalities.size() == 1);
  CHECK(scene.modalities[0].name == "bands");
  CHECK(scene.labels.filename() == "x.tif");
  CHECK(scene.classes[0].name == "grass");
  CHECK(scene.classes[0].color == std::array<int, 3>{0, 255, 16});
}

TEST_CASE("south-up and rotated rasters come onto the grid right", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  const auto place = [&](std::array<double, 6> transform, auto&& value) {
    write_tiny_raster(scene.modalities[1].raster, {}, value);
    DatasetPtr raster(
        GDALDataset::FromHandle(GDALOpen(scene.modalities[1].raster.c_str(), GA_Update)));
    raster->SetGeoTransform(transform.data());
  };
  SECTION("south-up: the first row is the southernmost") {
    place({300000, 1, 0, 4199992, 0, 1}, [](int, int row, int) { return 7 - row; });
  }
  SECTION("rotated by a right angle: rows run east") {
    place({300000, 0, 1, 4200000, -1, 0}, [](int, int, int column) { return column; });
  }
  const Normalization plain = {{"b", {.mean = {0}, .stddev = {1}}}};
  const SceneData data =
      load_scene(scene, {{.name = "b", .shape = {1, 3, 3}}}, {.normalization = &plain});
  for (std::size_t row = 0; row < 8; ++row)
    CHECK(data.modalities[0].values[row * 8 + 3] == Approx(row).margin(1e-4));
}

}  // namespace
}  // namespace cadastre
