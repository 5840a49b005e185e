#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "executor/class_loss.h"
#include "executor/sample_sequence.h"
#include "executor/scene_data.h"
#include "executor/stage_part.h"
#include "planner/model_graph.h"
#include "planner/program.h"
#include "planner/sample_split.h"
#include "planner/training_settings.h"

namespace cadastre {

/// The training samples of a rank: the modalities of a scene that its stages read, and which sample
/// stands at each position of the training. A model that scores pixels (K) learns from a labelled
/// pixel each; one that scores patches (K, P, P) from all training labels of a patch that lies
/// around one, up to a third of its side off.
class TrainingData {
 public:
  /// `inputs`: those of the model (by index) that are read; the others' rasters are not loaded.
  /// Throws InputError as `load_scene`.
  TrainingData(const Scene& scene, const ModelGraph& model, const std::set<std::size_t>& inputs,
               const TrainingSettings& training, std::int64_t batch_size);

  [[nodiscard]] std::int64_t num_samples() const {
    return static_cast<std::int64_t>(data_.train.size());
  }

  [[nodiscard]] std::int64_t num_validation_samples() const {
    return static_cast<std::int64_t>(data_.validation.size());
  }

  /// Differs, with all likelihood, where ranks would train on other samples.
  [[nodiscard]] std::string fingerprint() const;

  /// What the settings come to with these samples. Some time where samples are patches.
  [[nodiscard]] ClassLoss loss();

  enum class Variation { kVaried, kAsTheyAre };

  /// Samples of a step's global batch. `inputs`: of the model, those that are wanted. For one
  /// thread at a time; runs on LibTorch's.
  [[nodiscard]] LoadedSamples load(std::int64_t step, SampleRange samples,
                                   const std::vector<std::size_t>& inputs, Variation variation);

 private:
  struct Centre {
    std::int64_t row = 0;
    std::int64_t column = 0;
    std::int64_t class_index = 0;
  };

  [[nodiscard]] Centre centre(std::int64_t position);
  void read_labels(const Centre& centre, std::int64_t* labels) const;

  TrainingSettings training_;
  SceneData data_;
  PatchSize patch_;                  ///< scales as the data's modalities
  std::vector<std::size_t> inputs_;  ///< model inputs, as the data's modalities
  std::size_t num_model_inputs_;
  std::uint64_t seed_;
  std::int64_t batch_size_;
  SampleSequence sequence_;
  bool is_dense_;
};

}  // namespace cadastre
