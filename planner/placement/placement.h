#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/placement/placement_problem.h"

namespace cadastre {

enum class DeviceKind : std::uint8_t { kAccelerator, kCpu };

/// A device that has nodes, and what they cost it.
struct PlacedDevice {
  DeviceKind kind = DeviceKind::kAccelerator;
  std::size_t number = 1;  ///< among those of its kind, from 1 on
  double compute_ms = 0;
  double transfer_ms = 0;  ///< 0 on a CPU
  double memory_bytes = 0;
  std::size_t num_nodes = 0;

  [[nodiscard]] double load_ms() const { return compute_ms + transfer_ms; }

  bool operator==(const PlacedDevice&) const = default;
};

/// `accelerator2`, `cpu1`.
[[nodiscard]] std::string device_name(const PlacedDevice& device);

/// An answer to a placement problem.
struct Placement {
  std::vector<PlacedDevice> devices;  ///< in the order of the forward pass
  std::vector<std::size_t> device_of_node;

  bool operator==(const Placement&) const = default;
};

[[nodiscard]] double max_load_ms(const Placement& placement);

/// The placement of each node on the device of `kinds` that `device_of_node` names, with its loads
/// worked out from the problem. Devices without nodes are left out.
[[nodiscard]] Placement evaluate_placement(const PlacementProblem& problem,
                                           const std::vector<DeviceKind>& kinds,
                                           const std::vector<std::size_t>& device_of_node);

}  // namespace cadastre
