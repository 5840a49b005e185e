#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cadastre {

/// Where in its work a rank is.
struct Whereabouts {
  std::int64_t step = -1;   ///< from 0; -1: before the first, or there are none
  std::string instruction;  ///< "forward of micro-batch 2 of stage 1"
  int waits_for = -1;       ///< the rank from which it receives
};

[[nodiscard]] nlohmann::json to_json(const Whereabouts& whereabouts);
[[nodiscard]] Whereabouts whereabouts_from(const nlohmann::json& json);

/// "step 13 at forward of micro-batch 2 of stage 1"
[[nodiscard]] std::string text_of(const Whereabouts& whereabouts);

}  // namespace cadastre
