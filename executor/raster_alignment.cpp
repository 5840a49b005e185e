#include "executor/raster_alignment.h"

#include <cpl_string.h>
#include <gdal_alg.h>
#include <gdalwarper.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

std::int64_t scale_in_same_units(const Grid& raster, const Grid& grid) {
  return std::max<std::int64_t>(
      1, std::llround(pixel_side(grid.geo_transform) / pixel_side(raster.geo_transform)));
}

/// Refuses rasters whose place cannot be known.
void check_can_be_placed(const Grid& raster, const fs::path& file, const Grid& grid) {
  if (!is_georeferenced(raster) || !is_georeferenced(grid)) {
    const std::int64_t scale = std::max<std::int64_t>(1, raster.num_rows / grid.num_rows);
    if (!same_pixels(raster, refined(grid, scale)))
      throw InputError(file.string(), "",
                       "expected georeferencing, or a multiple of the reference grid's " +
                           size_text(grid) + " pixels, found " + size_text(raster) +
                           " pixels without");
  } else if (raster.projection.empty() != grid.projection.empty() &&
             !same_pixels(raster, refined(grid, scale_in_same_units(raster, grid)))) {
    throw InputError(
        file.string(), "",
        raster.projection.empty()
            ? "expected a coordinate reference system as the reference grid has, found none"
            : "expected no coordinate reference system as the reference grid has none, "
              "found one");
  }
}

GDALResampleAlg warper_algorithm(Resampling resampling) {
  switch (resampling) {
    case Resampling::kNearest:
      return GRA_NearestNeighbour;
    case Resampling::kBilinear:
      return GRA_Bilinear;
    case Resampling::kCubic:
      return GRA_Cubic;
    case Resampling::kAverage:
      return GRA_Average;
  }
  throw std::logic_error("resampling out of range");
}

/// A dataset that warps `raster` onto `target` as it is read.
DatasetPtr warped_as_read(GDALDataset& raster, const Grid& target, Resampling resampling) {
  CPLStringList transformer_options;
  transformer_options.SetNameValue("SRC_SRS", raster.GetProjectionRef());
  transformer_options.SetNameValue("DST_SRS", target.projection.c_str());
  GDALDatasetH source = GDALDataset::ToHandle(&raster);
  // Exact, not approximated along lines: so a pixel is the same in whichever block it is warped.
  void* transformer = GDALCreateGenImgProjTransformer2(source, nullptr, transformer_options.List());
  if (transformer == nullptr) return nullptr;
  std::array<double, 6> geo_transform = target.geo_transform;
  GDALSetGenImgProjTransformerDstGeoTransform(transformer, geo_transform.data());

  const std::unique_ptr<GDALWarpOptions, void (*)(GDALWarpOptions*)> options(
      GDALCreateWarpOptions(), GDALDestroyWarpOptions);
  const int num_bands = raster.GetRasterCount();
  options->hSrcDS = source;
  options->nBandCount = num_bands;
  const auto count = static_cast<std::size_t>(num_bands);
  options->panSrcBands = static_cast<int*>(CPLMalloc(sizeof(int) * count));
  options->panDstBands = static_cast<int*>(CPLMalloc(sizeof(int) * count));
  options->padfSrcNoDataReal = static_cast<double*>(CPLMalloc(sizeof(double) * count));
  options->padfDstNoDataReal = static_cast<double*>(CPLMalloc(sizeof(double) * count));
  for (int band = 0; band < num_bands; ++band) {
    options->panSrcBands[band] = band + 1;
    options->panDstBands[band] = band + 1;
    options->padfSrcNoDataReal[band] = std::numeric_limits<double>::quiet_NaN();
    options->padfDstNoDataReal[band] = std::numeric_limits<double>::quiet_NaN();
  }
  options->eResampleAlg = warper_algorithm(resampling);
  options->eWorkingDataType = GDT_Float32;
  options->pfnTransformer = GDALGenImgProjTransform;
  options->pTransformerArg = transformer;  // the warped dataset destroys it
  // Each band for itself: a pixel may be missing in one band alone.
  options->papszWarpOptions =
      CSLSetNameValue(options->papszWarpOptions, "UNIFIED_SRC_NODATA", "NO");
  options->papszWarpOptions = CSLSetNameValue(options->papszWarpOptions, "INIT_DEST", "NO_DATA");
  return DatasetPtr(GDALDataset::FromHandle(
      GDALCreateWarpedVRT(source, static_cast<int>(target.num_columns),
                          static_cast<int>(target.num_rows), geo_transform.data(), options.get())));
}

/// The side of the raster's pixel in units of the grid's CRS.
double side_on_grid(GDALDataset& raster, const fs::path& file, const Grid& grid) {
  const Grid own = grid_of(raster);
  if (own.projection.empty() || same_reference_system(own, grid))
    return pixel_side(own.geo_transform);
  CPLStringList options;
  options.SetNameValue("DST_SRS", grid.projection.c_str());
  const std::unique_ptr<void, void (*)(void*)> transformer(
      GDALCreateGenImgProjTransformer2(GDALDataset::ToHandle(&raster), nullptr, options.List()),
      GDALDestroyGenImgProjTransformer);
  std::array<double, 6> suggested{};
  int num_columns = 0;
  int num_rows = 0;
  if (transformer == nullptr ||
      GDALSuggestedWarpOutput(GDALDataset::ToHandle(&raster), GDALGenImgProjTransform,
                              transformer.get(), suggested.data(), &num_columns,
                              &num_rows) != CE_None)
    throw InputError(file.string(), "",
                     "expected to overlap the reference grid, found no way into its coordinate "
                     "reference system: " +
                         gdal_cause());
  return pixel_side(suggested);
}

}  // namespace

