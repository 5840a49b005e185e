#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "executor/scene/grid.h"
#include "executor/scene/pixel_store.h"
#include "planner/model_graph.h"
#include "planner/normalization.h"
#include "planner/scene.h"

namespace cadastre {

// Shapes: B bands, R rows, C columns of the reference grid; S a modality's scale.

/// A modality aligned on the reference grid, each pixel of which is S × S of its own pixels.
struct ModalityData {
  std::string name;
  std::int64_t num_bands = 0;
  std::int64_t scale = 1;    ///< S
  PixelStore values;         ///< (B, R·S, C·S), standardised per band; 0 where there is no value
  std::vector<double> mean;  ///< per band, what was subtracted
  std::vector<double> stddev;  ///< per band, what was divided by
};

/// A labelled pixel of the reference grid.
struct Sample {
  std::int32_t row = 0;
  std::int32_t column = 0;
  std::int32_t class_index = 0;  ///< into `Scene::classes`
  bool operator==(const Sample&) const = default;
};

/// What a labelled pixel is for.
enum class Part : std::uint8_t { kNone, kTrain, kValidation, kTest };

inline constexpr std::uint8_t kNoClass = 255;

struct SceneData {
  Grid grid;
  std::vector<ModalityData> modalities = {};   ///< in the order of the inputs asked for
  std::vector<Sample> train = {};              ///< row by row
  std::vector<Sample> test = {};               ///< row by row
  std::vector<Sample> validation = {};         ///< row by row; empty when the split has none
  std::vector<std::uint8_t> class_plane = {};  ///< (R, C), class index, `kNoClass` unlabelled
  std::vector<std::uint8_t> part_plane = {};   ///< (R, C), a `Part`; kNone where unlabelled
  std::vector<std::string> notes = {};         ///< what a reader of the results should know
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

/// The modality that a model input reads. Throws InputError when there is none of its name, or the
/// input is no square patch of its bands.
[[nodiscard]] const Modality& modality_of(const Scene& scene, const ModelInput& input);

/// A modality's statistics. Throws InputError when they are not there or of other bands.
[[nodiscard]] BandStatistics statistics_of(const Normalization& normalization,
                                           const Modality& modality);

struct LoadOptions {
  /// Standardises by this; by the scene's own training pixels when null.
  const Normalization* normalization = nullptr;
  /// What modalities may take in memory, all together; the rest goes to files in `spill_directory`
  /// that are mapped. Negative: `default_scene_memory_bytes()`.
  std::int64_t memory_bytes = -1;
  std::filesystem::path spill_directory = {};  ///< the system's temporary one when empty
};

/// Reads labels and split, and those modalities that `inputs` name, and aligns them on the
/// reference grid. The same on every host: nothing depends on the other inputs. A scene without
/// labels has no samples, and needs a normalisation. Throws InputError naming the raster that is
/// missing, truncated, of the wrong band count or without overlap; std::runtime_error when there is
/// no room or GDAL fails otherwise.
[[nodiscard]] SceneData load_scene(const Scene& scene, const std::vector<ModelInput>& inputs,
                                   const LoadOptions& options = {});

/// How the modalities were standardised, to be kept with what is trained on them.
[[nodiscard]] Normalization normalization_of(const SceneData& data);

/// Copies the patch whose centre pixel is (row, column) into `patch`, (B, P·S, P·S) floats: from
/// pixel row - P/2 on, mirrored at the borders.
void copy_patch(const ModalityData& modality, const Grid& grid, std::int64_t row,
                std::int64_t column, std::int64_t reference_pixels, float* patch);

/// The same of a plane of one byte per reference pixel, (P, P): of `class_plane` or `part_plane`.
void copy_plane_patch(const std::vector<std::uint8_t>& plane, const Grid& grid, std::int64_t row,
                      std::int64_t column, std::int64_t reference_pixels, std::uint8_t* patch);

}  // namespace cadastre
