#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "executor/network.h"

namespace cadastre {

/// Parameters and running statistics by name, "layer.parameter".
using Weights = std::map<std::string, at::Tensor>;

/// The stage's parameters and running statistics (copies, so that training may go on).
[[nodiscard]] Weights stage_weights(const StageNetwork& stage);

/// The parts of several stages as one. Throws std::invalid_argument when two have the same name.
[[nodiscard]] Weights merge_weights(const std::vector<Weights>& parts);

/// Writes a file that Python's torch.load gives back as a dict of tensors, beside and renamed.
void write_weights(const std::filesystem::path& file, const Weights& weights);

/// The same as bytes, for the way from a rank to the coordinator.
[[nodiscard]] std::string weights_bytes(const Weights& weights);

/// Throws InputError in the name of `file` when the bytes are none of `weights_bytes`.
[[nodiscard]] Weights weights_from(const std::string& bytes, const std::string& file);

/// Throws InputError when the file is missing, truncated or holds something else.
[[nodiscard]] Weights read_weights(const std::filesystem::path& file);

/// Copies the stage's part of `weights` into it. Throws InputError in the name of `file` for the
/// first tensor that is missing or has another shape.
void set_weights(StageNetwork& stage, const Weights& weights, const std::filesystem::path& file);

}  // namespace cadastre
