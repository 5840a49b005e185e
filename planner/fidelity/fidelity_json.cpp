#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "planner/fidelity/fidelity.h"
#include "planner/fidelity/summary.h"
#include "planner/files.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace {

nlohmann::json to_json(const FidelityRun& run) {
  return {{"step_s", run.step_s},
          {"median_s", run.median_s},
          {"spread_s", run.spread_s},
          {"agrees", run.agrees}};
}

FidelityRun read_run_of_point(const JsonPlace& place) {
  JsonObject object = place.object();
  const FidelityRun run{.step_s = object.at("step_s").positive(),
                        .median_s = object.at("median_s").positive(),
                        .spread_s = object.at("spread_s").number(0),
                        .agrees = object.at("agrees").boolean()};
  object.finish();
  return run;
}

nlohmann::json to_json(const FidelityPoint& point) {
  nlohmann::json json = {{"group", point.group}, {"asked", to_json(point.asked)}};
  nlohmann::json runs = nlohmann::json::array();
  for (const FidelityRun& run : point.runs) runs.push_back(to_json(run));
  json["runs"] = std::move(runs);
  if (!point.failures.empty()) json["failures"] = point.failures;
  if (!point.error.empty()) {
    json["error"] = point.error;
    return json;
  }
  json["plan"] = to_json(point.plan);
  json["num_hosts"] = point.num_hosts;
  json["measured"] = to_json(point.measured);
  json["predicted"] = to_json(point.predicted);
  json["simulated"] = to_json(point.simulated);
  json["explanation"] = point.explanation;
  return json;
}

StepFigures read_figures(const JsonPlace& place) {
  StepFigures figures = step_figures_from_json(place);
  if (!(figures.step_s > 0)) place.object().at("step_s").fail_expected("a number > 0");
  return figures;
}

std::size_t read_group(const JsonPlace& place, const std::vector<FidelityGroup>& groups) {
  return static_cast<std::size_t>(place.integer(0, static_cast<std::int64_t>(groups.size()) - 1));
}

FidelityPoint read_point(const JsonPlace& place, const std::vector<FidelityGroup>& groups) {
  JsonObject object = place.object();
  FidelityPoint point;
  point.group = read_group(object.at("group"), groups);
  point.asked = fidelity_plan_from_json(object.at("asked"));
  for (const JsonPlace& run : object.at("runs").array())
    point.runs.push_back(read_run_of_point(run));
  if (const auto failures = object.find("failures")) point.failures = failures->strings();
  if (const auto error = object.find("error")) {
    point.error = error->string();
    if (point.error.empty()) error->fail_expected("why there are no figures");
    object.finish();
    return point;
  }
  point.plan = study_plan_from_json(object.at("plan"));
  point.num_hosts =
      static_cast<int>(object.at("num_hosts").integer(1, std::numeric_limits<int>::max()));
  point.measured = read_figures(object.at("measured"));
  point.predicted = read_figures(object.at("predicted"));
  point.simulated = read_figures(object.at("simulated"));
  point.explanation = object.at("explanation").string();
  object.finish();
  return point;
}

nlohmann::json to_json(const MeasuredSpeed& speed) {
  nlohmann::json json = {{"group", speed.group}, {"host", speed.host}, {"stated", speed.stated}};
  if (speed.num_threads != 1) json["num_threads"] = speed.num_threads;
  if (speed.measured) json["measured"] = *speed.measured;
  if (speed.beside_others) json["beside_others"] = *speed.beside_others;
  if (!speed.failures.empty()) json["failures"] = speed.failures;
  return json;
}

MeasuredSpeed read_host_speed(const JsonPlace& place, const std::vector<FidelityGroup>& groups) {
  JsonObject object = place.object();
  MeasuredSpeed speed;
  speed.group = read_group(object.at("group"), groups);
  speed.host = object.at("host").string();
  speed.stated = object.at("stated").positive();
  if (const auto threads = object.find("num_threads"))
    speed.num_threads = static_cast<int>(threads->integer(1, 1 << 20));
  if (const auto measured = object.find("measured")) speed.measured = measured->positive();
  if (const auto beside = object.find("beside_others")) speed.beside_others = beside->positive();
  if (const auto failures = object.find("failures")) speed.failures = failures->strings();
  object.finish();
  return speed;
}

nlohmann::json to_json(const AblationEffect& effect) {
  return {{"num_points", effect.num_points},
          {"error_with", effect.error_with},
          {"error_without", effect.error_without}};
}

