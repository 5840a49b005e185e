#include "executor/predict/map_result_text.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "executor/predictor.h"
#include "planner/table.h"

namespace cadastre {

namespace {

double pixels_per_s(const MapResult& result) {
  return result.classify_s > 0 ? static_cast<double>(result.num_classified) / result.classify_s : 0;
}

/// "88.0 ± 7.4"
std::string percent(double value, double half_width) {
  return fixed(100 * value, 1) + " ± " + fixed(100 * half_width, 1);
}

std::string areas_text(const MapRecord& record) {
  const AreaEstimates& areas = record.areas;
  const std::string unit = record.in_hectares ? "ha" : "pixels";
  std::vector<std::vector<std::string>> rows = {{"class", "mapped " + unit}};
  if (areas.is_estimated)
    rows.front().insert(rows.front().end(), {"estimated " + unit, "user's %", "producer's %"});
  const int digits = record.in_hectares ? 2 : 0;
  for (std::size_t i = 0; i < record.classes.size(); ++i) {
    const AreaEstimate& area = areas.classes[i];
    rows.push_back({record.classes[i].name, fixed(area.mapped, digits)});
    if (!areas.is_estimated) continue;
    rows.back().push_back(fixed(area.estimated, digits) + " ± " +
                          fixed(area.estimated_half_width, digits));
    rows.back().push_back(percent(area.users_accuracy, area.users_accuracy_half_width));
    rows.back().push_back(percent(area.producers_accuracy, area.producers_accuracy_half_width));
  }
  std::string text = "areas";
  if (areas.is_estimated)
    text +=
        ", estimated from the test pixels with intervals of 95 % (Olofsson et al. 2014; as if "
        "drawn at random)";
  text += '\n';
  text += text_table(rows);
  if (areas.is_estimated)
    text += "overall accuracy by area " +
            percent(areas.overall_accuracy, areas.overall_accuracy_half_width) + " %\n";
  return text;
}

}  // namespace

nlohmann::json map_result_json(const MapResult& result, const std::filesystem::path& map) {
  const MapRecord& record = result.record;
  nlohmann::json written = {{"map", map.string()},
                            {"num_pixels", record.num_rows * record.num_columns},
                            {"num_resumed_pixels", result.num_resumed},
                            {"classify_s", result.classify_s},
                            {"pixels_per_s", pixels_per_s(result)},
                            {"areas", to_json(record)}};
  if (result.predicted_pixels_per_s)
    written["predicted_pixels_per_s"] = *result.predicted_pixels_per_s;
  for (const ScoringRank& rank : result.ranks) {
    nlohmann::json one = {{"host", rank.host}, {"num_tiles", rank.num_tiles}};
    if (rank.was_lost) one["was_lost"] = true;
    written["ranks"].push_back(one);
  }
  if (!result.notes.empty()) written["notes"] = result.notes;
  if (result.metrics) {
    nlohmann::json f1 = nlohmann::json::object();
    for (const ClassMetrics& land_cover : result.metrics->classes)
      f1[land_cover.name] = land_cover.f1;
    written["metrics"] = {{"overall_accuracy", result.metrics->overall_accuracy},
                          {"average_accuracy", result.metrics->average_accuracy},
                          {"kappa", result.metrics->kappa},
                          {"f1", f1}};
  }
  return written;
}

std::string map_result_text(const MapResult& result, const std::filesystem::path& map) {
  std::string text = std::to_string(result.num_classified) + " pixels in " +
                     fixed(result.classify_s, 1) + " s (" + fixed(pixels_per_s(result), 0) +
                     " per second";
  if (result.predicted_pixels_per_s)
    text += "; " + fixed(*result.predicted_pixels_per_s, 0) + " predicted";
  text += ")\n";
  if (!result.ranks.empty()) {
    text += "tiles by host:";
    for (const ScoringRank& rank : result.ranks)
      text += " " + rank.host + " " + std::to_string(rank.num_tiles) +
              (rank.was_lost ? " (lost)" : "") + (&rank == &result.ranks.back() ? "\n" : ",");
  }
  if (result.num_resumed > 0)
    text += std::to_string(result.num_resumed) + " pixels were there from an earlier start\n";
  for (const std::string& note : result.notes) text += note + "\n";
  if (result.metrics) text += metrics_text(*result.metrics);
  text += areas_text(result.record);
  text += "wrote " + map.string() + "\n";
  return text;
}

}  // namespace cadastre
