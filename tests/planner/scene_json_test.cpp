#include <filesystem>

#include "planner/files.h"
#include "planner/scene.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

Scene sound() {
  return {.name = "park",
          .description = "a park",
          .modalities = {{.name = "optical", .raster = "optical.tif", .num_bands = 4},
                         {.name = "elevation",
                          .raster = "/data/dem.tif",
                          .num_bands = 1,
                          .resampling = Resampling::kCubic}},
          .labels = "labels.tif",
          .classes = {{.id = 1, .name = "Water", .color = {31, 120, 180}},
                      {.id = 4, .name = "Forest", .color = {0, 255, 10}}},
          .split = {.raster = "split.tif", .train = 1, .test = 2}};
}

std::string refused(const json& document) { return refusal_of(document, scene_from_json); }

}  // namespace

TEST_CASE("a scene goes to JSON and back unchanged", "[planner]") {
  const Scene scene = sound();
  CHECK(to_json(scene).at("/classes/0/color"_json_pointer) == "#1f78b4");
  CHECK(documents::reread(to_json(scene), scene_from_json) == scene);
}

TEST_CASE("a scene's rasters are found beside its document, or where asked for", "[planner]") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "scene.json", json_text(to_json(sound())));
  const Scene beside = read_scene(directory.path());
  CHECK(beside.labels == directory.path() / "labels.tif");
  CHECK(beside.modalities[0].raster == directory.path() / "optical.tif");
  CHECK(beside.modalities[1].raster == "/data/dem.tif");
  CHECK(read_scene(directory.path() / "scene.json") == beside);
  CHECK(read_scene(directory.path(), "/rasters").split.raster == "/rasters/split.tif");
}

TEST_CASE("a scene that is not there is refused", "[planner]") {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "scene.json").string();
  CHECK(documents::refusal([&] { static_cast<void>(read_scene(directory.path())); }) ==
        file + ": expected a file, found none");
}

TEST_CASE("a modality or class named twice is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/modalities/1/name", "optical")) ==
        "/modalities/1/name: expected a name used once, found \"optical\" again (first at "
        "/modalities/0/name)");
  CHECK(refused(with(to_json(sound()), "/classes/1/name", "Water")) ==
        "/classes/1/name: expected a name used once, found \"Water\" again (first at "
        "/classes/0/name)");
  CHECK(refused(with(to_json(sound()), "/modalities", json::array())) ==
        "/modalities: expected an array of at least 1, found an array of 0");
}

TEST_CASE("class ids are bytes above 0 that ascend", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/classes/0/id", 0)) ==
        "/classes/0/id: expected an integer from 1 to 255, found 0");
  CHECK(refused(with(to_json(sound()), "/classes/1/id", 256)) ==
        "/classes/1/id: expected an integer from 1 to 255, found 256");
  CHECK(refused(with(to_json(sound()), "/classes/1/id", 1)) ==
        "/classes/1/id: expected more than 1, the id before it, found 1");
}

TEST_CASE("colours are written as six hexadecimal digits", "[planner]") {
  for (const std::string color : {"blue", "", "#", "#12345", "#1234567", "#12345g", "1f78b4 "})
    CHECK(refused(with(to_json(sound()), "/classes/0/color", color)) ==
          "/classes/0/color: expected a colour such as \"#1f78b4\", found \"" + color + "\"");
}

TEST_CASE("absurd values in a scene are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/modalities/0/num_bands", 0)) ==
        "/modalities/0/num_bands: expected an integer from 1 to 65536, found 0");
  CHECK(refused(with(to_json(sound()), "/modalities/0/resampling", "lanczos")) ==
        "/modalities/0/resampling: expected one of nearest, bilinear, cubic or average, found "
        "\"lanczos\"");
  CHECK(refused(with(to_json(sound()), "/split/test", 1)) ==
        "/split/test: expected another value than \"train\", found 1");
  CHECK(refused(with(to_json(sound()), "/labels", "")) == "/labels: expected a name, found \"\"");
  CHECK(refused(without(to_json(sound()), "/split")) ==
        "/: expected the key \"split\", found none");
  CHECK(refused(with(to_json(sound()), "/modalites", 1)) ==
        "/modalites: expected no such key, did you mean \"modalities\"?");
}

namespace {

/// A scene that uses every key there is.
Scene full() {
  Scene scene = sound();
  scene.grid = GridChoice{.modality = {},
                          .resolution = {10, 20},
                          .extent = {300000, 4190000, 310000, 4200000},
                          .crs = "EPSG:32634"};
  Modality& optical = scene.modalities[0];
  optical.more_rasters = {"swir.tif"};
  optical.bands = {4, 1, 6, 5};
  optical.nodata = -9999;
  optical.scale = 0.0001;
  optical.offset = -0.1;
  optical.masks = {{.raster = "scl.tif", .values = {3, 8, 9}},
                   {.raster = "qa.tif", .bits = {1, 4}}};
  scene.modalities[1].kind = ModalityKind::kCategorical;
  scene.labels = "plots.gpkg";
  scene.label_reading = {.is_vector = true, .layer = "plots", .attribute = "class"};
  scene.split = {};
  scene.split.kind = Split::Kind::kBlocks;
  scene.split.test_fraction = 0.25;
  scene.split.block_pixels = 32;
  scene.split.buffer_pixels = 5;
  scene.split.validation_fraction = 0.2;
  scene.split.seed = 7;
  return scene;
}

}  // namespace

