#pragma once

// A world small enough to train in, a second or so a run: two sensors, three classes, a network
// with everything that makes a division hard, and the ways to divide it.

#include <filesystem>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre::test {

/// Samples of one step in every plan here: 12 batch-norm groups.
inline constexpr std::int64_t kBatchSize = 48;

/// Training pixels of the scene: 8 batches.
inline constexpr std::int64_t kNumTrainSamples = 384;

/// Writes DIR/{scene.json, image.tif, height.tif, labels.tif, split.tif}, `side` × `side` reference
/// pixels: the classes differ in the image's two bands (1 m) and in the height (0.5 m), under noise.
/// The first 16 rows are for training.
void write_training_scene(const std::filesystem::path& directory, int side = 24);

enum class WithDropout { kNo, kYes };

/// Two branches, a residual connection (one tensor with two readers), max-pooling, batch norm in
/// groups of four, a fused classifier of three classes.
[[nodiscard]] ModelGraph training_model(WithDropout dropout = WithDropout::kNo);

/// The same sensors and classes, every pixel of a patch of 8 × 8 scored.
[[nodiscard]] ModelGraph dense_training_model();

/// Stages that end with these layers, in the model's order, each on a host of its own.
[[nodiscard]] std::vector<Stage> pipeline_stages(const ModelGraph& model,
                                                 const std::vector<std::string>& last_layers);

/// Stages of the layers whose ids begin so, each on a host of its own; an empty beginning takes
/// what is left.
[[nodiscard]] std::vector<Stage> branch_stages(const ModelGraph& model,
                                               const std::vector<std::string>& beginnings);

/// The same stages, stage s on as many hosts as `shares[s]` has numbers.
[[nodiscard]] std::vector<Stage> with_replicas(std::vector<Stage> stages,
                                               const std::vector<std::vector<double>>& shares);

/// The same stages, stage s on the hosts of these numbers (from 1), which share it equally. A host
/// may have several.
[[nodiscard]] std::vector<Stage> on_hosts(std::vector<Stage> stages,
                                          const std::vector<std::vector<int>>& hosts);

/// The same stages, these of which keep their inputs alone from forward to backward.
[[nodiscard]] std::vector<Stage> recomputing(std::vector<Stage> stages,
                                             const std::vector<std::size_t>& which);

/// A plan with a made-up profile and five equal hosts.
[[nodiscard]] PlanDocument plan_document(const ModelGraph& model, std::vector<Stage> stages,
                                         std::int64_t micro_batches, Schedule schedule);

}  // namespace cadastre::test
