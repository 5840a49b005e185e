#include "executor/synthetic/materials.h"

#include <algorithm>
#include <cmath>

namespace cadastre::synthetic {

namespace {

/// 1 at the centre, half of it at ± `half_width`.
double peak(double wavelength_nm, double centre_nm, double half_width_nm) {
  const double x = (wavelength_nm - centre_nm) / half_width_nm;
  return 1 / (1 + x * x);
}

/// From 0 to 1 around the centre: a sigmoid without exp.
double rise(double wavelength_nm, double centre_nm, double width_nm) {
  const double x = (wavelength_nm - centre_nm) / width_nm;
  return 0.5 * (1 + x / std::sqrt(1 + x * x));
}

/// 0 at 400 nm, 1 at 1000 nm.
double along(double wavelength_nm) { return (wavelength_nm - 400) / 600; }

struct Leaf {
  double red_edge_nm;
  double plateau;
  double green;
  double dark;
};

double leaf(double nm, const Leaf& of) {
  return of.dark + of.green * peak(nm, 552, 32) + of.plateau * rise(nm, of.red_edge_nm, 17) -
         0.05 * peak(nm, 970, 28);
}

}  // namespace

double band_centre_nm(int band) { return 400 + (band + 0.5) * 600 / kNumBands; }

double reflectance(Material material, double nm) {
  const double t = along(nm);
  switch (material) {
    case Material::kClearWater:
      return std::max(0.006, 0.055 * (1 - t) * (1 - t) + 0.008);
    case Material::kTurbidWater:
      return 0.03 + 0.07 * peak(nm, 570, 90) + 0.01 * (1 - t);
    case Material::kOldAsphalt:
      return 0.120 + 0.050 * t;
    case Material::kNewAsphalt:
      return 0.070 + 0.028 * t;
    case Material::kBitumen:
      return 0.082 + 0.024 * t + 0.004 * peak(nm, 640, 80);
    case Material::kGravel:
      return 0.135 + 0.062 * t - 0.008 * peak(nm, 870, 70);
    case Material::kRedTile:
      return 0.060 + 0.170 * rise(nm, 582, 40) + 0.055 * t - 0.045 * peak(nm, 870, 65);
    case Material::kBrownTile:
      return 0.070 + 0.105 * rise(nm, 580, 48) + 0.065 * t - 0.032 * peak(nm, 870, 65);
    case Material::kRedSoil:
      return 0.055 + 0.130 * rise(nm, 584, 46) + 0.115 * t - 0.024 * peak(nm, 875, 75);
    case Material::kPaleSoil:
      return 0.090 + 0.075 * rise(nm, 575, 60) + 0.150 * t - 0.012 * peak(nm, 880, 80);
    case Material::kGrass:
      return leaf(nm, {.red_edge_nm = 714, .plateau = 0.40, .green = 0.062, .dark = 0.032});
    case Material::kDryGrass:
      return 0.060 + 0.110 * rise(nm, 560, 70) + 0.110 * rise(nm, 705, 35) + 0.10 * t;
    case Material::kShrub:
      return leaf(nm, {.red_edge_nm = 722, .plateau = 0.39, .green = 0.058, .dark = 0.032});
    case Material::kBroadleaf:
      return leaf(nm, {.red_edge_nm = 720, .plateau = 0.43, .green = 0.055, .dark = 0.028});
    case Material::kConifer:
      return leaf(nm, {.red_edge_nm = 724, .plateau = 0.33, .green = 0.036, .dark = 0.026});
    case Material::kPaint:
      return 0.62 + 0.05 * t;
  }
  return 0;
}

double sky_tint(double wavelength_nm) {
  const double ratio = 520 / wavelength_nm;  // Rayleigh's λ^-4, softened by haze to λ^-2
  return ratio * ratio;
}

Spectra band_spectra() {
  Spectra spectra{};
  for (std::size_t material = 0; material < kNumMaterials; ++material)
    for (int band = 0; band < kNumBands; ++band)
      spectra[material][static_cast<std::size_t>(band)] =
          reflectance(static_cast<Material>(material), band_centre_nm(band));
  return spectra;
}

}  // namespace cadastre::synthetic
