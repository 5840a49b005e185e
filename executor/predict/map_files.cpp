#include "executor/predict/map_files.h"

#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal_alg.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
#include "executor/raster_writer.h"
#include "planner/files.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMostPicturePixels = 1200;
/// Made before, where there is something to show.
constexpr const char* kLabelPicture = "labels.png";
constexpr const char* kScenePicture = "-rgb.png";

/// Plain values on disk as a raster that GDAL reads: by a header as ENVI has it.
void describe_rows(const fs::path& file, const Grid& grid, std::size_t num_bands, bool is_float) {
  std::string header = "ENVI\nsamples = " + std::to_string(grid.num_columns);
  header += "\nlines = " + std::to_string(grid.num_rows);
  header += "\nbands = " + std::to_string(num_bands);
  header += "\nheader offset = 0\nfile type = ENVI Standard\ndata type = ";
  header += is_float ? "4" : "1";
  header += "\ninterleave = bil\nbyte order = 0\n";
  fs::path name = file;
  write_file(name.replace_extension(".hdr"), header);
}

/// The rows with what a virtual raster adds to them: place, names, colours.
struct DescribedRows {
  DatasetPtr rows;
  DatasetPtr described;
};

DescribedRows open_rows(const fs::path& file, const Grid& grid, std::size_t num_bands,
                        bool is_float) {
  describe_rows(file, grid, num_bands, is_float);
  DescribedRows result{.rows = open_raster(file), .described = nullptr};
  result.described.reset(gdal_driver("VRT").CreateCopy("", result.rows.get(), FALSE, nullptr,
                                                       nullptr, nullptr));
  require_gdal(result.described != nullptr, file.string());
  place_on_grid(*result.described, grid);
  return result;
}

/// Writes a Cloud Optimized GeoTIFF. GDAL says some failures of closing by its last error alone.
void write_cog(const fs::path& file, GDALDataset& raster, const char* overviews,
               const char* predictor) {
  CPLStringList options;
  options.SetNameValue("COMPRESS", "DEFLATE");
  options.SetNameValue("LEVEL", "6");
  options.SetNameValue("BLOCKSIZE", "256");
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  options.SetNameValue("OVERVIEW_RESAMPLING", overviews);
  options.SetNameValue("PREDICTOR", predictor);
  CPLErrorReset();
  DatasetPtr cog(gdal_driver("COG").CreateCopy(file.c_str(), &raster, FALSE, options.List(),
                                               nullptr, nullptr));
  require_gdal(cog != nullptr, "encoding");
  cog.reset();
  require_gdal(CPLGetLastErrorType() < CE_Failure, "encoding");
}

fs::path sidecar_of(const fs::path& file) { return file.string() + ".aux.xml"; }

/// Files that replace others together: unless `keep` is called, all is as it was when this goes.
class FileReplacement {
 public:
  /// What is replaced waits in `aside`, on the same file system.
  explicit FileReplacement(fs::path aside) : aside_(std::move(aside)) {
    fs::create_directories(aside_);
  }

  ~FileReplacement() {
    std::error_code ignored;
    for (auto move = moves_.rbegin(); move != moves_.rend(); ++move)
      fs::rename(move->to, move->from, ignored);
  }

  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;

  void take_away(const fs::path& file) {
    if (fs::is_directory(file))
      throw std::runtime_error(std::make_error_code(std::errc::is_a_directory).message());
    if (fs::exists(file)) move(file, aside_ / file.filename());
  }

  void put(const fs::path& from, const fs::path& to) {
    take_away(to);
    move(from, to);
  }

  void keep() { moves_.clear(); }

 private:
  struct Move {
    fs::path from;
    fs::path to;
  };

  void move(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error) throw std::runtime_error(error.message());
    moves_.push_back({.from = from, .to = to});
  }

  fs::path aside_;
  std::vector<Move> moves_;
};

void set_metadata(GDALDataset& raster, const MapMetadata& metadata) {
  for (const auto& [name, value] : metadata) raster.SetMetadataItem(name.c_str(), value.c_str());
}

