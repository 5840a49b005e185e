#include "executor/scene/reference_grid.h"

#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>

#include "executor/gdal_support.h"
#include "planner/error.h"

namespace cadastre {

namespace {

ReferenceGrid grid_of_file(const std::filesystem::path& file) {
  const DatasetPtr raster = open_raster(file);
  check_geotransform(*raster, file);
  return {.grid = grid_of(*raster), .from = file.string()};
}

ReferenceGrid stated_grid(const GridChoice& choice) {
  prepare_gdal();
  OGRSpatialReference system;
  char* text = nullptr;
  if (system.SetFromUserInput(choice.crs.c_str()) != OGRERR_NONE ||
      system.exportToWkt(&text) != OGRERR_NONE) {
    CPLFree(text);
    throw InputError("", "/grid/crs",
                     "expected a coordinate reference system such as \"EPSG:32634\", found \"" +
                         choice.crs + "\"");
  }
  ReferenceGrid reference;
  reference.grid.projection = text;
  CPLFree(text);
  const auto& [width, height] = choice.resolution;
  const auto& [least_x, least_y, most_x, most_y] = choice.extent;
  reference.grid.num_columns = std::max<std::int64_t>(1, std::llround((most_x - least_x) / width));
  reference.grid.num_rows = std::max<std::int64_t>(1, std::llround((most_y - least_y) / height));
  reference.grid.geo_transform = {least_x, width, 0, most_y, 0, -height};
  reference.from = "the scene's grid";
  return reference;
}

}  // namespace

ReferenceGrid reference_grid(const Scene& scene) {
  const auto named = [&](const std::string& name) {
    const auto found = std::find_if(scene.modalities.begin(), scene.modalities.end(),
                                    [&](const Modality& one) { return one.name == name; });
    if (found == scene.modalities.end())
      throw InputError("", "/grid/modality",
                       "expected a modality of the scene, found \"" + name + "\"");
    return found->raster;
  };
  if (scene.grid && !scene.grid->modality.empty()) return grid_of_file(named(scene.grid->modality));
  if (scene.grid) return stated_grid(*scene.grid);
  if (!scene.labels.empty() && !scene.label_reading.is_vector) return grid_of_file(scene.labels);
  if (scene.modalities.empty())
    throw InputError("", "/modalities", "expected a modality or labels to give the grid");
  return grid_of_file(scene.modalities.front().raster);
}

}  // namespace cadastre
