#pragma once

#include <set>
#include <string>

namespace cadastre {

/// `wish`, or the first of wish2, wish3, … that is not in `taken`; it is then.
[[nodiscard]] inline std::string free_name(const std::string& wish, std::set<std::string>& taken) {
  std::string name = wish;
  for (int number = 2; !taken.insert(name).second; ++number) name = wish + std::to_string(number);
  return name;
}

}  // namespace cadastre
