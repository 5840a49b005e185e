#include "executor/synthetic_scene.h"

#include <gdal_alg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "executor/gdal_support.h"
#include "executor/scene_data.h"
#include "planner/files.h"
#include "planner/scene.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;

const std::vector<ModelInput> kInputs = {{.name = "hyperspectral", .shape = {48, 9, 9}},
                                         {.name = "lidar", .shape = {2, 18, 18}},
                                         {.name = "rgb", .shape = {3, 36, 36}}};

/// A scene of 128 m, made once: the tests below only look at it.
const fs::path& made_scene() {
  static const TemporaryDirectory directory;
  static const bool made = [] {
    write_synthetic_scene(directory.path(), {.size_m = 128, .seed = 1}, nullptr);
    return true;
  }();
  REQUIRE(made);
  return directory.path();
}

std::map<std::string, std::string> files_of(const fs::path& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(directory))
    contents[entry.path().filename().string()] = read_file(entry.path());
  return contents;
}

int checksum(const fs::path& file, int band) {
  const DatasetPtr raster = open_raster(file);
  return GDALChecksumImage(GDALRasterBand::ToHandle(raster->GetRasterBand(band)), 0, 0,
                           raster->GetRasterXSize(), raster->GetRasterYSize());
}

TEST_CASE("a synthetic scene has the same bytes for the same seed", "[executor]") {
  const TemporaryDirectory again;
  const TemporaryDirectory other;
  int num_calls = 0;
  write_synthetic_scene(again.path(), {.size_m = 128, .seed = 1}, [&](int done, int total) {
    ++num_calls;
    CHECK(done == num_calls);
    CHECK(done <= total);
  });
  CHECK(num_calls == 6);
  CHECK(files_of(again.path()) == files_of(made_scene()));
  write_synthetic_scene(other.path(), {.size_m = 128, .seed = 2}, nullptr);
  CHECK(read_file(other.path() / "rgb.tif") != read_file(made_scene() / "rgb.tif"));
}

TEST_CASE("a synthetic scene has the same pixels on every machine", "[executor][golden]") {
  // Renew only with a change that is meant to change the scene. Checksums of pixels, as the bytes
  // of compressed files also depend on GDAL's version.
  CHECK(checksum(made_scene() / "hyperspectral.tif", 30) == 61591);
  CHECK(checksum(made_scene() / "lidar.tif", 1) == 41844);
  CHECK(checksum(made_scene() / "rgb.tif", 2) == 3556);
  CHECK(checksum(made_scene() / "labels.tif", 1) == 28190);
  CHECK(checksum(made_scene() / "split.tif", 1) == 17712);
}

