#pragma once

#include <filesystem>
#include <string>

namespace cadastre {

/// Reads `file` as what its "format" says it is, embedded documents included, and returns the kind:
/// model, profile, cluster, plan, timeline, scene, simulation, run, device, study, measured or study-result.
/// Throws InputError.
[[nodiscard]] std::string validate_document(const std::filesystem::path& file);

}  // namespace cadastre
