#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executor/checkpoint/checkpoint_frames.h"
#include "planner/checkpoint.h"

namespace cadastre {

/// The layer (id) of each tensor of a model's imported layers, whose names do not say it.
using SlotLayers = std::map<std::string, std::string>;
[[nodiscard]] SlotLayers slot_layers(const ModelGraph& model);

/// A checkpoint that was read and found sound.
struct SoundCheckpoint {
  Checkpoint manifest;
  std::filesystem::path directory;
  std::vector<Weights> parts;  ///< as `manifest.parts`

  /// The state of some layers (ids): as this replica of so many of them kept it, else as the first
  /// did. Throws InputError naming the layer that the checkpoint has not.
  [[nodiscard]] TrainingState state_of(const std::vector<std::string>& layers, int replica,
                                       int num_replicas, const SlotLayers& slot_layers = {}) const;

  [[nodiscard]] StepHistory history() const;

  /// The best weights of those that were validated; empty where none were.
  [[nodiscard]] Weights best_weights() const;
};

/// The newest of a run's checkpoints that is whole: every part is there, of its size and checksum.
/// What is passed over goes to `notes`, a line each that names file and reason.
[[nodiscard]] std::optional<SoundCheckpoint> newest_checkpoint(
    const std::filesystem::path& directory, std::vector<std::string>& notes);

/// DIRECTORY/step-000012
[[nodiscard]] std::filesystem::path checkpoint_directory(const std::filesystem::path& directory,
                                                         std::int64_t num_steps);

/// The checkpoints of a run's directory by name, oldest first, sound or not.
[[nodiscard]] std::vector<std::filesystem::path> checkpoint_directories(
    const std::filesystem::path& directory);

/// Whether the run that wrote these has come to its end: what they hold is in its weights, too.
[[nodiscard]] bool is_finished(const std::filesystem::path& directory);

/// Says so.
void mark_finished(const std::filesystem::path& directory);
void unmark_finished(const std::filesystem::path& directory);

inline constexpr const char* kManifestName = "manifest.json";

}  // namespace cadastre
