#include "planner/run_calibration/outcome.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "planner/table.h"

namespace cadastre::run_calibration {

namespace {

constexpr const char* kOpening = "Calibrated by ";
constexpr std::size_t kMostNamed = 6;
constexpr double kMilli = 1e3;

/// Four significant digits.
std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string percent(double part, int decimals = 1) { return fixed(100 * part, decimals) + " %"; }

std::string signed_percent(double part) { return (part < 0 ? "" : "+") + percent(part); }

bool is_fitted(const FittedParameter& fitted) {
  return fitted.verdict == Verdict::kFitted || fitted.verdict == Verdict::kAtBound;
}

std::string with_unit(const Parameter& parameter) {
  return parameter.kind->unit.empty() ? parameter.name
                                      : parameter.name + " (" + parameter.kind->unit + ")";
}

std::string interval_text(const FittedParameter& fitted) {
  if (!fitted.interval) return "";
  return digits(fitted.interval->least) + " to " + digits(fitted.interval->most);
}

std::string names_of(const std::vector<StepError>& runs) {
  std::string text;
  for (std::size_t i = 0; i < runs.size() && i < kMostNamed; ++i) {
    if (i > 0) text += ", ";
    text += runs[i].run;
  }
  if (runs.size() > kMostNamed)
    text += " and " + std::to_string(runs.size() - kMostNamed) + " more";
  return text;
}

std::string parameter_table(const Judged& judged) {
  std::vector<std::vector<std::string>> rows = {
      {"parameter", "before", "after", "95 % interval", "verdict"}};
  std::string left;
  for (const FittedParameter& fitted : judged.fit.parameters) {
    if (fitted.verdict == Verdict::kNotNeeded) continue;
    if (fitted.verdict == Verdict::kNotIdentified) {
      if (!left.empty()) left += ", ";
      left += fitted.parameter.name + " (" +
              digits(fitted.parameter.kind->get(judged.fit.constants, fitted.parameter.index)) +
              ")";
      continue;
    }
    rows.push_back({with_unit(fitted.parameter), digits(fitted.parameter.start),
                    digits(fitted.value), interval_text(fitted), verdict_name(fitted.verdict)});
  }
  std::string text = rows.size() > 1 ? text_table(rows) : "";
  if (!left.empty()) text += "not identified by these runs, and left as they were: " + left + "\n";
  return text;
}

std::vector<std::string> error_row(const std::string& name, const std::vector<StepError>& runs) {
  const ErrorSummary before = errors_before(runs);
  const ErrorSummary after = errors_after(runs);
  const auto both = [](double of_before, double of_after) {
    return percent(of_before) + " -> " + percent(of_after);
  };
  return {name, std::to_string(runs.size()), both(before.median, after.median),
          both(before.p95, after.p95), both(before.worst, after.worst)};
}

nlohmann::json to_json(const ErrorSummary& summary) {
  return {{"median", summary.median},
          {"percentile_95", summary.p95},
          {"worst", summary.worst}};
}

nlohmann::json to_json(const std::vector<StepError>& runs) {
  nlohmann::json list = nlohmann::json::array();
  for (const StepError& run : runs)
    list.push_back({{"run", run.run},
                    {"measured_step_s", run.measured_s},
                    {"step_s_before", run.before_s},
                    {"step_s_after", run.after_s}});
  nlohmann::json written = {{"runs", std::move(list)}};
  if (!runs.empty()) {
    written["error_before"] = to_json(errors_before(runs));
    written["error_after"] = to_json(errors_after(runs));
  }
  return written;
}

}  // namespace

Cluster described_cluster(const Judged& judged) {
  Cluster cluster = judged.fit.constants.cluster;
  std::string& description = cluster.description;
  if (const std::size_t earlier = description.find(kOpening); earlier != std::string::npos)
    description.erase(earlier);
  while (description.ends_with(' ')) description.pop_back();
  if (!description.empty()) description += ' ';
  description += kOpening;
  description += std::to_string(judged.used.size()) + " run";
  description += judged.used.size() == 1 ? " (" : "s (";
  description += names_of(judged.used) + "): ";
  std::string fitted_text;
  for (const FittedParameter& fitted : judged.fit.parameters) {
    if (!is_fitted(fitted)) continue;
    if (!fitted_text.empty()) fitted_text += ", ";
    fitted_text += fitted.parameter.name + " " + digits(fitted.value);
  }
  description += fitted_text.empty() ? "nothing that they tell" : fitted_text;
  if (!judged.held_out.runs.empty()) {
    description += "; median error of the step on runs that were not used (";
    description += judged.held_out.method + ") ";
    description += percent(errors_before(judged.held_out.runs).median) + " before, ";
    description += percent(errors_after(judged.held_out.runs).median) + " after";
  }
  description += ".";
  return cluster;
}

std::string outcome_text(const Judged& judged) {
  std::string text = std::to_string(judged.used.size());
  text += judged.used.size() == 1 ? " run, " : " runs, ";
  text += std::to_string(judged.fit.num_residuals) + " quantities\n\n";
  text += parameter_table(judged);
  std::vector<std::vector<std::string>> errors = {
      {"error of the step", "runs", "median", "95th percentile", "worst"}};
  errors.push_back(error_row("of the runs fitted to", judged.used));
  if (!judged.held_out.runs.empty())
    errors.push_back(error_row("not used: " + judged.held_out.method, judged.held_out.runs));
  text += "\n" + text_table(errors);
  if (judged.held_out.runs.empty())
    text += "no run is left to judge the fit by: expected two at least\n";
  std::vector<std::vector<std::string>> runs = {{"run", "measured ms", "before", "after"}};
  for (const StepError& run : judged.held_out.runs.empty() ? judged.used : judged.held_out.runs)
    runs.push_back({run.run, fixed(run.measured_s * kMilli, 2), signed_percent(run.error_before()),
                    signed_percent(run.error_after())});
  return text + "\n" + text_table(runs);
}

nlohmann::json outcome_json(const Judged& judged) {
  nlohmann::json parameters = nlohmann::json::array();
  for (const FittedParameter& fitted : judged.fit.parameters) {
    nlohmann::json& written = parameters.emplace_back();
    written = {{"parameter", fitted.parameter.name},
               {"unit", fitted.parameter.kind->unit},
               {"before", fitted.parameter.start},
               {"after", fitted.value},
               {"verdict", verdict_name(fitted.verdict)},
               {"at_bound", fitted.verdict == Verdict::kAtBound}};
    if (fitted.interval) written["interval"] = {fitted.interval->least, fitted.interval->most};
  }
  nlohmann::json held_out = to_json(judged.held_out.runs);
  held_out["method"] = judged.held_out.method;
  return {{"parameters", std::move(parameters)},
          {"num_residuals", judged.fit.num_residuals},
          {"used", to_json(judged.used)},
          {"held_out", std::move(held_out)}};
}

}  // namespace cadastre::run_calibration
