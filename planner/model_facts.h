#pragma once

#include <cstdint>
#include <vector>

#include "planner/model_graph.h"
#include "planner/wire_dtype.h"

namespace cadastre {

/// A checked model by numbers: what lowering, costs and search ask of it over and over.
struct ModelFacts {
  std::vector<std::vector<int>> reads;         ///< [layer] layers whose output it reads, ascending
  std::vector<std::vector<int>> read_by;       ///< [layer] layers that read its output, ascending
  std::vector<std::vector<int>> inputs;        ///< [layer] model inputs it reads, ascending
  std::vector<char> has_gradient;              ///< [layer] see `layers_with_gradient`
  std::vector<std::int64_t> activation_bytes;  ///< [layer] of the output, per sample
  std::vector<std::int64_t> parameter_bytes;   ///< [layer]
  std::vector<std::int64_t> statistics_bytes;  ///< [layer] see `statistics_bytes`
  std::vector<std::int64_t> running_statistics_bytes;  ///< [layer] likewise
  std::vector<std::int64_t> input_bytes;               ///< [model input] per sample
  int output = 0;                                      ///< layer that gives the class scores
  std::int64_t granularity = 1;                        ///< `ModelGraph::batch_norm_group_samples`

  [[nodiscard]] std::size_t num_layers() const { return reads.size(); }

  /// What a layer adds to the reductions of a step, on the wire: its gradients, and the sums of its
  /// batch statistics.
  [[nodiscard]] std::int64_t reduced_bytes(std::size_t layer, WireDtype dtype) const {
    return wire_bytes(parameter_bytes[layer], dtype) + statistics_bytes[layer];
  }
};

/// Of the sums of a layer's batch statistics, which replicas add up beside its gradients: float64,
/// on any wire. 0 but for batch norm.
[[nodiscard]] std::int64_t statistics_bytes(const Layer& layer, std::int64_t parameter_bytes);

/// Of the running statistics that a layer of so many parameters keeps: float32. 0 but for batch
/// norm.
[[nodiscard]] std::int64_t running_statistics_bytes(const Layer& layer,
                                                    std::int64_t parameter_bytes);

/// For each layer, whether the loss has a gradient that a parameter at or before it needs.
[[nodiscard]] std::vector<bool> layers_with_gradient(const ModelGraph& model);

[[nodiscard]] ModelFacts model_facts(const ModelGraph& model);

}  // namespace cadastre
