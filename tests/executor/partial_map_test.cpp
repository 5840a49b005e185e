#include "executor/predict/partial_map.h"

#include <fstream>
#include <iterator>

#include "executor/predict/map_files.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;

const TileGrid kTiles{.num_rows = 8, .num_columns = 8, .core = 8};
const MapLayers kLayers{.class_ids = {10, 20, 30}};

Grid grid() {
  Grid grid;
  grid.num_rows = grid.num_columns = 8;
  return grid;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Specks of two classes in a third; no data in a corner.
MapRows specks() {
  MapRows rows{.num_rows = 8, .probabilities = std::vector<float>(3 * 64, 0.1F)};
  rows.has_data.assign(64, 1);
  rows.has_data[63] = 0;
  for (std::size_t pixel = 0; pixel < 64; ++pixel) {
    const std::size_t best = pixel == 9 || pixel == 10 ? 1 : pixel == 11 || pixel == 40 ? 2 : 0;
    rows.probabilities[best * 64 + pixel] = 0.8F;
  }
  return rows;
}

TEST_CASE("sieving leaves the finished rows as they are, so that it can be begun again",
          "[executor]") {
  const TemporaryDirectory directory;
  const fs::path map = directory.path() / "map.tif";
  std::string finished;
  std::string sieved;
  {
    PartialMap work(map, kTiles, kLayers, "same", PartialMap::Resume::kYes);
    work.write(specks());
    finished = bytes_of(work.class_file());
    CHECK(std::count(finished.begin(), finished.end(), char{20}) == 2);
    sieve(work, grid(), 2);
    sieved = bytes_of(work.class_file());
  }
  // Specks of one pixel are gone, one of two stays, no data too.
  CHECK(std::count(sieved.begin(), sieved.end(), char{30}) == 0);
  CHECK(std::count(sieved.begin(), sieved.end(), char{20}) >= 2);
  CHECK(sieved[63] == 0);

  // Cut off after the sieve: the next start finds the rows, and makes the same of them.
  PartialMap work(map, kTiles, kLayers, "same", PartialMap::Resume::kYes);
  CHECK(work.first_tile_row() == 1);
  CHECK(bytes_of(work.class_file()) == finished);
  sieve(work, grid(), 2);
  CHECK(bytes_of(work.class_file()) == sieved);
}

TEST_CASE("work of another fingerprint is cleared", "[executor]") {
  const TemporaryDirectory directory;
  const fs::path map = directory.path() / "map.tif";
  {
    PartialMap work(map, kTiles, kLayers, "one", PartialMap::Resume::kYes);
    work.write(specks());
  }
  const PartialMap work(map, kTiles, kLayers, "other", PartialMap::Resume::kYes);
  CHECK(work.first_tile_row() == 0);
  const std::string cleared = bytes_of(work.class_file());
  CHECK(std::count(cleared.begin(), cleared.end(), char{0}) == 64);
}

}  // namespace
}  // namespace cadastre
