#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "planner/map_record.h"

namespace cadastre {

namespace {

constexpr const char* kHectare = "hectare";
constexpr const char* kPixel = "pixel";

MapClass read_class(const JsonPlace& place, AreaEstimates& areas) {
  JsonObject object = place.object();
  MapClass of_class;
  constexpr int kLargestId = 255;
  of_class.id = static_cast<int>(object.at("id").integer(1, kLargestId));
  of_class.name = object.at("name").string();
  of_class.num_pixels = object.at("num_pixels").integer(0);
  AreaEstimate area;
  area.mapped = object.at("mapped_area").number(0);
  if (areas.is_estimated) {
    area.estimated = object.at("estimated_area").number(0);
    area.estimated_half_width = object.at("estimated_area_half_width").number(0);
    area.users_accuracy = object.at("users_accuracy").number(0, 1);
    area.users_accuracy_half_width = object.at("users_accuracy_half_width").number(0);
    area.producers_accuracy = object.at("producers_accuracy").number(0, 1);
    area.producers_accuracy_half_width = object.at("producers_accuracy_half_width").number(0);
  }
  areas.classes.push_back(area);
  object.finish();
  return of_class;
}

MapAccuracy read_accuracy(const JsonPlace& place, std::size_t num_classes) {
  JsonObject object = place.object();
  MapAccuracy accuracy;
  accuracy.overall_accuracy = object.at("overall_accuracy").number(0, 1);
  accuracy.average_accuracy = object.at("average_accuracy").number(0, 1);
  accuracy.kappa = object.at("kappa").number(-1, 1);
  const std::string expected =
      "an array of " + std::to_string(num_classes) + ", one for each class";
  const JsonPlace confusion = object.at("confusion");
  const std::vector<JsonPlace> rows = confusion.array();
  if (rows.size() != num_classes) confusion.fail_expected(expected);
  for (const JsonPlace& row : rows) {
    accuracy.confusion.push_back(row.integers(0));
    if (accuracy.confusion.back().size() != num_classes) row.fail_expected(expected);
  }
  object.finish();
  return accuracy;
}

nlohmann::json class_json(const MapClass& of_class, const AreaEstimate& area, bool is_estimated) {
  nlohmann::json written = {{"id", of_class.id},
                            {"name", of_class.name},
                            {"num_pixels", of_class.num_pixels},
                            {"mapped_area", area.mapped}};
  if (!is_estimated) return written;
  written["estimated_area"] = area.estimated;
  written["estimated_area_half_width"] = area.estimated_half_width;
  written["users_accuracy"] = area.users_accuracy;
  written["users_accuracy_half_width"] = area.users_accuracy_half_width;
  written["producers_accuracy"] = area.producers_accuracy;
  written["producers_accuracy_half_width"] = area.producers_accuracy_half_width;
  return written;
}

}  // namespace

MapRecord map_record_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "map");
  MapRecord record;
  record.map = object.at("map").string();
  record.run = object.at("run").string();
  record.model = object.at("model").string();
  record.scene = object.at("scene").string();
  record.num_rows = object.at("num_rows").integer(1);
  record.num_columns = object.at("num_columns").integer(1);
  record.num_nodata_pixels = object.at("num_nodata_pixels").integer(0);
  record.min_area_pixels = object.at("min_area_pixels").integer(0);
  record.num_views = object.at("num_views").integer(1);
  record.in_hectares = object.at("area_unit").one_of({kHectare, kPixel}) == 0;
  if (const auto overall = object.find("estimated_overall_accuracy")) {
    record.areas.is_estimated = true;
    record.areas.overall_accuracy = overall->number(0, 1);
    record.areas.overall_accuracy_half_width =
        object.at("estimated_overall_accuracy_half_width").number(0);
  }
  for (const JsonPlace& item : object.at("classes").array(1))
    record.classes.push_back(read_class(item, record.areas));
  if (const auto accuracy = object.find("accuracy"))
    record.accuracy = read_accuracy(*accuracy, record.classes.size());
  object.finish();
  return record;
}

nlohmann::json to_json(const MapRecord& record) {
  nlohmann::json classes = nlohmann::json::array();
  for (std::size_t i = 0; i < record.classes.size(); ++i)
    classes.push_back(
        class_json(record.classes[i], record.areas.classes.at(i), record.areas.is_estimated));
  nlohmann::json written = {{"format", "cadastre-map/1"},
                            {"map", record.map},
                            {"run", record.run},
                            {"model", record.model},
                            {"scene", record.scene},
                            {"num_rows", record.num_rows},
                            {"num_columns", record.num_columns},
                            {"num_nodata_pixels", record.num_nodata_pixels},
                            {"min_area_pixels", record.min_area_pixels},
                            {"num_views", record.num_views},
                            {"area_unit", record.in_hectares ? kHectare : kPixel},
                            {"classes", std::move(classes)}};
  if (record.areas.is_estimated) {
    written["estimated_overall_accuracy"] = record.areas.overall_accuracy;
    written["estimated_overall_accuracy_half_width"] = record.areas.overall_accuracy_half_width;
  }
  if (record.accuracy)
    written["accuracy"] = {{"overall_accuracy", record.accuracy->overall_accuracy},
                           {"average_accuracy", record.accuracy->average_accuracy},
                           {"kappa", record.accuracy->kappa},
                           {"confusion", record.accuracy->confusion}};
  return written;
}

}  // namespace cadastre
