#include <algorithm>
#include <cmath>
#include <set>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"
#include "planner/strategies.h"
#include "planner/study/quantity.h"
#include "planner/study/study.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

// Beyond what anyone waits for; the numbers of all points are held in memory.
constexpr std::size_t kMostPoints = 1'000'000;
constexpr std::int64_t kMostPositions = 100'000;

/// A document of the base, or a value at a document's own place: a path stands for what it holds.
StudyDocument read_document(const JsonPlace& place) {
  if (!place.value().is_string())
    return {.value = place.value(), .file = place.file(), .pointer = place.pointer()};
  const fs::path file = fs::path(place.file()).parent_path() / place.string();
  try {
    return {
        .value = parse_json(read_file(file), file.string()), .file = file.string(), .pointer = ""};
  } catch (const InputError& error) {
    place.fail("expected a document or the path of one (relative to the study): " +
               std::string(error.what()));
  }
}

std::map<std::string, StudyDocument> read_base(const JsonPlace& place) {
  JsonObject object = place.object();
  std::map<std::string, StudyDocument> base;
  for (const std::string& name : study_document_names())
    if (const auto document = object.find(name)) base.emplace(name, read_document(*document));
  object.finish();

  const auto expect = [&](const std::string& name, const std::string& why) {
    if (!base.contains(name)) place.fail("expected the key \"" + name + "\"" + why);
  };
  const auto refuse_both = [&](const std::string& name, const std::string& other) {
    if (base.contains(name) && base.contains(other))
      refuse(place, "/" + name, "expected no such key beside \"" + other + "\"");
  };
  refuse_both("model", "profile");
  refuse_both("device", "profile");
  if (base.contains("model")) expect("device", ", for the costs of the model, found none");
  if (base.contains("device")) expect("model", ", whose costs the device tells, found none");
  if (!base.contains("plan")) {
    if (!base.contains("model") && !base.contains("profile"))
      place.fail(
          "expected one of the keys \"profile\", \"model\" (with \"device\") or \"plan\", found "
          "none");
    expect("cluster", ", found none");
    expect("settings", ", found none");
  }
  return base;
}

std::vector<StudyPointer> read_pointers(const JsonPlace& place) {
  std::vector<StudyPointer> pointers;
  if (place.value().is_array()) {
    for (const JsonPlace& item : place.array(1)) pointers.push_back(study_pointer(item));
  } else {
    pointers.push_back(study_pointer(place));
  }
  return pointers;
}

const std::string& last_key(const std::vector<StudyPointer>& pointers) {
  return pointers.front().tokens.back();
}

/// The members `from`, `to`, `scale` and `whole`.
StudyRange read_range(JsonObject& object, const std::string& key) {
  const JsonPlace from = object.at("from");
  const JsonPlace to = object.at("to");
  StudyRange range{.from = quantity_number(from, key), .to = quantity_number(to, key)};
  if (!(range.to > range.from))
    to.fail("expected more than \"from\", " + number_text(range.from) + ", found " +
            number_text(range.to));
  const auto scale = object.find("scale");
  range.logarithmic = scale && scale->one_of({"linear", "log"}) == 1;
  if (range.logarithmic && range.from <= 0)
    from.fail("expected a number > 0 on a logarithmic scale, found " + number_text(range.from));
  if (const auto whole = object.find("whole")) range.whole = whole->boolean();
  return range;
}

void check_name(const JsonPlace& place, const std::string& name,
                const std::vector<StudyColumn>& columns) {
  static const std::set<std::string> taken = {"strategy", "outcome",     "error",
                                              "plan",     "fits_memory", kPointName};
  if (name.empty()) place.fail_expected("a name");
  if (taken.contains(name) || (study_metric(name) != nullptr && study_metric(name)->name == name))
    place.fail("expected a name that no other column has, found " + in_quotes(name));
  for (const StudyColumn& column : columns)
    if (column.name == name)
      place.fail("expected a name or pointer used once, found " + in_quotes(name) + " again");
}

StudyColumn read_axis(const JsonPlace& place, const std::vector<StudyColumn>& before) {
  JsonObject object = place.object();
  const JsonPlace pointer = object.at("pointer");
  StudyColumn column{.pointers = read_pointers(pointer), .place = place.pointer()};
  const auto name = object.find("name");
  column.name = name ? name->string() : column.pointers.front().text;
  check_name(name ? *name : pointer, column.name, before);
  for (const StudyColumn& other : before)
    for (const StudyPointer& used : other.pointers)
      if (std::find(column.pointers.begin(), column.pointers.end(), used) != column.pointers.end())
        pointer.fail("expected a pointer of one axis, found " + in_quotes(used.text) + " again");
  if (const auto values = object.find("values")) {
    for (const JsonPlace& value : values->array(1)) {
      if (std::find(column.values.begin(), column.values.end(), value.value()) !=
          column.values.end())
        value.fail_expected("a value that the axis does not have yet");
      column.values.push_back(value.value());
    }
  } else if (object.find("from")) {
    const StudyRange range = read_range(object, last_key(column.pointers));
    const std::int64_t num = object.at("num").integer(2, kMostPositions);
    for (const double position : positions(range, static_cast<int>(num)))
      column.values.push_back(json_number(position));
  } else {
    place.fail("expected the key \"values\", or \"from\", \"to\" and \"num\", found none");
  }
  object.finish();
  return column;
}

