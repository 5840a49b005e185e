#include "executor/predict/tile_pool.h"

#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "executor/predict/tile_network.h"

namespace cadastre {

TilePool::TilePool(const ModelGraph& model, StageNetwork& network, WindowSource source,
                   const TileScoring& scoring, int num_threads)
    : network_(network),
      source_(std::move(source)),
      scoring_(scoring),
      asked_(std::numeric_limits<std::size_t>::max()),
      read_(static_cast<std::size_t>(num_threads)),
      done_(std::numeric_limits<std::size_t>::max()) {
  if (scoring_.shares_patches) {
    std::vector<int> layers(model.layers.size());
    std::iota(layers.begin(), layers.end(), 0);
    program_ = patch_program(model, network, layers, scoring_.scales);
  }
  // One reads for about as many computing threads as keep its pace.
  constexpr int kThreadsPerReader = 8;
  for (int i = 0; i < (num_threads + kThreadsPerReader - 1) / kThreadsPerReader; ++i)
    threads_.emplace_back([this] { read_tiles(); });
  for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { score_tiles(); });
}

TilePool::~TilePool() {
  // Whoever waits is to end, whether all was done or not.
  const std::exception_ptr ended = std::make_exception_ptr(std::runtime_error("ended"));
  asked_.fail(ended);
  read_.fail(ended);
  done_.fail(ended);
}

void TilePool::fail() {
  const std::exception_ptr failure = std::current_exception();
  asked_.fail(failure);
  read_.fail(failure);
  done_.fail(failure);
}

void TilePool::read_tiles() {
  try {
    const std::unique_ptr<WindowReader> reader = source_.open();
    while (const std::optional<std::int64_t> index = asked_.pop()) {
      ReadTile read{.tile = tile_of(scoring_.tiles, *index), .values = {}};
      reader->read(read.tile.window, read.values);
      read_.push(std::move(read));
    }
  } catch (...) {
    fail();
  }
}

void TilePool::score_tiles() {
  try {
    const at::NoGradGuard no_grad;
    std::optional<TileNetwork> together;
    if (program_) together.emplace(*program_);
    std::vector<at::Tensor> inputs;
    while (std::optional<ReadTile> read = read_.pop()) {
      const Tile& tile = read->tile;
      TileScores scores;
      scores.tile = tile.index;
      scores.has_data = extent_mask(tile, read->values.has_data);
      const bool has_any = std::any_of(scores.has_data.begin(), scores.has_data.end(),
                                       [](std::uint8_t has) { return has != 0; });
      const std::int64_t units = has_any ? num_units(scoring_, tile) : 0;
      for (std::int64_t unit = 0; unit < units; ++unit) {
        inputs.clear();
        for (const Source& source : network_.inputs()) {
          const auto input = static_cast<std::size_t>(source.index);
          inputs.push_back(unit_input(scoring_, tile, unit, input, read->values.inputs[input]));
        }
        const UnitSize size = unit_size(scoring_, tile, unit);
        const std::vector<at::Tensor> outputs =
            together ? together->forward(inputs, size.num_rows, size.num_columns)
                     : network_.forward(inputs, {.mode = ForwardMode::kEvaluation,
                                                 .samples = {.begin = 0,
                                                             .end = inputs.front().size(0)}});
        add_unit_scores(scoring_, tile, unit, outputs.front(), scores.probabilities);
      }
      done_.push(std::move(scores));
    }
  } catch (...) {
    fail();
  }
}

}  // namespace cadastre
