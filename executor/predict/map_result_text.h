#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "executor/predict/map_prediction.h"

namespace cadastre {

[[nodiscard]] nlohmann::json map_result_json(const MapResult& result,
                                             const std::filesystem::path& map);

/// Speed, accuracy and areas as a person reads them.
[[nodiscard]] std::string map_result_text(const MapResult& result,
                                          const std::filesystem::path& map);

}  // namespace cadastre
