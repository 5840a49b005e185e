#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "executor/torchscript/lifted_graph.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Lifts a module's forward out of its modules, by trying it with random samples of the inputs'
/// shapes (in the order of forward's arguments) in two batches at once: branches and loops that
/// constants and shapes decide are followed, numbers that follow from shapes become constants or
/// multiples of the number of samples, lists and tuples are taken apart. What depends on the values
/// of tensors stays as it is.
///
/// It is training's forward: `training` is true for all modules, and what tells batch norm and
/// dropout so is left to the mode of each pass. A traced module has no such flags: there all of its
/// batch norms and dropouts follow the mode.
///
/// Throws InputError in the name of `file` for inputs that do not fit and what cannot be lifted,
/// with the operation, its place in the Python source and what to do.
[[nodiscard]] LiftedGraph lift(const torch::jit::Module& module,
                               const std::vector<ModelInput>& inputs, const std::string& file);

}  // namespace cadastre
