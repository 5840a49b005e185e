#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/profile.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

// Beyond what any layer has; sums over a whole batch stay finite and in 63 bits.
constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 42;
constexpr double kMostSeconds = 1e9;
constexpr double kMostRatio = 1e3;

Measurement read_measurement(const JsonPlace& place) {
  JsonObject object = place.object();
  const auto spread = [&](std::string_view key) {
    const std::optional<JsonPlace> seconds = object.find(key);
    return seconds ? seconds->number(0) : 0.0;
  };
  const Measurement measurement{.batch_size = object.at("batch_size").integer(1, kMostSamples),
                                .forward_s = object.at("forward_s").number(0, kMostSeconds),
                                .forward_spread_s = spread("forward_spread_s"),
                                .backward_s = object.at("backward_s").number(0, kMostSeconds),
                                .backward_spread_s = spread("backward_spread_s")};
  object.finish();
  return measurement;
}

std::vector<Measurement> read_measurements(const JsonPlace& place) {
  std::vector<Measurement> measurements;
  for (const JsonPlace& item : place.array(1)) {
    const Measurement measurement = read_measurement(item);
    if (!measurements.empty() && measurement.batch_size <= measurements.back().batch_size)
      refuse(item, "/batch_size",
             "expected more than " + std::to_string(measurements.back().batch_size) +
                 ", the size before it, found " + std::to_string(measurement.batch_size));
    measurements.push_back(measurement);
  }
  return measurements;
}

/// Refuses a number of bytes that is not what the model's layer has.
std::int64_t bytes_of_layer(const JsonPlace& place, std::int64_t expected, const Layer& layer) {
  const std::int64_t bytes = place.integer(0);
  if (bytes != expected)
    place.fail_expected(std::to_string(expected) + " as the model's layer " + in_quotes(layer.id) +
                        " has");
  return bytes;
}

LayerProfile read_layer_profile(const JsonPlace& place, const Layer& layer,
                                std::int64_t layer_parameter_bytes) {
  JsonObject object = place.object();
  const JsonPlace id = object.at("layer");
  if (id.string() != layer.id)
    id.fail_expected(in_quotes(layer.id) + " as in the model's topological order");
  LayerProfile profile{
      .layer = layer.id,
      .measurements = read_measurements(object.at("measurements")),
      .activation_bytes_per_sample =
          bytes_of_layer(object.at("activation_bytes_per_sample"),
                         num_elements(layer.output_shape) * kBytesPerElement, layer),
      .saved_bytes_per_sample = object.at("saved_bytes_per_sample").integer(0, kMostBytes),
      .parameter_bytes =
          bytes_of_layer(object.at("parameter_bytes"), layer_parameter_bytes, layer)};
  const std::optional<JsonPlace> fit_error = object.find("fit_error");
  profile.fit_error = fit_error ? fit_error->number(0) : leave_one_out_error(profile.measurements);
  object.finish();
  return profile;
}

nlohmann::json to_json(const Measurement& measurement) {
  return {{"batch_size", measurement.batch_size},
          {"forward_s", measurement.forward_s},
          {"forward_spread_s", measurement.forward_spread_s},
          {"backward_s", measurement.backward_s},
          {"backward_spread_s", measurement.backward_spread_s}};
}

CacheEffect read_caches(const JsonPlace& place) {
  JsonObject object = place.object();
  CacheEffect effect;
  effect.backward_ratio = object.at("backward_ratio").number(1, kMostRatio);
  effect.bytes = object.at("bytes").positive();
  object.finish();
  return effect;
}

WaitEffect read_waits(const JsonPlace& place) {
  JsonObject object = place.object();
  WaitEffect effect;
  effect.forward_s = object.at("forward_s").number(0, kMostSeconds);
  effect.backward_s = object.at("backward_s").number(0, kMostSeconds);
  effect.update_s = object.at("update_s").number(0, kMostSeconds);
  effect.time_constant_s = object.at("time_constant_s").positive();
  object.finish();
  return effect;
}

PartEffect read_parts(const JsonPlace& place) {
  JsonObject object = place.object();
  PartEffect effect;
  effect.forward_saving = object.at("forward_saving").number(0, kMostPartSaving);
  effect.backward_saving = object.at("backward_saving").number(0, kMostPartSaving);
  effect.update_saving = object.at("update_saving").number(0, kMostPartSaving);
  object.finish();
  return effect;
}

