#include "executor/scene/clean_raster.h"

#include <cpl_string.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <mutex>

#include "executor/raster_alignment.h"
#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr char kFunction[] = "cadastre_clean";

/// Reads a number among the arguments that the pixel function gets.
bool number_among(CSLConstList arguments, const char* name, double& number) {
  const char* text = CSLFetchNameValue(arguments, name);
  if (text == nullptr) return false;
  number = CPLAtof(text);
  return true;
}

/// GDAL's pixel function: sources[0] is the band, sources[1], if any, its mask, both as floats.
CPLErr clean(void** sources, int num_sources, void* target, int num_columns, int num_rows,
             GDALDataType source_type, GDALDataType target_type, int pixel_bytes, int line_bytes,
             CSLConstList arguments) {
  if (source_type != GDT_Float32) return CE_Failure;
  const auto* values = static_cast<const float*>(sources[0]);
  const float* mask = num_sources > 1 ? static_cast<const float*>(sources[1]) : nullptr;
  double scale = 1;
  double offset = 0;
  double number = 0;
  number_among(arguments, "scale", scale);
  number_among(arguments, "offset", offset);
  const float missing = std::numeric_limits<float>::quiet_NaN();
  float nodata = missing;  // equal to nothing
  if (number_among(arguments, "nodata", number)) nodata = static_cast<float>(number);
  float other_nodata = missing;
  if (number_among(arguments, "other_nodata", number)) other_nodata = static_cast<float>(number);
  const bool is_scaled = scale != 1 || offset != 0;

  std::vector<float> line(static_cast<std::size_t>(num_columns));
  for (int row = 0; row < num_rows; ++row) {
    for (float& clean_value : line) {
      const float value = *values++;
      const bool is_missing = !(std::abs(value) <= kLargestValue) || value == nodata ||
                              value == other_nodata || (mask != nullptr && *mask == 0);
      if (mask != nullptr) ++mask;
      clean_value = is_missing  ? missing
                    : is_scaled ? static_cast<float>(static_cast<double>(value) * scale + offset)
                                : value;
    }
    GDALCopyWords(line.data(), GDT_Float32, static_cast<int>(sizeof(float)),
                  static_cast<char*>(target) + static_cast<std::ptrdiff_t>(row) * line_bytes,
                  target_type, pixel_bytes, num_columns);
  }
  return CE_None;
}

std::string escaped(const std::string& text) {
  char* xml = CPLEscapeString(text.c_str(), static_cast<int>(text.size()), CPLES_XML);
  std::string result = xml;
  CPLFree(xml);
  return result;
}

std::string source_xml(const fs::path& file, const std::string& band) {
  std::string xml = "<SimpleSource><SourceFilename relativeToVRT=\"0\" shared=\"0\">";
  xml += escaped(file.string());
  xml += "</SourceFilename><SourceBand>" + band + "</SourceBand></SimpleSource>";
  return xml;
}

std::string band_xml(GDALDataset& raster, const fs::path& file, int index,
                     const CleanRasterOptions& options) {
  GDALRasterBand& band = *raster.GetRasterBand(index);
  if (GDALDataTypeIsComplex(band.GetRasterDataType()))
    throw InputError(file.string(), "",
                     "band " + std::to_string(index) +
                         ": expected real values, found complex ones (" +
                         GDALGetDataTypeName(band.GetRasterDataType()) +
                         "); write their magnitude or phase to a raster and use that");
  std::string arguments;
  const auto argue = [&](const char* name, double value) {
    arguments += std::string(" ") + name + "=\"" + number_text(value) + "\"";
  };
  std::string sources = source_xml(file, std::to_string(index));
  if (options.skips_nodata) {
    int has_nodata = 0;
    const double nodata = band.GetNoDataValue(&has_nodata);
    if (has_nodata != 0 && std::isfinite(nodata)) argue("nodata", nodata);
    if (options.nodata) argue("other_nodata", *options.nodata);
    const int flags = band.GetMaskFlags();
    if ((flags & (GMF_ALL_VALID | GMF_NODATA)) == 0 &&
        band.GetColorInterpretation() != GCI_AlphaBand)
      sources += source_xml(file, (flags & GMF_PER_DATASET) != 0 && (flags & GMF_ALPHA) == 0
                                      ? "mask,0"
                                      : "mask," + std::to_string(index));
  }
  if (options.is_scaled) {
    const double scale = band.GetScale() * options.scale;
    if (scale != 1) argue("scale", scale);
    const double offset = band.GetOffset() * options.scale + options.offset;
    if (offset != 0) argue("offset", offset);
  }
  std::string xml = "<VRTRasterBand dataType=\"Float32\" subClass=\"VRTDerivedRasterBand\">";
  xml += std::string("<PixelFunctionType>") + kFunction + "</PixelFunctionType>";
  if (!arguments.empty()) xml += "<PixelFunctionArguments" + arguments + "/>";
  xml += "<SourceTransferType>Float32</SourceTransferType>" + sources + "</VRTRasterBand>";
  return xml;
}

void check_same_pixels(const Grid& grid, const fs::path& file, const Grid& first,
                       const fs::path& first_file) {
  if (!same_pixels(grid, first))
    throw InputError(file.string(), "",
                     "expected the pixels of " + first_file.string() + " (" + size_text(first) +
                         "), whose bands are of the same modality, found others (" +
                         size_text(grid) + "); make it a modality of its own");
}

}  // namespace

DatasetPtr open_clean_raster(const CleanRasterOptions& options) {
  prepare_gdal();
  static std::once_flag registered;
  std::call_once(registered, [] {
    require_gdal(GDALAddDerivedBandPixelFuncWithArgs(kFunction, clean, nullptr) == CE_None,
                 "pixel function");
  });

  std::vector<DatasetPtr> rasters;
  std::vector<std::pair<std::size_t, int>> bands;  // of which file, which of its bands
  Grid grid;
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    rasters.push_back(open_raster(options.files[i]));
    const Grid own = grid_of(*rasters.back());
    check_geotransform(*rasters.back(), options.files[i]);
    if (i == 0)
      grid = own;
    else
      check_same_pixels(own, options.files[i], grid, options.files[0]);
    for (int band = 1; band <= rasters.back()->GetRasterCount(); ++band)
      bands.emplace_back(i, band);
  }
  if (!options.bands.empty()) {
    std::vector<std::pair<std::size_t, int>> chosen;
    for (const int band : options.bands) {
      if (band > static_cast<int>(bands.size()))
        throw InputError(options.files.back().string(), "",
                         "expected a band " + std::to_string(band) + ", found " +
                             std::to_string(bands.size()) +
                             (bands.size() == 1 ? " band" : " bands"));
      chosen.push_back(bands[static_cast<std::size_t>(band - 1)]);
    }
    bands = std::move(chosen);
  }

  std::string xml = "<VRTDataset rasterXSize=\"" + std::to_string(grid.num_columns) +
                    "\" rasterYSize=\"" + std::to_string(grid.num_rows) + "\">";
  for (const auto& [file, band] : bands)
    xml += band_xml(*rasters[file], options.files[file], band, options);
  xml += "</VRTDataset>";
  CPLErrorReset();
  DatasetPtr clean_raster(
      GDALDataset::Open(xml.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  require_gdal(clean_raster != nullptr, options.files.front().string());
  place_on_grid(*clean_raster, grid);
  return clean_raster;
}

}  // namespace cadastre
