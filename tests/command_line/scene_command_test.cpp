// `cadastre scene` as a user meets it: status, streams and files.
#include <fstream>

#include "tests/command_line/world_directory.h"
#include "tests/executor/raster_fixture.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::Finished;
using test::WorldDirectory;

/// A folder `rasters` without a document.
class RasterFolder : public WorldDirectory {
 public:
  RasterFolder() {
    fs::rename(path("scene"), path("rasters"));
    fs::remove(path("rasters/scene.json"));
  }
};

TEST_CASE("`scene` makes a folder of rasters a scene that the other verbs take", "[executor]") {
  const RasterFolder world;
  const Finished made = world.run({"scene", "rasters", "--class", "2=Meadow"});
  INFO(made.err);
  CHECK(made.status == 0);
  CHECK(made.err.empty());
  CHECK(made.out.find("modality image: 2 bands, 1 x 1 of its pixels") != std::string::npos);
  CHECK(made.out.find("wrote rasters/scene.json\n") != std::string::npos);
  CHECK(world.run({"validate", "rasters/scene.json"}).status == 0);
  const Finished model = world.run({"model", "--data", "rasters", "--patch", "5", "-o", "m.json"});
  INFO(model.err);
  CHECK(model.status == 0);
}

TEST_CASE("`scene --json` prints its findings, notes on standard error beside them", "[executor]") {
  const RasterFolder world;
  test::write_tiny_raster(world.path("rasters/height.tif"),
                          {.rows = 24, .columns = 24, .pixel = 0, .epsg = 0},
                          [](int, int row, int column) { return row * column; });
  const Finished made = world.run({"scene", "rasters", "--json", "-o", "here.json"});
  CHECK(made.status == 0);
  const nlohmann::json found = nlohmann::json::parse(made.out);
  CHECK(found.at("scene") == "here.json");
  CHECK(found.at("files").size() == 4);
  const std::string note =
      "no coordinate reference system in height.tif: they are taken to share the grid's pixels";
  CHECK(found.at("notes") == nlohmann::json{note});
  CHECK(made.err == "note: " + note + "\n");
  CHECK_FALSE(fs::exists(world.path("rasters/scene.json")));
}

TEST_CASE("`scene` refuses rasters that no run could use, and writes nothing", "[executor]") {
  const RasterFolder world;
  const fs::path image = world.path("rasters/image.tif");
  fs::resize_file(image, fs::file_size(image) / 2);
  world.check_refused({"scene", "rasters"},
                      "rasters/image.tif: band 1: expected readable pixels, found: …");
  fs::remove(image);
  fs::create_directory(image);  // of the name of a raster: a folder like any other
  world.check_refused({"scene", "rasters", "--modality", "image=rasters/image.tif"},
                      "rasters/image.tif: expected a raster that GDAL opens, found: …");
  fs::remove(world.path("rasters/labels.tif"));
  world.check_refused({"scene", "rasters"},
                      "expected labels (a raster of class ids, or polygons), found none; say which "
                      "file holds them with --labels FILE");
  world.check_refused({"scene", "nowhere"}, "nowhere: expected a folder or a file, found none");
  fs::create_directory(world.path("empty"));
  world.check_refused({"scene", "empty"},
                      "expected rasters and labels, found neither in the places given");
  world.check_refused({"scene", "rasters", "-o", "model.json/scene.json"},
                      "model.json/scene.json: cannot be written: Not a directory", 1);
}

}  // namespace
}  // namespace cadastre
