#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "executor/predict/patch_program.h"

namespace cadastre {

/// A stage of a network of patches, for all pixels of a strip of a tile: several times faster than
/// patch by patch, as patches that overlap share what they have in common, exactly. Scores are
/// those of the network in evaluation mode up to the order of sums, and do not depend on the strip
/// that a pixel lies in, nor on the network's division. Computes in the calling thread; for one at
/// a time.
class TileNetwork {
 public:
  /// `program` outlives it.
  explicit TileNetwork(const PatchProgram& program)
      : program_(program), images_(program.sets.size()) {}

  /// Outputs in the order of the stage's, for inputs in that order and h x w pixels. An input of
  /// the model is the strip's window, (1, B, (h + P - 1)·S, (w + P - 1)·S), the first patch at its
  /// first pixel; its output the scores, (1, K, h, w). Between stages go images (n), see
  /// `num_values`.
  [[nodiscard]] std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                                std::int64_t num_rows, std::int64_t num_columns);

 private:
  struct Images {
    std::unique_ptr<float[]> values;
    std::size_t capacity = 0;
    std::vector<std::size_t> begins;  // [row class][column class]
  };

  void read_window(std::size_t input, const at::Tensor& window);
  void read_images(const PatchValue& value, const at::Tensor& images);
  [[nodiscard]] at::Tensor images_of(const PatchValue& value) const;
  [[nodiscard]] at::Tensor scores() const;
  void run(const PatchStep& step);
  void compute_class(const PatchStep& step, std::size_t row_class, std::size_t column_class);
  void make_images(int set);
  [[nodiscard]] std::int64_t rows_of(const ImageSet::Span& span) const;
  [[nodiscard]] std::int64_t columns_of(const ImageSet::Span& span) const;
  /// A pixel of the image of a class of rows and one of columns.
  [[nodiscard]] const float* pixel(const ImageSource& source, int row_class, int column_class,
                                   std::int64_t row, std::int64_t column) const;

  const PatchProgram& program_;
  std::int64_t num_rows_ = 0;     // h
  std::int64_t num_columns_ = 0;  // w
  std::vector<Images> images_;    // of each set
  std::vector<Images> unused_;
};

}  // namespace cadastre
