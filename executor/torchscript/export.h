#pragma once

#include <cstdint>
#include <filesystem>

#include "executor/weights.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Writes the archive `from`, as Python loads it, with what was trained in place of what it had:
/// parameters, running statistics, and the number of batches that they are of. What the model's
/// layers do not hold (outputs that were not trained, say) stays as it was. Throws InputError when
/// the archive is of another model.
void export_model(const std::filesystem::path& from, const ModelGraph& model,
                  const Weights& weights, std::int64_t num_steps, const std::filesystem::path& to);

}  // namespace cadastre
