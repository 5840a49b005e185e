#include "executor/scene/label_vector.h"

#include <gdal_alg.h>
#include <ogrsf_frmts.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "executor/gdal_support.h"
#include "executor/scene_data.h"
#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

struct FreeFeature {
  void operator()(OGRFeature* feature) const noexcept { OGRFeature::DestroyFeature(feature); }
};

using FeaturePtr = std::unique_ptr<OGRFeature, FreeFeature>;
using TransformationPtr = std::unique_ptr<OGRCoordinateTransformation>;

bool is_polygon(const OGRGeometry& geometry) {
  const OGRwkbGeometryType type = wkbFlatten(geometry.getGeometryType());
  return type == wkbPolygon || type == wkbMultiPolygon || type == wkbCurvePolygon ||
         type == wkbMultiSurface;
}

OGRLayer& layer_of(GDALDataset& vector, const Scene& scene) {
  std::vector<std::string> names;
  for (int i = 0; i < vector.GetLayerCount(); ++i)
    names.emplace_back(vector.GetLayer(i)->GetName());
  const std::string& wanted = scene.label_reading.layer;
  if (wanted.empty() && names.size() == 1) return *vector.GetLayer(0);
  if (!wanted.empty())
    if (OGRLayer* layer = vector.GetLayerByName(wanted.c_str())) return *layer;
  throw InputError(scene.labels.string(), "",
                   wanted.empty() ? "expected one layer, or its name in the scene, found " +
                                        std::to_string(names.size()) + " (" + listed(names) + ")"
                                  : "expected a layer " + in_quotes(wanted) + ", found " +
                                        (names.empty() ? "none" : listed(names)));
}

int attribute_of(OGRLayer& layer, const Scene& scene) {
  const OGRFeatureDefn& fields = *layer.GetLayerDefn();
  const std::string& wanted = scene.label_reading.attribute;
  const int index = fields.GetFieldIndex(wanted.c_str());
  if (index >= 0) return index;
  std::vector<std::string> names;
  for (int i = 0; i < fields.GetFieldCount(); ++i)
    names.emplace_back(fields.GetFieldDefn(i)->GetNameRef());
  throw InputError(scene.labels.string(), "",
                   "expected an attribute " + in_quotes(wanted) + ", found " +
                       (names.empty() ? "none" : listed(names)) + did_you_mean(wanted, names));
}

/// From a layer's CRS to the grid's; null when they are the same or one has none.
TransformationPtr transformation_to(const Grid& grid, const OGRLayer& layer) {
  const OGRSpatialReference* of_layer = const_cast<OGRLayer&>(layer).GetSpatialRef();
  if (of_layer == nullptr || grid.projection.empty()) return nullptr;
  OGRSpatialReference from = *of_layer;
  OGRSpatialReference to(grid.projection.c_str());
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  if (from.IsSame(&to) != 0) return nullptr;
  return TransformationPtr(OGRCreateCoordinateTransformation(&from, &to));
}

/// The class index that a feature's attribute names.
std::uint8_t class_of(const OGRFeature& feature, int attribute, const Scene& scene) {
  const std::string text = feature.GetFieldAsString(attribute);
  const OGRFieldType type = feature.GetFieldDefnRef(attribute)->GetType();
  const bool is_number = type == OFTInteger || type == OFTInteger64 || type == OFTReal;
  for (std::size_t i = 0; i < scene.classes.size(); ++i) {
    const LandCoverClass& land_cover = scene.classes[i];
    const bool matches = is_number
                             ? feature.GetFieldAsDouble(attribute) == land_cover.id
                             : text == land_cover.name || text == std::to_string(land_cover.id);
    if (matches) return static_cast<std::uint8_t>(i);
  }
  if (is_number ? feature.GetFieldAsDouble(attribute) == 0 : text.empty()) return kNoClass;
  std::vector<std::string> known;
  for (const LandCoverClass& land_cover : scene.classes)
    known.push_back(is_number ? std::to_string(land_cover.id) : land_cover.name);
  std::string message = "feature " + std::to_string(feature.GetFID()) + ": expected " +
                        scene.label_reading.attribute +
                        (is_number ? " to be the id of a class of the scene ("
                                   : " to be the name of a class of the scene (");
  message += listed(known) + "), found " + (is_number ? text : in_quotes(text));
  throw InputError(scene.labels.string(), "", message);
}

}  // namespace

std::vector<std::uint8_t> rasterized_labels(const Scene& scene, const ReferenceGrid& reference) {
  prepare_gdal();
  const std::string file = scene.labels.string();
  CPLErrorReset();
  const DatasetPtr vector(
      GDALDataset::Open(file.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (vector == nullptr) {
    std::error_code ignored;
    throw InputError(file, "",
                     std::filesystem::exists(scene.labels, ignored)
                         ? "expected polygons in a format that OGR opens, found: " + gdal_cause()
                         : "expected polygons, found no file");
  }
  OGRLayer& layer = layer_of(*vector, scene);
  const int attribute = attribute_of(layer, scene);
  const TransformationPtr transformation = transformation_to(reference.grid, layer);

  const Grid& grid = reference.grid;
  std::vector<std::uint8_t> plane(static_cast<std::size_t>(grid.num_rows * grid.num_columns),
                                  kNoClass);
  const DatasetPtr raster = wrap_as_raster(grid, 1, GDT_Byte, plane.data());
  std::int64_t num_polygons = 0;
  layer.ResetReading();
  while (const FeaturePtr feature{layer.GetNextFeature()}) {
    const OGRGeometry* given = feature->GetGeometryRef();
    if (given == nullptr || given->IsEmpty() || !is_polygon(*given)) continue;
    ++num_polygons;
    const std::uint8_t class_index = class_of(*feature, attribute, scene);
    const std::unique_ptr<OGRGeometry> geometry(given->getLinearGeometry());
    // A polygon that the grid's CRS cannot express is not on the grid.
    if (transformation != nullptr && geometry->transform(transformation.get()) != OGRERR_NONE)
      continue;
    int band = 1;
    OGRGeometryH handle = OGRGeometry::ToHandle(geometry.get());
    double value = class_index;
    require_gdal(
        GDALRasterizeGeometries(GDALDataset::ToHandle(raster.get()), 1, &band, 1, &handle, nullptr,
                                nullptr, &value, nullptr, nullptr, nullptr) == CE_None,
        file);
  }
  raster->FlushCache();
  if (num_polygons == 0)
    throw InputError(file, "",
                     "expected polygons in layer " + in_quotes(layer.GetName()) + ", found none");
  if (std::all_of(plane.begin(), plane.end(), [](std::uint8_t index) { return index == kNoClass; }))
    throw InputError(file, "",
                     "expected polygons on the grid of " + reference.from +
                         ", found no pixel's centre in any of them");
  return plane;
}

}  // namespace cadastre
