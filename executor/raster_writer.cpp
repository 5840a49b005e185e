#include "executor/raster_writer.h"

#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <stdexcept>
#include <string>

#include "executor/gdal_support.h"
#include "planner/files.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// A file in GDAL's memory file system, gone with this object, sidecar included.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& extension)
      : name_("/vsimem/cadastre-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) +
              extension) {}

  ~MemoryFile() {
    VSIUnlink(name_.c_str());
    VSIUnlink(sidecar_name().c_str());
  }

  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Writes the file, and the sidecar that GDAL made for it, if any, before.
  void write_to(const fs::path& file) const {
    const fs::path sidecar = file.string() + ".aux.xml";
    const std::string sidecar_content = content(sidecar_name());
    if (!sidecar_content.empty()) {
      write_file(sidecar, sidecar_content);
    } else {
      std::error_code error;
      fs::remove(sidecar, error);  // an earlier file's would now be wrong
    }
    write_file(file, content(name_));
  }

 private:
  [[nodiscard]] std::string sidecar_name() const { return name_ + ".aux.xml"; }

  [[nodiscard]] static std::string content(const std::string& name) {
    vsi_l_offset num_bytes = 0;
    const GByte* bytes = VSIGetMemFileBuffer(name.c_str(), &num_bytes, FALSE);
    return bytes == nullptr ? std::string() : std::string(bytes, bytes + num_bytes);
  }

  std::string name_;
};

}  // namespace

void write_geotiff(const fs::path& file, const GeoTiffLayout& layout,
                   const std::function<void(GDALDataset&)>& fill) {
  const MemoryFile encoded(".tif");
  CPLStringList options;
  options.SetNameValue("TILED", "YES");
  options.SetNameValue("BLOCKXSIZE", "256");
  options.SetNameValue("BLOCKYSIZE", "256");
  options.SetNameValue("COMPRESS", "DEFLATE");
  options.SetNameValue("ZLEVEL", "6");
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  // Class rasters have one band of bytes, in which differences mean nothing.
  if (layout.type == GDT_Float32) options.SetNameValue("PREDICTOR", "3");
  if (layout.type != GDT_Float32 && layout.num_bands > 1) options.SetNameValue("PREDICTOR", "2");
  if (layout.type == GDT_Byte && layout.num_bands == 3) options.SetNameValue("PHOTOMETRIC", "RGB");

  const std::string failure = file.string() + ": cannot be encoded";
  CPLErrorReset();
  DatasetPtr raster(gdal_driver("GTiff").Create(
      encoded.name().c_str(), static_cast<int>(layout.grid.num_columns),
      static_cast<int>(layout.grid.num_rows), layout.num_bands, layout.type, options.List()));
  require_gdal(raster != nullptr, failure);
  place_on_grid(*raster, layout.grid);
  fill(*raster);
  CPLErrorReset();
  raster.reset();
  // Closing returns nothing in GDAL 3.6, but leaves its last error.
  require_gdal(CPLGetLastErrorType() < CE_Failure, failure);
  encoded.write_to(file);
}

void write_png(const fs::path& file, GDALDataset& picture) {
  const MemoryFile encoded(".png");
  CPLErrorReset();
  DatasetPtr png(gdal_driver("PNG").CreateCopy(encoded.name().c_str(), &picture, FALSE, nullptr,
                                               nullptr, nullptr));
  require_gdal(png != nullptr, file.string() + ": cannot be encoded");
  png.reset();
  encoded.write_to(file);
}

namespace {

template <class Value>
void write_values(GDALDataset& raster, int band, const Value* values, GDALDataType type) {
  // RasterIO takes a pointer to mutable data for reading and writing alike; writing leaves it be.
  require_gdal(raster.GetRasterBand(band)->RasterIO(
                   GF_Write, 0, 0, raster.GetRasterXSize(), raster.GetRasterYSize(),
                   const_cast<Value*>(values), raster.GetRasterXSize(), raster.GetRasterYSize(),
                   type, 0, 0, nullptr) == CE_None,
               "band " + std::to_string(band) + " cannot be written");
}

}  // namespace

void write_band(GDALDataset& raster, int band, const std::uint8_t* values) {
  write_values(raster, band, values, GDT_Byte);
}

void write_band(GDALDataset& raster, int band, const std::uint16_t* values) {
  write_values(raster, band, values, GDT_UInt16);
}

void write_band(GDALDataset& raster, int band, const float* values) {
  write_values(raster, band, values, GDT_Float32);
}

GDALColorTable color_table(const std::vector<LandCoverClass>& classes) {
  GDALColorTable colors;
  const GDALColorEntry transparent{0, 0, 0, 0};
  colors.SetColorEntry(0, &transparent);
  for (const LandCoverClass& land_cover : classes) {
    const auto& [red, green, blue] = land_cover.color;
    const GDALColorEntry entry{static_cast<short>(red), static_cast<short>(green),
                               static_cast<short>(blue), 255};
    colors.SetColorEntry(land_cover.id, &entry);
  }
  return colors;
}

void describe_classes(GDALRasterBand& band, const std::vector<LandCoverClass>& classes) {
  GDALColorTable colors = color_table(classes);
  CPLStringList names;
  names.AddString("Unlabelled");
  for (const LandCoverClass& land_cover : classes) {
    while (names.Count() < land_cover.id) names.AddString("");
    names.AddString(land_cover.name.c_str());
  }
  require_gdal(band.SetColorTable(&colors) == CE_None, "colour table");
  require_gdal(band.SetCategoryNames(names.List()) == CE_None, "category names");
  require_gdal(band.SetNoDataValue(0) == CE_None, "no-data value");
}

}  // namespace cadastre
