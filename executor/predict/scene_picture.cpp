#include "executor/predict/scene_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <utility>

#include "executor/gdal_support.h"
#include "executor/predict/map_files.h"
#include "executor/raster_writer.h"
#include "executor/scene/modality_reader.h"
#include "executor/scene/reference_grid.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::array<double, 3> kWavelengths_nm = {650, 560, 470};
constexpr double kFarthest_nm = 60;
/// Of many bands that say nothing, most often from 400 nm on: Sentinel-2's 4, 3 and 2 of 12.
constexpr std::array<double, 3> kPlaces = {0.3, 0.2, 0.1};
constexpr std::size_t kMostUnnamed = 4;
constexpr double kDarkest = 0.02;
constexpr double kBrightest = 0.98;

enum Rank { kGrey, kFalseColors, kByWavelength, kByName };

/// As ENVI files and some others have it: a number and its unit.
double wavelength_nm(GDALRasterBand& band) {
  const char* const text = band.GetMetadataItem("wavelength");
  if (text == nullptr) return 0;
  const double value = std::strtod(text, nullptr);
  constexpr double kLeast_nm = 100;  // what is less is in micrometres
  return value < kLeast_nm ? value * 1e3 : value;
}

BandColor color_of(GDALRasterBand& band) {
  BandColor color{.wavelength_nm = wavelength_nm(band)};
  switch (band.GetColorInterpretation()) {
    case GCI_RedBand:
      color.kind = BandColor::Kind::kRed;
      break;
    case GCI_GreenBand:
      color.kind = BandColor::Kind::kGreen;
      break;
    case GCI_BlueBand:
      color.kind = BandColor::Kind::kBlue;
      break;
    default:
      break;
  }
  return color;
}

/// Of all files' bands.
std::vector<BandColor> colors_of(const Modality& modality) {
  std::vector<fs::path> files = {modality.raster};
  files.insert(files.end(), modality.more_rasters.begin(), modality.more_rasters.end());
  std::vector<BandColor> colors;
  for (const fs::path& file : files) {
    const DatasetPtr raster = open_raster(file);
    for (int band = 1; band <= raster->GetRasterCount(); ++band)
      colors.push_back(color_of(*raster->GetRasterBand(band)));
  }
  return colors;
}

/// The modality's bands at the middle of each pixel of the picture, (3, r, c), NaN where it has no
/// value.
std::vector<float> read_picture(const Modality& modality, const ReferenceGrid& reference,
                                const Grid& size) {
  ModalityReader reader(modality, reference);
  const std::int64_t scale = reader.scale();
  const std::int64_t line = reference.grid.num_columns * scale;
  std::vector<float> row(static_cast<std::size_t>(3 * scale * line));
  std::vector<float> values(static_cast<std::size_t>(3 * size.num_rows * size.num_columns));
  for (std::int64_t y = 0; y < size.num_rows; ++y) {
    reader.read({.row = (2 * y + 1) * reference.grid.num_rows / (2 * size.num_rows),
                 .column = 0,
                 .num_rows = 1,
                 .num_columns = reference.grid.num_columns},
                row.data());
    for (std::int64_t band = 0; band < 3; ++band)
      for (std::int64_t x = 0; x < size.num_columns; ++x)
        values[static_cast<std::size_t>((band * size.num_rows + y) * size.num_columns + x)] =
            row[static_cast<std::size_t>((band * scale + scale / 2) * line +
                                         (2 * x + 1) * line / (2 * size.num_columns))];
  }
  return values;
}

/// Writes 0..255 for the values from the 2nd to the 98th percentile.
void stretch(const float* values, std::size_t num_values, std::uint8_t* bytes) {
  std::vector<float> sorted;
  std::copy_if(values, values + num_values, std::back_inserter(sorted),
               [](float value) { return !std::isnan(value); });
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  };
  const float least = at(kDarkest);
  const float most = at(kBrightest);
  const float range = most > least ? most - least : 1;
  for (std::size_t i = 0; i < num_values; ++i)
    if (!std::isnan(values[i]))
      bytes[i] = static_cast<std::uint8_t>(
          std::lround(255 * std::clamp((values[i] - least) / range, 0.0F, 1.0F)));
}