TEST_CASE("a synthetic scene is a directory of georeferenced, described rasters", "[executor]") {
  std::set<std::string> names;
  for (const auto& [name, content] : files_of(made_scene())) names.insert(name);
  CHECK(names == std::set<std::string>{"hyperspectral.tif", "labels.tif", "labels.tif.aux.xml",
                                       "lidar.tif", "rgb.tif", "scene.json", "split.tif",
                                       "split.tif.aux.xml"});

  struct Expected {
    const char* name;
    int bands;
    int side;
    double pixel_m;
    GDALDataType type;
  };

  for (const Expected& expected :
       {Expected{"hyperspectral.tif", 48, 128, 1, GDT_UInt16},
        Expected{"lidar.tif", 2, 256, 0.5, GDT_Float32},
        Expected{"rgb.tif", 3, 512, 0.25, GDT_Byte}, Expected{"labels.tif", 1, 128, 1, GDT_Byte},
        Expected{"split.tif", 1, 128, 1, GDT_Byte}}) {
    INFO(expected.name);
    const DatasetPtr raster = open_raster(made_scene() / expected.name);
    std::array<double, 6> transform{};
    REQUIRE(raster->GetGeoTransform(transform.data()) == CE_None);
    CHECK(transform[0] == 735600);
    CHECK(transform[1] == expected.pixel_m);
    CHECK(transform[5] == -expected.pixel_m);
    CHECK(std::string(raster->GetSpatialRef()->GetAuthorityCode(nullptr)) == "32634");
    CHECK(raster->GetRasterCount() == expected.bands);
    CHECK(raster->GetRasterXSize() == expected.side);
    CHECK(raster->GetRasterBand(1)->GetRasterDataType() == expected.type);
    CHECK(std::string(raster->GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")) == "DEFLATE");
  }
  const DatasetPtr spectra = open_raster(made_scene() / "hyperspectral.tif");
  CHECK(std::string(spectra->GetRasterBand(1)->GetDescription()) == "406.25 nm");
  CHECK(std::string(spectra->GetRasterBand(48)->GetMetadataItem("wavelength")) == "993.75");
  const DatasetPtr labels = open_raster(made_scene() / "labels.tif");
  REQUIRE(labels->GetSpatialRef() != nullptr);  // GDAL reads the sidecar no sooner
  REQUIRE(labels->GetRasterBand(1)->GetCategoryNames() != nullptr);
  CHECK(std::string(labels->GetRasterBand(1)->GetCategoryNames()[4]) == "Tiled roof");
  CHECK(labels->GetRasterBand(1)->GetColorTable()->GetColorEntry(1)->c3 == 186);
}

TEST_CASE("training and test pixels of every class lie at least 9 pixels apart", "[executor]") {
  const Scene scene = read_scene(made_scene());
  const SceneData data = load_scene(scene, {});
  std::vector<int> num_train(scene.classes.size(), 0);
  std::vector<int> num_test(scene.classes.size(), 0);
  for (const Sample& sample : data.train) ++num_train[static_cast<std::size_t>(sample.class_index)];
  for (const Sample& sample : data.test) ++num_test[static_cast<std::size_t>(sample.class_index)];
  for (std::size_t i = 0; i < scene.classes.size(); ++i) {
    INFO(scene.classes[i].name << ": " << num_train[i] << " train, " << num_test[i] << " test");
    CHECK(num_train[i] >= 20);
    CHECK(num_test[i] >= 20);
  }

  std::vector<bool> is_test(128 * 128, false);
  for (const Sample& sample : data.test)
    is_test[static_cast<std::size_t>(sample.row * 128 + sample.column)] = true;
  int nearest = 128;
  for (const Sample& sample : data.train)
    for (int dy = -8; dy <= 8; ++dy)
      for (int dx = -8; dx <= 8; ++dx) {
        const int y = sample.row + dy;
        const int x = sample.column + dx;
        if (y >= 0 && x >= 0 && y < 128 && x < 128 &&
            is_test[static_cast<std::size_t>(y * 128 + x)])
          nearest = std::min(nearest, std::max(std::abs(dy), std::abs(dx)));
      }
  CHECK(nearest == 128);
}

TEST_CASE("every small scene has all classes on both sides", "[executor]") {
  for (std::uint64_t seed = 2; seed <= 5; ++seed) {
    INFO("seed " << seed);
    const TemporaryDirectory directory;
    write_synthetic_scene(directory.path(), {.size_m = 128, .seed = seed}, nullptr);
    const SceneData data = load_scene(read_scene(directory.path()), {});
    std::set<int> train;
    std::set<int> test;
    for (const Sample& sample : data.train) train.insert(sample.class_index);
    for (const Sample& sample : data.test) test.insert(sample.class_index);
    CHECK(train.size() == 8);
    CHECK(test.size() == 8);
  }
}

TEST_CASE("the patches of a model fit the synthetic scene", "[executor]") {
  const PatchSize size = patch_size(read_scene(made_scene()), kInputs);
  CHECK(size.reference_pixels == 9);
  CHECK(size.scales == std::vector<std::int64_t>{1, 2, 4});
}

/// How far two classes lie apart in a feature: difference of means over the pooled deviation.
double separation(const std::vector<double>& one, const std::vector<double>& other) {
  const auto mean_and_variance = [](const std::vector<double>& values) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    double variance = 0;
    for (const double value : values)
      variance += (value - mean) * (value - mean) / static_cast<double>(values.size());
    return std::pair(mean, variance);
  };
  const auto [mean, variance] = mean_and_variance(one);
  const auto [other_mean, other_variance] = mean_and_variance(other);
  return std::abs(mean - other_mean) / std::sqrt((variance + other_variance) / 2);
}

TEST_CASE("no single sensor tells road from flat roof and water at once", "[executor]") {
  const Scene scene = read_scene(made_scene());
  const SceneData data = load_scene(scene, kInputs);
  const ModalityData& spectra = data.modalities[0];
  const ModalityData& lidar = data.modalities[1];
  const auto of_class = [&](int id, auto&& feature) {
    std::vector<double> values;
    for (const Sample& sample : data.train)
      if (scene.classes[static_cast<std::size_t>(sample.class_index)].id == id)
        values.push_back(feature(sample));
    return values;
  };
  const auto band = [&](std::int64_t index) {
    return [&, index](const Sample& at) {
      return static_cast<double>(
          spectra.values[static_cast<std::size_t>((index * 128 + at.row) * 128 + at.column)]);
    };
  };
  /// Metres above the lowest surface within 12 m.
  const auto relative_height = [&](const Sample& at) {
    const int row = 2 * at.row;
    const int column = 2 * at.column;
    const auto height = [&](int y, int x) {
      return static_cast<double>(lidar.values[static_cast<std::size_t>(y * 256 + x)]);
    };
    double lowest = height(row, column);
    for (int y = std::max(0, row - 24); y < std::min(256, row + 24); ++y)
      for (int x = std::max(0, column - 24); x < std::min(256, column + 24); ++x)
        lowest = std::min(lowest, height(y, x));
    return (height(row, column) - lowest) * lidar.stddev[0];
  };
  const auto intensity = [&](const Sample& at) {
    return static_cast<double>(
        lidar.values[static_cast<std::size_t>((256 + 2 * at.row) * 256 + 2 * at.column)]);
  };
  constexpr int kWater = 1;
  constexpr int kRoad = 2;
  constexpr int kFlatRoof = 3;
  constexpr int kGrass = 5;
  constexpr int kTrees = 7;
  constexpr int kNearInfrared = 40;

  for (std::int64_t i = 0; i < 48; ++i) {
    INFO("band " << i);
    CHECK(separation(of_class(kRoad, band(i)), of_class(kFlatRoof, band(i))) < 1.2);
  }
  CHECK(separation(of_class(kRoad, relative_height), of_class(kFlatRoof, relative_height)) > 2);
  CHECK(separation(of_class(kRoad, intensity), of_class(kWater, intensity)) < 1.5);
  CHECK(separation(of_class(kRoad, band(kNearInfrared)), of_class(kWater, band(kNearInfrared))) >
        1.5);
  CHECK(separation(of_class(kGrass, relative_height), of_class(kTrees, relative_height)) > 1.5);
}

TEST_CASE("a scene too small to hold every class is refused", "[executor]") {
  const TemporaryDirectory directory;
  CHECK(test::input_error([&] {
          write_synthetic_scene(directory.path() / "scene", {.size_m = 64, .seed = 1}, nullptr);
        }) == "expected a scene of 128 to 4096 m a side, found 64");
  CHECK_FALSE(fs::exists(directory.path() / "scene"));
}

}  // namespace
}  // namespace cadastre