TEST_CASE("every key of a scene goes to JSON and back unchanged", "[planner]") {
  CHECK(documents::reread(to_json(full()), scene_from_json) == full());

  Scene random = full();
  random.grid = GridChoice{.modality = "elevation"};
  random.split = {};
  random.split.kind = Split::Kind::kRandom;
  random.split.test_fraction = 0.4;
  random.split.validation_fraction = 0.1;
  random.split.seed = 3;
  random.labels = "labels.tif";
  random.label_reading = {.band = 2};
  CHECK(documents::reread(to_json(random), scene_from_json) == random);

  Scene by_raster = sound();
  by_raster.split.validation = 3;
  by_raster.split.block_pixels = 40;
  by_raster.split.buffer_pixels = 2;
  CHECK(documents::reread(to_json(by_raster), scene_from_json) == by_raster);

  Scene to_predict = sound();
  to_predict.labels.clear();
  to_predict.split = {};
  CHECK(documents::reread(to_json(to_predict), scene_from_json) == to_predict);
}

TEST_CASE("a wrong value of any key of a scene is refused where it stands", "[planner]") {
  const json document = to_json(full());
  const json list = json::array({"a"});
  const std::vector<std::pair<const char*, json>> wrong = {
      {"/name", 1},
      {"/description", 1},
      {"/modalities", "optical"},
      {"/modalities/0/name", 1},
      {"/modalities/0/raster", 1},
      {"/modalities/0/raster/1", 1},
      {"/modalities/0/num_bands", "4"},
      {"/modalities/0/bands", 3},
      {"/modalities/0/bands/0", 0},
      {"/modalities/0/bands/0", 1.5},
      {"/modalities/0/nodata", "-9999"},
      {"/modalities/0/scale", "1"},
      {"/modalities/0/offset", list},
      {"/modalities/0/masks", "scl.tif"},
      {"/modalities/0/masks/0/raster", 1},
      {"/modalities/0/masks/0/values", 3},
      {"/modalities/0/masks/0/values/0", "cloud"},
      {"/modalities/0/masks/1/bits/0", -1},
      {"/modalities/0/masks/1/bits/0", 64},
      {"/modalities/1/kind", "class"},
      {"/modalities/1/resampling", 1},
      {"/labels", 1},
      {"/labels/vector", 1},
      {"/labels/layer", 1},
      {"/labels/attribute", 1},
      {"/classes", "Water"},
      {"/classes/0/id", "1"},
      {"/classes/0/name", 1},
      {"/classes/0/color", 1},
      {"/split", "split.tif"},
      {"/split/kind", "grid"},
      {"/split/test_fraction", 1},
      {"/split/test_fraction", "half"},
      {"/split/block_pixels", 0},
      {"/split/buffer_pixels", -1},
      {"/split/validation_fraction", -0.1},
      {"/split/seed", 1.5},
      {"/grid", 10},
      {"/grid/resolution", 0},
      {"/grid/resolution/1", -1},
      {"/grid/extent", 4},
      {"/grid/extent/0", "west"},
      {"/grid/crs", 32634},
  };
  for (const auto& [pointer, value] : wrong) {
    INFO(pointer << " = " << value);
    const std::string refusal = refused(with(document, pointer, value));
    CHECK(refusal.rfind(std::string(pointer) + ": expected ", 0) == 0);
    CHECK(refusal.find(", found ") != std::string::npos);
  }
}

TEST_CASE("keys of a scene that do not go together are refused", "[planner]") {
  const json document = to_json(full());
  CHECK(refused(with(document, "/grid/extent/2", 299000)) ==
        "/grid/extent/2: expected a pixel or more above 300000, found 299000");
  CHECK(refused(with(document, "/grid", {{"modality", "radar"}}))
            .rfind("/grid/modality: expected one of ", 0) == 0);
  CHECK(refused(without(document, "/labels/attribute")) ==
        "/labels: expected the key \"attribute\", found none");
  CHECK(refused(without(document, "/grid/crs")) == "/grid: expected the key \"crs\", found none");
  CHECK(refused(with(document, "/labels/atribute", "class")).rfind("/labels/atribute: ", 0) == 0);
  CHECK(refused(without(document, "/labels")) ==
        "/split: expected no split, as there are no labels to divide, found one");
  // Bands chosen are as many as there are said to be.
  CHECK(refused(with(document, "/modalities/0/bands", {1, 2})).rfind("/modalities/0/", 0) == 0);
}
