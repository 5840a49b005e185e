#include "executor/predict/tile_network.h"

#include <algorithm>
#include <utility>

#include "executor/predict/kernels/tap_row.h"

namespace cadastre {

namespace {

/// Rows of a tile that are computed together: few enough for what is computed of them to stay near
/// the processor, many enough for what their patches share.
constexpr std::int64_t kStripRows = 16;

}  // namespace

std::int64_t TileNetwork::num_rows(const ImageSet::Span& span) const {
  return strip_rows_ + span.last - span.first;
}

std::int64_t TileNetwork::num_columns(const ImageSet::Span& span) const {
  return strip_columns_ + span.last - span.first;
}

const float* TileNetwork::pixel(const ImageSource& source, int row_class, int column_class,
                                std::int64_t row, std::int64_t column) const {
  const auto set_index = static_cast<std::size_t>(source.set);
  const ImageSet& set = program_.sets[set_index];
  const ImageSet::Span& rows = set.rows[static_cast<std::size_t>(row_class)];
  const ImageSet::Span& columns = set.columns[static_cast<std::size_t>(column_class)];
  const Images& images = images_[set_index];
  const std::size_t begin =
      images.begins[static_cast<std::size_t>(row_class) * set.columns.size() +
                    static_cast<std::size_t>(column_class)];
  return images.values.get() + begin +
         ((row - rows.first) * num_columns(columns) + column - columns.first) * set.stride +
         source.channel;
}

void TileNetwork::make_images(int set_index) {
  const ImageSet& set = program_.sets[static_cast<std::size_t>(set_index)];
  std::vector<std::size_t> begins;
  std::size_t size = 0;
  for (const ImageSet::Span& rows : set.rows)
    for (const ImageSet::Span& columns : set.columns) {
      begins.push_back(size);
      size += static_cast<std::size_t>(num_rows(rows) * num_columns(columns) * set.stride);
    }
  size += kChannelBlock;  // whole blocks are read from any channel on
  // The smallest that is large enough, or else the largest anew.
  std::sort(unused_.begin(), unused_.end(),
            [](const Images& a, const Images& b) { return a.capacity < b.capacity; });
  auto found = std::find_if(unused_.begin(), unused_.end(),
                            [&](const Images& images) { return images.capacity >= size; });
  Images images;
  if (found == unused_.end() && !unused_.empty()) found = std::prev(unused_.end());
  if (found != unused_.end()) {
    images = std::move(*found);
    unused_.erase(found);
  }
  if (images.capacity < size) {
    images.values.reset();
    images.values = std::make_unique<float[]>(size);
    images.capacity = size;
  }
  images.begins = std::move(begins);
  images_[static_cast<std::size_t>(set_index)] = std::move(images);
}

void TileNetwork::fill_input(std::size_t input, const at::Tensor& window, std::int64_t first_row) {
  make_images(static_cast<int>(input));
  const ImageSet& set = program_.sets[input];
  const std::int64_t scale = program_.scales[input];
  const std::int64_t line = window.size(3);
  const std::int64_t band_size = window.size(2) * line;
  const float* const values = window.data_ptr<float>();
  for (std::int64_t a = 0; a < scale; ++a)
    for (std::int64_t b = 0; b < scale; ++b) {
      Images& images = images_[input];
      float* to = images.values.get() + images.begins[static_cast<std::size_t>(a * scale + b)];
      const std::int64_t rows = num_rows(set.rows[static_cast<std::size_t>(a)]);
      const std::int64_t columns = num_columns(set.columns[static_cast<std::size_t>(b)]);
      for (std::int64_t y = 0; y < rows; ++y, to += columns * set.stride)
        for (std::int64_t band = 0; band < set.num_channels; ++band) {
          const float* const from =
              values + band * band_size + ((first_row + y) * scale + a) * line + b;
          for (std::int64_t x = 0; x < columns; ++x) to[x * set.stride + band] = from[x * scale];
        }
    }
}

void TileNetwork::compute_class(const PatchStep& step, std::size_t row_class,
                                std::size_t column_class) {
  const TapKernel& kernel = tap_kernel();
  const auto set_index = static_cast<std::size_t>(step.set);
  const ImageSet& set = program_.sets[set_index];
  const RowClass& rows = step.rows.classes[row_class];
  const RowClass& columns = step.columns.classes[column_class];
  const bool is_pool =
      step.kind == PatchStep::Kind::kGreatest || step.kind == PatchStep::Kind::kMean;

  struct Read {
    const float* values;        // of the first row
    std::int64_t row_stride = 0;  // floats from row to row
  };

  std::vector<Read> reads;
  std::vector<Tap> taps;
  std::vector<Addend> addends;
  const auto read = [&](const ImageSource& source, int of_rows, int of_columns, int row,
                        int column) {
    const ImageSet& from = program_.sets[static_cast<std::size_t>(source.set)];
    reads.push_back(
        {.values = pixel(source, of_rows, of_columns, rows.first + row, columns.first + column),
         .row_stride =
             num_columns(from.columns[static_cast<std::size_t>(of_columns)]) * from.stride});
    return static_cast<int>(from.stride);
  };
  for (const RowTap& down : rows.taps)
    for (const RowTap& right : columns.taps) {
      if (step.kind == PatchStep::Kind::kSum || down.source != right.source) continue;
      const auto index = static_cast<std::size_t>(down.source);
      ImageSource source = step.sources[index];
      if (is_pool) source.channel = 0;
      const int stride = read(source, down.cls, right.cls, down.offset, right.offset);
      if (is_pool) continue;
      const PatchStep::WeightBlock& block = step.blocks[index];
      const std::int64_t begin = block.begin + (down.tap * block.num_columns + right.tap) *
                                                   source.num_channels * set.stride;
      taps.push_back({.values = nullptr,
                      .weights = step.weights.data() + begin,
                      .channels = static_cast<int>(source.num_channels),
                      .stride = stride});
    }
  for (std::size_t i = 0; i < step.addends.size(); ++i) {
    const RowPlace& down = step.addend_rows[row_class][i];
    const RowPlace& right = step.addend_columns[column_class][i];
    addends.push_back(
        {.values = nullptr,
         .stride = read(step.addends[i], down.cls, right.cls, down.offset, right.offset)});
  }

  const std::int64_t height = num_rows(set.rows[row_class]);
  const std::int64_t width = num_columns(set.columns[column_class]);
  float* out = images_[set_index].values.get() +
               images_[set_index].begins[row_class * set.columns.size() + column_class];
  if (is_pool) {
    std::vector<const float*> pooled(reads.size());
    for (std::int64_t y = 0; y < height; ++y, out += width * set.stride) {
      for (std::size_t i = 0; i < reads.size(); ++i)
        pooled[i] = reads[i].values + y * reads[i].row_stride;
      const PoolRow row{.rows = pooled.data(),
                        .num_rows = static_cast<int>(pooled.size()),
                        .num_values = static_cast<int>(width * set.stride),
                        .out = out};
      (step.kind == PatchStep::Kind::kGreatest ? kernel.greatest : kernel.mean)(row);
    }
    return;
  }
  const auto values_or_null = [](const std::vector<float>& values) {
    return values.empty() ? nullptr : values.data();
  };
  TapRow row{.taps = taps.data(),
             .num_taps = static_cast<int>(taps.size()),
             .num_pixels = static_cast<int>(width),
             .num_outputs = static_cast<int>(set.stride),
             .out_stride = static_cast<int>(set.stride),
             .bias = values_or_null(step.bias),
             .scale = values_or_null(step.scale),
             .shift = values_or_null(step.shift),
             .is_rectified = step.is_rectified};
  for (std::int64_t y = 0; y < height; ++y, out += width * set.stride) {
    std::size_t next = 0;
    for (Tap& tap : taps) {
      tap.values = reads[next].values + y * reads[next].row_stride;
      ++next;
    }
    for (Addend& addend : addends) {
      addend.values = reads[next].values + y * reads[next].row_stride;
      ++next;
    }
    const bool starts = step.kind == PatchStep::Kind::kSum && !addends.empty();
    // Batch norm's scale is of what it is given: of the one addend that there is then.
    if (starts) row.start = addends.front();
    row.addends = addends.data() + (starts ? 1 : 0);
    row.num_addends = static_cast<int>(addends.size()) - (starts ? 1 : 0);
    row.out = out;
    kernel.compute(row);
  }
}

void TileNetwork::run(const PatchStep& step) {
  make_images(step.set);
  for (std::size_t a = 0; a < step.rows.classes.size(); ++a)
    for (std::size_t b = 0; b < step.columns.classes.size(); ++b) compute_class(step, a, b);
  for (const int set : step.last_reads)
    unused_.push_back(std::move(images_[static_cast<std::size_t>(set)]));
}

void TileNetwork::score_strip(const std::vector<at::Tensor>& windows, std::int64_t first_row,
                              at::Tensor& scores) {
  for (std::size_t input = 0; input < windows.size(); ++input)
    fill_input(input, windows[input], first_row);
  for (const PatchStep& step : program_.steps) run(step);
  const std::int64_t plane = scores.size(2) * scores.size(3);
  float* to = scores.data_ptr<float>() + first_row * strip_columns_;
  for (std::size_t i = 0; i < program_.scores.size(); ++i) {
    const ImageSource& source = program_.scores[i];
    const std::int64_t stride = program_.sets[static_cast<std::size_t>(source.set)].stride;
    const RowPlace& row = program_.score_rows[i];
    const RowPlace& column = program_.score_columns[i];
    for (std::int64_t channel = 0; channel < source.num_channels; ++channel, to += plane)
      for (std::int64_t y = 0; y < strip_rows_; ++y) {
        const float* const from =
            pixel(source, row.cls, column.cls, row.offset + y, column.offset) + channel;
        for (std::int64_t x = 0; x < strip_columns_; ++x)
          to[y * strip_columns_ + x] = from[x * stride];
      }
  }
  for (Images& images : images_)
    if (images.values) unused_.push_back(std::move(images));
}

at::Tensor TileNetwork::forward(const std::vector<at::Tensor>& windows) {
  const std::int64_t border = program_.patch - 1;
  const std::int64_t num_rows = windows.front().size(2) / program_.scales.front() - border;
  strip_columns_ = windows.front().size(3) / program_.scales.front() - border;
  std::int64_t num_classes = 0;
  for (const ImageSource& source : program_.scores) num_classes += source.num_channels;
  at::Tensor scores = at::empty({1, num_classes, num_rows, strip_columns_}, at::kFloat);
  images_.resize(program_.sets.size());
  std::vector<at::Tensor> contiguous;
  for (const at::Tensor& window : windows) contiguous.push_back(window.contiguous());
  for (std::int64_t row = 0; row < num_rows; row += kStripRows) {
    strip_rows_ = std::min(kStripRows, num_rows - row);
    score_strip(contiguous, row, scores);
  }
  return scores;
}

}  // namespace cadastre
