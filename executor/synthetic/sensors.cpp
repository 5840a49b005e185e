#include "executor/synthetic/sensors.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "executor/synthetic/materials.h"
#include "executor/synthetic/noise.h"

namespace cadastre::synthetic {

namespace {

enum Purpose : std::int64_t {
  kHaze = 500,
  kStripe,
  kSpectralNoise,
  kHeightNoise,
  kIntensityNoise,
  kEcho,
  kRgbNoise,
  kRgbHaze,
};

constexpr double kSkyShare = 0.27;  // of the light on level ground

/// Thin cloud: a slow loss of light over the scene, 0.7..1.
double haze(std::uint64_t seed, Purpose purpose, double x_m, double y_m) {
  return 1 -
         0.3 * smooth_step(-0.1, 0.6, fractal_noise(hash(seed, purpose), x_m / 120, y_m / 120, 3));
}

/// How much of each material a pixel sees, lit by the sun and by the sky.
struct Mixture {
  std::array<double, kNumMaterials> sun{};
  std::array<double, kNumMaterials> sky{};

  void add(const Cell& cell, double sunlight, double weight) {
    const auto other_share = static_cast<double>(cell.other_share);
    const double seen = weight * static_cast<double>(cell.brightness);
    const auto material = static_cast<std::size_t>(cell.material);
    const auto other = static_cast<std::size_t>(cell.other);
    sun[material] += seen * (1 - other_share) * sunlight * (1 - kSkyShare);
    sun[other] += seen * other_share * sunlight * (1 - kSkyShare);
    sky[material] += seen * (1 - other_share) * kSkyShare;
    sky[other] += seen * other_share * kSkyShare;
  }
};

}  // namespace

std::vector<std::uint16_t> hyperspectral_image(const Land& land, const std::vector<float>& light,
                                               std::uint64_t seed) {
  const Spectra spectra = band_spectra();
  std::array<double, kNumBands> tint{};
  for (int band = 0; band < kNumBands; ++band)
    tint[static_cast<std::size_t>(band)] = sky_tint(band_centre_nm(band));
  const std::int64_t side = land.num_cells / kCellsPerMetre;
  std::vector<std::uint16_t> image(static_cast<std::size_t>(kNumBands * side * side));
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      Mixture mixture;
      constexpr std::int64_t kMargin = 1;  // cells beyond the pixel on each side
      constexpr double kWeight =
          1.0 / ((kCellsPerMetre + 2 * kMargin) * (kCellsPerMetre + 2 * kMargin));
      for (std::int64_t y = -kMargin; y < kCellsPerMetre + kMargin; ++y)
        for (std::int64_t x = -kMargin; x < kCellsPerMetre + kMargin; ++x) {
          const std::int64_t cell_row =
              std::clamp(row * kCellsPerMetre + y, std::int64_t{0}, land.num_cells - 1);
          const std::int64_t cell_column =
              std::clamp(column * kCellsPerMetre + x, std::int64_t{0}, land.num_cells - 1);
          mixture.add(land.at(cell_row, cell_column),
                      static_cast<double>(
                          light[static_cast<std::size_t>(cell_row * land.num_cells + cell_column)]),
                      kWeight);
        }
      // A push-broom sensor: each detector, hence each column, has its own gain.
      const double level =
          haze(seed, kHaze, static_cast<double>(column), static_cast<double>(row)) *
          (1 + 0.01 * normal(hash(hash(seed, kStripe), column)));
      for (int band = 0; band < kNumBands; ++band) {
        const auto b = static_cast<std::size_t>(band);
        double seen = 0;
        for (std::size_t material = 0; material < kNumMaterials; ++material)
          seen += spectra[material][b] * (mixture.sun[material] + tint[b] * mixture.sky[material]);
        const double noise = normal(hash(hash(seed, kSpectralNoise), row, column, band));
        const double measured = seen * level + (0.010 + 0.03 * seen) * noise;
        image[static_cast<std::size_t>((band * side + row) * side + column)] =
            static_cast<std::uint16_t>(std::clamp(measured * 10000 + 0.5, 0.0, 65535.0));
      }
    }
  return image;
}

