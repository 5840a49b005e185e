#include "planner/study/settings.h"

#include <nlohmann/json.hpp>

#include "planner/plan_check.h"
#include "planner/plan_parts_json.h"
#include "planner/refusal.h"
#include "planner/strategies.h"

namespace cadastre {

namespace {

std::string strategy_at(const JsonPlace& place) {
  std::vector<std::string> names = baseline_names();
  names.insert(names.begin(), "auto");
  return names[place.one_of(names)];
}

}  // namespace

StudySettings study_settings_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  StudySettings settings{.batch_size = batch_size_from_json(object.at("batch_size"))};
  if (const auto strategy = object.find("strategy")) settings.strategy = strategy_at(*strategy);
  if (const auto counts = object.find("micro_batches")) {
    if (counts->value().is_array())
      for (const JsonPlace& count : counts->array(1))
        settings.micro_batches.push_back(micro_batches_from_json(count));
    else
      settings.micro_batches = {micro_batches_from_json(*counts)};
  }
  if (const auto objective = object.find("objective"))
    settings.objective = static_cast<Objective>(objective->one_of(objective_names()));
  if (const auto schedule = object.find("schedule"))
    settings.schedule = schedule_from_json(*schedule);
  constexpr std::int64_t kMostPeriod = 1'000'000;
  if (const auto period = object.find("averaging_period"))
    settings.averaging_period = period->integer(1, kMostPeriod);
  settings.all_reduce = all_reduce_from_json(object);
  settings.wire_dtype = wire_dtype_from_json(object);
  constexpr std::int64_t kMostSteps = 1'000'000'000;
  if (const auto steps = object.find("search_steps"))
    settings.search_steps = steps->integer(1, kMostSteps);
  constexpr double kLeastSeconds = 1e-3;
  constexpr double kMostSeconds = 1e6;
  if (const auto limit = object.find("time_limit_s"))
    settings.time_limit_s = limit->number(kLeastSeconds, kMostSeconds);
  object.finish();
  return settings;
}

nlohmann::json to_json(const StudySettings& settings) {
  nlohmann::json written = {{"batch_size", settings.batch_size},
                            {"strategy", settings.strategy},
                            {"objective", objective_name(settings.objective)},
                            {"search_steps", settings.search_steps},
                            {"averaging_period", settings.averaging_period},
                            {"all_reduce", to_json(settings.all_reduce)},
                            {"wire_dtype", wire_dtype_name(settings.wire_dtype)}};
  if (!settings.micro_batches.empty()) written["micro_batches"] = settings.micro_batches;
  if (settings.schedule) written["schedule"] = schedule_name(*settings.schedule);
  if (settings.time_limit_s) written["time_limit_s"] = *settings.time_limit_s;
  return written;
}

void check_settings(const StudySettings& settings, const ModelGraph& model, const Cluster& cluster,
                    const JsonPlace& place) {
  const std::int64_t group = model.batch_norm_group_samples;
  if (settings.batch_size % group != 0)
    refuse(place, "/batch_size",
           "expected a multiple of the model's batch-norm group of " + std::to_string(group) +
               " samples, found " + std::to_string(settings.batch_size));
  for (const std::int64_t count : settings.micro_batches)
    if ((settings.batch_size / group) % count != 0)
      refuse(place, "/micro_batches",
             "expected a divisor of the " + std::to_string(settings.batch_size / group) +
                 " batch-norm groups in a batch, found " + std::to_string(count));
  const std::string& root = settings.all_reduce.root;
  if (!root.empty() && !has_root(settings.all_reduce.algorithm))
    refuse(place, "/all_reduce/root", no_root_expected(settings.all_reduce));
  if (!root.empty() && host_index(cluster, root) < 0)
    refuse(place, "/all_reduce/root", host_expected(root, cluster));
  const bool energy = settings.objective == Objective::kEnergy;
  if (!energy && settings.objective != Objective::kCost) return;
  for (const Host& host : cluster.hosts)
    if (!((energy ? host.watts : host.price_per_hour) > 0))
      refuse(place, "/objective",
             std::string("expected another objective, or hosts with ") +
                 (energy ? "watts" : "price_per_hour") + " > 0, found 0 of host " +
                 in_quotes(host.name));
}

PlannerOptions planner_options(const StudySettings& settings) {
  // Long enough that the count of steps ends the search.
  constexpr double kNoLimit = 1e6;
  PlannerOptions options;
  options.batch_size = settings.batch_size;
  options.strategy = settings.strategy;
  options.micro_batches = settings.micro_batches;
  options.objective = settings.objective;
  options.averaging_period = settings.averaging_period;
  options.all_reduce = settings.all_reduce;
  options.wire_dtype = settings.wire_dtype;
  options.time_limit_s = settings.time_limit_s.value_or(kNoLimit);
  options.max_search_steps = settings.search_steps;
  options.with_alternatives = false;
  return options;
}

}  // namespace cadastre
