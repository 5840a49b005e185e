// Rasters that are damaged or do not go together, given to every verb that reads a scene.
#include "tests/command_line/world_directory.h"
#include "tests/executor/raster_fixture.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::WorldDirectory;

/// Every verb that reads a scene refuses it by the same line.
void check_scene_refused(const WorldDirectory& world, const std::string& message) {
  world.check_refused({"run", "--plan", "plan.json", "--data", "scene", "-o", "out"}, message);
  world.check_refused(
      {"profile", "model.json", "--data", "scene", "--batch-sizes", "4", "-o", "out.json"},
      message);
  world.check_refused({"predict", "--run", "run", "--data", "scene", "-o", "map.tif"}, message);
}

/// A world that also holds a finished run.
class TrainedWorld : public WorldDirectory {
 public:
  TrainedWorld() {
    const test::Finished finished = run({"run", "--plan", "plan.json", "--data", "scene",
                                         "--max-steps", "1", "--quiet", "-o", "run"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
  }
};

TEST_CASE("a truncated GeoTIFF is refused", "[executor]") {
  const TrainedWorld world;
  const fs::path raster = world.path("scene/image.tif");
  fs::resize_file(raster, fs::file_size(raster) / 2);
  check_scene_refused(world, "scene/image.tif: band 1: expected readable pixels, found: …");
  fs::resize_file(raster, 100);
  check_scene_refused(world, "scene/image.tif: expected a raster that GDAL opens, found: …");
  fs::resize_file(raster, 0);
  check_scene_refused(world, "scene/image.tif: expected a raster that GDAL opens, found: …");
  fs::remove(raster);
  check_scene_refused(world, "scene/image.tif: expected a raster, found no file");
}

TEST_CASE("a GeoTIFF of another number of bands is refused", "[executor]") {
  const TrainedWorld world;
  test::write_tiny_raster(world.path("scene/image.tif"), {.rows = 24, .columns = 24, .bands = 3},
                          [](int, int, int) { return 1; });
  check_scene_refused(world, "scene/image.tif: expected 2 bands, found 3");
}

TEST_CASE("a GeoTIFF of another place is refused", "[executor]") {
  const TrainedWorld world;
  test::write_tiny_raster(world.path("scene/image.tif"),
                          {.rows = 24, .columns = 24, .bands = 2, .left = 400000},
                          [](int, int row, int) { return row; });
  check_scene_refused(
      world, "scene/image.tif: expected to overlap scene/labels.tif, found no common ground");
}

TEST_CASE("`predict` refuses a scene of other classes than the run's", "[executor]") {
  const TrainedWorld world;
  nlohmann::json scene = world.read("scene/scene.json");
  scene["classes"].push_back({{"id", 4}, {"name", "Four"}, {"color", "#010203"}});
  world.write("scene/other.json", scene);
  world.check_refused({"predict", "--run", "run", "--data", "scene/other.json", "-o", "map.tif"},
                      "scene/other.json: /classes: expected 3 classes, as the run's model scores, "
                      "found 4");
}

TEST_CASE("`predict` refuses a run without sound weights", "[executor]") {
  const TrainedWorld world;
  const std::vector<std::string> predict = {"predict", "--run", "run",    "--data",
                                            "scene",   "-o",    "map.tif"};
  const fs::path weights = world.path("run/weights.pt");
  fs::resize_file(weights, fs::file_size(weights) / 2);
  world.check_refused(
      predict,
      "run/weights.pt: expected weights as PyTorch saves them, found a damaged or other file");
  fs::remove(weights);
  world.check_refused(predict, "run/weights.pt: expected a file, found none");
  fs::remove(world.path("run/run.json"));
  world.check_refused(predict, "run/run.json: expected a file, found none");
}

}  // namespace
}  // namespace cadastre
