#include "planner/files.h"
#include "planner/refusal.h"
#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

namespace {

using Values = std::vector<std::optional<nlohmann::json>>;

nlohmann::json values_json(const std::vector<std::string>& columns, const Values& values) {
  nlohmann::json written = nlohmann::json::object();
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (values[c]) written[columns[c]] = *values[c];
  return written;
}

Values read_values(const JsonPlace& place, const std::vector<std::string>& columns) {
  JsonObject object = place.object();
  Values values;
  for (const std::string& column : columns) {
    const auto value = object.find(column);
    values.push_back(value ? std::optional(value->value()) : std::nullopt);
  }
  object.finish();
  return values;
}

nlohmann::json to_json(const StudyRow& row, const std::vector<std::string>& columns) {
  nlohmann::json written = to_json(row.outcome);
  written["values"] = values_json(columns, row.values);
  written["strategy"] = row.strategy;
  return written;
}

StudyRow read_row(const JsonPlace& place, const std::vector<std::string>& columns) {
  JsonObject object = place.object();
  StudyRow row{.values = read_values(object.at("values"), columns),
               .strategy = object.at("strategy").string(),
               .outcome = study_outcome_members(object)};
  object.finish();
  return row;
}

nlohmann::json to_json(const BreakEvenAnswer& answer, const std::vector<std::string>& columns) {
  nlohmann::json stretches = nlohmann::json::array();
  for (const BreakEvenStretch& stretch : answer.stretches)
    stretches.push_back({{"from", stretch.from}, {"to", stretch.to}, {"answer", stretch.answer}});
  nlohmann::json written = {
      {"pointer", answer.pointer},         {"metric", answer.metric},
      {"strategies", answer.strategies},   {"values", values_json(columns, answer.values)},
      {"stretches", std::move(stretches)}, {"sentence", answer.sentence}};
  if (answer.threshold) written["threshold"] = *answer.threshold;
  return written;
}

BreakEvenAnswer read_break_even(const JsonPlace& place, const std::vector<std::string>& columns) {
  JsonObject object = place.object();
  BreakEvenAnswer answer{.pointer = object.at("pointer").string(),
                         .metric = study_metric_at(object.at("metric")).name,
                         .strategies = object.at("strategies").strings(),
                         .values = read_values(object.at("values"), columns)};
  if (const auto threshold = object.find("threshold")) answer.threshold = threshold->number();
  for (const JsonPlace& item : object.at("stretches").array(1)) {
    JsonObject stretch = item.object();
    answer.stretches.push_back({.from = stretch.at("from").number(),
                                .to = stretch.at("to").number(),
                                .answer = stretch.at("answer").string()});
    stretch.finish();
  }
  answer.sentence = object.at("sentence").string();
  object.finish();
  return answer;
}

nlohmann::json to_json(const SensitivityAnswer& answer) {
  nlohmann::json written = {
      {"pointer", answer.pointer}, {"strategy", answer.strategy}, {"value", answer.value}};
  if (!answer.error.empty()) {
    written["error"] = answer.error;
    return written;
  }
  written["elasticity"] = answer.elasticity;
  written["step_s_when_less"] = answer.step_s_when_less;
  written["step_s_when_more"] = answer.step_s_when_more;
  return written;
}

SensitivityAnswer read_sensitivity(const JsonPlace& place) {
  JsonObject object = place.object();
  SensitivityAnswer answer{.pointer = object.at("pointer").string(),
                           .strategy = object.at("strategy").string(),
                           .value = object.at("value").number()};
  if (const auto error = object.find("error")) {
    answer.error = error->string();
  } else {
    answer.elasticity = object.at("elasticity").number();
    answer.step_s_when_less = object.at("step_s_when_less").number(0);
    answer.step_s_when_more = object.at("step_s_when_more").number(0);
  }
  object.finish();
  return answer;
}

GoalAnswer read_goal(const JsonPlace& place, std::size_t num_rows) {
  JsonObject object = place.object();
  GoalAnswer answer{.met = object.at("met").boolean()};
  if (const auto row = object.find("row"))
    answer.row = static_cast<int>(row->integer(0, static_cast<std::int64_t>(num_rows) - 1));
  answer.sentence = object.at("sentence").string();
  object.finish();
  return answer;
}

nlohmann::json to_json(const GoalAnswer& answer) {
  nlohmann::json written = {{"met", answer.met}, {"sentence", answer.sentence}};
  if (answer.row >= 0) written["row"] = answer.row;
  return written;
}

}  // namespace

StudyResult study_result_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "study-result");
  StudyResult result{.name = object.at("name").string(),
                     .description = object.at("description").string(),
                     .network_model = object.at("network_model").string(),
                     .columns = object.at("columns").strings()};
  if (const auto pointers = object.find("pointers")) {
    for (const JsonPlace& of_column : pointers->array())
      result.pointers.push_back(of_column.strings());
    if (result.pointers.size() != result.columns.size())
      pointers->fail_expected("a list of pointers for each of the columns");
  }
  for (const JsonPlace& row : object.at("rows").array(1))
    result.rows.push_back(read_row(row, result.columns));
  for (const JsonPlace& answer : object.at("break_even").array())
    result.break_even.push_back(read_break_even(answer, result.columns));
  for (const JsonPlace& answer : object.at("sensitivity").array())
    result.sensitivity.push_back(read_sensitivity(answer));
  if (const auto goal = object.find("goal")) result.goal = read_goal(*goal, result.rows.size());
  if (const auto measured = object.find("measured"))
    for (const JsonPlace& item : measured->array())
      result.measured.push_back(measured_from_json(item));
  if (const auto claims = object.find("claims"))
    for (const JsonPlace& item : claims->array()) result.claims.push_back(claim_from_json(item));
  object.finish();
  return result;
}

StudyResult read_study_result(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return study_result_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const StudyResult& result) {
  nlohmann::json written = {{"format", "cadastre-study-result/1"},
                            {"name", result.name},
                            {"description", result.description},
                            {"network_model", result.network_model},
                            {"columns", result.columns}};
  if (!result.pointers.empty()) written["pointers"] = result.pointers;
  for (const char* list : {"rows", "break_even", "sensitivity"})
    written[list] = nlohmann::json::array();
  for (const StudyRow& row : result.rows) written["rows"].push_back(to_json(row, result.columns));
  for (const BreakEvenAnswer& answer : result.break_even)
    written["break_even"].push_back(to_json(answer, result.columns));
  for (const SensitivityAnswer& answer : result.sensitivity)
    written["sensitivity"].push_back(to_json(answer));
  if (result.goal) written["goal"] = to_json(*result.goal);
  for (const MeasuredArchitecture& measured : result.measured)
    written["measured"].push_back(to_json(measured));
  for (const StudyClaim& claim : result.claims) written["claims"].push_back(to_json(claim));
  return written;
}

}  // namespace cadastre
