#include "executor/predict/tile_network.h"

#include <algorithm>
#include <utility>

#include "executor/predict/kernels/tap_row.h"

namespace cadastre {

std::int64_t TileNetwork::rows_of(const ImageSet::Span& span) const {
  return num_rows_ + span.last - span.first;
}

std::int64_t TileNetwork::columns_of(const ImageSet::Span& span) const {
  return num_columns_ + span.last - span.first;
}

const float* TileNetwork::pixel(const ImageSource& source, int row_class, int column_class,
                                std::int64_t row, std::int64_t column) const {
  const auto set_index = static_cast<std::size_t>(source.set);
  const ImageSet& set = program_.sets[set_index];
  const ImageSet::Span& rows = set.rows[static_cast<std::size_t>(row_class)];
  const ImageSet::Span& columns = set.columns[static_cast<std::size_t>(column_class)];
  const Images& images = images_[set_index];
  const std::size_t begin = images.begins[static_cast<std::size_t>(row_class) * set.columns.size() +
                                          static_cast<std::size_t>(column_class)];
  return images.values.get() + begin +
         ((row - rows.first) * columns_of(columns) + column - columns.first) * set.stride +
         source.channel;
}

void TileNetwork::make_images(int set_index) {
  const ImageSet& set = program_.sets[static_cast<std::size_t>(set_index)];
  std::vector<std::size_t> begins;
  std::size_t size = 0;
  for (const ImageSet::Span& rows : set.rows)
    for (const ImageSet::Span& columns : set.columns) {
      begins.push_back(size);
      size += static_cast<std::size_t>(rows_of(rows) * columns_of(columns) * set.stride);
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

void TileNetwork::read_window(std::size_t input, const at::Tensor& given) {
  make_images(static_cast<int>(input));
  const at::Tensor window = given.stride(3) == 1 ? given : given.contiguous();
  const ImageSet& set = program_.sets[input];
  const std::int64_t scale = program_.scales[input];
  const std::int64_t line = window.stride(2);
  const std::int64_t band_size = window.stride(1);
  for (std::int64_t a = 0; a < scale; ++a)
    for (std::int64_t b = 0; b < scale; ++b) {
      Images& images = images_[input];
      float* to = images.values.get() + images.begins[static_cast<std::size_t>(a * scale + b)];
      const float* from = window.data_ptr<float>() + a * line + b;
      const std::int64_t rows = rows_of(set.rows[static_cast<std::size_t>(a)]);
      const std::int64_t columns = columns_of(set.columns[static_cast<std::size_t>(b)]);
      for (std::int64_t y = 0; y < rows; ++y, from += scale * line, to += columns * set.stride)
        for (std::int64_t band = 0; band < set.num_channels; ++band)
          for (std::int64_t x = 0; x < columns; ++x)
            to[x * set.stride + band] = from[band * band_size + x * scale];
    }
}

void TileNetwork::read_images(const PatchValue& value, const at::Tensor& images) {
  const float* from = images.data_ptr<float>();
  for (const int set : value.sets) {
    if (!images_[static_cast<std::size_t>(set)].values) make_images(set);
    const std::int64_t size = num_values(program_, {set}, num_rows_, num_columns_);
    std::copy_n(from, size, images_[static_cast<std::size_t>(set)].values.get());
    from += size;
  }
}

at::Tensor TileNetwork::images_of(const PatchValue& value) const {
  at::Tensor images =
      at::empty({num_values(program_, value.sets, num_rows_, num_columns_)}, at::kFloat);
  auto* to = images.data_ptr<float>();
  for (const int set : value.sets)
    to = std::copy_n(images_[static_cast<std::size_t>(set)].values.get(),
                     num_values(program_, {set}, num_rows_, num_columns_), to);
  return images;
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
    const float* values;          // of the first row
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
             columns_of(from.columns[static_cast<std::size_t>(of_columns)]) * from.stride});
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

  const std::int64_t height = rows_of(set.rows[row_class]);
  const std::int64_t width = columns_of(set.columns[column_class]);
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

at::Tensor TileNetwork::scores() const {
  std::int64_t num_classes = 0;
  for (const ImageSource& source : program_.scores) num_classes += source.num_channels;
  at::Tensor scores = at::empty({1, num_classes, num_rows_, num_columns_}, at::kFloat);
  auto* to = scores.data_ptr<float>();
  for (std::size_t i = 0; i < program_.scores.size(); ++i) {
    const ImageSource& source = program_.scores[i];
    const std::int64_t stride = program_.sets[static_cast<std::size_t>(source.set)].stride;
    const RowPlace& row = program_.score_rows[i];
    const RowPlace& column = program_.score_columns[i];
    for (std::int64_t channel = 0; channel < source.num_channels; ++channel)
      for (std::int64_t y = 0; y < num_rows_; ++y) {
        const float* const from =
            pixel(source, row.cls, column.cls, row.offset + y, column.offset) + channel;
        for (std::int64_t x = 0; x < num_columns_; ++x) *to++ = from[x * stride];
      }
  }
  return scores;
}

std::vector<at::Tensor> TileNetwork::forward(const std::vector<at::Tensor>& inputs,
                                             std::int64_t num_rows, std::int64_t num_columns) {
  num_rows_ = num_rows;
  num_columns_ = num_columns;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Source& source = program_.inputs[i].source;
    if (source.is_model_input)
      read_window(static_cast<std::size_t>(source.index), inputs[i]);
    else
      read_images(program_.inputs[i], inputs[i]);
  }
  for (const PatchStep& step : program_.steps) run(step);
  std::vector<at::Tensor> outputs;
  for (const PatchValue& value : program_.outputs)
    outputs.push_back(value.source.index == program_.output_layer ? scores() : images_of(value));
  for (Images& images : images_)
    if (images.values) unused_.push_back(std::move(images));
  return outputs;
}

}  // namespace cadastre
