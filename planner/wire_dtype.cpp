#include "planner/wire_dtype.h"

#include <array>
#include <cstddef>

#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

const std::vector<std::string>& wire_dtype_names() {
  static const std::vector<std::string> names = {"float32", "bfloat16", "float16"};
  return names;
}

const std::string& wire_dtype_name(WireDtype dtype) {
  return wire_dtype_names()[static_cast<std::size_t>(dtype)];
}

std::optional<WireDtype> wire_dtype_of(std::string_view name) {
  constexpr std::array<std::string_view, 3> kShortNames = {"fp32", "bf16", "fp16"};
  for (std::size_t i = 0; i < kShortNames.size(); ++i)
    if (name == wire_dtype_names()[i] || name == kShortNames[i]) return static_cast<WireDtype>(i);
  return std::nullopt;
}

WireDtype wire_dtype_option(const std::string& name) {
  if (const std::optional<WireDtype> dtype = wire_dtype_of(name)) return *dtype;
  throw InputError("--wire-dtype", "",
                   "expected " + wire_dtype_names()[0] + ", " + wire_dtype_names()[1] + " or " +
                       wire_dtype_names()[2] + ", found " + in_quotes(name) +
                       did_you_mean(name, wire_dtype_names()));
}

}  // namespace cadastre
