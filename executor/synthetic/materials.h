#pragma once

#include <array>
#include <cstdint>

namespace cadastre::synthetic {

/// What a surface is made of: the endmembers of every spectrum in the scene.
enum class Material : std::uint8_t {
  kClearWater,
  kTurbidWater,
  kOldAsphalt,
  kNewAsphalt,
  kBitumen,
  kGravel,
  kRedTile,
  kBrownTile,
  kRedSoil,
  kPaleSoil,
  kGrass,
  kDryGrass,
  kShrub,
  kBroadleaf,
  kConifer,
  kPaint,
};

inline constexpr std::size_t kNumMaterials = 16;
inline constexpr int kNumBands = 48;

/// Centre of a hyperspectral band (from 0 on): 48 bands of equal width over 400-1000 nm.
[[nodiscard]] double band_centre_nm(int band);

/// Reflectance, 0..1, at 400-1000 nm. The shapes follow the published features of such surfaces
/// (chlorophyll's green peak and red edge, iron oxide's absorption at 870 nm, water's at 970 nm;
/// e.g. the USGS spectral library, Kokaly et al. 2017); the numbers are ours.
[[nodiscard]] double reflectance(Material material, double wavelength_nm);

/// Strength of sky light relative to the sun's at a wavelength: blue.
[[nodiscard]] double sky_tint(double wavelength_nm);

using Spectra = std::array<std::array<double, kNumBands>, kNumMaterials>;

/// `reflectance` of every material in every band.
[[nodiscard]] Spectra band_spectra();

}  // namespace cadastre::synthetic
