#include "executor/scene/modality_summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "executor/scene/row_strips.h"
#include "executor/scene_data.h"
#include "planner/error.h"

namespace cadastre {

namespace {

void add_value(BandSummary& band, float value) {
  if (band.num_values++ == 0) {
    band.least = band.next_least = band.next_most = band.most = value;
    band.num_least = band.num_most = 1;
    return;
  }
  if (value < band.least) {
    band.next_least = band.least;
    band.least = value;
    band.num_least = 1;
  } else if (value == band.least) {
    ++band.num_least;
  } else if (value < band.next_least || band.next_least == band.least) {
    band.next_least = value;
  }
  if (value > band.most) {
    band.next_most = band.most;
    band.most = value;
    band.num_most = 1;
  } else if (value == band.most) {
    ++band.num_most;
  } else if (value > band.next_most || band.next_most == band.most) {
    band.next_most = value;
  }
}

/// Source: Chan, Golub and LeVeque 1983.
void add_training_value(BandSummary& band, double value) {
  ++band.num_training;
  const double distance = value - band.mean;
  band.mean += distance / band.num_training;
  band.squares += distance * (value - band.mean);
}

std::string short_number(float value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", static_cast<double>(value));
  return text.data();
}

/// "1e+30 in 3 pixels and 0 to 46 elsewhere" where a value lies further from the others than ten
/// times their own range; else nothing.
std::string lonely_value(const BandSummary& band) {
  constexpr double kFarther = 10;
  const auto text = [](float value, std::int64_t count, float least, float most) {
    return short_number(value) + " in " + std::to_string(count) +
           (count == 1 ? " pixel" : " pixels") + " and " + short_number(least) + " to " +
           short_number(most) + " elsewhere";
  };
  const double above = static_cast<double>(band.most) - static_cast<double>(band.next_least);
  const double below = static_cast<double>(band.next_most) - static_cast<double>(band.least);
  const double up_to = static_cast<double>(band.most) - static_cast<double>(band.next_most);
  const double down_to = static_cast<double>(band.next_least) - static_cast<double>(band.least);
  if (below > 0 && up_to > kFarther * below)
    return text(band.most, band.num_most, band.least, band.next_most);
  if (above > 0 && down_to > kFarther * above)
    return text(band.least, band.num_least, band.next_least, band.most);
  return {};
}

}  // namespace

std::vector<BandSummary> summarise(ModalityReader& reader, const ReferenceGrid& reference,
                                   const std::vector<std::uint8_t>& part_plane, float* store) {
  const Grid& grid = reference.grid;
  const std::int64_t scale = reader.scale();
  const std::int64_t num_columns = grid.num_columns * scale;
  const std::int64_t band_size = grid.num_rows * scale * num_columns;
  std::vector<BandSummary> bands(static_cast<std::size_t>(reader.num_bands()));
  std::vector<float> values;
  for (const Window& strip : row_strips(grid, reader.num_bands() * scale * scale)) {
    const std::int64_t strip_size = strip.num_rows * scale * num_columns;
    values.resize(static_cast<std::size_t>(strip_size * reader.num_bands()));
    reader.read(strip, values.data());
    for (std::int64_t index = 0; index < reader.num_bands(); ++index) {
      BandSummary& band = bands[static_cast<std::size_t>(index)];
      const float* const of_band = values.data() + index * strip_size;
      for (std::int64_t i = 0; i < strip_size; ++i)
        if (std::isfinite(of_band[i])) add_value(band, of_band[i]);
      if (store != nullptr)
        std::copy_n(of_band, strip_size,
                    store + index * band_size + strip.row * scale * num_columns);
      if (part_plane.empty()) continue;
      for (std::int64_t row = 0; row < strip.num_rows; ++row) {
        const std::uint8_t* const parts = part_plane.data() + (strip.row + row) * grid.num_columns;
        for (std::int64_t column = 0; column < grid.num_columns; ++column) {
          if (parts[column] != static_cast<std::uint8_t>(Part::kTrain)) continue;
          for (std::int64_t y = row * scale; y < (row + 1) * scale; ++y)
            for (std::int64_t x = column * scale; x < (column + 1) * scale; ++x)
              if (const float value = of_band[y * num_columns + x]; std::isfinite(value))
                add_training_value(band, static_cast<double>(value));
        }
      }
    }
  }
  if (std::all_of(bands.begin(), bands.end(),
                  [](const BandSummary& band) { return band.num_values == 0; }))
    throw InputError(reader.modality().raster.string(), "",
                     "expected values on the grid of " + reference.from + ", found none");
  return bands;
}

BandStatistics training_statistics(const Modality& modality,
                                   const std::vector<BandSummary>& bands) {
  BandStatistics statistics;
  for (const BandSummary& band : bands) {
    if (band.num_training == 0)
      throw InputError(modality.raster.string(), "",
                       "band " + std::to_string(statistics.mean.size() + 1) +
                           ": expected values at training pixels, found none");
    const double variance = band.squares / band.num_training;
    statistics.mean.push_back(band.mean);
    statistics.stddev.push_back(variance > 0 ? std::sqrt(variance) : 1.0);
  }
  return statistics;
}

std::vector<std::string> doubtful_values(const Modality& modality,
                                         const std::vector<BandSummary>& bands,
                                         const BandStatistics& statistics) {
  constexpr double kFar = 1000;  // deviations: beyond what a network can use
  std::vector<std::string> notes;
  if (modality.kind == ModalityKind::kCategorical) return notes;
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const BandSummary& band = bands[i];
    if (band.num_values == 0) continue;
    std::string what;
    if (const std::string lonely = lonely_value(band); !lonely.empty()) {
      what = " holds " + lonely;
    } else {
      const double farthest =
          std::max(std::abs(static_cast<double>(band.most) - statistics.mean[i]),
                   std::abs(static_cast<double>(band.least) - statistics.mean[i])) /
          statistics.stddev[i];
      if (farthest < kFar) continue;
      what = " reaches " + short_number(static_cast<float>(farthest)) +
             " standard deviations from its mean";
    }
    std::string note = "band " + std::to_string(i + 1) + " of " + modality.name;
    note += what + ": a fill value that is not declared as \"nodata\"?";
    notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace cadastre
