#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "planner/pipedream/weighted_graph.h"

namespace cadastre::pipedream {

/// A node of a profile that PipeDream's profiler wrote, measured at a mini-batch of its own.
struct GraphNode {
  std::string id;
  std::string description;  ///< such as `Conv2d(3, 64, kernel_size=(3, 3))`
  double forward_s = 0;
  double backward_s = 0;
  double activation_bytes = 0;  ///< of the whole mini-batch; the sum over its outputs
  double parameter_bytes = 0;
  std::vector<int> inputs;  ///< the nodes that it reads, ascending, each once
  bool operator==(const GraphNode&) const = default;
};

/// A `graph.txt` (github.com/msr-fiddle/pipedream, graph/graph.py). A line a node:
///
///     ID -- DESCRIPTION -- forward_compute_time=MS, backward_compute_time=MS,
///     activation_size=BYTES, parameter_size=BYTES
///
/// (on one line), where the activations of several outputs are `[BYTES; BYTES]`; then, if a plan
/// was made, ` -- stage_id=N`, which is not kept. A line an edge: a tab and `ID -- ID`. Empty lines
/// mean nothing.
struct GraphFile {
  std::vector<GraphNode> nodes;  ///< in the order of their lines
  bool operator==(const GraphFile&) const = default;
};

/// Reads it strictly: throws InputError, whose pointer is `line N`, for anything else than the
/// above, numbers that are negative or not finite, an id used twice, an edge of an unknown node and
/// a cycle.
[[nodiscard]] GraphFile read_graph_file(const std::filesystem::path& file);

/// The same of a file's content; `name` is what errors call it.
[[nodiscard]] GraphFile parse_graph_file(const std::string& text, const std::string& name);

/// Whether the node stands for an input of the model: it reads nothing and is called Input….
[[nodiscard]] bool is_input(const GraphNode& node);

/// For each node, whether planning ignores it, as PipeDream's optimizer does: inputs and outputs of
/// a node that nobody reads (`__getitem__`).
[[nodiscard]] std::vector<bool> ignored_nodes(const GraphFile& graph);

/// What PipeDream's rule looks at. Ignored nodes are left in, without weight.
[[nodiscard]] WeightedGraph weighted_graph(const GraphFile& graph);

}  // namespace cadastre::pipedream
