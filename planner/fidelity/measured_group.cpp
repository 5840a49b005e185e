#include "planner/fidelity/measured_group.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/quantile.h"

namespace cadastre {

namespace {

/// None in what was measured before there were any.
std::map<std::string, double> read_yardsticks(JsonObject& object) {
  std::map<std::string, double> yardsticks_s;
  if (const auto found = object.find("yardsticks_s"))
    for (const auto& [name, seconds] : found->object().members())
      yardsticks_s[name] = seconds.positive();
  return yardsticks_s;
}

MeasuredPlan read_measured_plan(const JsonPlace& place) {
  JsonObject object = place.object();
  MeasuredPlan plan;
  plan.asked = fidelity_plan_from_json(object.at("asked"));
  plan.error = object.at("error").string();
  plan.failures = object.at("failures").strings();
  for (const JsonPlace& item : object.at("runs").array()) {
    JsonObject run = item.object();
    plan.runs.push_back({.step_s = run.at("step_s").positive(),
                         .median_s = run.at("median_s").positive(),
                         .spread_s = run.at("spread_s").number(0)});
    plan.places.push_back({.directory = run.at("directory").string(),
                           .after_profile = run.at("after_profile").integer(1),
                           .yardsticks_s = read_yardsticks(run)});
    run.finish();
  }
  object.finish();
  return plan;
}

}  // namespace

MeasuredGroup read_measured_group(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  JsonObject object = JsonPlace(document, name, "").object();
  MeasuredGroup group;
  group.request = object.at("request").value();
  group.num_profiles = object.at("num_profiles").integer(0);
  if (const auto failures = object.find("profile_failures"))
    for (const auto& [host, list] : failures->object().members())
      group.profile_failures[host] = list.strings();
  group.yardsticks_s = read_yardsticks(object);
  group.is_done = object.at("is_done").boolean();
  for (const JsonPlace& plan : object.at("plans").array())
    group.plans.push_back(read_measured_plan(plan));
  object.finish();
  return group;
}

nlohmann::json to_json(const MeasuredGroup& group) {
  nlohmann::json plans = nlohmann::json::array();
  for (const MeasuredPlan& plan : group.plans) {
    nlohmann::json runs = nlohmann::json::array();
    for (std::size_t i = 0; i < plan.runs.size(); ++i)
      runs.push_back({{"step_s", plan.runs[i].step_s},
                      {"median_s", plan.runs[i].median_s},
                      {"spread_s", plan.runs[i].spread_s},
                      {"directory", plan.places[i].directory},
                      {"after_profile", plan.places[i].after_profile},
                      {"yardsticks_s", plan.places[i].yardsticks_s}});
    plans.push_back({{"asked", to_json(plan.asked)},
                     {"error", plan.error},
                     {"failures", plan.failures},
                     {"runs", std::move(runs)}});
  }
  return {{"request", group.request},
          {"num_profiles", group.num_profiles},
          {"profile_failures", group.profile_failures},
          {"yardsticks_s", group.yardsticks_s},
          {"is_done", group.is_done},
          {"plans", std::move(plans)}};
}

std::vector<std::int64_t> profiles_beside_runs(const MeasuredPlan& plan) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (!plan.runs[i].agrees) continue;
    numbers.push_back(plan.places[i].after_profile);
    numbers.push_back(plan.places[i].after_profile + 1);
  }
  return numbers;
}

std::map<std::string, double> yardsticks_beside_runs(const MeasuredPlan& plan) {
  std::map<std::string, std::vector<double>> by_host;
  std::size_t num_runs = 0;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (!plan.runs[i].agrees) continue;
    ++num_runs;
    for (const auto& [host, seconds] : plan.places[i].yardsticks_s)
      by_host[host].push_back(seconds);
  }
  std::map<std::string, double> means;
  for (const auto& [host, seconds] : by_host)
    if (seconds.size() == num_runs)
      means[host] =
          std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(num_runs);
  return means;
}

std::int64_t num_steps_of_run(const FidelityMethod& method, std::int64_t averaging_period) {
  return method.warm_up_steps +
         (method.num_steps - method.warm_up_steps) * std::max<std::int64_t>(averaging_period, 1);
}

FidelityRun run_figure(const std::vector<double>& step_ends_s, const FidelityMethod& method,
                       std::int64_t averaging_period) {
  const auto warm_up = static_cast<std::size_t>(method.warm_up_steps);
  const auto period = static_cast<std::size_t>(std::max<std::int64_t>(averaging_period, 1));
  std::vector<double> durations_s;
  for (std::size_t end = warm_up + period - 1; end < step_ends_s.size(); end += period)
    durations_s.push_back((step_ends_s[end] - step_ends_s[end - period]) /
                          static_cast<double>(period));
  if (durations_s.empty())
    throw std::runtime_error("expected more than " + std::to_string(warm_up + period) +
                             " steps, found " + std::to_string(step_ends_s.size()));
  std::sort(durations_s.begin(), durations_s.end());
  constexpr double kQuarter = 0.25;
  return {.step_s = quantile(durations_s, method.quantile),
          .median_s = quantile(durations_s, 2 * kQuarter),
          .spread_s = quantile(durations_s, 3 * kQuarter) - quantile(durations_s, kQuarter)};
}

bool note_agreement(std::vector<FidelityRun>& runs, const FidelityMethod& method) {
  if (runs.empty()) return false;
  const double median_s = median_run_s(runs);
  std::int64_t count = 0;
  for (FidelityRun& run : runs) {
    run.agrees = std::abs(relative_error(run.step_s, median_s)) <= method.tolerance;
    if (run.agrees) ++count;
  }
  return count >= method.num_runs;
}

std::string directory_name(const FidelityPlan& plan) {
  std::string name = plan.strategy;
  if (plan.micro_batches) name += "-" + std::to_string(*plan.micro_batches);
  if (plan.averaging_period) name += "-every-" + std::to_string(*plan.averaging_period);
  return name;
}

}  // namespace cadastre
