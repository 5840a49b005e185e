#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "executor/scene_data.h"
#include "executor/stage_part.h"
#include "planner/model_graph.h"
#include "planner/program.h"

namespace cadastre {

/// The training samples of a rank: the modalities of a scene that its stages read, and the training
/// pixels in each epoch's order.
class TrainingData {
 public:
  /// `inputs`: those of the model (by index) that are read; the others' rasters are not loaded.
  /// Throws InputError as `load_scene`.
  TrainingData(const Scene& scene, const ModelGraph& model, const std::set<std::size_t>& inputs,
               std::uint64_t seed, std::int64_t batch_size);

  [[nodiscard]] std::int64_t num_samples() const {
    return static_cast<std::int64_t>(data_.train.size());
  }

  /// Differs, with all likelihood, where ranks would train on other samples.
  [[nodiscard]] std::string fingerprint() const;

  void start_step(std::int64_t epoch, std::int64_t step_of_epoch);

  /// Samples of the step's global batch. `inputs`: of the model, those that are wanted.
  [[nodiscard]] LoadedSamples load(SampleRange samples,
                                   const std::vector<std::size_t>& inputs) const;

 private:
  SceneData data_;
  PatchSize patch_;                  ///< scales as the data's modalities
  std::vector<std::size_t> inputs_;  ///< model inputs, as the data's modalities
  std::size_t num_model_inputs_;
  std::uint64_t seed_;
  std::int64_t batch_size_;
  std::int64_t epoch_ = -1;
  std::int64_t first_ = 0;
  std::vector<std::int32_t> order_;
};

}  // namespace cadastre
