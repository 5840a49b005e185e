#include "executor/predict/map_prediction.h"

#include <gdal_priv.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>

#include "executor/gdal_support.h"
#include "executor/training_run.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;

/// A scene and a network trained on it for two steps.
class TrainedScene {
 public:
  TrainedScene() {
    test::write_training_scene(path("scene"));
    const ModelGraph model = test::training_model();
    const PlanDocument plan = test::plan_document(
        model, test::pipeline_stages(model, {}), 1, Schedule::kGpipe);
    write_file(path("plan.json"), json_text(to_json(plan)));
    static_cast<void>(run_training({.plan = path("plan.json"),
                                    .model = {},
                                    .scene = path("scene"),
                                    .rasters = {},
                                    .output = path("run"),
                                    .training = {.epochs = 1, .max_steps = 2}},
                                   [](const RunProgress&) {}));
  }

  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }

  [[nodiscard]] PredictRequest request(const std::string& map) const {
    PredictRequest request;
    request.run = path("run");
    request.scene = path("scene");
    request.output = path(map);
    request.batch_size = 32;
    request.num_threads = 1;
    return request;
  }

 private:
  TemporaryDirectory directory_;
};

MapResult predicted(const PredictRequest& request) {
  return predict_map(request, [](const PredictProgress&) {});
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> files_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.insert(entry.path().filename().string());
  return names;
}

