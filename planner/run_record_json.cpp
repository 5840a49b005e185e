#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/plan_check.h"
#include "planner/plan_parts_json.h"
#include "planner/refusal.h"
#include "planner/run_record.h"

namespace cadastre {

namespace {

ClassMetrics read_class_metrics(const JsonPlace& place) {
  JsonObject object = place.object();
  ClassMetrics metrics{.name = object.at("name").string(),
                       .num_samples = object.at("num_samples").integer(0),
                       .precision = object.at("precision").number(0, 1),
                       .recall = object.at("recall").number(0, 1),
                       .f1 = object.at("f1").number(0, 1)};
  object.finish();
  return metrics;
}

/// A square matrix, one row and one column for each class.
std::vector<std::vector<std::int64_t>> read_confusion(const JsonPlace& place,
                                                      std::size_t num_classes) {
  const std::string expected =
      "an array of " + std::to_string(num_classes) + ", one for each class";
  std::vector<std::vector<std::int64_t>> confusion;
  const std::vector<JsonPlace> rows = place.array();
  if (rows.size() != num_classes) place.fail_expected(expected);
  for (const JsonPlace& row : rows) {
    confusion.push_back(row.integers(0));
    if (confusion.back().size() != num_classes) row.fail_expected(expected);
  }
  return confusion;
}

Metrics read_metrics(const JsonPlace& place) {
  JsonObject object = place.object();
  Metrics metrics{.overall_accuracy = object.at("overall_accuracy").number(0, 1),
                  .average_accuracy = object.at("average_accuracy").number(0, 1),
                  .kappa = object.at("kappa").number(-1, 1),
                  .classes = {},
                  .confusion = {}};
  for (const JsonPlace& item : object.at("classes").array(1))
    metrics.classes.push_back(read_class_metrics(item));
  metrics.confusion = read_confusion(object.at("confusion"), metrics.classes.size());
  object.finish();
  return metrics;
}

HostUse read_host_use(const JsonPlace& place) {
  JsonObject object = place.object();
  HostUse use;
  use.host = object.at("host").string();
  use.cores = object.at("cores").number(0);
  use.cpu_s_per_step = object.at("cpu_s_per_step").number(0);
  use.step_s = object.at("step_s").number(0);
  use.sent_bytes_per_step = object.at("sent_bytes_per_step").number(0);
  use.received_bytes_per_step = object.at("received_bytes_per_step").number(0);
  object.finish();
  return use;
}

nlohmann::json to_json(const HostUse& use) {
  return {{"host", use.host},
          {"cores", use.cores},
          {"cpu_s_per_step", use.cpu_s_per_step},
          {"step_s", use.step_s},
          {"sent_bytes_per_step", use.sent_bytes_per_step},
          {"received_bytes_per_step", use.received_bytes_per_step}};
}

void read_times(JsonObject& object, RunRecord& run) {
  JsonObject predicted = object.at("predicted").object();
  run.predicted_step_s = predicted.at("step_s").number(0);
  predicted.finish();
  run.simulated_step_s = simulated_step_from_json(object);
  JsonObject measured = object.at("measured").object();
  run.measured_step_s = measured.at("step_s").number(0);
  run.measured_step_spread_s = measured.at("step_spread_s").number(0);
  run.wall_s = measured.at("wall_s").number(0);
  if (const auto hosts = measured.find("hosts"))
    for (const JsonPlace& host : hosts->array()) run.host_use.push_back(read_host_use(host));
  measured.finish();
}

nlohmann::json to_json(const Metrics& metrics) {
  nlohmann::json classes = nlohmann::json::array();
  for (const ClassMetrics& of_class : metrics.classes)
    classes.push_back({{"name", of_class.name},
                       {"num_samples", of_class.num_samples},
                       {"precision", of_class.precision},
                       {"recall", of_class.recall},
                       {"f1", of_class.f1}});
  return {{"overall_accuracy", metrics.overall_accuracy},
          {"average_accuracy", metrics.average_accuracy},
          {"kappa", metrics.kappa},
          {"classes", std::move(classes)},
          {"confusion", metrics.confusion}};
}

const std::vector<std::string>& run_end_names() {
  static const std::vector<std::string> names = {"steps", "patience"};
  return names;
}

}  // namespace

std::vector<TrainingStep> steps_from_json(const JsonPlace& place) {
  std::vector<TrainingStep> steps;
  for (const JsonPlace& item : place.array()) {
    JsonObject object = item.object();
    const TrainingStep step{.step = object.at("step").integer(0),
                            .loss = object.at("loss").number(0),
                            .learning_rate = object.at("learning_rate").number(0),
                            .end_s = object.at("end_s").number(0)};
    object.finish();
    if (!steps.empty() && step.step <= steps.back().step)
      refuse(item, "/step",
             "expected more than " + std::to_string(steps.back().step) +
                 ", the step before it, found " + std::to_string(step.step));
    if (!steps.empty() && step.end_s < steps.back().end_s)
      refuse(item, "/end_s",
             "expected at least " + number_text(steps.back().end_s) +
                 ", the end of the step before it, found " + number_text(step.end_s));
    steps.push_back(step);
  }
  return steps;
}

nlohmann::json to_json(const std::vector<TrainingStep>& steps) {
  nlohmann::json written = nlohmann::json::array();
  for (const TrainingStep& step : steps)
    written.push_back({{"step", step.step},
                       {"loss", step.loss},
                       {"learning_rate", step.learning_rate},
                       {"end_s", step.end_s}});
  return written;
}

Validation validation_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  Validation validation;
  validation.num_samples = object.at("num_samples").integer(1);
  bool has_best = false;
  const JsonPlace best = object.at("best_num_steps");
  validation.best_num_steps = best.integer(1);
  for (const JsonPlace& item : object.at("curve").array(1)) {
    JsonObject of_point = item.object();
    const ValidationPoint point{.num_steps = of_point.at("num_steps").integer(1),
                                .loss = of_point.at("loss").number(0),
                                .overall_accuracy = of_point.at("overall_accuracy").number(0, 1),
                                .average_accuracy = of_point.at("average_accuracy").number(0, 1),
                                .kappa = of_point.at("kappa").number(-1, 1)};
    of_point.finish();
    if (!validation.curve.empty() && point.num_steps <= validation.curve.back().num_steps)
      refuse(item, "/num_steps",
             "expected more than " + std::to_string(validation.curve.back().num_steps) +
                 ", the point before it, found " + std::to_string(point.num_steps));
    has_best = has_best || point.num_steps == validation.best_num_steps;
    validation.curve.push_back(point);
  }
  if (!has_best) best.fail_expected("the steps of a point of the curve");
  validation.metrics = read_metrics(object.at("metrics"));
  object.finish();
  return validation;
}

