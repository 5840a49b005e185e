#include "executor/scene_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
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

struct Labels {
  Grid grid;
  std::vector<std::int32_t> class_index;  ///< (R, C), -1 unlabelled
};

Labels read_labels(const Scene& scene) {
  const DatasetPtr raster = open_raster(scene.labels);
  check_num_bands(*raster, scene.labels, 1);
  Labels labels{.grid = grid_of(*raster), .class_index = {}};
  std::vector<float> values(
      static_cast<std::size_t>(labels.grid.num_rows * labels.grid.num_columns));
  read_band(*raster, scene.labels, 1, values.data());

  std::map<float, std::int32_t> index_of_value = {{0.0F, -1}};
  for (std::size_t i = 0; i < scene.classes.size(); ++i)
    index_of_value[static_cast<float>(scene.classes[i].id)] = static_cast<std::int32_t>(i);
  std::map<float, std::int64_t> unknown;
  labels.class_index.assign(values.size(), -1);
  for (std::size_t pixel = 0; pixel < values.size(); ++pixel) {
    if (std::isnan(values[pixel])) continue;
    const auto found = index_of_value.find(values[pixel]);
    if (found == index_of_value.end())
      ++unknown[values[pixel]];
    else
      labels.class_index[pixel] = found->second;
  }
  if (!unknown.empty()) {
    const auto& [value, num_pixels] = *unknown.begin();
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", static_cast<double>(value));
    throw InputError(scene.labels.string(), "",
                     std::string("expected 0 or the id of a class of the scene, found ") +
                         text.data() + " in " + std::to_string(num_pixels) +
                         (num_pixels == 1 ? " pixel" : " pixels"));
  }
  return labels;
}

void divide_samples(const Scene& scene, const Labels& labels, SceneData& data) {
  const fs::path& file = scene.split.raster;
  const DatasetPtr raster = open_raster(file);
  check_num_bands(*raster, file, 1);
  const std::vector<float> split =
      align_on_grid(*raster, file, labels.grid, scene.labels, 1, Resampling::kNearest);

  std::vector<std::int64_t> num_train(scene.classes.size(), 0);
  for (std::size_t pixel = 0; pixel < split.size(); ++pixel) {
    if (labels.class_index[pixel] < 0) continue;
    const auto at = static_cast<std::int64_t>(pixel);
    const Sample sample{.row = static_cast<std::int32_t>(at / labels.grid.num_columns),
                        .column = static_cast<std::int32_t>(at % labels.grid.num_columns),
                        .class_index = labels.class_index[pixel]};
    if (split[pixel] == static_cast<float>(scene.split.train)) {
      data.train.push_back(sample);
      ++num_train[static_cast<std::size_t>(sample.class_index)];
    } else if (split[pixel] == static_cast<float>(scene.split.test)) {
      data.test.push_back(sample);
    } else if (scene.split.validation &&
               split[pixel] == static_cast<float>(*scene.split.validation)) {
      data.validation.push_back(sample);
    }
  }
  const std::string expected =
      "expected labelled training pixels (value " + std::to_string(scene.split.train) + ")";
  if (data.train.empty()) throw InputError(file.string(), "", expected + ", found none");
  // A class that is never seen cannot be learnt: a network trained so would never map it, silently.
  for (std::size_t i = 0; i < num_train.size(); ++i)
    if (num_train[i] == 0)
      throw InputError(file.string(), "",
                       expected + " of every class, found none of " + scene.classes[i].name);
}

/// Subtracts each band's mean over the training pixels and divides by its standard deviation; what
/// is not finite becomes 0, the mean.
void standardise(ModalityData& modality, const Grid& grid, const std::vector<Sample>& train,
                 const fs::path& file) {
  const std::int64_t num_columns = grid.num_columns * modality.scale;
  const std::int64_t band_size = grid.num_rows * modality.scale * num_columns;
  const auto sum_over_training = [&](const float* band, auto&& term) {
    double sum = 0;
    for (const Sample& sample : train)
      for (std::int64_t row = 0; row < modality.scale; ++row) {
        const float* line = band + (sample.row * modality.scale + row) * num_columns +
                            sample.column * modality.scale;
        for (std::int64_t column = 0; column < modality.scale; ++column)
          if (std::isfinite(line[column])) sum += term(static_cast<double>(line[column]));
      }
    return sum;
  };

  for (std::int64_t index = 0; index < modality.num_bands; ++index) {
    float* band = modality.values.data() + index * band_size;
    const double count = sum_over_training(band, [](double) { return 1.0; });
    if (count == 0)
      throw InputError(
          file.string(), "",
          "band " + std::to_string(index + 1) + ": expected values at training pixels, found none");
    const double mean = sum_over_training(band, [](double value) { return value; }) / count;
    const double variance =
        sum_over_training(band, [mean](double value) { return (value - mean) * (value - mean); }) /
        count;
    const double stddev = variance > 0 ? std::sqrt(variance) : 1.0;
    for (std::int64_t pixel = 0; pixel < band_size; ++pixel)
      band[pixel] = std::isfinite(band[pixel])
                        ? static_cast<float>((static_cast<double>(band[pixel]) - mean) / stddev)
                        : 0.0F;
    modality.mean.push_back(mean);
    modality.stddev.push_back(stddev);
  }
}

ModalityData load_modality(const Modality& modality, const Scene& scene, const Grid& grid,
                           const std::vector<Sample>& train) {
  const DatasetPtr raster = open_raster(modality.raster);
  check_num_bands(*raster, modality.raster, modality.num_bands);
  ModalityData data;
  data.name = modality.name;
  data.num_bands = modality.num_bands;
  data.scale = scale_on_grid(*raster, modality.raster, grid);
  data.values =
      align_on_grid(*raster, modality.raster, grid, scene.labels, data.scale, modality.resampling);
  standardise(data, grid, train, modality.raster);
  return data;
}

}  // namespace

PatchSize patch_size(const Scene& scene, const std::vector<ModelInput>& inputs) {
  const DatasetPtr labels = open_raster(scene.labels);
  const Grid grid = grid_of(*labels);
  PatchSize size;
  for (const ModelInput& input : inputs) {
    const Modality& modality = modality_of(scene, input);
    const DatasetPtr raster = open_raster(modality.raster);
    check_num_bands(*raster, modality.raster, modality.num_bands);
    const std::int64_t scale = scale_on_grid(*raster, modality.raster, grid);
    const std::int64_t side = input.shape[1];
    if (size.reference_pixels == 0) {
      if (side % scale != 0)
        refuse_input(input, "expected a multiple of " + std::to_string(scale) +
                                " pixels a side, as the label raster's pixel is " +
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

SceneData load_scene(const Scene& scene, const std::vector<ModelInput>& inputs) {
  // Before anything is read: a request that cannot be met should not take a minute to say so.
  for (const ModelInput& input : inputs) static_cast<void>(modality_of(scene, input));
  SceneData data;
  const Labels labels = read_labels(scene);
  data.grid = labels.grid;
  divide_samples(scene, labels, data);
  for (const ModelInput& input : inputs)
    data.modalities.push_back(
        load_modality(modality_of(scene, input), scene, data.grid, data.train));
  return data;
}

}  // namespace cadastre
