#include <nlohmann/json.hpp>

#include "planner/cluster.h"
#include "planner/conditions.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/units.h"

namespace cadastre {

namespace {

constexpr std::int64_t kMostSteps = 1'000'000;

/// 30 years: a run that lasts longer would be in steps that a double no longer tells apart.
constexpr double kMostSeconds = 1e9;

double seconds(const JsonPlace& place) { return place.number(0, kMostSeconds); }

double seconds_or_0(JsonObject& object, std::string_view key) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? seconds(*place) : 0;
}

std::optional<double> optional_positive_seconds(JsonObject& object, std::string_view key) {
  const std::optional<JsonPlace> place = object.find(key);
  if (!place) return std::nullopt;
  if (const double value = place->positive(); value <= kMostSeconds) return value;
  return seconds(*place);  // refuses
}

Slowdown read_slowdown(const JsonPlace& place) {
  JsonObject object = place.object();
  Slowdown slowdown{.resource = read_resource(object), .profile = {}};
  for (const JsonPlace& item : object.at("profile").array(1)) {
    JsonObject point = item.object();
    const JsonPlace at = point.at("at_s");
    const JsonPlace factor = point.at("factor");
    constexpr double kLeastFactor = 1e-6;
    slowdown.profile.push_back({.at_s = seconds(at), .factor = factor.number(kLeastFactor, 1)});
    point.finish();
    if (slowdown.profile.size() > 1 &&
        !(slowdown.profile.back().at_s > (slowdown.profile.end() - 2)->at_s))
      at.fail_expected("a time after that of the point before");
  }
  if (const auto every = object.find("every_s")) {
    // Each time is an event of the simulation, however little the program does meanwhile.
    constexpr double kLeastPeriod_s = 1e-3;
    slowdown.every_s = every->number(kLeastPeriod_s, kMostSeconds);
    if (!(*slowdown.every_s > slowdown.profile.back().at_s))
      every->fail_expected("more seconds than the profile lasts");
  }
  object.finish();
  return slowdown;
}

BackgroundTraffic read_background_traffic(const JsonPlace& place) {
  JsonObject object = place.object();
  BackgroundTraffic traffic{
      .from = object.at("from").string(),
      .to = object.at("to").string(),
      .bandwidth_bytes_per_s = bandwidth_bytes_per_s(object.at("bandwidth_bytes_per_s")),
      .from_s = seconds_or_0(object, "from_s"),
      .until_s = optional_positive_seconds(object, "until_s")};
  if (traffic.from == traffic.to)
    refuse(place, "/to", "expected another host than \"from\", found " + in_quotes(traffic.to));
  if (traffic.until_s && !(*traffic.until_s > traffic.from_s))
    refuse(place, "/until_s",
           "expected a time after \"from_s\", found " + number_text(*traffic.until_s));
  object.finish();
  return traffic;
}

StepVariation read_between_steps(const JsonPlace& place) {
  JsonObject object = place.object();
  StepVariation variation;
  if (const auto steps = object.find("correlation_steps"))
    variation.correlation_steps = steps->number(1, static_cast<double>(kMostSteps));
  if (const auto spreads = object.find("spreads"))
    for (const JsonPlace& item : spreads->array()) {
      JsonObject entry = item.object();
      ResourceSpread& spread = variation.spreads.emplace_back();
      spread.resource = read_resource(entry);
      spread.spread = entry.at("spread").number(0, kMostStepSpread);
      entry.finish();
    }
  object.finish();
  return variation;
}

Jitter read_jitter(const JsonPlace& place) {
  JsonObject object = place.object();
  Jitter jitter;
  if (const auto seed = object.find("seed"))
    jitter.seed = static_cast<std::uint64_t>(seed->integer(0));
  constexpr double kMostSpread = 10;
  if (const auto spread = object.find("relative_spread"))
    jitter.relative_spread = spread->number(0, kMostSpread);
  if (const auto between_steps = object.find("between_steps"))
    jitter.between_steps = read_between_steps(*between_steps);
  object.finish();
  return jitter;
}

Failure read_failure(const JsonPlace& place) {
  JsonObject object = place.object();
  Failure failure{.resource = read_resource(object),
                  .at_s = seconds(object.at("at_s")),
                  .back_after_s = optional_positive_seconds(object, "back_after_s")};
  object.finish();
  return failure;
}

Recovery read_recovery(const JsonPlace& place) {
  JsonObject object = place.object();
  Recovery recovery;
  if (const auto every = object.find("checkpoint_every_steps"))
    recovery.checkpoint_every_steps = every->integer(0);
  recovery.checkpoint_s = seconds_or_0(object, "checkpoint_s");
  recovery.detection_s = seconds_or_0(object, "detection_s");
  recovery.restart_s = seconds_or_0(object, "restart_s");
  object.finish();
  return recovery;
}

template <typename Value>
std::vector<Value> read_each(JsonObject& object, std::string_view key,
                             Value (*read)(const JsonPlace&)) {
  std::vector<Value> values;
  if (const auto list = object.find(key))
    for (const JsonPlace& item : list->array()) values.push_back(read(item));
  return values;
}

nlohmann::json to_json(const Slowdown& slowdown) {
  nlohmann::json written = to_json(slowdown.resource);
  for (const TimedFactor& point : slowdown.profile)
    written["profile"].push_back({{"at_s", point.at_s}, {"factor", point.factor}});
  if (slowdown.every_s) written["every_s"] = *slowdown.every_s;
  return written;
}

nlohmann::json to_json(const BackgroundTraffic& traffic) {
  nlohmann::json written = {{"from", traffic.from},
                            {"to", traffic.to},
                            {"bandwidth_bytes_per_s", traffic.bandwidth_bytes_per_s},
                            {"from_s", traffic.from_s}};
  if (traffic.until_s) written["until_s"] = *traffic.until_s;
  return written;
}

nlohmann::json to_json(const Failure& failure) {
  nlohmann::json written = to_json(failure.resource);
  written["at_s"] = failure.at_s;
  if (failure.back_after_s) written["back_after_s"] = *failure.back_after_s;
  return written;
}

nlohmann::json to_json(const ResourceSpread& spread) {
  nlohmann::json written = to_json(spread.resource);
  written["spread"] = spread.spread;
  return written;
}

template <typename Value>
nlohmann::json each_to_json(const std::vector<Value>& values) {
  nlohmann::json written = nlohmann::json::array();
  for (const Value& value : values) written.push_back(to_json(value));
  return written;
}

}  // namespace

