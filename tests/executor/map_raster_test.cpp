#include "executor/map_raster.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <set>
#include <stdexcept>

#include "executor/gdal_support.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;
using test::write_tiny_scene;

ClassMap tiny_map() {
  const std::vector<std::uint8_t> class_ids = {1, 2, 2,  //
                                               0, 1, 2};
  return {.grid = {.num_rows = 2,
                   .num_columns = 3,
                   .geo_transform = {300000, 10, 0, 4200000, 0, -10},
                   .projection = ""},
          .class_ids = class_ids,
          .confidence = {0.5F, 0.75F, 1, 0, 0.25F, 0.9F}};
}

std::set<std::string> files_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.insert(entry.path().filename().string());
  return names;
}

std::string failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

TEST_CASE("a class map is a georeferenced raster of named, coloured classes", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  ClassMap map = tiny_map();
  map.grid.projection = load_scene(scene, {}).grid.projection;
  const fs::path file = directory.path() / "out" / "map.tif";
  write_class_map(file, map, scene.classes);

  CHECK(files_in(directory.path() / "out") ==
        std::set<std::string>{"map-confidence.tif", "map.png", "map.tif", "map.tif.aux.xml"});
  const DatasetPtr raster = open_raster(file);
  std::array<double, 6> transform{};
  REQUIRE(raster->GetGeoTransform(transform.data()) == CE_None);
  CHECK(transform == map.grid.geo_transform);
  CHECK(std::string(raster->GetSpatialRef()->GetAuthorityCode(nullptr)) == "32634");
  GDALRasterBand& band = *raster->GetRasterBand(1);
  CHECK(band.GetRasterDataType() == GDT_Byte);
  CHECK(band.GetNoDataValue() == 0);
  CHECK(std::string(band.GetCategoryNames()[2]) == "Right");
  CHECK(band.GetColorTable()->GetColorEntry(2)->c1 == 200);
  int block_columns = 0;
  int block_rows = 0;
  band.GetBlockSize(&block_columns, &block_rows);
  CHECK(block_columns == 256);
  CHECK(block_rows == 256);
  CHECK(std::string(raster->GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")) == "DEFLATE");
  std::vector<std::uint8_t> ids(6);
  REQUIRE(band.RasterIO(GF_Read, 0, 0, 3, 2, ids.data(), 3, 2, GDT_Byte, 0, 0, nullptr) == CE_None);
  CHECK(ids == map.class_ids);

  const fs::path confidence_file = directory.path() / "out" / "map-confidence.tif";
  const DatasetPtr confidence = open_raster(confidence_file);
  std::vector<float> values(6);
  read_band(*confidence, confidence_file, 1, values.data());
  CHECK(values == map.confidence);
}

TEST_CASE("the pictures of map and labels have the same size and colours", "[executor]") {
  const TemporaryDirectory directory;
  const Scene scene = write_tiny_scene(directory.path());
  ClassMap map;
  map.grid = load_scene(scene, {}).grid;
  map.class_ids.assign(64, 2);
  map.confidence.assign(64, 1);
  write_class_map(directory.path() / "map.tif", map, scene.classes);
  write_label_picture(directory.path() / "labels.png", scene);
  CHECK_FALSE(fs::exists(directory.path() / "labels.png.aux.xml"));
  for (const char* name : {"map.png", "labels.png"}) {
    const DatasetPtr picture = open_raster(directory.path() / name);
    CHECK(picture->GetRasterXSize() == 8);
    CHECK(picture->GetRasterYSize() == 8);
    const GDALColorTable* colors = picture->GetRasterBand(1)->GetColorTable();
    REQUIRE(colors != nullptr);
    CHECK(colors->GetColorEntry(0)->c4 == 0);
    CHECK(colors->GetColorEntry(2)->c1 == 200);
    CHECK(colors->GetColorEntry(2)->c2 == 100);
  }
}

TEST_CASE("a picture is at most 1,200 pixels a side", "[executor]") {
  const TemporaryDirectory directory;
  ClassMap map;
  map.grid = {
      .num_rows = 600, .num_columns = 2400, .geo_transform = {0, 1, 0, 0, 0, 1}, .projection = ""};
  map.class_ids.assign(600 * 2400, 1);
  map.confidence.assign(600 * 2400, 1);
  write_class_map(directory.path() / "map.tif", map, {{.id = 1, .name = "A", .color = {1, 2, 3}}});
  const DatasetPtr picture = open_raster(directory.path() / "map.png");
  CHECK(picture->GetRasterXSize() == 1200);
  CHECK(picture->GetRasterYSize() == 300);
}

TEST_CASE("a map that cannot be written leaves one clear error and nothing else", "[executor]") {
  const TemporaryDirectory directory;
  const std::vector<LandCoverClass> classes = {{.id = 1, .name = "Left"},
                                               {.id = 2, .name = "Right"}};
  SECTION("no directory can be made there") {
    std::ofstream(directory.path() / "file") << "x";
    CHECK(failure([&] {
            write_class_map(directory.path() / "file" / "map.tif", tiny_map(), classes);
          }) == (directory.path() / "file" / "map.png").string() +
                    ": cannot be written: Not a directory");
  }
  SECTION("the disk is full") {
    // A limit on the size of files stands in for a full disk: write() fails half-way in both.
    rlimit old_limit{};
    ::getrlimit(RLIMIT_FSIZE, &old_limit);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit low_limit{.rlim_cur = 100, .rlim_max = old_limit.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low_limit);
    const std::string message =
        failure([&] { write_class_map(directory.path() / "map.tif", tiny_map(), classes); });
    ::setrlimit(RLIMIT_FSIZE, &old_limit);
    std::signal(SIGXFSZ, old_handler);
    CHECK(message ==
          (directory.path() / "map.png").string() + ": cannot be written: File too large");
    CHECK(files_in(directory.path()).empty());
  }
}

}  // namespace
}  // namespace cadastre
