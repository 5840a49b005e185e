#pragma once

#include <string>

#include "planner/json_reader.h"

namespace cadastre {

/// The number at `place` in base units, which is a number or, where the last key of a pointer tells
/// the unit (`_bytes_per_s`, `_bytes`, `_s`), text such as "430Mbps". Throws InputError.
[[nodiscard]] double quantity_number(const JsonPlace& place, const std::string& key);

/// `number` of base units as people say it: 430 Mbit/s, 50 us, 4 GiB, 0.8.
[[nodiscard]] std::string quantity_text(double number, const std::string& key);

/// `number` to four significant digits.
[[nodiscard]] std::string rounded_text(double number);

}  // namespace cadastre
