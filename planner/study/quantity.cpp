#include "planner/study/quantity.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "planner/units.h"

namespace cadastre {

namespace {

enum class Kind { kBandwidth, kMemoryBandwidth, kBytes, kSeconds, kNumber };

Kind kind_of(const std::string& key) {
  if (key.ends_with("_bytes_per_s"))
    return key.find("memory") == std::string::npos ? Kind::kBandwidth : Kind::kMemoryBandwidth;
  if (key.ends_with("_bytes")) return Kind::kBytes;
  if (key.ends_with("_s") && !key.ends_with("_per_s")) return Kind::kSeconds;
  return Kind::kNumber;
}

struct Unit {
  double factor;
  const char* name;
};

/// In the greatest unit of which there is one at least.
template <std::size_t kNumUnits>
std::string in_units(double number, const std::array<Unit, kNumUnits>& greatest_first) {
  for (const Unit& unit : greatest_first)
    if (std::abs(number) >= unit.factor * (1 - 1e-9) || &unit == &greatest_first.back())
      return rounded_text(number / unit.factor) + " " + unit.name;
  return rounded_text(number);
}

}  // namespace

std::string rounded_text(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", number);
  // Whole numbers are told in full.
  if (number == std::floor(number) && std::abs(number) < 1e9)
    std::snprintf(text, sizeof text, "%.0f", number == 0 ? 0.0 : number);
  return text;
}

double quantity_number(const JsonPlace& place, const std::string& key) {
  if (place.value().is_number()) return place.number();
  switch (kind_of(key)) {
    case Kind::kBandwidth:
    case Kind::kMemoryBandwidth:
      return bandwidth_bytes_per_s(place);
    case Kind::kBytes:
      return static_cast<double>(size_bytes(place));
    case Kind::kSeconds:
      return duration_s(place);
    case Kind::kNumber:
      break;
  }
  return place.number();
}

std::string quantity_text(double number, const std::string& key) {
  constexpr double kBitsPerByte = 8;
  switch (kind_of(key)) {
    case Kind::kBandwidth:
      return in_units(number * kBitsPerByte, std::array{Unit{1e9, "Gbit/s"}, Unit{1e6, "Mbit/s"},
                                                        Unit{1e3, "kbit/s"}, Unit{1, "bit/s"}});
    case Kind::kMemoryBandwidth:
      return in_units(number, std::array{Unit{1e9, "GB/s"}, Unit{1e6, "MB/s"}, Unit{1, "B/s"}});
    case Kind::kBytes:
      return in_units(number, std::array{Unit{1073741824.0, "GiB"}, Unit{1048576.0, "MiB"},
                                         Unit{1024.0, "KiB"}, Unit{1, "B"}});
    case Kind::kSeconds:
      return in_units(number, std::array{Unit{1, "s"}, Unit{1e-3, "ms"}, Unit{1e-6, "us"}});
    case Kind::kNumber:
      break;
  }
  return rounded_text(number);
}

}  // namespace cadastre
