#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "planner/device.h"
#include "planner/onnx/shapes.h"
#include "planner/profile.h"

namespace cadastre::onnx_import {

struct OnnxImport {
  Profile profile;
  std::int64_t num_nodes = 0;           ///< that compute on the model's inputs
  double product_flops_per_sample = 0;  ///< forward, of convolutions and matrix products alone
  double forward_flops_per_sample = 0;  ///< of everything
  double backward_flops_per_sample = 0;
  std::vector<std::string> notes;  ///< sentences about what is not as the file has it
};

/// The profile of an ONNX model on a device's roofline (`roofline.h`), to be planned and simulated.
/// Its layers (`groups.h`) are `Profiled`: each costs what its nodes do, one after the other, and
/// gives, as one tensor, what other layers read of it. Layers that share a weight are one.
///
/// What training does is what follows from the graph: gradients for all weights and what depends
/// on them. What a layer keeps until its backward pass is what LibTorch would (`node_work.h`).
///
/// Several outputs are joined by a last layer that costs nothing. Throws InputError as
/// `read_model_file`, `infer_shapes` and `work_graph` do.
///
/// Not modelled: updates of batch-norm statistics; dropout that the exporter has left out; that
/// each reader of a layer with several results may need but one of them.
[[nodiscard]] OnnxImport import_model(const std::filesystem::path& file, const Device& device,
                                      const std::vector<InputShape>& given);

}  // namespace cadastre::onnx_import
