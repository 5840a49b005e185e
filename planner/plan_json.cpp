#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/objective.h"
#include "planner/plan.h"
#include "planner/plan_check.h"
#include "planner/plan_parts_json.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

HostPrediction read_host_prediction(const JsonPlace& place, const Cluster& cluster) {
  JsonObject object = place.object();
  HostPrediction prediction{.host = object.at("host").string(),
                            .compute_s = object.at("compute_s").number(0),
                            .waiting_s = object.at("waiting_s").number(0),
                            .transfer_s = object.at("transfer_s").number(0),
                            .reduction_s = object.at("reduction_s").number(0),
                            .sent_bytes = object.at("sent_bytes").integer(0),
                            .peak_memory_bytes = object.at("peak_memory_bytes").integer(0)};
  object.finish();
  if (host_index(cluster, prediction.host) < 0)
    refuse(place, "/host", "expected a host of the cluster, found " + in_quotes(prediction.host));
  return prediction;
}

Prediction read_prediction(const JsonPlace& place, const Cluster& cluster) {
  JsonObject object = place.object();
  Prediction prediction{.step_s = object.at("step_s").number(0),
                        .traffic_bytes_per_step = object.at("traffic_bytes_per_step").integer(0),
                        .peak_memory_bytes = object.at("peak_memory_bytes").integer(0),
                        .fits_memory = object.at("fits_memory").boolean(),
                        .latency_s = object.at("latency_s").number(0),
                        .inference_samples_per_s = object.at("inference_samples_per_s").number(0),
                        .energy_j_per_step = object.at("energy_j_per_step").number(0),
                        .price_per_step = object.at("price_per_step").number(0),
                        .hosts = {}};
  for (const JsonPlace& host : object.at("hosts").array())
    prediction.hosts.push_back(read_host_prediction(host, cluster));
  object.finish();
  return prediction;
}

/// The optional member `"simulated": {"step_s": …}`, beside which stand `median_s` and `p95_s`, or
/// neither.
void read_simulated(JsonObject& object, Plan& plan) {
  const std::optional<JsonPlace> place = object.find("simulated");
  if (!place) return;
  JsonObject simulated = place->object();
  plan.simulated_step_s = simulated.at("step_s").number(0);
  if (const auto p95 = simulated.find("p95_s")) {
    plan.simulated_p95_s = p95->number(0);
    plan.simulated_median_s = simulated.at("median_s").number(0, *plan.simulated_p95_s);
  }
  simulated.finish();
}

/// The members of a plan; the caller finishes `object`, which may have others.
Plan read_plan_members(JsonObject& object, const ModelGraph& model, const Cluster& cluster) {
  Plan plan{.strategy = object.at("strategy").string(),
            .batch_size = batch_size_from_json(object.at("batch_size")),
            .micro_batches = micro_batches_from_json(object.at("micro_batches")),
            .schedule = schedule_from_json(object.at("schedule")),
            .averaging_period = averaging_period_from_json(object),
            .all_reduce = all_reduce_from_json(object),
            .wire_dtype = wire_dtype_from_json(object),
            .optimizer = optimizer_from_json(object),
            .stages = stages_from_json(object.at("stages")),
            .predicted = read_prediction(object.at("predicted"), cluster),
            .simulated_step_s = {}};
  read_simulated(object, plan);
  check_plan(plan, model, cluster, object.place());
  return plan;
}

SearchReport read_search(const JsonPlace& place) {
  JsonObject object = place.object();
  const std::string& objective =
      objective_names()[object.at("objective").one_of(objective_names())];
  SearchReport search{.objective = objective,
                      .value = object.at("value").number(0),
                      .bound = object.at("bound").number(0),
                      .optimality_gap = object.at("optimality_gap").number(0, 1),
                      .proven = object.at("proven_optimal").boolean(),
                      .feasible = object.at("feasible").boolean(),
                      .search_s = object.at("search_s").number(0),
                      .num_evaluated = object.at("num_evaluated").integer(0)};
  object.finish();
  return search;
}

