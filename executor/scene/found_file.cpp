#include "executor/scene/found_file.h"

#include <gdal_rat.h>
#include <ogrsf_frmts.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostValues = 256;
constexpr double kLargestWhole = 9007199254740992;  // 2^53: beyond, doubles skip whole numbers

bool is_whole(GDALDataType type) {
  return !GDALDataTypeIsComplex(type) && !GDALDataTypeIsFloating(type);
}

/// Counts the values of a band strip by strip; nothing when one is no whole number, or there are
/// too many to be classes. NaN is no value.
std::map<std::int64_t, std::int64_t> count_values(GDALDataset& raster, const Grid& grid) {
  GDALRasterBand& band = *raster.GetRasterBand(1);
  int has_nodata = 0;
  const double nodata = band.GetNoDataValue(&has_nodata);
  std::map<std::int64_t, std::int64_t> counts;
  std::vector<double> line(static_cast<std::size_t>(grid.num_columns));
  for (std::int64_t row = 0; row < grid.num_rows; ++row) {
    const auto num_columns = static_cast<int>(grid.num_columns);
    if (band.RasterIO(GF_Read, 0, static_cast<int>(row), num_columns, 1, line.data(), num_columns,
                      1, GDT_Float64, 0, 0, nullptr) != CE_None)
      throw InputError("", "", "band 1: expected readable pixels, found: " + gdal_cause());
    for (std::size_t begin = 0; begin < line.size();) {  // runs: class rasters have long ones
      std::size_t end = begin + 1;
      const double value = line[begin];
      while (end < line.size() && line[end] == value) ++end;
      const bool is_missing = std::isnan(value) || (has_nodata != 0 && value == nodata);
      if (!is_missing && (value != std::trunc(value) || std::abs(value) > kLargestWhole)) return {};
      if (!is_missing)
        counts[static_cast<std::int64_t>(value)] += static_cast<std::int64_t>(end - begin);
      begin = end;
    }
    if (counts.size() > kMostValues) return {};
  }
  return counts;
}

/// Colours' parts as bytes: some writers store 16-bit parts, in all entries of a table alike.
void make_bytes(std::map<std::int64_t, std::array<int, 3>>& colors) {
  constexpr int kMostByte = 255;
  constexpr int kWide = 257;  // 65535 / 255
  int most = 0;
  for (const auto& [value, color] : colors)
    most = std::max(most, *std::max_element(color.begin(), color.end()));
  for (auto& [value, color] : colors)
    for (int& part : color) part = std::clamp(most > kMostByte ? part / kWide : part, 0, kMostByte);
}

/// The column of a usage; where no column has one, as in tables of ArcGIS, the first of these
/// names.
int column_of(const GDALRasterAttributeTable& table, GDALRATFieldUsage usage,
              const std::vector<std::string>& names) {
  if (const int column = table.GetColOfUsage(usage); column >= 0) return column;
  for (const std::string& name : names)
    for (int column = 0; column < table.GetColumnCount(); ++column)
      if (table.GetUsageOfCol(column) == GFU_Generic &&
          EQUAL(table.GetNameOfCol(column), name.c_str()))
        return column;
  return -1;
}

void read_attribute_table(const GDALRasterAttributeTable& table, FoundFile& found) {
  const int value = column_of(table, GFU_MinMax, {"value", "id", "code"});
  const int id = value >= 0 ? value : table.GetColOfUsage(GFU_Min);
  const int name = column_of(table, GFU_Name,
                             {"class_name", "classname", "class_names", "class", "name", "label",
                              "category", "description"});
  const int red = column_of(table, GFU_Red, {"red", "r"});
  const int green = column_of(table, GFU_Green, {"green", "g"});
  const int blue = column_of(table, GFU_Blue, {"blue", "b"});
  std::map<std::int64_t, std::array<int, 3>> colors;
  for (int row = 0; row < table.GetRowCount(); ++row) {
    const std::int64_t at = id >= 0 ? table.GetValueAsInt(row, id) : row;
    if (name >= 0) found.value_names[at] = table.GetValueAsString(row, name);
    if (red >= 0 && green >= 0 && blue >= 0)
      colors[at] = {table.GetValueAsInt(row, red), table.GetValueAsInt(row, green),
                    table.GetValueAsInt(row, blue)};
  }
  make_bytes(colors);
  for (const auto& [at, color] : colors) found.value_colors[at] = color;
}

void read_meanings(GDALRasterBand& band, FoundFile& found) {
  if (char** names = band.GetCategoryNames())
    for (int i = 0; names[i] != nullptr; ++i)
      if (names[i][0] != '\0') found.value_names[i] = names[i];
  if (const GDALColorTable* colors = band.GetColorTable())
    for (int i = 0; i < colors->GetColorEntryCount(); ++i) {
      const GDALColorEntry& entry = *colors->GetColorEntry(i);
      found.value_colors[i] = {static_cast<std::uint16_t>(entry.c1),
                               static_cast<std::uint16_t>(entry.c2),
                               static_cast<std::uint16_t>(entry.c3)};
    }
  make_bytes(found.value_colors);
  if (const GDALRasterAttributeTable* table = band.GetDefaultRAT())
    read_attribute_table(*table, found);
}