/// A list of objects from pointers to values, each perhaps with a name.
void read_points(const JsonPlace& place, Study& study) {
  std::vector<std::map<std::string, nlohmann::json>> points;
  for (const JsonPlace& item : place.array(1)) {
    JsonObject object = item.object();
    std::map<std::string, nlohmann::json>& point = points.emplace_back();
    for (const auto& [key, value] : object.members()) {
      if (key == "name") {
        point.emplace(kPointName, value.string());
        if (study.columns.empty() || study.columns.front().name != kPointName)
          study.columns.insert(study.columns.begin(),
                               {.name = kPointName, .place = place.pointer()});
        continue;
      }
      const nlohmann::json text = key;
      const StudyPointer pointer = study_pointer(JsonPlace(text, item.file(), value.pointer()));
      point.emplace(key, value.value());
      const bool known =
          std::any_of(study.columns.begin(), study.columns.end(),
                      [&, &name = key](const StudyColumn& column) { return column.name == name; });
      if (!known)
        study.columns.push_back(
            {.name = key, .pointers = {pointer}, .values = {}, .place = place.pointer()});
    }
  }
  for (const auto& point : points) {
    std::vector<std::optional<nlohmann::json>>& values = study.listed.emplace_back();
    for (const StudyColumn& column : study.columns) {
      const auto found = point.find(column.name);
      values.push_back(found == point.end() ? std::nullopt : std::optional(found->second));
    }
  }
}

std::vector<std::string> strategy_names(const Study& study) {
  std::vector<std::string> names = baseline_names();
  names.insert(names.begin(), "auto");
  if (study.base.contains("plan")) names.emplace_back(kFixedPlan);
  return names;
}

std::string strategy_at(const JsonPlace& place, const Study& study) {
  const std::vector<std::string> names = strategy_names(study);
  std::string name = place.string();
  if (std::find(names.begin(), names.end(), name) != names.end()) return name;
  std::string expected = "expected a strategy (";
  for (std::size_t i = 0; i < names.size(); ++i) expected += (i == 0 ? "" : ", ") + names[i];
  place.fail(expected + "), found " + in_quotes(name) + did_you_mean(name, names));
}

std::vector<std::string> read_strategies(const JsonPlace& place, const Study& study) {
  std::vector<std::string> strategies;
  for (const JsonPlace& item : place.array(1)) {
    std::string name = strategy_at(item, study);
    if (std::find(strategies.begin(), strategies.end(), name) != strategies.end())
      item.fail_expected("a strategy named once");
    strategies.push_back(std::move(name));
  }
  return strategies;
}

BreakEvenQuestion read_break_even(const JsonPlace& place, const Study& study) {
  JsonObject object = place.object();
  BreakEvenQuestion question{.pointers = read_pointers(object.at("pointer")),
                             .place = place.pointer()};
  question.range = read_range(object, last_key(question.pointers));
  if (!object.find("scale")) question.range.logarithmic = question.range.from > 0;
  constexpr std::int64_t kMostScanned = 10'000;
  if (const auto scan = object.find("scan"))
    question.num_scanned = static_cast<int>(scan->integer(2, kMostScanned));
  constexpr double kLeastTolerance = 1e-9;
  constexpr double kMostTolerance = 0.5;
  if (const auto tolerance = object.find("tolerance"))
    question.tolerance = tolerance->number(kLeastTolerance, kMostTolerance);
  if (const auto metric = object.find("metric")) question.metric = study_metric_at(*metric).name;
  if (const auto between = object.find("between")) {
    question.strategies = read_strategies(*between, study);
    if (question.strategies.size() != 2)
      between->fail("expected two strategies, found " + std::to_string(question.strategies.size()));
  } else if (const auto threshold = object.find("threshold")) {
    question.threshold = quantity_number(*threshold, question.metric);
    if (const auto strategy = object.find("strategy"))
      question.strategies = {strategy_at(*strategy, study)};
    else if (study.strategies.size() == 1)
      question.strategies = study.strategies;
    else
      place.fail("expected the key \"strategy\", as the study has several, found none");
  } else {
    place.fail("expected the key \"between\" (two strategies) or \"threshold\", found none");
  }
  object.finish();
  return question;
}

SensitivityQuestion read_sensitivity(const JsonPlace& place) {
  JsonObject object = place.object();
  SensitivityQuestion question{.pointers = {}, .place = place.pointer()};
  if (const auto pointers = object.find("pointers"))
    for (const JsonPlace& item : pointers->array(1))
      question.pointers.push_back(study_pointer(item));
  constexpr double kLeastChange = 1e-4;
  constexpr double kMostChange = 0.9;
  if (const auto change = object.find("change"))
    question.change = change->number(kLeastChange, kMostChange);
  object.finish();
  return question;
}

