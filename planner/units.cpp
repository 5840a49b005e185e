#include "planner/units.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace cadastre {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

struct Quantity {
  double number;
  std::string_view unit;
};

/// A number, perhaps spaces, and the rest; nothing when it does not begin with a finite number.
std::optional<Quantity> split_quantity(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  return Quantity{.number = number, .unit = unit};
}

std::optional<double> prefix_factor(std::string_view prefix) {
  static constexpr Unit kPrefixes[] = {
      {"", 1.0},         {"k", 1e3},           {"M", 1e6},
      {"G", 1e9},        {"T", 1e12},          {"Ki", 1024.0},
      {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
  for (const Unit& known : kPrefixes)
    if (known.name == prefix) return known.factor;
  return std::nullopt;
}

/// The number of base units in `text`; nothing when number or unit is not understood. `bases` are
/// the unit's spellings after the prefix.
template <std::size_t kNumBases>
std::optional<double> in_base_units(std::string_view text, const Unit (&bases)[kNumBases]) {
  const std::optional<Quantity> quantity = split_quantity(text);
  if (!quantity) return std::nullopt;
  for (const Unit& base : bases) {
    if (!quantity->unit.ends_with(base.name)) continue;
    const std::optional<double> prefix =
        prefix_factor(quantity->unit.substr(0, quantity->unit.size() - base.name.size()));
    if (prefix) return quantity->number * *prefix * base.factor;
  }
  return std::nullopt;
}

/// The number at `place`, or the base units of its text; nothing when it is neither.
template <std::size_t kNumBases>
std::optional<double> number_or_text(const JsonPlace& place, const Unit (&bases)[kNumBases]) {
  if (place.value().is_number()) return place.value().get<double>();
  if (place.value().is_string()) return in_base_units(place.string(), bases);
  return std::nullopt;
}

// Beyond what any network has, and small enough that no sum of times becomes infinite.
constexpr double kMostBandwidth = 1e15;
constexpr double kMostDuration = 3600;

}  // namespace

double bandwidth_bytes_per_s(const JsonPlace& place) {
  static constexpr Unit kBases[] = {{"Bps", 1.0}, {"bps", 0.125}};
  const std::optional<double> bandwidth = number_or_text(place, kBases);
  if (!bandwidth || !(*bandwidth >= 1 && *bandwidth <= kMostBandwidth))
    place.fail_expected(
        "bytes per second from 1 to 10^15, or text such as \"1Gbps\" or \"125MBps\"");
  return *bandwidth;
}

std::int64_t size_bytes(const JsonPlace& place) {
  if (!place.value().is_string()) return place.integer(1);
  static constexpr Unit kBases[] = {{"B", 1.0}};
  constexpr double kMost = 9e18;  // below 2^63
  const std::optional<double> size = in_base_units(place.string(), kBases);
  if (!size || !(*size >= 1 && *size <= kMost) || *size != std::floor(*size))
    place.fail_expected("whole bytes > 0, or text such as \"16GiB\" or \"500MB\"");
  return static_cast<std::int64_t>(*size);
}

double duration_s(const JsonPlace& place) {
  static constexpr Unit kBases[] = {{"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
  const std::optional<double> duration = number_or_text(place, kBases);
  if (!duration || !(*duration >= 0 && *duration <= kMostDuration))
    place.fail_expected("seconds from 0 to 3600, or text such as \"50us\" or \"0.1ms\"");
  return *duration;
}

double span_s(const JsonPlace& place) {
  static constexpr Unit kBases[] = {{"min", 60.0}, {"h", 3600.0}, {"d", 86400.0}, {"s", 1.0},
                                    {"ms", 1e-3},  {"us", 1e-6}};
  constexpr double kMostSpan = 1e10;
  const std::optional<double> span = number_or_text(place, kBases);
  if (!span || !(*span >= 0 && *span <= kMostSpan))
    place.fail_expected("seconds from 0 to 10^10, or text such as \"90s\", \"2.5h\" or \"30d\"");
  return *span;
}

}  // namespace cadastre
