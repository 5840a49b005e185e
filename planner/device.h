#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cadastre {

class JsonPlace;

/// `cadastre-device/1`: a machine as a roofline (Williams, Waterman and Patterson 2009): a layer
/// takes as long as its operations at `flops_per_s` or its bytes at `memory_bandwidth_bytes_per_s`,
/// whichever is longer, and `layer_overhead_s` on top. Rates are those that a good kernel attains,
/// not those of the data sheet.
struct Device {
  std::string name;
  std::string description;
  double flops_per_s = 1;
  double memory_bandwidth_bytes_per_s = 1;
  double layer_overhead_s = 0;  ///< of starting a layer's pass, whatever its size
  bool operator==(const Device&) const = default;
};

[[nodiscard]] Device read_device(const std::filesystem::path& file);
[[nodiscard]] Device device_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const Device& device);

}  // namespace cadastre
