#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/plan_parts_json.h"
#include "planner/simulation.h"

namespace cadastre {

SimulatedPlan simulated_plan_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  SimulatedPlan plan{.strategy = object.at("strategy").string(),
                     .micro_batches = micro_batches_from_json(object.at("micro_batches")),
                     .schedule = schedule_from_json(object.at("schedule")),
                     .predicted_step_s = object.at("predicted_step_s").number(0),
                     .simulated_step_s = object.at("simulated_step_s").number(0),
                     .traffic_bytes_per_step = object.at("traffic_bytes_per_step").integer(0),
                     .fits_memory = object.at("fits_memory").boolean(),
                     .averaging_period = averaging_period_from_json(object),
                     .timeline = timeline_from_json(object.at("timeline"))};
  if (const auto figures = object.find("figures")) plan.figures = figures_from_json(*figures);
  object.finish();
  return plan;
}

nlohmann::json to_json(const SimulatedPlan& plan) {
  return {{"strategy", plan.strategy},
          {"micro_batches", plan.micro_batches},
          {"schedule", schedule_name(plan.schedule)},
          {"predicted_step_s", plan.predicted_step_s},
          {"simulated_step_s", plan.simulated_step_s},
          {"traffic_bytes_per_step", plan.traffic_bytes_per_step},
          {"fits_memory", plan.fits_memory},
          {"averaging_period", plan.averaging_period},
          {"timeline", to_json(plan.timeline)},
          {"figures", to_json(plan.figures)}};
}

Simulation simulation_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "simulation");
  Simulation simulation;
  simulation.network_model = object.at("network_model").string();
  simulation.cluster = object.at("cluster").string();
  if (const auto conditions = object.find("conditions"))
    simulation.conditions = conditions_from_json(*conditions);
  for (const JsonPlace& plan : object.at("plans").array(1))
    simulation.plans.push_back(simulated_plan_from_json(plan));
  const auto num_plans = static_cast<std::int64_t>(simulation.plans.size());
  simulation.best = static_cast<int>(object.at("best").integer(0, num_plans - 1));
  object.finish();
  return simulation;
}

Simulation read_simulation(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return simulation_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Simulation& simulation) {
  nlohmann::json plans = nlohmann::json::array();
  for (const SimulatedPlan& plan : simulation.plans) plans.push_back(to_json(plan));
  return {{"format", "cadastre-simulation/1"}, {"network_model", simulation.network_model},
          {"cluster", simulation.cluster},     {"conditions", to_json(simulation.conditions)},
          {"best", simulation.best},           {"plans", std::move(plans)}};
}

}  // namespace cadastre
