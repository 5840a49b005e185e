#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "executor/torchscript/import.h"

namespace cadastre::archives {

/// The folder of what small_models.py writes, made where it is not there yet; empty, with the
/// reason printed, where no Python here has PyTorch.
[[nodiscard]] std::filesystem::path folder();

/// Likewise, of small networks of tests/torchscript/models.py: NAME.WAY.pt, and NAME.json, which
/// says what each is. Needs torchvision, too.
[[nodiscard]] std::filesystem::path zoo_folder();

/// The names of the archives that can be imported: "residual.trace", …
[[nodiscard]] std::vector<std::string> names(const std::filesystem::path& folder);

/// Shapes of an archive's inputs: of a small model as they are known, else from NAME.json.
[[nodiscard]] std::vector<ModelInput> inputs_of(const std::filesystem::path& folder,
                                                const std::string& name);

/// Batch norm over groups of all samples of `kNumSamples`, as the module itself takes it.
[[nodiscard]] ImportedModel imported(const std::filesystem::path& folder, const std::string& name);

inline constexpr std::int64_t kNumSamples = 8;

/// Samples of the inputs, the same each time.
[[nodiscard]] std::vector<at::Tensor> samples(const ModelGraph& model, std::int64_t num_samples);

/// What a training step makes of a model.
struct Step {
  at::Tensor scores;
  double loss = 0;
  std::map<std::string, at::Tensor> gradients;
  Weights buffers;  ///< after the step
};

/// In exact arithmetic all would give the same.
enum class Arithmetic {
  kFloat,
  kReversed,  ///< float32, the samples in the other order: other roundings
  kDouble,
};

/// Of the module itself, by LibTorch: forward and backward in training mode.
[[nodiscard]] Step step_of_module(const std::filesystem::path& file, const ModelGraph& model,
                                  Arithmetic arithmetic = Arithmetic::kFloat);

/// Of the imported model, divided into these stages (layers of each, in topological order), its
/// batch cut into micro-batches of so many samples.
[[nodiscard]] Step divided_step(const ImportedModel& imported,
                                const std::vector<std::vector<int>>& stages,
                                std::int64_t micro_batch);

/// Of the imported model's layers, one after the other, in double precision.
[[nodiscard]] Step double_step(const ImportedModel& imported);

/// Up to `num_stages` convex stages, drawn by `seed`: each layer goes to the latest stage of those
/// that it reads, or a later one.
[[nodiscard]] std::vector<std::vector<int>> random_stages(const ModelGraph& model, int num_stages,
                                                          std::uint64_t seed);

/// The largest ‖a - b‖ / ‖b‖ over the tensors of `b`, those next to zero taken for a hundredth of
/// the greatest; 2 where `a` has not the same, or others that are not zero.
[[nodiscard]] double largest_difference(const std::map<std::string, at::Tensor>& a,
                                        const std::map<std::string, at::Tensor>& b);

}  // namespace cadastre::archives
