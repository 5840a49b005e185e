#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/run_record.h"

namespace cadastre {

/// A file of a checkpoint: tensors of some layers.
struct CheckpointPart {
  enum class Kind {
    kWeights,    ///< parameters and running statistics: torch.load gives them by name
    kOptimizer,  ///< what the optimizer remembers, and the moving average
    kBest,       ///< the best weights of those that were validated
    kHistory,    ///< "steps", float64 (steps, 2): loss, and when it ended
  };

  Kind kind = Kind::kWeights;
  std::string file;  ///< in the checkpoint's directory
  int replica = 0;   ///< of its stage, which kept it
  int num_replicas = 1;
  std::vector<std::string> layers;  ///< ids
  std::int64_t bytes = 0;
  std::string checksum;  ///< `checksum_text`
  bool operator==(const CheckpointPart&) const = default;
};

/// `cadastre-checkpoint/1`: what a training goes on from, under the same plan or another. Keyed by
/// layer: which rank had kept what only says how it came to be cut into files.
struct Checkpoint {
  std::int64_t num_steps = 0;   ///< that were done
  std::string model;            ///< fingerprint of the model
  std::string samples;          ///< fingerprint of the training samples
  std::int64_t batch_size = 1;  ///< of a step
  TrainingSettings training;
  std::optional<Validation> validation;
  std::vector<CheckpointPart> parts;
  bool operator==(const Checkpoint&) const = default;
};

[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& file);
[[nodiscard]] Checkpoint checkpoint_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Checkpoint& checkpoint);

}  // namespace cadastre
