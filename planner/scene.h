#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

class JsonPlace;

/// How a raster is brought to the reference grid (the names of GDAL's warper).
enum class Resampling { kNearest, kBilinear, kCubic, kAverage };

/// What a modality's values are: measurements, between which one may interpolate, or class ids.
enum class ModalityKind { kImagery, kCategorical };

/// A raster whose values say which pixels of a modality are clouds, shadows, or otherwise invalid:
/// those in `values` (Sentinel-2's SCL), or those with one of `bits` set (Landsat's QA_PIXEL).
struct PixelMask {
  std::filesystem::path raster;
  std::vector<std::int64_t> values = {};
  std::vector<std::int64_t> bits = {};  ///< 0 is the least
  bool operator==(const PixelMask&) const = default;
};

/// One sensor's bands: anything that GDAL opens.
struct Modality {
  std::string name;
  std::filesystem::path raster;
  int num_bands = 1;
  std::optional<Resampling> resampling = {};             ///< else by kind: see `raster_alignment.h`
  std::vector<std::filesystem::path> more_rasters = {};  ///< whose bands follow those of `raster`
  std::vector<int> bands = {};  ///< of all files' bands, from 1 on, those taken; all when empty
  ModalityKind kind = ModalityKind::kImagery;
  std::optional<double> nodata = {};  ///< beside what the files say
  double scale = 1;  ///< value = (value in the file) × scale + offset, after the file's own
  double offset = 0;
  std::vector<PixelMask> masks = {};
  bool operator==(const Modality&) const = default;
};

struct LandCoverClass {
  int id = 1;  ///< value in the label raster, 1..255; 0 is unlabelled
  std::string name;
  std::array<int, 3> color{};  ///< red, green, blue, each 0..255; "#rrggbb" in documents
  bool operator==(const LandCoverClass&) const = default;
};

/// How labels are read from their file.
struct LabelReading {
  bool is_vector = false;  ///< polygons of any format that OGR reads, else a raster
  int band = 0;            ///< of a raster, from 1 on; 0: its only one
  std::string layer;       ///< of a vector; its only one when empty
  std::string attribute;   ///< of a vector: class ids, or names of classes
  bool operator==(const LabelReading&) const = default;
};

/// Which labelled pixels train, validate and test.
struct Split {
  /// A raster says; or blocks of pixels go to one side each, apart by a buffer; or each pixel by
  /// itself at random, next to pixels of the other side (optimistic: neighbours resemble).
  enum class Kind { kRaster, kBlocks, kRandom };
  Kind kind = Kind::kRaster;
  std::filesystem::path raster;  ///< of kRaster; empty when the scene has no split
  int train = 1;                 ///< values of `raster`
  int test = 2;
  std::optional<int> validation = {};
  std::int64_t block_pixels = 64;  ///< side of a block
  std::int64_t buffer_pixels = 8;  ///< left out on each side of a border between parts
  double test_fraction = 0.3;      ///< of the labelled pixels, per class as near as can be
  /// Of the training pixels of any kind (but for a raster with a value of its own); 0 for none.
  double validation_fraction = 0;
  std::int64_t seed = 1;
  bool operator==(const Split&) const = default;
};

/// The reference grid where it is not the label raster's.
struct GridChoice {
  std::string modality;                ///< that of this modality's first raster; or, when empty,
  std::array<double, 2> resolution{};  ///< pixel width and height in units of `crs`,
  std::array<double, 4> extent{};      ///< least x, least y, most x, most y, and
  std::string crs;                     ///< anything that PROJ understands: "EPSG:32634"
  bool operator==(const GridChoice&) const = default;
};

/// `cadastre-scene/1`: rasters of one place, its labels, classes and split, aligned on a reference
/// grid. Raster paths in the document are relative to it.
struct Scene {
  std::string name;
  std::string description;
  std::vector<Modality> modalities;
  std::filesystem::path labels;         ///< empty: there are none, the scene can only be predicted
  std::vector<LandCoverClass> classes;  ///< ascending in id; class index = position
  Split split = {};
  LabelReading label_reading = {};
  std::optional<GridChoice> grid =
      {};  ///< else that of the label raster, else of the first modality
  bool operator==(const Scene&) const = default;
};

/// Reads DIR/scene.json, or the file itself. Raster paths come back ready to open: relative to
/// `rasters` where given, else to the document.
[[nodiscard]] Scene read_scene(const std::filesystem::path& directory_or_file,
                               const std::filesystem::path& rasters = {});
[[nodiscard]] Scene scene_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Scene& scene);

/// Calls `change` with every path that the scene holds and that is not empty.
void for_each_path(Scene& scene, const std::function<void(std::filesystem::path&)>& change);

}  // namespace cadastre
