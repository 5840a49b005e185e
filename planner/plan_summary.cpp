#include "planner/plan_summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "planner/explanation.h"
#include "planner/plan_parts_json.h"
#include "planner/refusal.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kMilli = 1e3;
constexpr double kMega = 1e6;

std::string strategy_text(const Plan& plan, const PlanDocument& document) {
  if (plan.strategy != "auto") return plan.strategy;
  return "auto (" + plan_kind(plan, document.profile.model, document.cluster) + ")";
}

std::vector<std::string> table_row(const Plan& plan, const PlanDocument& document,
                                   const std::string& mark) {
  std::vector<std::string> row = {
      mark + strategy_text(plan, document),
      schedule_name(plan.schedule),
      std::to_string(plan.micro_batches),
      std::to_string(plan.predicted.hosts.size()),
      fixed(plan.predicted.step_s * kMilli, 1),
      fixed(plan.predicted.latency_s * kMilli, 2),
      fixed(plan.predicted.inference_samples_per_s, 1),
      fixed(static_cast<double>(plan.predicted.traffic_bytes_per_step) / kMega, 2),
      fixed(static_cast<double>(plan.predicted.peak_memory_bytes) / kMega, 1),
      plan.predicted.fits_memory ? "yes" : "no"};
  if (document.plan.simulated_step_s)
    row.push_back(plan.simulated_step_s ? fixed(*plan.simulated_step_s * kMilli, 1) : "-");
  if (document.plan.simulated_p95_s)
    for (const auto& seconds : {plan.simulated_median_s, plan.simulated_p95_s})
      row.push_back(seconds ? fixed(*seconds * kMilli, 1) : "-");
  return row;
}

std::string stages_text(const Plan& plan) {
  std::string text;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const Stage& stage = plan.stages[s];
    text += "stage " + std::to_string(s) + ": " + std::to_string(stage.layers.size()) +
            " layers (" + stage.layers.front();
    if (stage.layers.size() > 1) text += " … " + stage.layers.back();
    text += ") on ";
    for (std::size_t r = 0; r < stage.replicas.size(); ++r) {
      text += (r == 0 ? "" : ", ") + stage.replicas[r].host;
      if (stage.replicas.size() > 1) text += " (" + fixed(100 * stage.replicas[r].share, 0) + " %)";
    }
    text += stage.recompute ? ", recomputed\n" : "\n";
  }
  return text;
}

std::string hosts_text(const Plan& plan) {
  std::vector<std::vector<std::string>> rows = {
      {"host", "compute ms", "waiting ms", "transfer ms", "reduction ms", "sent MB", "peak MB"}};
  for (const HostPrediction& host : plan.predicted.hosts)
    rows.push_back({host.host, fixed(host.compute_s * kMilli, 1), fixed(host.waiting_s * kMilli, 1),
                    fixed(host.transfer_s * kMilli, 1), fixed(host.reduction_s * kMilli, 1),
                    fixed(static_cast<double>(host.sent_bytes) / kMega, 2),
                    fixed(static_cast<double>(host.peak_memory_bytes) / kMega, 1)});
  return text_table(rows);
}

Objective objective_of(const SearchReport& search) {
  return static_cast<Objective>(
      std::find(objective_names().begin(), objective_names().end(), search.objective) -
      objective_names().begin());
}

std::string bound_text(const SearchReport& search) {
  const std::string& unit = objective_unit(objective_of(search));
  std::string text = search.objective + " " + number_text(search.value) + " " + unit + ", ";
  text += search.proven && search.optimality_gap <= 1e-9
              ? "proven best"
              : "bound " + number_text(search.bound) + " " + unit + ", gap " +
                    fixed(100 * search.optimality_gap, 2) + " %";
  return text + "; " + std::to_string(search.num_evaluated) + " programs evaluated in " +
         fixed(search.search_s, 2) + " s\n";
}

nlohmann::json strategy_json(const Plan& plan, const PlanDocument& document) {
  nlohmann::json json = {{"strategy", plan.strategy},
                         {"kind", plan_kind(plan, document.profile.model, document.cluster)},
                         {"schedule", schedule_name(plan.schedule)},
                         {"micro_batches", plan.micro_batches},
                         {"num_stages", plan.stages.size()},
                         {"num_hosts", plan.predicted.hosts.size()},
                         {"step_s", plan.predicted.step_s},
                         {"latency_s", plan.predicted.latency_s},
                         {"inference_samples_per_s", plan.predicted.inference_samples_per_s},
                         {"traffic_bytes_per_step", plan.predicted.traffic_bytes_per_step},
                         {"peak_memory_bytes", plan.predicted.peak_memory_bytes},
                         {"energy_j_per_step", plan.predicted.energy_j_per_step},
                         {"price_per_step", plan.predicted.price_per_step},
                         {"fits_memory", plan.predicted.fits_memory}};
  if (!(plan.all_reduce == AllReduce{})) json["all_reduce"] = to_json(plan.all_reduce);
  if (plan.wire_dtype != WireDtype::kFloat32) json["wire_dtype"] = wire_dtype_name(plan.wire_dtype);
  if (plan.simulated_step_s) json["simulated_step_s"] = *plan.simulated_step_s;
  if (plan.simulated_median_s) json["simulated_median_s"] = *plan.simulated_median_s;
  if (plan.simulated_p95_s) json["simulated_p95_s"] = *plan.simulated_p95_s;
  return json;
}

}  // namespace

