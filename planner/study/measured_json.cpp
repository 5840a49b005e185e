#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/study/measured.h"

namespace cadastre {

namespace {

MeasuredHost read_host(const JsonPlace& place) {
  JsonObject object = place.object();
  MeasuredHost host;
  host.name = object.at("name").string();
  host.processor_part = object.at("processor_part").number(0, 1);
  host.predicted_bytes = object.at("predicted_bytes").integer(0);
  if (const auto sent = object.find("sent_bytes")) host.sent_bytes = sent->number(0);
  if (const auto received = object.find("received_bytes"))
    host.received_bytes = received->number(0);
  object.finish();
  return host;
}

nlohmann::json to_json(const MeasuredHost& host) {
  nlohmann::json written = {{"name", host.name},
                            {"processor_part", host.processor_part},
                            {"predicted_bytes", host.predicted_bytes}};
  if (host.sent_bytes) written["sent_bytes"] = *host.sent_bytes;
  if (host.received_bytes) written["received_bytes"] = *host.received_bytes;
  return written;
}

/// The keys of words that may be left out.
const std::vector<std::pair<const char*, std::string MeasuredArchitecture::*>>& words() {
  static const std::vector<std::pair<const char*, std::string MeasuredArchitecture::*>> all = {
      {"machines", &MeasuredArchitecture::machines},
      {"network", &MeasuredArchitecture::network},
      {"setting", &MeasuredArchitecture::setting}};
  return all;
}

}  // namespace

MeasuredArchitecture measured_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  MeasuredArchitecture measured;
  measured.strategy = object.at("strategy").string();
  for (const auto& [key, member] : words())
    if (const auto found = object.find(key)) measured.*member = found->string();
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
  for (const auto& [key, member] : words())
    if (!(measured.*member).empty()) written[key] = measured.*member;
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
    written["hosts"].push_back(to_json(host));
  if (measured.overall_accuracy) written["overall_accuracy"] = *measured.overall_accuracy;
  if (measured.kappa) written["kappa"] = *measured.kappa;
  written["inference_s"] = measured.inference_s;
  written["inference_pixels"] = measured.inference_pixels;
  return written;
}

std::vector<MeasuredArchitecture> measured_list_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "measured");
  std::vector<MeasuredArchitecture> measured;
  for (const JsonPlace& item : object.at("measured").array(1))
    measured.push_back(measured_from_json(item));
  object.finish();
  return measured;
}

std::vector<MeasuredArchitecture> read_measured(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return measured_list_from_json(JsonPlace(document, name, ""));
}

}  // namespace cadastre