nlohmann::json to_json(const Validation& validation) {
  nlohmann::json curve = nlohmann::json::array();
  for (const ValidationPoint& point : validation.curve)
    curve.push_back({{"num_steps", point.num_steps},
                     {"loss", point.loss},
                     {"overall_accuracy", point.overall_accuracy},
                     {"average_accuracy", point.average_accuracy},
                     {"kappa", point.kappa}});
  return {{"num_samples", validation.num_samples},
          {"curve", std::move(curve)},
          {"best_num_steps", validation.best_num_steps},
          {"metrics", to_json(validation.metrics)}};
}

namespace {

RunFailure failure_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  RunFailure failure;
  failure.host = object.at("host").string();
  failure.cause = object.at("cause").string();
  failure.num_steps = object.at("num_steps").integer(0);
  failure.went_on_from = object.at("went_on_from").integer(0);
  failure.restart_s = object.at("restart_s").number(0);
  failure.is_left_out = object.at("is_left_out").boolean();
  object.finish();
  return failure;
}

nlohmann::json to_json(const RunFailure& failure) {
  return {{"host", failure.host},
          {"cause", failure.cause},
          {"num_steps", failure.num_steps},
          {"went_on_from", failure.went_on_from},
          {"restart_s", failure.restart_s},
          {"is_left_out", failure.is_left_out}};
}

}  // namespace

RunRecord run_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "run");
  RunRecord run;
  run.model = model_from_json(object.at("model"));
  run.strategy = object.at("strategy").string();
  run.batch_size = batch_size_from_json(object.at("batch_size"));
  run.micro_batches = micro_batches_from_json(object.at("micro_batches"));
  run.schedule = schedule_from_json(object.at("schedule"));
  run.wire_dtype = wire_dtype_from_json(object);
  run.stages = stages_from_json(object.at("stages"));
  check_division(run.stages, run.batch_size, run.micro_batches, run.schedule, run.model, place);
  run.training = training_from_json(object.at("training"));
  run.scene = scene_from_json(object.at("scene"));
  if (const auto normalization = object.find("normalization"))
    run.normalization = normalization_from_json(*normalization);
  if (const auto notes = object.find("notes")) run.notes = notes->strings();
  read_times(object, run);
  run.traffic_bytes_per_step = object.at("traffic_bytes_per_step").integer(0);
  run.steps = steps_from_json(object.at("steps"));
  if (const auto end = object.find("ended_by"))
    run.end = static_cast<RunEnd>(end->one_of(run_end_names()));
  if (const auto failures = object.find("failures"))
    for (const JsonPlace& failure : failures->array())
      run.failures.push_back(failure_from_json(failure));
  if (const auto validation = object.find("validation"))
    run.validation = validation_from_json(*validation);
  if (const auto metrics = object.find("metrics")) run.metrics = read_metrics(*metrics);
  object.finish();
  return run;
}

RunRecord read_run(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return run_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const RunRecord& run) {
  nlohmann::json written = {{"format", "cadastre-run/1"},
                            {"model", to_json(run.model)},
                            {"strategy", run.strategy},
                            {"batch_size", run.batch_size},
                            {"micro_batches", run.micro_batches},
                            {"schedule", schedule_name(run.schedule)},
                            {"stages", to_json(run.stages)},
                            {"training", to_json(run.training)},
                            {"scene", to_json(run.scene)},
                            {"predicted", {{"step_s", run.predicted_step_s}}},
                            {"measured",
                             {{"step_s", run.measured_step_s},
                              {"step_spread_s", run.measured_step_spread_s},
                              {"wall_s", run.wall_s}}},
                            {"traffic_bytes_per_step", run.traffic_bytes_per_step},
                            {"steps", to_json(run.steps)},
                            {"ended_by", run_end_names()[static_cast<std::size_t>(run.end)]}};
  for (const HostUse& use : run.host_use) written["measured"]["hosts"].push_back(to_json(use));
  if (run.wire_dtype != WireDtype::kFloat32)
    written["wire_dtype"] = wire_dtype_name(run.wire_dtype);
  if (!run.normalization.empty())
    written["normalization"] = normalization_json(run.normalization);
  if (!run.notes.empty()) written["notes"] = run.notes;
  if (run.simulated_step_s) written["simulated"] = {{"step_s", *run.simulated_step_s}};
  for (const RunFailure& failure : run.failures)
    written["failures"].push_back(to_json(failure));
  if (run.validation) written["validation"] = to_json(*run.validation);
  if (run.metrics) written["metrics"] = to_json(*run.metrics);
  return written;
}

}  // namespace cadastre