Resource read_resource(JsonObject& object) {
  const std::optional<JsonPlace> host = object.find("host");
  const std::optional<JsonPlace> link = object.find("link");
  if (host.has_value() == link.has_value())
    object.place().fail(std::string("expected either \"host\" or \"link\", found ") +
                        (host ? "both" : "neither"));
  Resource resource;
  const JsonPlace& named = host ? *host : *link;
  (host ? resource.host : resource.link) = named.string();
  if (named.string().empty()) named.fail_expected("a name");
  return resource;
}

nlohmann::json to_json(const Resource& resource) {
  return resource.host.empty() ? nlohmann::json{{"link", resource.link}}
                               : nlohmann::json{{"host", resource.host}};
}

Conditions conditions_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "conditions");
  Conditions conditions;
  if (const auto steps = object.find("num_steps"))
    conditions.num_steps = steps->integer(1, kMostSteps);
  if (const auto jitter = object.find("jitter")) conditions.jitter = read_jitter(*jitter);
  conditions.background_traffic = read_each(object, "background_traffic", read_background_traffic);
  conditions.slowdowns = read_each(object, "slowdowns", read_slowdown);
  conditions.failures = read_each(object, "failures", read_failure);
  if (const auto recovery = object.find("recovery")) conditions.recovery = read_recovery(*recovery);
  object.finish();
  return conditions;
}

Conditions read_conditions(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return conditions_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Conditions& conditions) {
  const Recovery& recovery = conditions.recovery;
  nlohmann::json written = {{"format", "cadastre-conditions/1"},
                            {"num_steps", conditions.num_steps},
                            {"background_traffic", each_to_json(conditions.background_traffic)},
                            {"slowdowns", each_to_json(conditions.slowdowns)},
                            {"failures", each_to_json(conditions.failures)},
                            {"recovery",
                             {{"checkpoint_every_steps", recovery.checkpoint_every_steps},
                              {"checkpoint_s", recovery.checkpoint_s},
                              {"detection_s", recovery.detection_s},
                              {"restart_s", recovery.restart_s}}}};
  if (conditions.jitter) {
    written["jitter"] = {{"seed", conditions.jitter->seed}};
    if (conditions.jitter->relative_spread)
      written["jitter"]["relative_spread"] = *conditions.jitter->relative_spread;
    if (const auto& between_steps = conditions.jitter->between_steps)
      written["jitter"]["between_steps"] = {{"correlation_steps", between_steps->correlation_steps},
                                            {"spreads", each_to_json(between_steps->spreads)}};
  }
  return written;
}

}  // namespace cadastre
