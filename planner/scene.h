#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

class JsonPlace;

/// How a raster is brought to the reference grid (the names of GDAL's warper).
enum class Resampling { kNearest, kBilinear, kCubic, kAverage };

/// One sensor's raster: anything that GDAL opens.
struct Modality {
  std::string name;
  std::filesystem::path raster;
  int num_bands = 1;
  Resampling resampling = Resampling::kBilinear;
  bool operator==(const Modality&) const = default;
};

struct LandCoverClass {
  int id = 1;  ///< value in the label raster, 1..255; 0 is unlabelled
  std::string name;
  std::array<int, 3> color{};  ///< red, green, blue, each 0..255; "#rrggbb" in documents
  bool operator==(const LandCoverClass&) const = default;
};

/// Which labelled pixels train and which test.
struct Split {
  std::filesystem::path raster;
  int train = 1;
  int test = 2;
  std::optional<int> validation = {};
  bool operator==(const Split&) const = default;
};

/// `cadastre-scene/1`: rasters of one place, its labels, classes and split. The label raster's grid
/// is the reference grid on which the modalities are aligned. Raster paths in the document are
/// relative to it.
struct Scene {
  std::string name;
  std::string description;
  std::vector<Modality> modalities;
  std::filesystem::path labels;
  std::vector<LandCoverClass> classes;  ///< ascending in id; class index = position
  Split split;
  bool operator==(const Scene&) const = default;
};

/// Reads DIR/scene.json, or the file itself. Raster paths come back ready to open: relative to
/// `rasters` where given, else to the document.
[[nodiscard]] Scene read_scene(const std::filesystem::path& directory_or_file,
                               const std::filesystem::path& rasters = {});
[[nodiscard]] Scene scene_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Scene& scene);

}  // namespace cadastre
