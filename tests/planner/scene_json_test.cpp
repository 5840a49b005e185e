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
