#include "planner/placement/placement_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "planner/table.h"

namespace cadastre {

namespace {

double gap(const PlacementResult& result) {
  return result.max_load_ms > 0 ? 1 - result.lower_bound_ms / result.max_load_ms : 0;
}

}  // namespace

nlohmann::json to_json(const PlacementProblem& problem, const PlacementResult& result) {
  const Placement& placement = *result.placement;
  nlohmann::json devices = nlohmann::json::array();
  for (const PlacedDevice& device : placement.devices)
    devices.push_back({{"device", device_name(device)},
                       {"load_ms", device.load_ms()},
                       {"compute_ms", device.compute_ms},
                       {"transfer_ms", device.transfer_ms},
                       {"memory_bytes", device.memory_bytes},
                       {"num_nodes", device.num_nodes}});
  nlohmann::json nodes = nlohmann::json::array();
  for (std::size_t v = 0; v < problem.nodes.size(); ++v)
    nodes.push_back({{"id", problem.nodes[v].id},
                     {"device", device_name(placement.devices[placement.device_of_node[v]])}});
  return {{"format", "cadastre-placement/1"},        {"max_load_ms", result.max_load_ms},
          {"lower_bound_ms", result.lower_bound_ms}, {"optimality_gap", gap(result)},
          {"proven_optimal", result.proven_optimal}, {"search_s", result.search_s},
          {"devices", std::move(devices)},           {"placement", std::move(nodes)}};
}

std::string summary(const PlacementResult& result) {
  std::vector<std::vector<std::string>> rows = {
      {"device", "nodes", "compute ms", "transfer ms", "load ms", "memory MB"}};
  constexpr double kMega = 1e6;
  for (const PlacedDevice& device : result.placement->devices)
    rows.push_back({device_name(device), std::to_string(device.num_nodes),
                    fixed(device.compute_ms, 3), fixed(device.transfer_ms, 3),
                    fixed(device.load_ms(), 3), fixed(device.memory_bytes / kMega, 1)});
  std::string text = text_table(rows);
  text += "\nmax load " + fixed(result.max_load_ms, 6) + " ms, ";
  if (result.proven_optimal)
    text += "proven the least possible";
  else
    text += "at least " + fixed(result.lower_bound_ms, 6) + " ms is needed (gap " +
            fixed(100 * gap(result), 2) + " %)";
  text += ", found in " + fixed(result.search_s, 3) + " s\n";
  return text;
}

std::string no_placement(const PlacementResult& result) {
  const std::string bytes = fixed(std::ceil(result.missing_bytes), 0);
  if (!result.fits_nowhere)
    return "no placement was found that fits in memory: the best lacks " + bytes +
           " bytes on its fullest accelerator; a longer --time-limit may find one";
  return "no placement fits in memory: each accelerator lacks " +
         std::string(result.proven_optimal ? "" : "up to ") + bytes + " bytes";
}

}  // namespace cadastre