nlohmann::json to_json(const Prediction& prediction) {
  nlohmann::json hosts = nlohmann::json::array();
  for (const HostPrediction& host : prediction.hosts) hosts.push_back(to_json(host));
  return {{"step_s", prediction.step_s},
          {"traffic_bytes_per_step", prediction.traffic_bytes_per_step},
          {"peak_memory_bytes", prediction.peak_memory_bytes},
          {"fits_memory", prediction.fits_memory},
          {"latency_s", prediction.latency_s},
          {"inference_samples_per_s", prediction.inference_samples_per_s},
          {"energy_j_per_step", prediction.energy_j_per_step},
          {"price_per_step", prediction.price_per_step},
          {"hosts", std::move(hosts)}};
}

nlohmann::json plan_members(const Plan& plan) {
  nlohmann::json members = {
      {"strategy", plan.strategy},           {"batch_size", plan.batch_size},
      {"micro_batches", plan.micro_batches}, {"schedule", schedule_name(plan.schedule)},
      {"stages", to_json(plan.stages)},      {"predicted", to_json(plan.predicted)}};
  if (plan.averaging_period > 0) members["averaging_period"] = plan.averaging_period;
  if (!(plan.all_reduce == AllReduce{})) members["all_reduce"] = to_json(plan.all_reduce);
  if (plan.wire_dtype != WireDtype::kFloat32)
    members["wire_dtype"] = wire_dtype_name(plan.wire_dtype);
  if (!(plan.optimizer == Optimizer{})) members["optimizer"] = to_json(plan.optimizer);
  if (plan.simulated_step_s) members["simulated"] = {{"step_s", *plan.simulated_step_s}};
  if (plan.simulated_median_s && plan.simulated_p95_s) {
    members["simulated"]["median_s"] = *plan.simulated_median_s;
    members["simulated"]["p95_s"] = *plan.simulated_p95_s;
  }
  return members;
}

}  // namespace

nlohmann::json to_json(const HostPrediction& host) {
  return {{"host", host.host},
          {"compute_s", host.compute_s},
          {"waiting_s", host.waiting_s},
          {"transfer_s", host.transfer_s},
          {"reduction_s", host.reduction_s},
          {"sent_bytes", host.sent_bytes},
          {"peak_memory_bytes", host.peak_memory_bytes}};
}

PlanDocument plan_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "plan");
  PlanDocument document;
  // First what the plans are checked against.
  document.profile = profile_from_json(object.at("profile"));
  document.cluster = cluster_from_json(object.at("cluster"));
  const ModelGraph& model = document.profile.model;
  document.plan = read_plan_members(object, model, document.cluster);
  document.search = read_search(object.at("search"));
  const auto read_plans = [&](const char* key) {
    std::vector<Plan> plans;
    for (const JsonPlace& item : object.at(key).array()) {
      JsonObject plan = item.object();
      plans.push_back(read_plan_members(plan, model, document.cluster));
      plan.finish();
    }
    return plans;
  };
  document.alternatives = read_plans("alternatives");
  document.runners_up = read_plans("runners_up");
  object.finish();
  return document;
}

PlanDocument read_plan(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return plan_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const PlanDocument& document) {
  nlohmann::json written = plan_members(document.plan);
  written["format"] = "cadastre-plan/1";
  written["search"] = {
      {"objective", document.search.objective}, {"value", document.search.value},
      {"bound", document.search.bound},         {"proven_optimal", document.search.proven},
      {"feasible", document.search.feasible},   {"optimality_gap", document.search.optimality_gap},
      {"search_s", document.search.search_s},   {"num_evaluated", document.search.num_evaluated}};
  const auto write_plans = [](const std::vector<Plan>& plans) {
    nlohmann::json list = nlohmann::json::array();
    for (const Plan& plan : plans) list.push_back(plan_members(plan));
    return list;
  };
  written["alternatives"] = write_plans(document.alternatives);
  written["runners_up"] = write_plans(document.runners_up);
  written["profile"] = to_json(document.profile);
  written["cluster"] = to_json(document.cluster);
  return written;
}

}  // namespace cadastre
