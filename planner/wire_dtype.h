#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cadastre {

/// What activations, gradients and averaged parameters are as they go from one rank to another;
/// computed with, they are float32 always.
enum class WireDtype { kFloat32, kBfloat16, kFloat16 };

[[nodiscard]] const std::vector<std::string>& wire_dtype_names();  ///< in the enum's order
[[nodiscard]] const std::string& wire_dtype_name(WireDtype dtype);

/// Of one of the names, or of a short one: fp32, bf16, fp16. None of another.
[[nodiscard]] std::optional<WireDtype> wire_dtype_of(std::string_view name);

/// The value of `--wire-dtype`. Throws InputError for another name.
[[nodiscard]] WireDtype wire_dtype_option(const std::string& name);

/// Bytes on the wire of what takes `float32_bytes` in memory.
[[nodiscard]] constexpr std::int64_t wire_bytes(std::int64_t float32_bytes, WireDtype dtype) {
  return dtype == WireDtype::kFloat32 ? float32_bytes : float32_bytes / 2;
}

}  // namespace cadastre
