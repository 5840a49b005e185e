#include <nlohmann/json.hpp>

#include "planner/device.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/units.h"

namespace cadastre {

Device device_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "device");
  const JsonPlace name = object.at("name");
  // Beyond any machine, and such that every layer's seconds are finite.
  constexpr double kMostFlops = 1e21;
  const auto description = object.find("description");
  Device device{.name = name.string(),
                .description = description ? description->string() : "",
                .flops_per_s = object.at("flops_per_s").number(1, kMostFlops),
                .memory_bandwidth_bytes_per_s =
                    bandwidth_bytes_per_s(object.at("memory_bandwidth_bytes_per_s"))};
  if (const auto overhead = object.find("layer_overhead_s"))
    device.layer_overhead_s = duration_s(*overhead);
  object.finish();
  if (device.name.empty()) name.fail_expected("a name");
  return device;
}

Device read_device(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return device_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Device& device) {
  return {{"format", "cadastre-device/1"},
          {"name", device.name},
          {"description", device.description},
          {"flops_per_s", device.flops_per_s},
          {"memory_bandwidth_bytes_per_s", device.memory_bandwidth_bytes_per_s},
          {"layer_overhead_s", device.layer_overhead_s}};
}

}  // namespace cadastre
