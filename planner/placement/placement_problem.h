#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "planner/json_reader.h"

namespace cadastre {

/// A layer or an operator of the network.
struct PlacementNode {
  std::int64_t id = 0;
  double accelerator_ms = 0;  ///< `fpgaLatency`
  double cpu_ms = 0;          ///< `cpuLatency`
  double size_bytes = 0;      ///< memory it takes on an accelerator
  /// To move its output between an accelerator and host memory, once for each accelerator that
  /// sends or receives it. 0 when nothing reads the output.
  double transfer_ms = 0;
  bool is_backward = false;
  bool runs_on_accelerator = true;    ///< `supportedOnFpga`
  std::optional<std::int64_t> color;  ///< nodes of one colour share a device

  bool operator==(const PlacementNode&) const = default;
};

/// By index in `PlacementProblem::nodes`.
struct PlacementEdge {
  std::size_t source = 0;
  std::size_t target = 0;

  bool operator==(const PlacementEdge&) const = default;
};

/// The max-load placement problem of Tarnawski et al., "Efficient Algorithms for Device Placement
/// of DNN Graph Operators", NeurIPS 2020, section 5: put every node on one of k identical
/// accelerators or on a CPU so that the greatest load is least.
///
/// - The load of an accelerator is the `accelerator_ms` of its nodes, and the `transfer_ms` of each
///   of its nodes that another device reads and of each node elsewhere that it reads, once each.
///   The load of a CPU is the `cpu_ms` of its nodes; it pays for no transfer.
/// - The `size_bytes` on an accelerator are at most `accelerator_bytes`.
/// - The devices can be put in an order in which no edge between forward nodes goes back, so that
///   each has a contiguous piece of the forward pass. A backward node whose colour has no forward
///   node takes its place in that order from the mirror image of its edges. Both as the authors'
///   dynamic programme has it.
/// - The backward nodes of each device are contiguous: no path leaves them and comes back.
struct PlacementProblem {
  std::int64_t num_accelerators = 1;  ///< k
  std::int64_t num_cpus = 0;
  double accelerator_bytes = 0;
  std::vector<PlacementNode> nodes;
  std::vector<PlacementEdge> edges;

  bool operator==(const PlacementProblem&) const = default;
};

/// Reads the format of github.com/msr-fiddle/dnn-partitioning (`throughput-inputs`); keys that it
/// does not know are left alone, as the authors' files carry many. Throws InputError.
[[nodiscard]] PlacementProblem placement_problem_from_json(const JsonPlace& place);
[[nodiscard]] PlacementProblem read_placement_problem(const std::filesystem::path& file);
[[nodiscard]] nlohmann::json to_json(const PlacementProblem& problem);

}  // namespace cadastre
