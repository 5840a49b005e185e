#include <algorithm>
#include <array>

#include "planner/refusal.h"
#include "planner/study/quantity.h"
#include "planner/study/result.h"
#include "planner/study/study.h"
#include "planner/table.h"

namespace cadastre {

namespace {

std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A value as a cell: text without quotes.
std::string plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : dumped(value);
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

void add_line(std::string& csv, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) csv += ',';
    csv += csv_field(fields[i]);
  }
  csv += "\r\n";
}

/// The columns that measured rows have beside those of simulated ones.
constexpr std::array kMeasuredColumns = {"measured_step_s", "epoch_s",     "overall_accuracy",
                                         "kappa",           "inference_s", "inference_pixels",
                                         "machines",        "network",     "setting"};

/// What a measured row has of the simulated rows' figures.
std::string measured_figure(const MeasuredArchitecture& of, const std::string& metric) {
  std::vector<double> parts;
  for (const MeasuredHost& host : computing_hosts(of)) parts.push_back(host.processor_part);
  if (metric == "throughput_samples_per_s")
    return of.step_s > 0 ? number_text(static_cast<double>(of.plan.batch_size) / of.step_s) : "";
  if (metric == "traffic_bytes_per_step")
    return number_text(static_cast<double>(of.traffic_bytes_per_step));
  if (metric == "num_hosts") return std::to_string(parts.size());
  if (metric == "utilization_mean") return number_text(mean_processor_part(of));
  if (parts.empty()) return "";
  if (metric == "utilization_min") return number_text(*std::min_element(parts.begin(), parts.end()));
  if (metric == "utilization_max") return number_text(*std::max_element(parts.begin(), parts.end()));
  return "";
}

void add_measured(std::string& csv, const StudyResult& result) {
  const auto optional_text = [](const std::optional<double>& value) {
    return value ? number_text(*value) : std::string();
  };
  for (const MeasuredArchitecture& of : result.measured) {
    const bool done = of.error.empty();
    std::vector<std::string> fields(result.columns.size());
    fields.push_back(of.strategy);
    fields.emplace_back(done ? "measured" : "no-plan");
    fields.push_back(of.error);
    fields.emplace_back();  // fits_memory
    for (const StudyMetric& metric : study_metrics())
      fields.push_back(done ? measured_figure(of, metric.name) : "");
    fields.push_back(done ? plan_text(of.plan) : "");
    fields.push_back(done ? number_text(of.step_s) : "");
    for (const std::optional<double>& value : {of.epoch_s, of.overall_accuracy, of.kappa})
      fields.push_back(optional_text(value));
    const bool inferred = done && of.inference_pixels > 0;
    fields.push_back(inferred ? number_text(of.inference_s) : "");
    fields.push_back(inferred ? std::to_string(of.inference_pixels) : "");
    for (const std::string& words : {of.machines, of.network, of.setting}) fields.push_back(words);
    add_line(csv, fields);
  }
}

}  // namespace

std::string study_csv(const StudyResult& result) {
  std::vector<std::string> heading = result.columns;
  for (const char* name : {"strategy", "outcome", "error", "fits_memory"})
    heading.emplace_back(name);
  for (const StudyMetric& metric : study_metrics()) heading.push_back(metric.name);
  heading.emplace_back("plan");
  const std::size_t num_measured_columns = result.measured.empty() ? 0 : kMeasuredColumns.size();
  heading.insert(heading.end(), kMeasuredColumns.begin(),
                 kMeasuredColumns.begin() + num_measured_columns);
  std::string csv;
  add_line(csv, heading);
  for (const StudyRow& row : result.rows) {
    const StudyOutcome& outcome = row.outcome;
    const bool done = outcome.kind == StudyOutcomeKind::kDone;
    std::vector<std::string> fields;
    for (const std::optional<nlohmann::json>& value : row.values)
      fields.push_back(value ? plain(*value) : "");
    fields.push_back(row.strategy);
    fields.push_back(study_outcome_names()[static_cast<std::size_t>(outcome.kind)]);
    fields.push_back(outcome.error);
    fields.emplace_back(!done ? "" : outcome.fits_memory ? "true" : "false");
    for (const StudyMetric& metric : study_metrics())
      fields.push_back(done ? number_text(outcome.figures.*metric.value) : "");
    fields.push_back(done ? plan_text(outcome.plan) : "");
    fields.resize(fields.size() + num_measured_columns);
    add_line(csv, fields);
  }
  add_measured(csv, result);
  return csv;
}

