#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "executor/scene/scene_reader.h"
#include "executor/scene_data.h"

namespace cadastre {

/// Reads windows of some modalities of a scene, for one thread.
class WindowReader {
 public:
  WindowReader() = default;
  WindowReader(const WindowReader&) = delete;
  WindowReader& operator=(const WindowReader&) = delete;
  virtual ~WindowReader() = default;

  /// Mirrors at the scene's border. Buffers in `values` are used again. Throws InputError.
  virtual void read(const Window& window, WindowValues& values) = 0;
};

/// Where windows come from: each thread that reads opens a reader of its own.
struct WindowSource {
  Grid grid;
  std::vector<std::int64_t> num_bands;  ///< B of each input
  std::vector<std::int64_t> scales;     ///< S of each input
  std::function<std::unique_ptr<WindowReader>()> open;
};

/// Of rasters, read as they are needed: memory is bounded by the windows in use. Throws InputError as
/// `SceneReader`.
[[nodiscard]] WindowSource source_of(const Scene& scene, const std::vector<ModelInput>& inputs,
                                     const Normalization& normalization);

/// Of modalities that are in memory, which must outlive it; every pixel has data.
[[nodiscard]] WindowSource source_of(const SceneData& scene);

}  // namespace cadastre