AblationEffect read_effect(const JsonPlace& place) {
  JsonObject object = place.object();
  AblationEffect effect;
  effect.num_points = static_cast<std::size_t>(object.at("num_points").integer(0));
  effect.error_with = object.at("error_with").number(0);
  effect.error_without = object.at("error_without").number(0);
  object.finish();
  return effect;
}

nlohmann::json to_json(const AblationFigures& ablation) {
  return {{"name", ablation.name},
          {"left_out", ablation.left_out},
          {"simulated", to_json(ablation.simulated)},
          {"predicted", to_json(ablation.predicted)},
          {"held_out_simulated", to_json(ablation.held_out_simulated)},
          {"held_out_predicted", to_json(ablation.held_out_predicted)}};
}

AblationFigures read_ablation(const JsonPlace& place) {
  JsonObject object = place.object();
  AblationFigures ablation;
  ablation.name = object.at("name").string();
  ablation.left_out = object.at("left_out").string();
  ablation.simulated = read_effect(object.at("simulated"));
  ablation.predicted = read_effect(object.at("predicted"));
  ablation.held_out_simulated = read_effect(object.at("held_out_simulated"));
  ablation.held_out_predicted = read_effect(object.at("held_out_predicted"));
  object.finish();
  return ablation;
}

}  // namespace

Fidelity fidelity_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "fidelity");
  Fidelity fidelity;
  fidelity.suite = object.at("suite").string();
  fidelity.description = object.at("description").string();
  fidelity.machine = object.at("machine").string();
  fidelity.num_processors =
      static_cast<int>(object.at("num_processors").integer(1, std::numeric_limits<int>::max()));
  fidelity.method = method_from_json(object.at("method"));
  for (const JsonPlace& group : object.at("groups").array(1))
    fidelity.groups.push_back(fidelity_group_from_json(group));
  for (const JsonPlace& point : object.at("points").array())
    fidelity.points.push_back(read_point(point, fidelity.groups));
  if (const auto list = object.find("host_speeds"))
    for (const JsonPlace& speed : list->array())
      fidelity.host_speeds.push_back(read_host_speed(speed, fidelity.groups));
  if (const auto list = object.find("ablations"))
    for (const JsonPlace& ablation : list->array())
      fidelity.ablations.push_back(read_ablation(ablation));
  // These follow from the rest.
  for (const char* derived : {"summaries", "rankings", "worst"})
    static_cast<void>(object.find(derived));
  object.finish();
  return fidelity;
}

Fidelity read_fidelity(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return fidelity_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Fidelity& fidelity) {
  nlohmann::json groups = nlohmann::json::array();
  for (const FidelityGroup& group : fidelity.groups) groups.push_back(to_json(group));
  nlohmann::json points = nlohmann::json::array();
  for (const FidelityPoint& point : fidelity.points) points.push_back(to_json(point));
  nlohmann::json host_speeds = nlohmann::json::array();
  for (const MeasuredSpeed& speed : fidelity.host_speeds) host_speeds.push_back(to_json(speed));
  nlohmann::json summaries = nlohmann::json::array();
  for (const FidelitySummary& summary : summarize(fidelity)) summaries.push_back(to_json(summary));
  const auto rankings = [&](StepFigures FidelityPoint::*predictor) {
    nlohmann::json list = nlohmann::json::array();
    for (const RankedGroup& group : rank_groups(fidelity, predictor))
      list.push_back(to_json(group));
    return list;
  };
  nlohmann::json ablations = nlohmann::json::array();
  for (const AblationFigures& ablation : fidelity.ablations) ablations.push_back(to_json(ablation));
  constexpr std::size_t kNumWorst = 5;
  return {{"format", "cadastre-fidelity/1"},
          {"suite", fidelity.suite},
          {"description", fidelity.description},
          {"machine", fidelity.machine},
          {"num_processors", fidelity.num_processors},
          {"method", to_json(fidelity.method)},
          {"groups", std::move(groups)},
          {"points", std::move(points)},
          {"host_speeds", std::move(host_speeds)},
          {"ablations", std::move(ablations)},
          {"summaries", std::move(summaries)},
          {"rankings",
           {{"predicted", rankings(&FidelityPoint::predicted)},
            {"simulated", rankings(&FidelityPoint::simulated)}}},
          {"worst", worst_points(fidelity, kNumWorst)}};
}

}  // namespace cadastre