void write_classes(const fs::path& file, const PartialMap& work, const Grid& grid,
                   const std::vector<LandCoverClass>& classes, const MapMetadata& metadata) {
  const DescribedRows rows = open_rows(work.class_file(), grid, 1, false);
  GDALRasterBand& band = *rows.described->GetRasterBand(1);
  band.SetDescription("Land cover");
  band.SetColorInterpretation(GCI_PaletteIndex);
  describe_classes(band, classes);
  set_metadata(*rows.described, metadata);
  write_cog(file, *rows.described, "MODE", "NO");
}

void write_floats(const fs::path& file, const fs::path& values, const Grid& grid,
                  const std::vector<std::string>& bands, const MapMetadata& metadata) {
  const DescribedRows rows = open_rows(values, grid, bands.size(), true);
  for (std::size_t i = 0; i < bands.size(); ++i)
    rows.described->GetRasterBand(static_cast<int>(i) + 1)->SetDescription(bands[i].c_str());
  for (std::size_t i = 0; i < bands.size(); ++i)
    require_gdal(
        rows.described->GetRasterBand(static_cast<int>(i) + 1)->SetNoDataValue(0) == CE_None,
        "no-data value");
  set_metadata(*rows.described, metadata);
  write_cog(file, *rows.described, "AVERAGE", "FLOATING_POINT");
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    switch (letter) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += letter;
    }
  }
  return result;
}

}  // namespace

MapWriteError not_written(const fs::path& file, const std::exception& error) {
  std::string cause = error.what();
  const std::size_t colon = cause.rfind(": ");
  if (colon != std::string::npos) cause = cause.substr(colon + 2);
  return MapWriteError(file.string() + ": cannot be written: " + cause);
}

fs::path beside_map(const fs::path& map, const std::string& ending) {
  return map.parent_path() / (map.stem().string() + ending);
}

std::string qgis_style(const std::vector<LandCoverClass>& classes) {
  std::string text =
      "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
      "<qgis version=\"3.22\" styleCategories=\"Symbology\">\n"
      " <pipe>\n"
      "  <rasterrenderer type=\"paletted\" band=\"1\" opacity=\"1\" alphaBand=\"-1\">\n"
      "   <colorPalette>\n";
  for (const LandCoverClass& land_cover : classes) {
    char color[8];
    std::snprintf(color, sizeof color, "#%02x%02x%02x", land_cover.color[0] & 0xff,
                  land_cover.color[1] & 0xff, land_cover.color[2] & 0xff);
    text += "    <paletteEntry value=\"" + std::to_string(land_cover.id) + "\" color=\"";
    text += color;
    text += "\" alpha=\"255\" label=\"";
    text += escaped(land_cover.name);
    text += "\"/>\n";
  }
  text += "   </colorPalette>\n  </rasterrenderer>\n </pipe>\n</qgis>\n";
  return text;
}

void sieve(PartialMap& work, const Grid& grid, std::int64_t min_area_pixels) {
  work.copy_classes_to_sieve();
  describe_rows(work.class_file(), grid, 1, false);
  prepare_gdal();
  const DatasetPtr raster(GDALDataset::Open(work.class_file().c_str(),
                                            GDAL_OF_RASTER | GDAL_OF_UPDATE));
  require_gdal(raster != nullptr, work.class_file().string());
  // No data is masked out, so it neither takes nor gives: GDAL leaves what the mask leaves out.
  GDALRasterBand* const band = raster->GetRasterBand(1);
  constexpr int kBySides = 4;
  require_gdal(GDALSieveFilter(band, band, band, static_cast<int>(min_area_pixels), kBySides,
                               nullptr, nullptr, nullptr) == CE_None,
               "sieving");
  CPLErrorReset();
  raster->FlushCache(false);  // GDAL 3.6 returns nothing
  require_gdal(CPLGetLastErrorType() != CE_Failure, "sieving");
}

Grid picture_size(const Grid& grid) {
  const std::int64_t longest = std::max(grid.num_rows, grid.num_columns);
  const std::int64_t shown = std::min(longest, kMostPicturePixels);
  Grid size;  // without georeferencing, which PNG cannot carry and GDAL would put in a sidecar
  size.geo_transform = kNoGeoTransform;
  size.num_rows = std::max<std::int64_t>(1, grid.num_rows * shown / longest);
  size.num_columns = std::max<std::int64_t>(1, grid.num_columns * shown / longest);
  return size;
}

