#include "executor/launch/whereabouts.h"

#include <nlohmann/json.hpp>

namespace cadastre {

nlohmann::json to_json(const Whereabouts& whereabouts) {
  return {{"step", whereabouts.step},
          {"instruction", whereabouts.instruction},
          {"waits_for", whereabouts.waits_for}};
}

Whereabouts whereabouts_from(const nlohmann::json& json) {
  Whereabouts whereabouts;
  whereabouts.step = json.at("step").get<std::int64_t>();
  whereabouts.instruction = json.at("instruction").get<std::string>();
  whereabouts.waits_for = json.at("waits_for").get<int>();
  return whereabouts;
}

std::string text_of(const Whereabouts& whereabouts) {
  return "step " + std::to_string(whereabouts.step + 1) + " at " + whereabouts.instruction;
}

}  // namespace cadastre
