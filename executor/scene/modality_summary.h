#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/scene/modality_reader.h"
#include "planner/normalization.h"

namespace cadastre {

/// The values of one band of a modality on the reference grid, those that are missing not counted.
struct BandSummary {
  std::int64_t num_values = 0;

  // The least value and the next that differs from it, and so from above.
  float least = 0;
  float next_least = 0;
  float next_most = 0;
  float most = 0;
  std::int64_t num_least = 0;
  std::int64_t num_most = 0;

  // Of training pixels: mean, and sum of squared distances from it.
  double num_training = 0;
  double mean = 0;
  double squares = 0;
};

/// Reads a whole modality strip by strip. `part_plane`, (R, C), a `Part` each, says which pixels
/// train; empty when none do. Raw values go to `store`, (B, R·S, C·S), unless it is null. Throws
/// InputError when a block cannot be read, or no pixel of the modality has a value.
[[nodiscard]] std::vector<BandSummary> summarise(ModalityReader& reader,
                                                 const ReferenceGrid& reference,
                                                 const std::vector<std::uint8_t>& part_plane,
                                                 float* store);

/// Mean and deviation of the training pixels. Throws InputError naming the band that has none.
[[nodiscard]] BandStatistics training_statistics(const Modality& modality,
                                                 const std::vector<BandSummary>& bands);

/// What looks like a fill value that was not declared: one that lies far from all others, or many
/// deviations from the mean.
[[nodiscard]] std::vector<std::string> doubtful_values(const Modality& modality,
                                                       const std::vector<BandSummary>& bands,
                                                       const BandStatistics& statistics);

}  // namespace cadastre
