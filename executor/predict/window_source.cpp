#include "executor/predict/window_source.h"

#include <utility>

namespace cadastre {

namespace {

class RasterReader : public WindowReader {
 public:
  explicit RasterReader(SceneReader reader) : reader_(std::move(reader)) {}

  void read(const Window& window, WindowValues& values) override { reader_.read(window, values); }

 private:
  SceneReader reader_;
};

class MemoryReader : public WindowReader {
 public:
  explicit MemoryReader(const SceneData& scene) : scene_(scene) {}

  void read(const Window& window, WindowValues& values) override {
    values.inputs.resize(scene_.modalities.size());
    values.has_data.assign(static_cast<std::size_t>(window.num_rows * window.num_columns), 1);
    for (std::size_t i = 0; i < scene_.modalities.size(); ++i) {
      const ModalityData& data = scene_.modalities[i];
      const std::int64_t all_rows = scene_.grid.num_rows * data.scale;
      const std::int64_t all_columns = scene_.grid.num_columns * data.scale;
      const std::int64_t num_rows = window.num_rows * data.scale;
      const std::int64_t num_columns = window.num_columns * data.scale;
      std::vector<float>& to = values.inputs[i];
      to.resize(static_cast<std::size_t>(data.num_bands * num_rows * num_columns));
      float* next = to.data();
      for (std::int64_t band = 0; band < data.num_bands; ++band)
        for (std::int64_t y = 0; y < num_rows; ++y) {
          const float* const line =
              data.values.data() +
              (band * all_rows + mirrored(window.row * data.scale + y, all_rows)) * all_columns;
          for (std::int64_t x = 0; x < num_columns; ++x)
            *next++ = line[mirrored(window.column * data.scale + x, all_columns)];
        }
    }
  }

 private:
  const SceneData& scene_;
};

}  // namespace

WindowSource source_of(const Scene& scene, const std::vector<ModelInput>& inputs,
                       const Normalization& normalization) {
  const SceneReader reader(scene, inputs, normalization);
  WindowSource source;
  source.grid = reader.grid();
  for (std::size_t i = 0; i < reader.num_inputs(); ++i) {
    source.num_bands.push_back(reader.num_bands(i));
    source.scales.push_back(reader.scale(i));
  }
  source.open = [=] {
    return std::make_unique<RasterReader>(SceneReader(scene, inputs, normalization));
  };
  return source;
}

WindowSource source_of(const SceneData& scene) {
  WindowSource source;
  source.grid = scene.grid;
  for (const ModalityData& modality : scene.modalities) {
    source.num_bands.push_back(modality.num_bands);
    source.scales.push_back(modality.scale);
  }
  source.open = [&scene] { return std::make_unique<MemoryReader>(scene); };
  return source;
}

}  // namespace cadastre