void write_stretched(const fs::path& file, const std::vector<float>& values, const Grid& size) {
  const std::size_t num_pixels = values.size() / 3;
  std::vector<std::uint8_t> bytes(4 * num_pixels);
  for (std::size_t band = 0; band < 3; ++band)
    stretch(values.data() + band * num_pixels, num_pixels, bytes.data() + band * num_pixels);
  for (std::size_t i = 0; i < num_pixels; ++i) {
    const bool has_data = !std::isnan(values[i]) && !std::isnan(values[num_pixels + i]) &&
                          !std::isnan(values[2 * num_pixels + i]);
    bytes[3 * num_pixels + i] = has_data ? 255 : 0;
  }
  const DatasetPtr picture = wrap_as_raster(size, 4, GDT_Byte, bytes.data());
  write_png(file, *picture);
}

}  // namespace

ChosenBands choose_bands(const std::vector<BandColor>& colors, const std::vector<int>& taken) {
  const auto color = [&](int band) { return colors[static_cast<std::size_t>(band - 1)]; };
  ChosenBands chosen{.bands = {}, .rank = kByName};
  constexpr std::array kKinds = {BandColor::Kind::kRed, BandColor::Kind::kGreen,
                                 BandColor::Kind::kBlue};
  for (std::size_t c = 0; c < 3; ++c)
    for (const int band : taken)
      if (chosen.bands[c] == 0 && color(band).kind == kKinds[c]) chosen.bands[c] = band;
  const auto is_complete = [&] {
    return std::find(chosen.bands.begin(), chosen.bands.end(), 0) == chosen.bands.end();
  };
  if (is_complete()) return chosen;

  chosen = {.bands = {}, .rank = kByWavelength};
  for (std::size_t c = 0; c < 3; ++c) {
    double nearest_nm = kFarthest_nm;
    for (const int band : taken) {
      const double distance_nm = std::abs(color(band).wavelength_nm - kWavelengths_nm[c]);
      if (distance_nm >= nearest_nm) continue;
      nearest_nm = distance_nm;
      chosen.bands[c] = band;
    }
  }
  if (is_complete()) return chosen;

  const std::size_t num_bands = taken.size();
  if (num_bands < 3) return {.bands = {taken[0], taken[0], taken[0]}, .rank = kGrey};
  if (num_bands <= kMostUnnamed)
    return {.bands = {taken[0], taken[1], taken[2]}, .rank = kFalseColors};
  chosen.rank = kFalseColors;
  for (std::size_t c = 0; c < 3; ++c)
    chosen.bands[c] =
        taken[static_cast<std::size_t>(std::ceil(kPlaces[c] * static_cast<double>(num_bands))) - 1];
  return chosen;
}

std::vector<PictureBands> picture_bands(const Scene& scene) {
  std::vector<std::pair<int, PictureBands>> found;
  for (std::size_t m = 0; m < scene.modalities.size(); ++m) {
    const Modality& modality = scene.modalities[m];
    if (modality.kind == ModalityKind::kCategorical) continue;
    try {
      const std::vector<BandColor> colors = colors_of(modality);
      std::vector<int> taken = modality.bands;
      if (taken.empty()) {
        taken.resize(colors.size());
        std::iota(taken.begin(), taken.end(), 1);
      }
      const auto is_there = [&](int band) {
        return band >= 1 && band <= static_cast<int>(colors.size());
      };
      if (taken.empty() || !std::all_of(taken.begin(), taken.end(), is_there)) continue;
      const ChosenBands chosen = choose_bands(colors, taken);
      found.push_back({chosen.rank, {.modality = m, .bands = chosen.bands}});
    } catch (const InputError&) {
      continue;
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& one, const auto& other) { return one.first > other.first; });
  std::vector<PictureBands> best_first;
  for (const auto& [rank, bands] : found) best_first.push_back(bands);
  return best_first;
}

bool write_scene_picture(const fs::path& file, const Scene& scene) {
  for (const PictureBands& shown : picture_bands(scene)) {
    std::vector<float> values;
    Grid size;
    try {
      const ReferenceGrid reference = reference_grid(scene);
      size = picture_size(reference.grid);
      Modality modality = scene.modalities[shown.modality];
      modality.bands = {shown.bands.begin(), shown.bands.end()};
      modality.num_bands = 3;
      values = read_picture(modality, reference, size);
    } catch (const InputError&) {
      continue;  // a modality that the network does not read
    }
    write_stretched(file, values, size);
    return true;
  }
  return false;
}

}  // namespace cadastre