std::vector<float> lidar_image(const Land& land, std::uint64_t seed) {
  constexpr std::int64_t kCellsPerPixel = 2;
  const std::int64_t side = land.num_cells / kCellsPerPixel;
  std::array<double, kNumMaterials> echo{};
  for (std::size_t material = 0; material < kNumMaterials; ++material)
    echo[material] = reflectance(static_cast<Material>(material), 1000);
  // Seen from above, water mirrors the beam: its echo is about as strong as asphalt's.
  for (const Material water : {Material::kClearWater, Material::kTurbidWater})
    echo[static_cast<std::size_t>(water)] = 0.11;
  std::vector<float> image(static_cast<std::size_t>(2 * side * side));
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      // The beam meets one place of the pixel.
      const std::uint64_t place = hash(hash(seed, kEcho), row, column);
      const Cell& cell =
          land.at(row * kCellsPerPixel + static_cast<std::int64_t>(place & 1U),
                  column * kCellsPerPixel + static_cast<std::int64_t>((place >> 1U) & 1U));
      const double scatter = normal(hash(hash(seed, kHeightNoise), row, column));
      double height = static_cast<double>(cell.surface_m) +
                      (0.06 + static_cast<double>(cell.roughness_m)) * scatter;
      // Some beams reach into a crown before they meet a branch.
      if (cell.cover == Cover::kTrees && uniform(hash(place, 1)) < 0.2)
        height -= 2.2 * uniform(hash(place, 2));
      const auto other_share = static_cast<double>(cell.other_share);
      const double reflected = (1 - other_share) * echo[static_cast<std::size_t>(cell.material)] +
                               other_share * echo[static_cast<std::size_t>(cell.other)];
      const double intensity = reflected * static_cast<double>(cell.brightness) *
                               (1 + 0.25 * normal(hash(hash(seed, kIntensityNoise), row, column)));
      const auto pixel = static_cast<std::size_t>(row * side + column);
      // Heights to centimetres, as such products are delivered; it also compresses.
      image[pixel] = static_cast<float>(std::floor(height * 100 + 0.5) / 100);
      image[static_cast<std::size_t>(side * side) + pixel] = static_cast<float>(
          std::floor(std::clamp((intensity + 0.02 * scatter) * 380, 0.0, 255.0) * 10 + 0.5) / 10);
    }
  return image;
}

std::vector<std::uint8_t> rgb_image(const Land& land, const std::vector<float>& light,
                                    std::uint64_t seed) {
  constexpr std::array<double, 3> kCentres_nm = {645, 552, 470};
  std::array<std::array<double, 3>, kNumMaterials> colors{};
  std::array<double, 3> tint{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    tint[channel] = sky_tint(kCentres_nm[channel]);
    for (std::size_t material = 0; material < kNumMaterials; ++material)
      for (const double offset_nm : {-30.0, -10.0, 10.0, 30.0})
        colors[material][channel] +=
            reflectance(static_cast<Material>(material), kCentres_nm[channel] + offset_nm) / 4;
  }
  const std::int64_t side = land.num_cells;
  const auto num_pixels = static_cast<std::size_t>(side * side);
  std::vector<std::uint8_t> image(3 * num_pixels);
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      // The lens spreads each point over its neighbours.
      constexpr std::array<double, 3> kSpread = {0.15, 0.70, 0.15};
      Mixture mixture;
      for (std::int64_t y = -1; y <= 1; ++y)
        for (std::int64_t x = -1; x <= 1; ++x) {
          const std::int64_t cell_row = std::clamp(row + y, std::int64_t{0}, side - 1);
          const std::int64_t cell_column = std::clamp(column + x, std::int64_t{0}, side - 1);
          mixture.add(
              land.at(cell_row, cell_column),
              static_cast<double>(light[static_cast<std::size_t>(cell_row * side + cell_column)]),
              kSpread[static_cast<std::size_t>(y + 1)] * kSpread[static_cast<std::size_t>(x + 1)]);
        }
      const double level = haze(seed, kRgbHaze, static_cast<double>(column) * kCell_m,
                                static_cast<double>(row) * kCell_m);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        double seen = 0;
        for (std::size_t material = 0; material < kNumMaterials; ++material)
          seen += colors[material][channel] *
                  (mixture.sun[material] + tint[channel] * mixture.sky[material]);
        // A square root is the gamma of photographs, near enough.
        const double value = 255 * std::sqrt(std::clamp(seen * level * 2.6, 0.0, 1.0)) +
                             4 * normal(hash(hash(seed, kRgbNoise), row, column,
                                             static_cast<std::int64_t>(channel)));
        image[channel * num_pixels + static_cast<std::size_t>(row * side + column)] =
            static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
      }
    }
  return image;
}

}  // namespace cadastre::synthetic
