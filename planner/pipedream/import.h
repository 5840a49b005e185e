#pragma once

#include <cstdint>
#include <string>

#include "planner/pipedream/graph_file.h"
#include "planner/profile.h"

namespace cadastre::pipedream {

/// The profile as cadastre has it. The mini-batch that was measured counts as `batch_size` samples:
/// seconds are of so many, and activation bytes are divided by it, rounded up to whole elements.
///
/// Every node becomes a layer that only its measurements describe (`Profiled`), and every node
/// called Input… a model input. What a layer keeps for its backward pass is not in the file: its
/// own output is taken. Nodes of the kind `__getitem__` that nobody reads are left out, as are
/// inputs. What a model must have in cadastre is added: a layer that reads nothing gets a model
/// input of one element, and when several layers are read by nobody, a last layer that costs
/// nothing reads them all and is the output.
///
/// `file` names the graph in errors, and its stem the model. Throws InputError when no layer is
/// left or a size exceeds what a profile may hold.
[[nodiscard]] Profile import_profile(const GraphFile& graph, std::int64_t batch_size,
                                     const std::string& file);

}  // namespace cadastre::pipedream
