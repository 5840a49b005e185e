#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "executor/weights.h"
#include "planner/model_graph.h"

namespace cadastre {

/// How much of an import is wanted.
enum class ImportDepth {
  kWhole,
  /// Of a model that was imported before: its weights, and its layers but for what is measured of
  /// them. They are not run.
  kWeights,
};

struct ImportOptions {
  /// Shapes per sample of forward's arguments: by their names, or, where `name` is another or
  /// empty, in their order. A name that is no argument's names the model's input, as the modality
  /// that it reads.
  std::vector<ModelInput> inputs;
  /// See `ModelGraph::batch_norm_group_samples`.
  std::int64_t batch_norm_group_samples = 4;
  ImportDepth depth = ImportDepth::kWhole;
};

struct ImportedModel {
  ModelGraph model;
  Weights weights;                 ///< parameters and buffers, as the archive has them
  std::vector<std::string> notes;  ///< what is kept together and the like, a line each
};

/// A model that Python saved with torch.jit.trace or torch.jit.script, as a graph of layers named
/// after its modules, and its weights. The layers together were seen to give the model's own
/// output. Throws InputError with what to do for what cannot be imported.
[[nodiscard]] ImportedModel import_model(const std::filesystem::path& file,
                                         const ImportOptions& options);

}  // namespace cadastre
