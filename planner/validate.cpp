#include "planner/validate.h"

#include <nlohmann/json.hpp>

#include "planner/checkpoint.h"
#include "planner/conditions.h"
#include "planner/device.h"
#include "planner/fidelity/fidelity.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/map_record.h"
#include "planner/refusal.h"
#include "planner/run_record.h"
#include "planner/simulation.h"
#include "planner/study/inputs.h"
#include "planner/study/measured.h"
#include "planner/study/result.h"

namespace cadastre {

namespace {

struct Kind {
  std::string name;
  void (*check)(const JsonPlace&);
};

template <auto kRead>
void check(const JsonPlace& place) {
  static_cast<void>(kRead(place));
}

/// All points included.
void check_study(const JsonPlace& place) {
  const Study study = study_from_json(place);
  const StudyInputsReader reader(study);
  for (std::size_t point = 0; point < num_points(study); ++point)
    for (const std::string& strategy : study.strategies)
      static_cast<void>(reader.inputs(point_changes(study, point), strategy));
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {.name = "model", .check = check<model_from_json>},
      {.name = "profile", .check = check<profile_from_json>},
      {.name = "cluster", .check = check<cluster_from_json>},
      {.name = "plan", .check = check<plan_from_json>},
      {.name = "conditions", .check = check<conditions_from_json>},
      {.name = "timeline", .check = check<timeline_from_json>},
      {.name = "scene", .check = check<scene_from_json>},
      {.name = "simulation", .check = check<simulation_from_json>},
      {.name = "map", .check = check<map_record_from_json>},
      {.name = "run", .check = check<run_from_json>},
      {.name = "checkpoint", .check = check<checkpoint_from_json>},
      {.name = "device", .check = check<device_from_json>},
      {.name = "study", .check = check_study},
      {.name = "measured", .check = check<measured_list_from_json>},
      {.name = "suite", .check = check<suite_from_json>},
      {.name = "fidelity", .check = check<fidelity_from_json>},
      {.name = "study-result", .check = check<study_result_from_json>}};
  return all;
}

std::string format_of(const Kind& kind) { return "cadastre-" + kind.name + "/1"; }

}  // namespace

std::string validate_document(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  const JsonPlace place(document, name, "");
  const JsonPlace format = place.object().at("format");
  const std::string found = format.string();
  std::string expected = "expected one of";
  std::vector<std::string> formats;
  for (const Kind& kind : kinds()) {
    formats.push_back(format_of(kind));
    if (formats.back() == found) {
      kind.check(place);
      return kind.name;
    }
    expected += (formats.size() == 1 ? " " : ", ") + formats.back();
  }
  format.fail(expected + ", found " + in_quotes(found) + did_you_mean(found, formats));
}

}  // namespace cadastre