nlohmann::json to_json(const LayerProfile& layer) {
  nlohmann::json measurements = nlohmann::json::array();
  for (const Measurement& measurement : layer.measurements)
    measurements.push_back(to_json(measurement));
  return {{"layer", layer.layer},
          {"measurements", std::move(measurements)},
          {"activation_bytes_per_sample", layer.activation_bytes_per_sample},
          {"saved_bytes_per_sample", layer.saved_bytes_per_sample},
          {"parameter_bytes", layer.parameter_bytes},
          {"fit_error", layer.fit_error}};
}

}  // namespace

Profile profile_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "profile");
  Profile profile;
  profile.device = object.at("device").string();
  profile.num_threads = static_cast<int>(object.at("num_threads").integer(1, 1 << 20));
  profile.model = model_from_json(object.at("model"));

  const JsonPlace layers = object.at("layers");
  const std::vector<JsonPlace> items = layers.array();
  if (items.size() != profile.model.layers.size())
    layers.fail_expected("an array of " + std::to_string(profile.model.layers.size()) +
                         ", one for each layer of the model");
  const std::vector<std::int64_t> parameters = parameter_bytes(profile.model);
  for (std::size_t i = 0; i < items.size(); ++i)
    profile.layers.push_back(read_layer_profile(items[i], profile.model.layers[i], parameters[i]));

  profile.load_s_per_sample = object.at("load_s_per_sample").number(0, kMostSeconds);
  profile.optimizer_s_per_parameter_byte =
      object.at("optimizer_s_per_parameter_byte").number(0, kMostSeconds);
  const auto optional_seconds = [&](std::string_view key) {
    const std::optional<JsonPlace> seconds = object.find(key);
    return seconds ? seconds->number(0, kMostSeconds) : 0.0;
  };
  profile.load_s_per_micro_batch = optional_seconds("load_s_per_micro_batch");
  profile.loss_s_per_micro_batch = optional_seconds("loss_s_per_micro_batch");
  profile.adamw_s_per_parameter_byte = optional_seconds("adamw_s_per_parameter_byte");
  profile.average_s_per_parameter_byte = optional_seconds("average_s_per_parameter_byte");
  profile.loss_s_per_sample = object.at("loss_s_per_sample").number(0, kMostSeconds);
  if (const std::optional<JsonPlace> spread = object.find("step_spread"))
    profile.step_spread = spread->number(0, kMostRatio);
  if (const std::optional<JsonPlace> caches = object.find("caches"))
    profile.caches = read_caches(*caches);
  if (const std::optional<JsonPlace> waits = object.find("waits"))
    profile.waits = read_waits(*waits);
  if (const std::optional<JsonPlace> parts = object.find("parts"))
    profile.parts = read_parts(*parts);
  object.finish();
  return profile;
}

Profile read_profile(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return profile_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Profile& profile) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerProfile& layer : profile.layers) layers.push_back(to_json(layer));
  nlohmann::json json = {{"format", "cadastre-profile/1"},
                         {"device", profile.device},
                         {"num_threads", profile.num_threads},
                         {"model", to_json(profile.model)},
                         {"layers", std::move(layers)},
                         {"load_s_per_sample", profile.load_s_per_sample},
                         {"optimizer_s_per_parameter_byte", profile.optimizer_s_per_parameter_byte},
                         {"loss_s_per_sample", profile.loss_s_per_sample}};
  const auto add_measured = [&](const char* key, double value) {
    if (value > 0) json[key] = value;
  };
  add_measured("load_s_per_micro_batch", profile.load_s_per_micro_batch);
  add_measured("loss_s_per_micro_batch", profile.loss_s_per_micro_batch);
  add_measured("adamw_s_per_parameter_byte", profile.adamw_s_per_parameter_byte);
  add_measured("average_s_per_parameter_byte", profile.average_s_per_parameter_byte);
  add_measured("step_spread", profile.step_spread);
  if (profile.caches != CacheEffect{})
    json["caches"] = {{"backward_ratio", profile.caches.backward_ratio},
                      {"bytes", profile.caches.bytes}};
  if (profile.waits != WaitEffect{})
    json["waits"] = {{"forward_s", profile.waits.forward_s},
                     {"backward_s", profile.waits.backward_s},
                     {"update_s", profile.waits.update_s},
                     {"time_constant_s", profile.waits.time_constant_s}};
  if (profile.parts != PartEffect{})
    json["parts"] = {{"forward_saving", profile.parts.forward_saving},
                     {"backward_saving", profile.parts.backward_saving},
                     {"update_saving", profile.parts.update_saving}};
  return json;
}

}  // namespace cadastre