namespace {

/// A value by the unit that its column's name tells.
std::string cell(const std::string& column, const std::optional<nlohmann::json>& value) {
  if (!value) return "";
  const std::string key = column.substr(column.rfind('/') + 1);
  if (value->is_number()) return quantity_text(value->get<double>(), key);
  return value->is_structured() ? "(a document)" : plain(*value);
}

std::string rows_table(const StudyResult& result) {
  constexpr std::size_t kMostRows = 48;
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  constexpr double kPercent = 100;
  // Points that have names are known by these.
  const bool named = !result.columns.empty() && result.columns.front() == kPointName;
  const std::size_t num_columns = named ? 1 : result.columns.size();
  std::vector<std::string> heading(
      result.columns.begin(), result.columns.begin() + static_cast<std::ptrdiff_t>(num_columns));
  if (heading.empty()) heading.emplace_back("point");
  for (const char* name :
       {"strategy", "step ms", "predicted ms", "samples/s", "traffic MB", "hosts", "busy %"})
    heading.emplace_back(name);
  std::vector<std::vector<std::string>> table = {heading};
  const std::size_t num_rows = std::min(kMostRows, result.rows.size());
  for (std::size_t i = 0; i < num_rows; ++i) {
    const StudyRow& row = result.rows[i];
    std::vector<std::string>& cells = table.emplace_back();
    for (std::size_t c = 0; c < num_columns; ++c)
      cells.push_back(cell(result.columns[c], row.values[c]));
    if (cells.empty()) cells.emplace_back("base");
    cells.push_back(row.strategy);
    if (row.outcome.kind != StudyOutcomeKind::kDone) {
      cells.push_back(study_outcome_names()[static_cast<std::size_t>(row.outcome.kind)]);
      cells.resize(heading.size());
      continue;
    }
    const StudyFigures& figures = row.outcome.figures;
    cells.push_back(fixed(figures.simulated_step_s * kMilli, 3) +
                    (row.outcome.fits_memory ? "" : " (does not fit)"));
    cells.push_back(fixed(figures.predicted_step_s * kMilli, 3));
    cells.push_back(fixed(figures.throughput_samples_per_s, 1));
    cells.push_back(fixed(figures.traffic_bytes_per_step / kMega, 3));
    cells.push_back(fixed(figures.num_hosts, 0));
    cells.push_back(fixed(figures.utilization_mean * kPercent, 1));
  }
  std::string text = text_table(table);
  if (result.rows.size() > num_rows)
    text += "… and " + std::to_string(result.rows.size() - num_rows) + " more\n";
  return text;
}

std::string sensitivity_table(const StudyResult& result) {
  constexpr std::size_t kMostRows = 16;
  std::vector<std::vector<std::string>> table = {
      {"the base's step time goes with", "strategy", "now", "elasticity"}};
  std::size_t num_rows = 0;
  for (const SensitivityAnswer& answer : result.sensitivity) {
    if (num_rows++ == kMostRows) break;
    const std::string key = answer.pointer.substr(answer.pointer.rfind('/') + 1);
    table.push_back({answer.pointer, answer.strategy, quantity_text(answer.value, key),
                     answer.error.empty() ? fixed(answer.elasticity, 3) : "unknown"});
  }
  return text_table(table);
}

}  // namespace

std::string study_text(const StudyResult& result) {
  std::string text = rows_table(result);
  if (!result.sensitivity.empty()) text += "\n" + sensitivity_table(result);
  if (!result.break_even.empty() || result.goal) text += "\n";
  for (const BreakEvenAnswer& answer : result.break_even) text += answer.sentence + "\n";
  if (result.goal) text += result.goal->sentence + "\n";
  if (!result.measured.empty()) text += "\n" + measured_table(result.measured);
  for (const StudyClaim& claim : result.claims) text += "\n" + claim_text(claim);
  return text;
}

std::string values_text(const std::vector<std::string>& columns,
                        const std::vector<std::optional<nlohmann::json>>& values) {
  std::string text;
  if (!columns.empty() && columns.front() == kPointName && values.front())
    return plain(*values.front());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (!values[c]) continue;
    text += text.empty() ? "" : ", ";
    text += columns[c] + " = " + plain(*values[c]);
  }
  return text.empty() ? "the base" : text;
}

}  // namespace cadastre