Grid grid_of(GDALDataset& raster) {
  Grid grid;
  grid.num_rows = raster.GetRasterYSize();
  grid.num_columns = raster.GetRasterXSize();
  if (raster.GetGeoTransform(grid.geo_transform.data()) != CE_None)
    grid.geo_transform = kNoGeoTransform;
  grid.projection = raster.GetProjectionRef();
  return grid;
}

void check_geotransform(GDALDataset& raster, const fs::path& file) {
  const Grid own = grid_of(raster);
  const auto refuse_place = [&](const char* found, const char* option) {
    throw InputError(file.string(), "",
                     std::string("expected a geotransform, found ") + found +
                         " only; put it on a grid first: gdalwarp " + option + " IN OUT");
  };
  if (is_georeferenced(own)) {
    if (!(pixel_side(own.geo_transform) > 0) || !std::isfinite(pixel_side(own.geo_transform)))
      throw InputError(file.string(), "",
                       "expected a geotransform, found one whose pixels have no area");
    return;
  }
  if (raster.GetGCPCount() > 0) refuse_place("ground control points", "-tps");
  if (raster.GetMetadata("RPC") != nullptr)
    refuse_place("rational polynomial coefficients", "-rpc");
  if (raster.GetMetadata("GEOLOCATION") != nullptr) refuse_place("geolocation arrays", "-geoloc");
}

std::int64_t scale_on_grid(GDALDataset& raster, const fs::path& file, const Grid& grid) {
  const Grid own = grid_of(raster);
  check_can_be_placed(own, file, grid);
  if (!is_georeferenced(own) || !is_georeferenced(grid)) return own.num_rows / grid.num_rows;
  return std::max<std::int64_t>(
      1, std::llround(pixel_side(grid.geo_transform) / side_on_grid(raster, file, grid)));
}

Resampling resampling_of(const Modality& modality, GDALDataset& raster, const Grid& target) {
  if (modality.resampling) return *modality.resampling;
  if (modality.kind == ModalityKind::kCategorical) return Resampling::kNearest;
  if (!is_georeferenced(target) || !is_georeferenced(grid_of(raster))) return Resampling::kCubic;
  // A little finer is the same: a warp of 30 m in degrees to 30 m in metres should not blur.
  constexpr double kFiner = 0.8;
  const double side = side_on_grid(raster, modality.raster, target);
  return side < kFiner * pixel_side(target.geo_transform) ? Resampling::kAverage
                                                          : Resampling::kCubic;
}

AlignedRaster::AlignedRaster(DatasetPtr raster, std::vector<fs::path> files,
                             const ReferenceGrid& reference, std::int64_t scale,
                             Resampling resampling)
    : files_(std::move(files)),
      grid_from_(reference.from),
      target_(refined(reference.grid, scale)),
      raster_(std::move(raster)) {
  const Grid own = grid_of(*raster_);
  if (same_pixels(own, target_)) return;
  check_can_be_placed(own, files_.front(), reference.grid);
  if (!overlap(own, reference.grid))
    throw InputError(files_.front().string(), "",
                     "expected to overlap " + grid_from_ + ", found no common ground");
  CPLErrorReset();
  warped_ = warped_as_read(*raster_, target_, resampling);
  if (warped_ == nullptr)
    throw std::runtime_error(files_.front().string() + ": cannot be warped onto the grid of " +
                             grid_from_ + ": " + gdal_cause());
}

void AlignedRaster::read(int band, const Window& window, float* values) {
  GDALDataset& from = warped_ ? *warped_ : *raster_;
  const auto num_rows = static_cast<int>(window.num_rows);
  const auto num_columns = static_cast<int>(window.num_columns);
  CPLErrorReset();
  if (from.GetRasterBand(band)->RasterIO(
          GF_Read, static_cast<int>(window.column), static_cast<int>(window.row), num_columns,
          num_rows, values, num_columns, num_rows, GDT_Float32, 0, 0, nullptr) != CE_None)
    refuse_unreadable(band);
}

void AlignedRaster::refuse_unreadable(int band) const {
  const std::string cause = gdal_cause();
  const auto refuse = [&](const fs::path& file, int of_file) {
    throw InputError(
        file.string(), "",
        "band " + std::to_string(of_file) + ": expected readable pixels, found: " + cause);
  };
  // The warper reads all bands at once and does not say which it could not: look for it.
  for (const fs::path& file : files_) {
    const DatasetPtr raster = open_raster(file);
    std::vector<float> line(static_cast<std::size_t>(raster->GetRasterXSize()));
    for (int of_file = 1; of_file <= raster->GetRasterCount(); ++of_file)
      for (int row = 0; row < raster->GetRasterYSize(); ++row)
        if (raster->GetRasterBand(of_file)->RasterIO(GF_Read, 0, row, raster->GetRasterXSize(), 1,
                                                     line.data(), raster->GetRasterXSize(), 1,
                                                     GDT_Float32, 0, 0, nullptr) != CE_None)
          refuse(file, of_file);
  }
  refuse(files_.front(), band);
  throw std::logic_error("refused above");
}

}  // namespace cadastre
