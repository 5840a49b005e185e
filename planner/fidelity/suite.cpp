#include "planner/fidelity/suite.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/strategies.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;  // as plan documents

std::int64_t integer_or(JsonObject& object, std::string_view key, std::int64_t fallback,
                        std::int64_t least, std::int64_t most) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? place->integer(least, most) : fallback;
}

double number_or(JsonObject& object, std::string_view key, double fallback, double least,
                 double most) {
  const std::optional<JsonPlace> place = object.find(key);
  return place ? place->number(least, most) : fallback;
}

FidelityMethod read_method(const JsonPlace& place) {
  JsonObject object = place.object();
  FidelityMethod method;
  constexpr std::int64_t kMostSteps = 100'000;
  constexpr std::int64_t kMostRuns = 100;
  method.num_steps = integer_or(object, "num_steps", method.num_steps, 3, kMostSteps);
  method.warm_up_steps = integer_or(object, "warm_up_steps", method.warm_up_steps, 1, kMostSteps);
  method.quantile = number_or(object, "quantile", method.quantile, 0, 1);
  method.num_runs = integer_or(object, "num_runs", method.num_runs, 1, kMostRuns);
  method.most_runs = integer_or(object, "most_runs", method.most_runs, 1, kMostRuns);
  method.tolerance = number_or(object, "tolerance", method.tolerance, 0, 1);
  method.profile_repeats =
      integer_or(object, "profile_repeats", method.profile_repeats, 1, kMostSteps);
  object.finish();
  if (method.warm_up_steps > method.num_steps - 2)
    refuse(place, "/warm_up_steps",
           "expected at least two steps after those of the warm-up, found " +
               std::to_string(method.warm_up_steps) + " of " + std::to_string(method.num_steps));
  if (method.most_runs < method.num_runs)
    refuse(place, "/most_runs",
           "expected at least \"num_runs\" (" + std::to_string(method.num_runs) + "), found " +
               std::to_string(method.most_runs));
  return method;
}

/// Refuses what is no name in the suite: no key of `known`.
template <typename Value>
void check_known(const JsonPlace& place, const std::map<std::string, Value>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) names.push_back(name);
  static_cast<void>(place.one_of(names));
}

}  // namespace

FidelityPlan fidelity_plan_from_json(const JsonPlace& place) {
  static const std::vector<std::string> strategies = [] {
    std::vector<std::string> names = baseline_names();
    names.emplace_back("auto");
    return names;
  }();
  JsonObject object = place.object();
  FidelityPlan plan;
  plan.strategy = strategies[object.at("strategy").one_of(strategies)];
  if (const auto micro_batches = object.find("micro_batches"))
    plan.micro_batches = micro_batches->integer(1, kMostSamples);
  if (const auto period = object.find("averaging_period")) {
    constexpr std::int64_t kMostPeriod = 1'000'000;
    plan.averaging_period = period->integer(1, kMostPeriod);
    if (plan.strategy != "parameter-averaging")
      period->fail("expected no averaging period of " + in_quotes(plan.strategy) +
                   ", which does not average parameters");
  }
  object.finish();
  return plan;
}

FidelityGroup fidelity_group_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  FidelityGroup group;
  group.model = object.at("model").string();
  group.cluster = object.at("cluster").string();
  group.batch_size = object.at("batch_size").integer(1, kMostSamples);
  if (const auto held_out = object.find("held_out")) group.held_out = held_out->boolean();
  for (const JsonPlace& plan : object.at("plans").array(1)) {
    group.plans.push_back(fidelity_plan_from_json(plan));
    if (std::count(group.plans.begin(), group.plans.end(), group.plans.back()) > 1)
      plan.fail("expected each plan once in a group, found " +
                in_quotes(plan_name(group.plans.back())) + " again");
  }
  object.finish();
  return group;
}

FidelitySuite suite_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "suite");
  FidelitySuite suite;
  suite.name = object.at("name").string();
  if (const auto description = object.find("description"))
    suite.description = description->string();
  if (const auto method = object.find("method")) suite.method = read_method(*method);
  const fs::path directory = fs::path(place.file()).parent_path();
  for (const auto& [name, model] : object.at("models").object().members())
    suite.models.emplace(name, (directory / model.string()).lexically_normal());
  for (const auto& [name, cluster] : object.at("clusters").object().members())
    suite.clusters.emplace(name, cluster.value().is_string()
                                     ? read_cluster(directory / cluster.string())
                                     : cluster_from_json(cluster));
  for (const JsonPlace& group : object.at("groups").array(1)) {
    suite.groups.push_back(fidelity_group_from_json(group));
    check_known(group.object().at("model"), suite.models);
    check_known(group.object().at("cluster"), suite.clusters);
  }
  object.finish();
  return suite;
}

FidelitySuite read_suite(const fs::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return suite_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const FidelityMethod& method) {
  return {{"num_steps", method.num_steps},
          {"warm_up_steps", method.warm_up_steps},
          {"quantile", method.quantile},
          {"num_runs", method.num_runs},
          {"most_runs", method.most_runs},
          {"tolerance", method.tolerance},
          {"profile_repeats", method.profile_repeats}};
}

FidelityMethod method_from_json(const JsonPlace& place) { return read_method(place); }

nlohmann::json to_json(const FidelityPlan& plan) {
  nlohmann::json json = {{"strategy", plan.strategy}};
  if (plan.micro_batches) json["micro_batches"] = *plan.micro_batches;
  if (plan.averaging_period) json["averaging_period"] = *plan.averaging_period;
  return json;
}

nlohmann::json to_json(const FidelityGroup& group) {
  nlohmann::json plans = nlohmann::json::array();
  for (const FidelityPlan& plan : group.plans) plans.push_back(to_json(plan));
  return {{"model", group.model},
          {"cluster", group.cluster},
          {"batch_size", group.batch_size},
          {"held_out", group.held_out},
          {"plans", std::move(plans)}};
}

nlohmann::json to_json(const FidelitySuite& suite) {
  nlohmann::json models = nlohmann::json::object();
  for (const auto& [name, file] : suite.models) models[name] = fs::absolute(file).string();
  nlohmann::json clusters = nlohmann::json::object();
  for (const auto& [name, cluster] : suite.clusters) clusters[name] = to_json(cluster);
  nlohmann::json groups = nlohmann::json::array();
  for (const FidelityGroup& group : suite.groups) groups.push_back(to_json(group));
  return {{"format", "cadastre-suite/1"},     {"name", suite.name},
          {"description", suite.description}, {"method", to_json(suite.method)},
          {"models", std::move(models)},      {"clusters", std::move(clusters)},
          {"groups", std::move(groups)}};
}

std::size_t num_points(const FidelitySuite& suite) {
  std::size_t count = 0;
  for (const FidelityGroup& group : suite.groups) count += group.plans.size();
  return count;
}

std::string plan_name(const FidelityPlan& plan) {
  std::string name = plan.strategy;
  if (plan.micro_batches) {
    name += ", " + std::to_string(*plan.micro_batches);
    name += *plan.micro_batches == 1 ? " micro-batch" : " micro-batches";
  }
  if (plan.averaging_period) name += ", every " + std::to_string(*plan.averaging_period);
  return name;
}

std::string group_name(const FidelityGroup& group) {
  return group.model + " on " + group.cluster + ", batch " + std::to_string(group.batch_size);
}

}  // namespace cadastre
