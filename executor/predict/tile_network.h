#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "executor/predict/patch_program.h"

namespace cadastre {

/// Scores every pixel of a tile with a network of patches, several times faster than patch by patch:
/// patches that overlap share what they have in common, exactly. Scores are those of the network in
/// evaluation mode up to the order of sums, and do not depend on the tile that a pixel lies in.
/// Runs on the calling thread alone; of one thread at a time, as it keeps its memory.
class TileNetwork {
 public:
  /// `program` outlives it.
  explicit TileNetwork(const PatchProgram& program) : program_(program) {}

  /// (1, K, h, w) for the tile's windows, one per input of the model: (1, B, (h + P - 1)·S,
  /// (w + P - 1)·S), the first patch at the first pixel.
  [[nodiscard]] at::Tensor forward(const std::vector<at::Tensor>& windows);

 private:
  struct Images {
    std::unique_ptr<float[]> values;
    std::size_t capacity = 0;
    std::vector<std::size_t> begins;  // [row class][column class]
  };

  void score_strip(const std::vector<at::Tensor>& windows, std::int64_t first_row,
                   at::Tensor& scores);
  void fill_input(std::size_t input, const at::Tensor& window, std::int64_t first_row);
  void run(const PatchStep& step);
  void compute_class(const PatchStep& step, std::size_t row_class, std::size_t column_class);
  void make_images(int set);
  [[nodiscard]] std::int64_t num_rows(const ImageSet::Span& span) const;
  [[nodiscard]] std::int64_t num_columns(const ImageSet::Span& span) const;
  /// The pixel of a class's image at a row and column offset, for row `y` of the strip.
  [[nodiscard]] const float* pixel(const ImageSource& source, int row_class, int column_class,
                                   std::int64_t row, std::int64_t column) const;

  const PatchProgram& program_;
  std::int64_t strip_rows_ = 0;    // h of the strip
  std::int64_t strip_columns_ = 0;  // w
  std::vector<Images> images_;      // of each set
  std::vector<Images> unused_;
};

}  // namespace cadastre
