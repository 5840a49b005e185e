#include "planner/refusal.h"

#include <nlohmann/json.hpp>

#include "planner/error.h"
#include "planner/near_name.h"

namespace cadastre {

std::string in_quotes(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 6;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string near = near_name(name, candidates);
  return near.empty() ? "" : ", did you mean " + in_quotes(near) + "?";
}

std::string number_text(double number) {
  std::string text = nlohmann::json(number).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

void refuse(const JsonPlace& place, const std::string& pointer, const std::string& message) {
  const std::string whole = place.pointer() + pointer;
  throw InputError(place.file(), whole.empty() ? "/" : whole, message);
}

}  // namespace cadastre