void write_class_picture(const fs::path& file, const Grid& grid,
                         const std::function<const std::uint8_t*(std::int64_t row)>& row_of,
                         const std::vector<LandCoverClass>& classes) {
  const Grid size = picture_size(grid);
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(size.num_rows * size.num_columns));
  for (std::int64_t y = 0; y < size.num_rows; ++y) {
    const std::uint8_t* const row = row_of((2 * y + 1) * grid.num_rows / (2 * size.num_rows));
    for (std::int64_t x = 0; x < size.num_columns; ++x)
      pixels.push_back(row[(2 * x + 1) * grid.num_columns / (2 * size.num_columns)]);
  }
  const DatasetPtr picture = wrap_as_raster(size, 1, GDT_Byte, pixels.data());
  GDALColorTable colors = color_table(classes);
  picture->GetRasterBand(1)->SetColorTable(&colors);
  write_png(file, *picture);
}

void write_map_files(const fs::path& map, const PartialMap& work, const MapLayers& layers,
                     const Grid& grid, const std::vector<LandCoverClass>& classes,
                     const MapMetadata& metadata, const std::string& record) {
  std::vector<fs::path> made;  // in the order in which they are moved
  fs::path current = map;
  const auto unfinished = [&](const std::string& ending) {
    current = beside_map(map, ending);
    made.push_back(work.directory() / current.filename());
    return made.back();
  };
  try {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(grid.num_columns));
    std::ifstream rows(work.class_file(), std::ios::binary);
    write_class_picture(
        unfinished(".png"), grid,
        [&](std::int64_t y) {
          rows.seekg(y * grid.num_columns);
          rows.read(reinterpret_cast<char*>(row.data()), grid.num_columns);
          return row.data();
        },
        classes);
    write_file(unfinished(".qml"), qgis_style(classes));
    write_file(unfinished(".json"), record);
    if (layers.confidence)
      write_floats(unfinished("-confidence.tif"), work.confidence_file(), grid,
                   {"Probability of the class"}, metadata);
    if (layers.probabilities) {
      std::vector<std::string> names;
      for (const LandCoverClass& land_cover : classes) names.push_back(land_cover.name);
      write_floats(unfinished("-probabilities.tif"), work.probability_file(), grid, names,
                   metadata);
    }
    // Last: where the map is, its companions are.
    const std::string ending = map.extension().string();
    write_classes(unfinished(ending), work, grid, classes, metadata);
    for (const fs::path& name : {fs::path(kLabelPicture), beside_map(map, kScenePicture).filename()})
      if (const fs::path picture = work.directory() / name; fs::exists(picture))
        made.insert(made.begin(), picture);
    FileReplacement files(work.directory() / "replaced");
    // First: what names the others is not there while they change.
    current = map;
    files.take_away(map);
    for (const char* layer : {"-confidence.tif", "-probabilities.tif", kScenePicture}) {
      current = beside_map(map, layer);
      files.take_away(current);
      files.take_away(sidecar_of(current));
    }
    for (const fs::path& file : made) {
      current = map.parent_path() / file.filename();
      files.take_away(sidecar_of(current));  // an earlier file's would now be wrong
      if (fs::exists(sidecar_of(file))) files.put(sidecar_of(file), sidecar_of(current));
      files.put(file, current);
    }
    files.keep();
  } catch (const std::exception& error) {
    throw not_written(current, error);
  }
}

void write_label_picture(const fs::path& picture, const SceneData& labels,
                         const std::vector<LandCoverClass>& classes) {
  std::vector<std::uint8_t> ids(static_cast<std::size_t>(labels.grid.num_columns));
  write_class_picture(
      picture, labels.grid,
      [&](std::int64_t row) {
        for (std::size_t x = 0; x < ids.size(); ++x) {
          const std::uint8_t index =
              labels.class_plane[static_cast<std::size_t>(row) * ids.size() + x];
          ids[x] = index == kNoClass ? 0 : static_cast<std::uint8_t>(classes.at(index).id);
        }
        return ids.data();
      },
      classes);
}

}  // namespace cadastre
