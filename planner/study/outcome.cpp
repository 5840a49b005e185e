#include "planner/study/outcome.h"

#include <nlohmann/json.hpp>

#include "planner/plan_parts_json.h"
#include "planner/study/study.h"

namespace cadastre {

namespace {

nlohmann::json to_json(const StudyFigures& figures) {
  nlohmann::json written = nlohmann::json::object();
  for (const StudyMetric& metric : study_metrics()) {
    const double value = figures.*metric.value;
    written[metric.name] = metric.whole ? json_number(value) : nlohmann::json(value);
  }
  return written;
}

StudyFigures read_figures(const JsonPlace& place) {
  JsonObject object = place.object();
  StudyFigures figures;
  for (const StudyMetric& metric : study_metrics())
    figures.*metric.value = object.at(metric.name).number(0);
  object.finish();
  return figures;
}

}  // namespace

const std::vector<std::string>& study_outcome_names() {
  static const std::vector<std::string> names = {"done", "no-plan", "failed"};
  return names;
}

StudyPlan study_plan(const Plan& plan) {
  StudyPlan compact{.batch_size = plan.batch_size,
                    .micro_batches = plan.micro_batches,
                    .schedule = plan.schedule,
                    .averaging_period = plan.averaging_period};
  for (const Stage& stage : plan.stages) {
    StudyStage& added = compact.stages.emplace_back();
    added.first_layer = stage.layers.front();
    added.last_layer = stage.layers.back();
    added.num_layers = static_cast<std::int64_t>(stage.layers.size());
    for (const Replica& replica : stage.replicas) added.hosts.push_back(replica.host);
  }
  return compact;
}

nlohmann::json to_json(const StudyPlan& plan) {
  nlohmann::json stages = nlohmann::json::array();
  for (const StudyStage& stage : plan.stages)
    stages.push_back({{"first_layer", stage.first_layer},
                      {"last_layer", stage.last_layer},
                      {"num_layers", stage.num_layers},
                      {"hosts", stage.hosts}});
  nlohmann::json written = {{"batch_size", plan.batch_size},
                            {"micro_batches", plan.micro_batches},
                            {"schedule", schedule_name(plan.schedule)},
                            {"stages", std::move(stages)}};
  if (plan.averaging_period > 0) written["averaging_period"] = plan.averaging_period;
  return written;
}

StudyPlan study_plan_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  StudyPlan plan{.batch_size = batch_size_from_json(object.at("batch_size")),
                 .micro_batches = micro_batches_from_json(object.at("micro_batches")),
                 .schedule = schedule_from_json(object.at("schedule")),
                 .averaging_period = averaging_period_from_json(object)};
  for (const JsonPlace& item : object.at("stages").array(1)) {
    JsonObject stage = item.object();
    plan.stages.push_back({.first_layer = stage.at("first_layer").string(),
                           .last_layer = stage.at("last_layer").string(),
                           .num_layers = stage.at("num_layers").integer(1),
                           .hosts = stage.at("hosts").strings()});
    stage.finish();
  }
  object.finish();
  return plan;
}

std::string plan_text(const StudyPlan& plan) {
  std::string text = std::to_string(plan.micro_batches) + " x " + schedule_name(plan.schedule);
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const StudyStage& stage = plan.stages[s];
    text += s == 0 ? ": " : " | ";
    text += stage.first_layer;
    if (stage.num_layers > 1) text += ".." + stage.last_layer;
    for (std::size_t h = 0; h < stage.hosts.size(); ++h)
      text += (h == 0 ? " on " : "+") + stage.hosts[h];
  }
  return text;
}

nlohmann::json to_json(const StudyOutcome& outcome) {
  nlohmann::json written = {
      {"outcome", study_outcome_names()[static_cast<std::size_t>(outcome.kind)]}};
  if (outcome.kind != StudyOutcomeKind::kDone) {
    written["error"] = outcome.error;
    return written;
  }
  written["fits_memory"] = outcome.fits_memory;
  written["figures"] = to_json(outcome.figures);
  written["plan"] = to_json(outcome.plan);
  return written;
}

StudyOutcome study_outcome_members(JsonObject& object) {
  StudyOutcome outcome{
      .kind = static_cast<StudyOutcomeKind>(object.at("outcome").one_of(study_outcome_names()))};
  if (outcome.kind != StudyOutcomeKind::kDone) {
    outcome.error = object.at("error").string();
    return outcome;
  }
  outcome.fits_memory = object.at("fits_memory").boolean();
  outcome.figures = read_figures(object.at("figures"));
  outcome.plan = study_plan_from_json(object.at("plan"));
  return outcome;
}

}  // namespace cadastre
