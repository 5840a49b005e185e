#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/model_graph.h"
#include "planner/scene.h"

namespace cadastre {

// Shapes: B bands, R rows, C columns of the reference grid; S a modality's scale.

/// The reference grid: the label raster's pixels.
struct Grid {
  std::int64_t num_rows = 0;
  std::int64_t num_columns = 0;
  std::array<double, 6> geo_transform{};  ///< GDAL's affine transform
  std::string projection;                 ///< WKT; empty when the rasters have none
  bool operator==(const Grid&) const = default;
};

/// A modality aligned on the reference grid, each pixel of which is S × S of its own pixels.
struct ModalityData {
  std::string name;
  std::int64_t num_bands = 0;
  std::int64_t scale = 1;      ///< S
  std::vector<float> values;   ///< (B, R·S, C·S), standardised per band over the training pixels
  std::vector<double> mean;    ///< per band, what was subtracted
  std::vector<double> stddev;  ///< per band, what was divided by
};

/// A labelled pixel of the reference grid.
struct Sample {
  std::int32_t row = 0;
  std::int32_t column = 0;
  std::int32_t class_index = 0;  ///< into `Scene::classes`
  bool operator==(const Sample&) const = default;
};

struct SceneData {
  Grid grid;
  std::vector<ModalityData> modalities;  ///< in the order of the inputs asked for
  std::vector<Sample> train;             ///< row by row
  std::vector<Sample> test;              ///< row by row
  std::vector<Sample> validation;        ///< row by row; none where the split has no such part
};

/// A model input's patch: `input.shape` is (B, P·S, P·S), for P × P pixels of the reference grid
/// and the modality's scale S. P is the same for all inputs of a model.
struct PatchSize {
  std::int64_t reference_pixels = 0;  ///< P
  std::vector<std::int64_t> scales;   ///< S of each input
};

/// Finds P and each S from the rasters' resolutions (S is the reference pixel's size over the
/// modality's, rounded, at least 1). Throws InputError when the model's shapes do not agree with
/// one P, or a modality is missing or has the wrong number of bands.
[[nodiscard]] PatchSize patch_size(const Scene& scene, const std::vector<ModelInput>& inputs);

/// Reads labels and split, and those modalities that `inputs` name, and aligns them by GDAL's
/// warper on the reference grid. The same on every host: nothing depends on the other inputs.
/// Throws InputError naming the raster that is missing, truncated, of the wrong band count or
/// without overlap; std::runtime_error when GDAL fails otherwise.
[[nodiscard]] SceneData load_scene(const Scene& scene, const std::vector<ModelInput>& inputs);

/// Copies the patch whose centre pixel is (row, column) into `patch`, (B, P·S, P·S) floats: from
/// pixel row - P/2 on, mirrored at the borders.
void copy_patch(const ModalityData& modality, const Grid& grid, std::int64_t row,
                std::int64_t column, std::int64_t reference_pixels, float* patch);

}  // namespace cadastre
