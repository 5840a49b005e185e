#pragma once

#include <string>
#include <vector>

namespace cadastre::onnx_import {

/// A node as grouping sees it.
struct GroupedNode {
  std::vector<int> inputs;  ///< nodes whose outputs it reads, each below its own index
  bool reads_model_input = false;
  bool is_view = false;   ///< gives what it reads, looked at otherwise
  bool is_cheap = false;  ///< one pass over what it reads
  std::string module;     ///< path of the module that it is of, such as layer1.0.bn1; or ""
};

/// Nodes put together to layers, none of which reads another that reads it: sets of nodes, each
/// ascending, in topological order.
///
/// `together` lists sets that must be in one layer: what lies on a path between two of a set joins
/// it. The nodes of a module that holds no other module become a layer where nothing else lies
/// between them. Views join what they look at; cheap nodes what they read, where nobody else reads
/// that.
[[nodiscard]] std::vector<std::vector<int>> group_nodes(
    const std::vector<GroupedNode>& nodes, const std::vector<std::vector<int>>& together);

}  // namespace cadastre::onnx_import
