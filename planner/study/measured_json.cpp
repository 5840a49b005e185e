#include <nlohmann/json.hpp>

#include "planner/study/measured.h"

namespace cadastre {

namespace {

MeasuredHost read_host(const JsonPlace& place) {
  JsonObject object = place.object();
  MeasuredHost host;
  host.name = object.at("name").string();
  host.processor_part = object.at("processor_part").number(0, 1);
  host.predicted_bytes = object.at("predicted_bytes").integer(0);
  object.finish();
  return host;
}

}  // namespace

MeasuredArchitecture measured_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  MeasuredArchitecture measured;
  measured.strategy = object.at("strategy").string();
  if (const auto error = object.find("error")) {
    measured.error = error->string();
    object.finish();
    return measured;
  }
  measured.plan = study_plan_from_json(object.at("plan"));
  measured.step_s = object.at("step_s").number(0);
  if (const auto epoch = object.find("epoch_s")) measured.epoch_s = epoch->number(0);
  measured.traffic_bytes_per_step = object.at("traffic_bytes_per_step").integer(0);
  for (const JsonPlace& host : object.at("hosts").array(1))
    measured.hosts.push_back(read_host(host));
  if (const auto accuracy = object.find("overall_accuracy"))
    measured.overall_accuracy = accuracy->number(0, 1);
  if (const auto kappa = object.find("kappa")) measured.kappa = kappa->number(-1, 1);
  measured.inference_s = object.at("inference_s").number(0);
  measured.inference_pixels = object.at("inference_pixels").integer(0);
  object.finish();
  return measured;
}

nlohmann::json to_json(const MeasuredArchitecture& measured) {
  nlohmann::json written = {{"strategy", measured.strategy}};
  if (!measured.error.empty()) {
    written["error"] = measured.error;
    return written;
  }
  written["plan"] = to_json(measured.plan);
  written["step_s"] = measured.step_s;
  if (measured.epoch_s) written["epoch_s"] = *measured.epoch_s;
  written["traffic_bytes_per_step"] = measured.traffic_bytes_per_step;
  written["hosts"] = nlohmann::json::array();
  for (const MeasuredHost& host : measured.hosts)
    written["hosts"].push_back({{"name", host.name},
                                {"processor_part", host.processor_part},
                                {"predicted_bytes", host.predicted_bytes}});
  if (measured.overall_accuracy) written["overall_accuracy"] = *measured.overall_accuracy;
  if (measured.kappa) written["kappa"] = *measured.kappa;
  written["inference_s"] = measured.inference_s;
  written["inference_pixels"] = measured.inference_pixels;
  return written;
}

}  // namespace cadastre
