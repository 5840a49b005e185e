#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// A plan as it serves inference: work comes in pieces (a tile of a map), each takes one route
/// through the stages, and is computed whole by one replica of each. So what is computed together
/// does not depend on the plan, nor do the bits that come out. (In training, replicas share every
/// micro-batch.)
struct InferenceProgram {
  /// A host with its stages, ascending.
  struct Rank {
    std::string host;
    int host_index = 0;  ///< in the cluster
    std::vector<int> stages;
    bool operator==(const Rank&) const = default;
  };

  /// Who computes a stage, each its part of the pieces.
  struct Stage {
    std::vector<int> ranks;
    std::vector<double> shares;  ///< they sum to 1
    bool operator==(const Stage&) const = default;
  };

  std::vector<Rank> ranks;          ///< numbered as those of the plan's `Program`
  std::vector<Stage> stages;        ///< in a topological order
  std::vector<int> stage_of_layer;  ///< [index in the model]
  bool operator==(const InferenceProgram&) const = default;

  /// Whether pieces pass between ranks; otherwise every rank holds the whole network.
  [[nodiscard]] bool is_divided() const { return stages.size() > 1; }

  [[nodiscard]] int stage_of(int layer) const {
    return stage_of_layer[static_cast<std::size_t>(layer)];
  }

  /// Ascending.
  [[nodiscard]] std::vector<int> layers_of(int stage) const;
};

/// Lowers a checked plan (see `check_plan`) for inference.
[[nodiscard]] InferenceProgram lower_for_inference(const Plan& plan, const ModelGraph& model,
                                                   const Cluster& cluster);

/// [stage] the rank that computes a piece of this number: shares are kept over any run of
/// consecutive numbers as near as can be (van der Corput's sequence of base 2).
[[nodiscard]] std::vector<int> route(const InferenceProgram& program, std::int64_t piece);

/// The inputs of the model (indices, ascending) that a rank's stages read.
[[nodiscard]] std::vector<int> rank_inputs(const InferenceProgram& program, const ModelGraph& model,
                                           int rank);

/// The ranks of a route that have something to say of its piece, ascending: those that read inputs
/// for it, and the one that computes the model's output.
[[nodiscard]] std::vector<int> reporting_ranks(const InferenceProgram& program,
                                               const ModelGraph& model,
                                               const std::vector<int>& route);

/// Samples per second of inference in batches of `batch_size`, by the cost model, once the pipeline
/// is full. Not modelled: that a replica takes whole batches, which moves no more and no less.
[[nodiscard]] double predicted_inference_samples_per_s(const Plan& plan, const Profile& profile,
                                                       const Cluster& cluster,
                                                       std::int64_t batch_size);

}  // namespace cadastre