TEST_CASE("a map is a Cloud Optimized GeoTIFF of named classes, with what was asked for beside it",
          "[executor]") {
  const TrainedScene world;
  PredictRequest request = world.request("out/map.tif");
  request.confidence = true;
  request.probabilities = true;
  const MapResult result = predicted(request);
  CHECK(files_in(world.path("out")) ==
        std::set<std::string>{"labels.png", "map-confidence.tif", "map-probabilities.tif",
                              "map-rgb.png", "map.json", "map.png", "map.qml", "map.tif", "map.tif.aux.xml"});

  const DatasetPtr map = open_raster(request.output);
  CHECK(std::string(map->GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE")) == "COG");
  GDALRasterBand& band = *map->GetRasterBand(1);
  CHECK(band.GetNoDataValue() == 0);
  CHECK(band.GetColorInterpretation() == GCI_PaletteIndex);
  char** const names = band.GetCategoryNames();
  REQUIRE(CSLCount(names) >= 4);
  const DatasetPtr labels = open_raster(world.path("scene/labels.tif"));
  std::array<double, 6> of_map{};
  std::array<double, 6> of_labels{};
  CHECK(map->GetGeoTransform(of_map.data()) == labels->GetGeoTransform(of_labels.data()));
  CHECK(of_map == of_labels);

  // The class is the most probable one, and the confidence its probability.
  const std::size_t num_pixels = 24 * 24;
  std::vector<float> classes(num_pixels);
  std::vector<float> confidence(num_pixels);
  read_band(*map, request.output, 1, classes.data());
  const fs::path confidence_file = world.path("out/map-confidence.tif");
  read_band(*open_raster(confidence_file), confidence_file, 1, confidence.data());
  const fs::path probability_file = world.path("out/map-probabilities.tif");
  const DatasetPtr probabilities = open_raster(probability_file);
  REQUIRE(probabilities->GetRasterCount() == 3);
  std::vector<std::vector<float>> of_class(3, std::vector<float>(num_pixels));
  for (int k = 0; k < 3; ++k)
    read_band(*probabilities, probability_file, k + 1, of_class[static_cast<std::size_t>(k)].data());
  std::int64_t num_wrong = 0;
  for (std::size_t i = 0; i < num_pixels; ++i) {
    std::size_t best = 0;
    float sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      sum += of_class[k][i];
      if (of_class[k][i] > of_class[best][i]) best = k;
    }
    const int id = result.record.classes[best].id;
    if (classes[i] != static_cast<float>(id) || std::abs(sum - 1) > 1e-4F ||
        std::abs(confidence[i] - of_class[best][i]) > 1e-6F)
      ++num_wrong;
  }
  CHECK(num_wrong == 0);
  REQUIRE(result.metrics);
  CHECK(result.record.accuracy->overall_accuracy == result.metrics->overall_accuracy);
}

TEST_CASE("a prediction that was cut off goes on to the same bytes, on any number of threads",
          "[executor]") {
  const TrainedScene world;
  const PredictRequest whole = world.request("whole/map.tif");
  const MapResult result = predicted(whole);
  CHECK(result.num_resumed == 0);

  PredictRequest cut = world.request("cut/map.tif");
  const auto cut_off = [](const PredictProgress&) { throw std::runtime_error("cut off"); };
  CHECK_THROWS_AS(predict_map(cut, cut_off), std::runtime_error);
  CHECK(files_in(world.path("cut")) == std::set<std::string>{"map.tif.partial"});
  cut.num_threads = 3;
  const MapResult resumed = predicted(cut);
  CHECK(resumed.num_resumed > 0);
  CHECK(resumed.num_resumed + resumed.num_classified == 24 * 24);
  CHECK(files_in(world.path("cut")) == files_in(world.path("whole")));
  for (const char* name : {"map.tif", "map.json", "map.png", "map.qml"}) {
    INFO(name);
    CHECK(bytes_of(world.path("cut") / name) == bytes_of(world.path("whole") / name));
  }
}

TEST_CASE("what another request has left is not gone on with", "[executor]") {
  const TrainedScene world;
  PredictRequest request = world.request("map.tif");
  const auto cut_off = [](const PredictProgress&) { throw std::runtime_error("cut off"); };
  CHECK_THROWS_AS(predict_map(request, cut_off), std::runtime_error);
  request.averages_views = true;
  CHECK(predicted(request).num_resumed == 0);
}

TEST_CASE("the smallest area kept is part of what is gone on with", "[executor]") {
  const TrainedScene world;
  PredictRequest request = world.request("map.tif");
  const auto cut_off = [](const PredictProgress&) { throw std::runtime_error("cut off"); };
  CHECK_THROWS_AS(predict_map(request, cut_off), std::runtime_error);
  request.min_area_pixels = 5;
  const MapResult sieved = predicted(request);
  CHECK(sieved.num_resumed == 0);
  CHECK(sieved.record.min_area_pixels == 5);
}

/// Every file's bytes, by name.
std::map<std::string, std::string> content_of(const fs::path& directory) {
  std::map<std::string, std::string> content;
  for (const std::string& name : files_in(directory)) content[name] = bytes_of(directory / name);
  return content;
}

TEST_CASE("an earlier map's files are replaced together, or not at all", "[executor]") {
  const TrainedScene world;
  const fs::path out = world.path("out");
  PredictRequest request = world.request("out/map.tif");
  request.confidence = true;
  static_cast<void>(predicted(request));
  // As of another scene, so that each new file differs from the one before.
  for (const std::string& name : files_in(out)) write_file(out / name, "earlier " + name);

  // Whichever file cannot be replaced: a directory is in its place.
  request.averages_views = true;
  for (const char* name : {"map.qml", "map.json", "map-confidence.tif", "labels.png"}) {
    INFO(name);
    fs::rename(out / name, world.path("away"));
    fs::create_directory(out / name);
    std::string message;
    try {
      static_cast<void>(predicted(request));
    } catch (const MapWriteError& error) {
      message = error.what();
    }
    CHECK(message == (out / name).string() + ": cannot be written: Is a directory");
    fs::remove(out / name);
    fs::rename(world.path("away"), out / name);
    for (const auto& [file, content] : content_of(out)) CHECK(content == "earlier " + file);
  }

  // A layer that is not asked for any more would be another map's.
  request.confidence = false;
  static_cast<void>(predicted(request));
  const auto now = content_of(out);
  CHECK(now.count("map-confidence.tif") == 0);
  CHECK(now.size() == 7);
  for (const auto& [file, content] : now) CHECK(content != "earlier " + file);
}

/// Files of this process grow to so many bytes, and writing more fails, until this goes: what a
/// full disk does, without one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t num_bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = num_bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }

  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = SIG_DFL;
};

TEST_CASE("a map that there is no room for leaves nothing, wherever the room ends", "[executor]") {
  const TrainedScene world;
  fs::create_directory(world.path("out"));
  PredictRequest request = world.request("out/map.tif");
  request.confidence = true;
  std::string message;
  const auto attempt = [&](rlim_t at_first, rlim_t at_last) {
    std::optional<FileSizeLimit> limit;
    if (at_first > 0) limit.emplace(at_first);
    try {
      static_cast<void>(predict_map(request, [&](const PredictProgress& progress) {
        if (progress.done == progress.total && at_last > 0) limit.emplace(at_last);
      }));
    } catch (const MapWriteError& error) {
      message = error.what();
    }
  };
  SECTION("for its rows, at the start") { attempt(300, 0); }
  SECTION("for what is kept of a tile") { attempt(3000, 0); }
  SECTION("for its encoded form, at the end") { attempt(0, 900); }
  SECTION("for the copy that is sieved") {
    request.min_area_pixels = 3;
    attempt(0, 400);
  }
  CHECK(message.rfind(world.path("out").string() + "/map", 0) == 0);
  CHECK(message.find(": cannot be written: ") != std::string::npos);
  CHECK(fs::is_empty(world.path("out")));
}

}  // namespace
}  // namespace cadastre
