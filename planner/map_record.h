#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

class JsonPlace;

/// Areas of one class, in the record's unit; half widths of intervals of 95 % confidence.
struct AreaEstimate {
  double mapped = 0;  ///< of the pixels of the class
  double estimated = 0;
  double estimated_half_width = 0;
  double users_accuracy = 0;
  double users_accuracy_half_width = 0;
  double producers_accuracy = 0;
  double producers_accuracy_half_width = 0;
  bool operator==(const AreaEstimate&) const = default;
};

struct AreaEstimates {
  bool is_estimated = false;  ///< else only `mapped` is known
  double overall_accuracy = 0;
  double overall_accuracy_half_width = 0;
  std::vector<AreaEstimate> classes;
  bool operator==(const AreaEstimates&) const = default;
};

struct MapClass {
  int id = 1;  ///< value in the map
  std::string name;
  std::int64_t num_pixels = 0;
  bool operator==(const MapClass&) const = default;
};

/// Of the map on the scene's test pixels.
struct MapAccuracy {
  double overall_accuracy = 0;
  double average_accuracy = 0;
  double kappa = 0;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [reference class][mapped class]
  bool operator==(const MapAccuracy&) const = default;
};

/// `cadastre-map/1`: what a map is and how far it can be trusted; beside the map.
struct MapRecord {
  std::string map;  ///< file name
  std::string run;  ///< the run's directory, its name alone
  std::string model;
  std::string scene;
  std::int64_t num_rows = 0;
  std::int64_t num_columns = 0;
  std::int64_t min_area_pixels = 0;  ///< smaller patches were given to a neighbour; 0: none
  std::int64_t num_views = 1;        ///< of every pixel, over which probabilities were averaged
  bool in_hectares = true;           ///< the unit of areas; else pixels
  std::vector<MapClass> classes;
  std::int64_t num_nodata_pixels = 0;
  AreaEstimates areas;
  std::optional<MapAccuracy> accuracy;  ///< none where the scene has no labels
  bool operator==(const MapRecord&) const = default;
};

[[nodiscard]] MapRecord map_record_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const MapRecord& record);

}  // namespace cadastre
