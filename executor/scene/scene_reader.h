#pragma once

#include <cstdint>
#include <vector>

#include "executor/scene/grid.h"
#include "executor/scene/modality_reader.h"
#include "planner/model_graph.h"
#include "planner/normalization.h"
#include "planner/scene.h"

namespace cadastre {

/// What a network sees of a window of h × w reference pixels.
struct WindowValues {
  /// One per input, (B, h·S, w·S): standardised, 0 where there is no value.
  std::vector<std::vector<float>> inputs;
  /// (h, w): 1 where any input has a value, else 0: there a map has no data.
  std::vector<std::uint8_t> has_data;
};

/// The modalities of a scene that a network reads, window by window, whatever the scene's size; the
/// same pixels as `load_scene` with the same normalisation. Needs neither labels nor split. One per
/// thread.
class SceneReader {
 public:
  /// `normalization` holds every input's modality, as a run record does. Throws InputError as
  /// `load_scene`, and when a modality is not in `normalization` or has other bands there.
  SceneReader(const Scene& scene, const std::vector<ModelInput>& inputs,
              const Normalization& normalization);

  [[nodiscard]] const Grid& grid() const { return reference_.grid; }

  [[nodiscard]] std::size_t num_inputs() const { return readers_.size(); }

  [[nodiscard]] std::int64_t scale(std::size_t input) const { return readers_[input].scale(); }

  [[nodiscard]] std::int64_t num_bands(std::size_t input) const {
    return readers_[input].num_bands();
  }

  /// Reads a window, which may reach over the border: it is mirrored there as patches are. Buffers
  /// in `values` are used again. Throws InputError naming file and band that cannot be read.
  void read(const Window& window, WindowValues& values);

 private:
  ReferenceGrid reference_;
  std::vector<ModalityReader> readers_;
  std::vector<BandStatistics> statistics_;
};

}  // namespace cadastre