void inspect_raster(GDALDataset& raster, FoundFile& found) {
  found.grid = grid_of(raster);
  found.num_bands = raster.GetRasterCount();
  if (found.num_bands == 0) {
    found.unreadable = "it has no bands of its own";
    return;
  }
  const GDALDataType type = raster.GetRasterBand(1)->GetRasterDataType();
  found.type = GDALGetDataTypeName(type);
  found.is_integer = is_whole(type);
  if (GDALDataTypeIsComplex(type)) {
    found.unreadable = "its values are complex; write their magnitude or phase to a raster";
    return;
  }
  for (int band = 1; band <= found.num_bands; ++band)
    if (raster.GetRasterBand(band)->GetColorInterpretation() == GCI_AlphaBand)
      found.alpha_bands.push_back(band);
  if (found.num_bands != 1) return;
  read_meanings(*raster.GetRasterBand(1), found);
  found.values = count_values(raster, found.grid);
}

void inspect_vector(GDALDataset& vector, FoundFile& found) {
  found.is_vector = true;
  for (int i = 0; i < vector.GetLayerCount(); ++i) {
    OGRLayer& layer = *vector.GetLayer(i);
    const OGRwkbGeometryType declared = wkbFlatten(layer.GetGeomType());
    bool has_polygons = declared == wkbPolygon || declared == wkbMultiPolygon;
    if (declared == wkbUnknown || declared == wkbGeometryCollection) {
      layer.ResetReading();
      while (OGRFeature* feature = layer.GetNextFeature()) {
        const OGRGeometry* geometry = feature->GetGeometryRef();
        if (geometry != nullptr) {
          const OGRwkbGeometryType is = wkbFlatten(geometry->getGeometryType());
          has_polygons = is == wkbPolygon || is == wkbMultiPolygon;
        }
        OGRFeature::DestroyFeature(feature);
        if (has_polygons) break;
      }
    }
    if (!has_polygons) continue;
    found.layers.emplace_back(layer.GetName());
    if (found.layers.size() > 1) continue;
    const OGRFeatureDefn& fields = *layer.GetLayerDefn();
    for (int field = 0; field < fields.GetFieldCount(); ++field) {
      const OGRFieldType type = fields.GetFieldDefn(field)->GetType();
      const std::string name = fields.GetFieldDefn(field)->GetNameRef();
      if (type == OFTInteger || type == OFTInteger64 || type == OFTString)
        found.attributes.push_back(name);
      else if (type == OFTReal)
        found.real_attributes.push_back(name);
    }
  }
  if (found.layers.empty()) found.unreadable = "it has no polygons";
}

}  // namespace

FoundFile inspect_file(const fs::path& file) {
  prepare_gdal();
  FoundFile found;
  found.file = file;
  std::error_code ignored;
  if (fs::is_regular_file(file, ignored) && fs::file_size(file, ignored) == 0) {
    found.unreadable = "it is empty";
    return found;
  }
  CPLErrorReset();
  const DatasetPtr opened(GDALDataset::Open(
      file.c_str(), GDAL_OF_RASTER | GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (opened == nullptr) {
    found.unreadable = gdal_cause();
    return found;
  }
  try {
    if (opened->GetRasterCount() == 0 && opened->GetLayerCount() > 0)
      inspect_vector(*opened, found);
    else
      inspect_raster(*opened, found);
  } catch (const InputError& error) {
    found.damage = error.what();
  }
  return found;
}

std::vector<std::string> attribute_values(const fs::path& file, const std::string& layer_name,
                                          const std::string& attribute, bool& is_number) {
  prepare_gdal();
  CPLErrorReset();
  const DatasetPtr vector(
      GDALDataset::Open(file.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (vector == nullptr)
    throw InputError(file.string(), "", "expected polygons, found: " + gdal_cause());
  OGRLayer* layer = vector->GetLayerByName(layer_name.c_str());
  const int field = layer == nullptr ? -1 : layer->GetLayerDefn()->GetFieldIndex(attribute.c_str());
  if (field < 0)
    throw InputError(
        file.string(), "",
        "expected an attribute \"" + attribute + "\" in layer \"" + layer_name + "\", found none");
  is_number = layer->GetLayerDefn()->GetFieldDefn(field)->GetType() != OFTString;
  std::set<std::pair<std::int64_t, std::string>> values;  // numbers in their own order
  layer->ResetReading();
  while (OGRFeature* feature = layer->GetNextFeature()) {
    const std::string text = feature->GetFieldAsString(field);
    const double number = is_number ? feature->GetFieldAsDouble(field) : 0;
    OGRFeature::DestroyFeature(feature);
    if (number != std::trunc(number) || std::abs(number) > kLargestWhole)
      throw InputError(
          file.string(), "",
          "expected whole numbers or texts in attribute \"" + attribute + "\", found " + text);
    if (text.empty()) continue;
    const auto whole = static_cast<std::int64_t>(number);
    values.emplace(whole, is_number ? std::to_string(whole) : text);
  }
  std::vector<std::string> texts;
  for (const auto& [number, text] : values) texts.push_back(text);
  return texts;
}

}  // namespace cadastre
