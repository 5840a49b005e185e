#include "planner/placement/placement.h"

#include <algorithm>
#include <utility>

namespace cadastre {

std::string device_name(const PlacedDevice& device) {
  std::string name = device.kind == DeviceKind::kCpu ? "cpu" : "accelerator";
  name += std::to_string(device.number);
  return name;
}

double max_load_ms(const Placement& placement) {
  double most_ms = 0;
  for (const PlacedDevice& device : placement.devices)
    most_ms = std::max(most_ms, device.load_ms());
  return most_ms;
}

Placement evaluate_placement(const PlacementProblem& problem, const std::vector<DeviceKind>& kinds,
                             const std::vector<std::size_t>& device_of_node) {
  std::vector<bool> is_used(kinds.size(), false);
  for (const std::size_t device : device_of_node) is_used[device] = true;
  Placement placement;
  std::vector<std::size_t> index_of(kinds.size(), 0);
  std::size_t num_of_kind[] = {0, 0};
  for (std::size_t d = 0; d < kinds.size(); ++d) {
    if (!is_used[d]) continue;
    index_of[d] = placement.devices.size();
    placement.devices.push_back(
        {.kind = kinds[d], .number = ++num_of_kind[static_cast<std::size_t>(kinds[d])]});
  }
  for (std::size_t v = 0; v < problem.nodes.size(); ++v) {
    const std::size_t index = index_of[device_of_node[v]];
    placement.device_of_node.push_back(index);
    PlacedDevice& device = placement.devices[index];
    const PlacementNode& node = problem.nodes[v];
    device.compute_ms += device.kind == DeviceKind::kCpu ? node.cpu_ms : node.accelerator_ms;
    device.memory_bytes += node.size_bytes;
    ++device.num_nodes;
  }
  // Pairs (node, device that sends or receives its output), each once.
  std::vector<std::pair<std::size_t, std::size_t>> transfers;
  for (const PlacementEdge& edge : problem.edges) {
    const std::size_t from = placement.device_of_node[edge.source];
    const std::size_t to = placement.device_of_node[edge.target];
    if (from == to) continue;
    transfers.emplace_back(edge.source, from);
    transfers.emplace_back(edge.source, to);
  }
  std::sort(transfers.begin(), transfers.end());
  transfers.erase(std::unique(transfers.begin(), transfers.end()), transfers.end());
  for (const auto& [node, device] : transfers)
    if (placement.devices[device].kind == DeviceKind::kAccelerator)
      placement.devices[device].transfer_ms += problem.nodes[node].transfer_ms;
  return placement;
}

}  // namespace cadastre
