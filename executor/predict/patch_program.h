#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "executor/network.h"
#include "executor/predict/patch_axis.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Images of the same channels, one for each class of rows and each of columns (see patch_axis.h).
struct ImageSet {
  /// Of a class: its image has as many rows more than there are pixels as `last` - `first`.
  struct Span {
    int first = 0;
    int last = 0;
  };

  std::int64_t num_channels = 0;
  std::int64_t stride = 0;  ///< floats from pixel to pixel: the channels, or padded
  std::vector<Span> rows;
  std::vector<Span> columns;
};

/// Channels of a set that are read together.
struct ImageSource {
  int set = 0;
  std::int64_t channel = 0;
  std::int64_t num_channels = 0;
};

/// How a set of images is computed from others.
struct PatchStep {
  enum class Kind {
    kWeigh,     ///< a convolution or linear layer, and what follows it
    kSum,       ///< the addends alone, and what follows them
    kGreatest,  ///< max pooling
    kMean,      ///< average pooling
  };

  Kind kind = Kind::kWeigh;
  int set = 0;
  std::vector<ImageSource> sources;  ///< what the classes' taps read
  RowClasses rows;
  RowClasses columns;

  /// Of each source: where the weights of tap (i, j) begin, [channel][output] with outputs padded.
  struct WeightBlock {
    std::int64_t begin = 0;
    std::int64_t num_columns = 0;  ///< values of j
  };

  std::vector<float> weights;
  std::vector<WeightBlock> blocks;
  std::vector<float> bias;   ///< padded; empty: none
  std::vector<float> scale;  ///< of batch norm, padded; empty: none
  std::vector<float> shift;

  std::vector<ImageSource> addends;
  /// [class][addend] where it is, relative to what is computed.
  std::vector<std::vector<RowPlace>> addend_rows;
  std::vector<std::vector<RowPlace>> addend_columns;
  bool is_rectified = false;
  std::vector<int> last_reads;  ///< sets that no later step reads
};

/// What a stage reads, or what others read of it.
struct PatchValue {
  Source source;          ///< input of the model, or layer
  std::vector<int> sets;  ///< all images of which are passed on, one set after the other
};

/// A stage of a network of patches as steps over the images of a tile: the same function of each
/// patch (up to the order of sums), with what patches have in common computed once. Batch norm is
/// as in evaluation, dropout does nothing.
///
/// Sets and the arithmetic of each value are the same however the network is divided.
struct PatchProgram {
  std::int64_t patch = 1;            ///< P
  std::vector<std::int64_t> scales;  ///< S of each input of the model
  std::vector<ImageSet> sets;        ///< the model's inputs first
  std::vector<PatchStep> steps;
  std::vector<PatchValue> inputs;   ///< in the order of the stage's
  std::vector<PatchValue> outputs;  ///< likewise
  int output_layer = 0;             ///< of the model: its scores are passed on as such
  std::vector<ImageSource> scores;  ///< one after the other: of one class of rows and columns each
  std::vector<RowPlace> score_rows;
  std::vector<RowPlace> score_columns;
};

/// Floats of all images of `sets`, for so many rows and columns of pixels.
[[nodiscard]] std::int64_t num_values(const PatchProgram& program, const std::vector<int>& sets,
                                      std::int64_t rows, std::int64_t columns);

/// Of a stage of a network that scores the patch's pixel (K), or of all of it. `layers`: the
/// stage's. `scales`: of the model's inputs. Nothing where the model combines layers in a way that
/// this cannot express: maps added to features.
[[nodiscard]] std::optional<PatchProgram> patch_program(const ModelGraph& model,
                                                        const StageNetwork& stage,
                                                        const std::vector<int>& layers,
                                                        const std::vector<std::int64_t>& scales);

/// Whether there are such programs of the model's stages.
[[nodiscard]] bool can_share_patches(const ModelGraph& model,
                                     const std::vector<std::int64_t>& scales);

}  // namespace cadastre
