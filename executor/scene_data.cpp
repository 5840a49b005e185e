#include "executor/scene_data.h"

#include <algorithm>
#include <string>
#include <utility>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
#include "executor/scene/labels.h"
#include "executor/scene/modality_reader.h"
#include "executor/scene/modality_summary.h"
#include "executor/scene/reference_grid.h"
#include "executor/scene/split.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "(" + text + ")";
}

[[noreturn]] void refuse_input(const ModelInput& input, const std::string& message) {
  throw InputError("", "", "model input " + input.name + ": " + message);
}

void add_samples(SceneData& data) {
  for (std::int64_t row = 0; row < data.grid.num_rows; ++row)
    for (std::int64_t column = 0; column < data.grid.num_columns; ++column) {
      const auto pixel = static_cast<std::size_t>(row * data.grid.num_columns + column);
      const auto part = static_cast<Part>(data.part_plane[pixel]);
      if (part == Part::kNone) continue;
      std::vector<Sample>& samples = part == Part::kTrain  ? data.train
                                     : part == Part::kTest ? data.test
                                                           : data.validation;
      samples.push_back({.row = static_cast<std::int32_t>(row),
                         .column = static_cast<std::int32_t>(column),
                         .class_index = data.class_plane[pixel]});
    }
}

PixelStore new_store(std::int64_t num_values, const LoadOptions& options,
                     std::int64_t& memory_left) {
  const std::int64_t bytes = num_values * static_cast<std::int64_t>(sizeof(float));
  if (bytes <= memory_left) {
    memory_left -= bytes;
    return PixelStore(std::vector<float>(static_cast<std::size_t>(num_values)));
  }
  return PixelStore::in_file(static_cast<std::size_t>(num_values), options.spill_directory.empty()
                                                                       ? fs::temp_directory_path()
                                                                       : options.spill_directory);
}

ModalityData load_modality(const Modality& modality, const ReferenceGrid& reference,
                           const LoadOptions& options, std::int64_t& memory_left,
                           SceneData& scene_data) {
  ModalityReader reader(modality, reference);
  const Grid fine = refined(reference.grid, reader.scale());
  ModalityData data;
  data.name = modality.name;
  data.num_bands = reader.num_bands();
  data.scale = reader.scale();
  data.values = new_store(data.num_bands * fine.num_rows * fine.num_columns, options, memory_left);
  const std::vector<BandSummary> bands =
      summarise(reader, reference, scene_data.part_plane, data.values.data());
  const BandStatistics statistics = options.normalization != nullptr
                                        ? statistics_of(*options.normalization, modality)
                                        : training_statistics(modality, bands);
  const auto band_size = static_cast<std::size_t>(fine.num_rows * fine.num_columns);
  for (std::size_t band = 0; band < statistics.mean.size(); ++band)
    standardise(statistics, band, data.values.data() + band * band_size, band_size);
  for (std::string& note : doubtful_values(modality, bands, statistics))
    scene_data.notes.push_back(std::move(note));
  data.mean = statistics.mean;
  data.stddev = statistics.stddev;
  return data;
}

}  // namespace

const Modality& modality_of(const Scene& scene, const ModelInput& input) {
  const auto found =
      std::find_if(scene.modalities.begin(), scene.modalities.end(),
                   [&](const Modality& modality) { return modality.name == input.name; });
  if (found == scene.modalities.end()) {
    std::string names;
    for (const Modality& modality : scene.modalities)
      names += (names.empty() ? "" : ", ") + modality.name;
    refuse_input(input,
                 "expected a modality of the scene (" + names + "), found none of that name");
  }
  if (input.shape.size() != 3 || input.shape[1] != input.shape[2] || input.shape[1] < 1)
    refuse_input(input, "expected a square patch (bands, rows, columns), found shape " +
                            shape_text(input.shape));
  if (input.shape[0] != found->num_bands)
    refuse_input(input, "expected the " + std::to_string(found->num_bands) +
                            " bands of the scene's modality, found " +
                            std::to_string(input.shape[0]));
  return *found;
}

BandStatistics statistics_of(const Normalization& normalization, const Modality& modality) {
  const auto found = normalization.find(modality.name);
  if (found == normalization.end())
    throw InputError("", "/normalization",
                     "expected mean and deviation of modality " + modality.name + ", found none");
  const auto num_bands = static_cast<std::size_t>(modality.num_bands);
  if (found->second.mean.size() != num_bands || found->second.stddev.size() != num_bands)
    throw InputError("", "/normalization/" + modality.name,
                     "expected mean and deviation of " + std::to_string(num_bands) +
                         " bands, found " + std::to_string(found->second.mean.size()));
  return found->second;
}

Normalization normalization_of(const SceneData& data) {
  Normalization normalization;
  for (const ModalityData& modality : data.modalities)
    normalization[modality.name] = {.mean = modality.mean, .stddev = modality.stddev};
  return normalization;
}

PatchSize patch_size(const Scene& scene, const std::vector<ModelInput>& inputs) {
  const Grid grid = reference_grid(scene).grid;
  PatchSize size;
  for (const ModelInput& input : inputs) {
    const Modality& modality = modality_of(scene, input);
    const DatasetPtr raster = open_modality(modality);
    const std::int64_t scale = scale_on_grid(*raster, modality.raster, grid);
    const std::int64_t side = input.shape[1];
    if (size.reference_pixels == 0) {
      if (side % scale != 0)
        refuse_input(input, "expected a multiple of " + std::to_string(scale) +
                                " pixels a side, as the reference grid's pixel is " +
                                std::to_string(scale) + " of the modality's, found shape " +
                                shape_text(input.shape));
      size.reference_pixels = side / scale;
    } else if (side != size.reference_pixels * scale) {
      const Shape expected = {input.shape[0], size.reference_pixels * scale,
                              size.reference_pixels * scale};
      refuse_input(input, "expected shape " + shape_text(expected) + " to see the same ground as " +
                              inputs.front().name + ", found " + shape_text(input.shape));
    }
    size.scales.push_back(scale);
  }
  return size;
}

SceneData load_scene(const Scene& scene, const std::vector<ModelInput>& inputs,
                     const LoadOptions& options) {
  // Before anything is read: a request that cannot be met should not take a minute to say so.
  for (const ModelInput& input : inputs) static_cast<void>(modality_of(scene, input));
  const ReferenceGrid reference = reference_grid(scene);
  SceneData data;
  data.grid = reference.grid;
  if (!scene.labels.empty()) {
    data.class_plane = read_class_plane(scene, reference);
    DividedPixels divided = divide_pixels(scene, reference, data.class_plane);
    data.part_plane = std::move(divided.parts);
    data.notes = std::move(divided.notes);
    add_samples(data);
  } else if (options.normalization == nullptr && !inputs.empty()) {
    throw InputError("", "/labels", "expected labels to train with, found none in the scene");
  }
  std::int64_t memory_left =
      options.memory_bytes < 0 ? default_scene_memory_bytes() : options.memory_bytes;
  for (const ModelInput& input : inputs)
    data.modalities.push_back(
        load_modality(modality_of(scene, input), reference, options, memory_left, data));
  return data;
}

}  // namespace cadastre