GoalQuestion read_goal(const JsonPlace& place) {
  GoalQuestion goal;
  JsonObject object = place.object();
  for (const auto& [key, value] : object.members()) {
    const bool at_least = key.starts_with("min_");
    if (key == "minimize" || key == "maximize") {
      if (!goal.metric.empty()) value.fail("expected one of \"minimize\" and \"maximize\"");
      const StudyMetric& metric = study_metric_at(value);
      if (metric.more_is_better != (key == "maximize"))
        value.fail("expected a figure of which " +
                   std::string(key == "maximize" ? "more" : "less") + " is better, found " +
                   in_quotes(metric.name));
      goal.metric = metric.name;
    } else if (at_least || key.starts_with("max_")) {
      const nlohmann::json name = key.substr(4);
      const StudyMetric& metric = study_metric_at(JsonPlace(name, value.file(), value.pointer()));
      goal.limits.push_back({.metric = metric.name,
                             .limit = quantity_number(value, metric.name),
                             .at_least = at_least});
    } else {
      value.fail("expected minimize, maximize, or max_ or min_ with a figure (" +
                 listed(study_metric_names()) + "), found " + in_quotes(key) +
                 did_you_mean(key, {"minimize", "maximize", "max_step_s", "min_throughput",
                                    "max_memory", "max_traffic", "max_cost", "max_energy"}));
    }
  }
  if (goal.metric.empty()) place.fail("expected the key \"minimize\" or \"maximize\", found none");
  return goal;
}

/// Settings of a training, one option of `cadastre run` each: {"samples_per_epoch": 1000}.
std::vector<std::pair<std::string, std::string>> read_training(const JsonPlace& place) {
  std::vector<std::pair<std::string, std::string>> options;
  JsonObject object = place.object();
  for (const auto& [key, value] : object.members()) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', '-');
    if (value.value().is_number())
      options.emplace_back(name, value.value().dump());
    else if (value.value().is_string())
      options.emplace_back(name, value.string());
    else
      value.fail_expected("a number or a text, as the option --" + name + " of run takes");
  }
  return options;
}

MeasureQuestion read_measure(const JsonPlace& place, const Study& study) {
  JsonObject object = place.object();
  MeasureQuestion question;
  question.strategies = read_strategies(object.at("strategies"), study);
  question.batch_size = object.at("batch_size").integer(1, std::int64_t{1} << 20);
  if (const auto training = object.find("training")) question.training = read_training(*training);
  object.finish();
  if (!study.base.contains("model") && !study.base.contains("profile"))
    place.fail("expected no such key with a base that has neither model nor profile");
  for (const std::string& strategy : question.strategies)
    if (strategy == kFixedPlan)
      place.fail("expected strategies that are planned on the machines at hand, found " +
                 in_quotes(kFixedPlan));
  return question;
}

void check_size(const JsonPlace& place, const Study& study) {
  std::size_t num = 1;
  for (const StudyColumn& column : study.columns) {
    num *= std::max<std::size_t>(1, column.values.size());
    if (num > kMostPoints)
      place.fail("expected at most " + std::to_string(kMostPoints) + " points, found more");
  }
}

}  // namespace

Study study_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "study");
  Study study{.name = object.at("name").string(), .file = place.file()};
  if (const auto description = object.find("description"))
    study.description = description->string();
  study.base = read_base(object.at("base"));

  const auto axes = object.find("axes");
  const auto points = object.find("points");
  if (axes && points) points->fail("expected no such key beside \"axes\"");
  if (axes)
    for (const JsonPlace& axis : axes->array(1))
      study.columns.push_back(read_axis(axis, study.columns));
  if (points) read_points(*points, study);
  check_size(place, study);

  const auto strategies = object.find("strategies");
  if (strategies)
    study.strategies = read_strategies(*strategies, study);
  else
    study.strategies = {study.base.contains("plan") ? kFixedPlan : kStrategyOfSettings};
  for (const StudyColumn& column : study.columns)
    for (const StudyPointer& pointer : column.pointers)
      if (strategies && pointer.text == "/settings/strategy")
        strategies->fail("expected no such key beside points that set /settings/strategy");

  if (const auto questions = object.find("break_even"))
    for (const JsonPlace& question : questions->array())
      study.break_even.push_back(read_break_even(question, study));
  if (const auto question = object.find("sensitivity"))
    study.sensitivity = read_sensitivity(*question);
  if (const auto goal = object.find("goal")) study.goal = read_goal(*goal);
  if (const auto question = object.find("measure"))
    study.measure = read_measure(*question, study);
  if (const auto claims = object.find("claims")) study.judges_claims = claims->boolean();
  object.finish();
  return study;
}

Study read_study(const fs::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return study_from_json(JsonPlace(document, name, ""));
}

}  // namespace cadastre
