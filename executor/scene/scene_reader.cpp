#include "executor/scene/scene_reader.h"

#include <cmath>

#include "executor/scene/reference_grid.h"
#include "executor/scene_data.h"
#include "planner/error.h"

namespace cadastre {

namespace {

/// Sets `has_data` where a band has a value in any of a reference pixel's S × S pixels.
void mark_data(const float* band, const Window& window, std::int64_t scale,
               std::vector<std::uint8_t>& has_data) {
  const std::int64_t num_columns = window.num_columns * scale;
  for (std::int64_t y = 0; y < window.num_rows * scale; ++y) {
    std::uint8_t* const marks = has_data.data() + y / scale * window.num_columns;
    const float* const line = band + y * num_columns;
    for (std::int64_t x = 0; x < num_columns; ++x)
      if (!std::isnan(line[x])) marks[x / scale] = 1;
  }
}

}  // namespace

SceneReader::SceneReader(const Scene& scene, const std::vector<ModelInput>& inputs,
                         const Normalization& normalization)
    : reference_(reference_grid(scene)) {
  for (const ModelInput& input : inputs) {
    const Modality& modality = modality_of(scene, input);
    readers_.emplace_back(modality, reference_);
    statistics_.push_back(statistics_of(normalization, modality));
  }
}

void SceneReader::read(const Window& window, WindowValues& values) {
  values.inputs.resize(readers_.size());
  values.has_data.assign(static_cast<std::size_t>(window.num_rows * window.num_columns), 0);
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    ModalityReader& reader = readers_[i];
    const auto band_size = static_cast<std::size_t>(window.num_rows * window.num_columns *
                                                    reader.scale() * reader.scale());
    std::vector<float>& bands = values.inputs[i];
    bands.resize(band_size * static_cast<std::size_t>(reader.num_bands()));
    reader.read(window, bands.data());
    for (std::size_t band = 0; band < statistics_[i].mean.size(); ++band) {
      float* const first = bands.data() + band * band_size;
      mark_data(first, window, reader.scale(), values.has_data);
      standardise(statistics_[i], band, first, band_size);
    }
  }
}

}  // namespace cadastre
