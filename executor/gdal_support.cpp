#include "executor/gdal_support.h"

#include <cpl_error.h>
#include <cpl_string.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

void CloseDataset::operator()(GDALDataset* dataset) const noexcept { GDALClose(dataset); }

void prepare_gdal() {
  static const bool done = [] {
    // For all threads, unlike CPLPushErrorHandler: the last message stays to be asked for.
    CPLSetErrorHandler(CPLQuietErrorHandler);
    GDALAllRegister();
    // By itself a twentieth of the machine's memory: enough for a row of tiles, whatever machine it
    // is, unless the user says otherwise.
    constexpr GIntBig kCacheBytes = GIntBig{512} << 20;
    if (CPLGetConfigOption("GDAL_CACHEMAX", nullptr) == nullptr) GDALSetCacheMax64(kCacheBytes);
    return true;
  }();
  static_cast<void>(done);
}

std::string gdal_cause() {
  std::string cause = CPLGetLastErrorMsg();
  std::replace(cause.begin(), cause.end(), '\n', ' ');
  while (!cause.empty() && (cause.back() == ' ' || cause.back() == '.')) cause.pop_back();
  return cause.empty() ? "GDAL gives no cause" : cause;
}

void require_gdal(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + gdal_cause());
}

GDALDriver& gdal_driver(const char* name) {
  prepare_gdal();
  GDALDriver* found = GetGDALDriverManager()->GetDriverByName(name);
  if (found == nullptr)
    throw std::runtime_error(std::string("GDAL was built without its driver ") + name);
  return *found;
}

void place_on_grid(GDALDataset& raster, const Grid& grid) {
  std::array<double, 6> geo_transform = grid.geo_transform;
  if (grid.projection.empty() && geo_transform == std::array<double, 6>{0, 1, 0, 0, 0, 1}) return;
  require_gdal(raster.SetGeoTransform(geo_transform.data()) == CE_None, "geotransform");
  if (!grid.projection.empty())
    require_gdal(raster.SetProjection(grid.projection.c_str()) == CE_None, "projection");
}

DatasetPtr open_raster(const fs::path& file) {
  prepare_gdal();
  CPLErrorReset();
  DatasetPtr raster(
      GDALDataset::Open(file.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (raster != nullptr) return raster;
  std::error_code error;
  // Asked only now: GDAL also opens what is no file, such as /vsizip/ and database tables.
  if (!fs::exists(file, error))
    throw InputError(file.string(), "", "expected a raster, found no file");
  throw InputError(file.string(), "", "expected a raster that GDAL opens, found: " + gdal_cause());
}

void check_num_bands(GDALDataset& raster, const fs::path& file, int expected) {
  if (raster.GetRasterCount() == expected) return;
  throw InputError(file.string(), "",
                   "expected " + std::to_string(expected) + (expected == 1 ? " band" : " bands") +
                       ", found " + std::to_string(raster.GetRasterCount()));
}

void read_band(GDALDataset& raster, const fs::path& file, int band, float* values) {
  const int num_columns = raster.GetRasterXSize();
  const int num_rows = raster.GetRasterYSize();
  GDALRasterBand& source = *raster.GetRasterBand(band);
  const auto read = [&](GDALRasterBand& from, GDALDataType type, void* to) {
    CPLErrorReset();
    if (from.RasterIO(GF_Read, 0, 0, num_columns, num_rows, to, num_columns, num_rows, type, 0, 0,
                      nullptr) != CE_None)
      throw InputError(
          file.string(), "",
          "band " + std::to_string(band) + ": expected readable pixels, found: " + gdal_cause());
  };
  read(source, GDT_Float32, values);

  // An alpha band is a band like any other here, as it is for the warper (-nosrcalpha).
  const int mask_flags = source.GetMaskFlags();
  if ((mask_flags & (GMF_ALL_VALID | GMF_ALPHA)) != 0) return;
  const std::size_t num_pixels =
      static_cast<std::size_t>(num_columns) * static_cast<std::size_t>(num_rows);
  std::vector<std::uint8_t> mask(num_pixels);
  read(*source.GetMaskBand(), GDT_Byte, mask.data());
  for (std::size_t pixel = 0; pixel < num_pixels; ++pixel)
    if (mask[pixel] == 0) values[pixel] = std::numeric_limits<float>::quiet_NaN();
}

DatasetPtr wrap_as_raster(const Grid& grid, int num_bands, GDALDataType type, void* values) {
  DatasetPtr raster(gdal_driver("MEM").Create("", static_cast<int>(grid.num_columns),
                                              static_cast<int>(grid.num_rows), 0, type, nullptr));
  require_gdal(raster != nullptr, "raster in memory");
  const auto band_bytes =
      static_cast<std::size_t>(grid.num_rows * grid.num_columns * GDALGetDataTypeSizeBytes(type));
  for (int band = 0; band < num_bands; ++band) {
    std::array<char, 64> pointer{};
    void* band_values =
        static_cast<std::uint8_t*>(values) + band_bytes * static_cast<std::size_t>(band);
    pointer[static_cast<std::size_t>(
        CPLPrintPointer(pointer.data(), band_values, static_cast<int>(pointer.size()) - 1))] = '\0';
    CPLStringList options;
    options.SetNameValue("DATAPOINTER", pointer.data());
    require_gdal(raster->AddBand(type, options.List()) == CE_None, "band in memory");
  }
  place_on_grid(*raster, grid);
  return raster;
}

}  // namespace cadastre