std::string plan_summary(const PlanDocument& document) {
  std::vector<std::vector<std::string>> rows = {{"  strategy", "schedule", "micro-batches", "hosts",
                                                 "step ms", "latency ms", "inferences/s",
                                                 "traffic MB", "peak MB", "fits"}};
  if (document.plan.simulated_step_s) rows.front().push_back("simulated ms");
  if (document.plan.simulated_p95_s) {
    rows.front().push_back("median ms");
    rows.front().push_back("p95 ms");
  }
  rows.push_back(table_row(document.plan, document, "* "));
  for (const Plan& plan : document.runners_up) rows.push_back(table_row(plan, document, "  "));
  for (const Plan& plan : document.alternatives) rows.push_back(table_row(plan, document, "  "));
  return text_table(rows) + "\n" + stages_text(document.plan) + "\n" + hosts_text(document.plan) +
         "\n" + bound_text(document.search);
}

nlohmann::json plan_summary_json(const PlanDocument& document) {
  nlohmann::json strategies = nlohmann::json::array();
  strategies.push_back(strategy_json(document.plan, document));
  for (const Plan& plan : document.alternatives)
    strategies.push_back(strategy_json(plan, document));
  nlohmann::json runners_up = nlohmann::json::array();
  for (const Plan& plan : document.runners_up) runners_up.push_back(strategy_json(plan, document));
  nlohmann::json hosts = nlohmann::json::array();
  for (const HostPrediction& host : document.plan.predicted.hosts) hosts.push_back(to_json(host));
  const SearchReport& search = document.search;
  nlohmann::json json = strategy_json(document.plan, document);
  json["objective"] = search.objective;
  json["unit"] = objective_unit(objective_of(search));
  json["value"] = search.value;
  json["bound"] = search.bound;
  json["optimality_gap"] = search.optimality_gap;
  json["proven_optimal"] = search.proven && search.optimality_gap <= 1e-9;
  json["search_s"] = search.search_s;
  if (objective_of(search) == Objective::kStepTime) json["lower_bound_s"] = search.bound;
  json["hosts"] = std::move(hosts);
  json["strategies"] = std::move(strategies);
  json["runners_up"] = std::move(runners_up);
  return json;
}

std::string front_summary(const std::vector<PlanDocument>& front) {
  std::vector<std::vector<std::string>> rows = {{"strategy", "hosts", "step ms", "latency ms",
                                                 "inferences/s", "traffic B/sample", "peak MB",
                                                 "J/sample", "price/million", "gap %"}};
  for (const PlanDocument& document : front) {
    const Plan& plan = document.plan;
    const auto value = [&](Objective objective) {
      return objective_value(plan.predicted, objective, plan.batch_size);
    };
    rows.push_back({strategy_text(plan, document), std::to_string(plan.predicted.hosts.size()),
                    fixed(value(Objective::kStepTime) * kMilli, 2),
                    fixed(value(Objective::kLatency) * kMilli, 2),
                    fixed(value(Objective::kThroughput), 1), fixed(value(Objective::kTraffic), 0),
                    fixed(value(Objective::kMemory) / kMega, 1),
                    fixed(value(Objective::kEnergy), 3), fixed(value(Objective::kCost), 3),
                    fixed(100 * document.search.optimality_gap, 1)});
  }
  return text_table(rows);
}

nlohmann::json front_summary_json(const std::vector<PlanDocument>& front) {
  nlohmann::json plans = nlohmann::json::array();
  for (const PlanDocument& document : front) plans.push_back(plan_summary_json(document));
  return {{"front", std::move(plans)}};
}

std::string no_plan_text(const PlanDocument& document, const std::vector<Constraint>& constraints) {
  std::string tightest;
  std::int64_t most_missing = 0;
  for (const HostPrediction& host : document.plan.predicted.hosts) {
    std::int64_t memory =
        document.cluster.hosts[static_cast<std::size_t>(host_index(document.cluster, host.host))]
            .memory_bytes;
    for (const Constraint& constraint : constraints)
      if (constraint.objective == Objective::kMemory)
        memory = std::min(memory, static_cast<std::int64_t>(constraint.limit));
    if (host.peak_memory_bytes - memory <= most_missing) continue;
    most_missing = host.peak_memory_bytes - memory;
    tightest = host.host;
  }
  if (most_missing > 0)
    return "no plan was found that fits in memory: the one that comes nearest lacks " +
           std::to_string(most_missing) + " bytes on " + tightest;
  std::string missed;
  for (const Constraint& constraint : constraints) {
    const double value =
        objective_value(document.plan.predicted, constraint.objective, document.plan.batch_size);
    if (minimised(constraint.objective, value) <= minimised(constraint.objective, constraint.limit))
      continue;
    missed += (missed.empty() ? "" : "; ") + objective_name(constraint.objective) + " " +
              number_text(value) + " " + objective_unit(constraint.objective) + ", limit " +
              number_text(constraint.limit);
  }
  return "no plan was found that keeps every limit: one that fits in memory has " + missed;
}

}  // namespace cadastre
