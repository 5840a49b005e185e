#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "planner/fidelity/summary.h"
#include "planner/plan.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kPercent = 100;
constexpr double kMilli = 1e3;

std::string percent(double part) { return fixed(kPercent * part, 1) + " %"; }

std::string signed_percent(double part) { return (part < 0 ? "" : "+") + percent(part); }

std::string milliseconds(double seconds) { return fixed(kMilli * seconds, 1); }

std::string noise_text(const FidelityPoint& point, const FidelityMethod& method) {
  const std::optional<double> noise = noise_of(point, method);
  return (noise ? percent(*noise) : std::string("one run")) +
         (is_disturbed(point, method) ? " disturbed" : "");
}

std::string points_table(const Fidelity& fidelity) {
  std::vector<std::vector<std::string>> rows = {
      {"plan", "hosts", "measured ms", "noise", "simulated", "cost model"}};
  for (std::size_t g = 0; g < fidelity.groups.size(); ++g) {
    const FidelityGroup& group = fidelity.groups[g];
    rows.push_back({group_name(group) + (group.held_out ? " (held out)" : ""), "", "", "", "", ""});
    for (const FidelityPoint& point : fidelity.points) {
      if (point.group != g) continue;
      const std::string name = "  " + plan_name(point.asked);
      if (!has_figures(point)) {
        rows.push_back({name, "", "-", "", "", ""});
        continue;
      }
      rows.push_back(
          {name, std::to_string(point.num_hosts), milliseconds(point.measured.step_s),
           noise_text(point, fidelity.method),
           signed_percent(relative_error(point.simulated.step_s, point.measured.step_s)),
           signed_percent(relative_error(point.predicted.step_s, point.measured.step_s))});
    }
  }
  return text_table(rows);
}

std::string ablations_table(const std::vector<AblationFigures>& ablations) {
  std::vector<std::vector<std::string>> rows = {{"median error of what a cause changes",
                                                 "simulated", "without it", "points", "cost model",
                                                 "without it", "points"}};
  const auto add = [&](const std::string& name, const AblationEffect& simulated,
                       const AblationEffect& predicted) {
    std::vector<std::string> row = {name};
    for (const AblationEffect& effect : {simulated, predicted}) {
      const bool any = effect.num_points > 0;
      row.push_back(any ? percent(effect.error_with) : "-");
      row.push_back(any ? percent(effect.error_without) : "-");
      row.push_back(std::to_string(effect.num_points));
    }
    rows.push_back(std::move(row));
  };
  for (const AblationFigures& ablation : ablations) {
    add(ablation.left_out, ablation.simulated, ablation.predicted);
    if (ablation.held_out_simulated.num_points + ablation.held_out_predicted.num_points > 0)
      add("  held out", ablation.held_out_simulated, ablation.held_out_predicted);
  }
  return text_table(rows);
}

/// "0.37 of a whole processor (0.35 beside the other hosts), 0.50 stated".
std::string speed_text(const MeasuredSpeed& speed) {
  const std::string stated = fixed(speed.stated, 2);
  const std::string of = speed.num_threads == 1
                             ? " of a whole processor"
                             : " of " + std::to_string(speed.num_threads) + " whole processors";
  if (!speed.measured) return stated + of + " as stated, not measured";
  const std::string beside =
      speed.beside_others ? " (" + fixed(*speed.beside_others, 2) + " beside the other hosts)" : "";
  return fixed(*speed.measured, 2) + of + beside + ", " + stated + " stated";
}

std::vector<std::string> predictor_row(const FidelitySummary& summary, const std::string& name,
                                       const PredictorSummary& predictor) {
  const std::size_t num_figures = summary.num_points - summary.num_without_figures;
  return {summary.part + ", " + name,
          std::to_string(num_figures),
          percent(predictor.step.median),
          percent(predictor.step.p95),
          percent(predictor.step.worst),
          signed_percent(predictor.step.mean),
          percent(predictor.compute.median),
          percent(predictor.transfer.median),
          percent(predictor.waiting.median),
          std::to_string(predictor.num_traffic_exact) + "/" + std::to_string(num_figures),
          fixed(predictor.mean_tau, 2),
          std::to_string(predictor.num_best) + "/" + std::to_string(predictor.num_groups),
          percent(predictor.worst_regret)};
}

/// Quotes where a field has what would end it (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string csv_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

std::string fidelity_text(const Fidelity& fidelity) {
  std::string text = points_table(fidelity);
  std::vector<std::vector<std::string>> rows = {{"error of the step", "points", "median", "95th",
                                                 "worst", "mean", "compute", "transfer", "waiting",
                                                 "traffic", "tau", "best", "regret"}};
  const std::vector<FidelitySummary> summaries = summarize(fidelity);
  for (const FidelitySummary& summary : summaries) {
    rows.push_back(predictor_row(summary, "simulated", summary.simulated));
    rows.push_back(predictor_row(summary, "cost model", summary.predicted));
  }
  text += "\n" + text_table(rows);
  for (const FidelitySummary& summary : summaries) {
    text += summary.part + ": noise " + percent(summary.median_noise) + " (median), " +
            percent(summary.worst_noise) + " (worst); steps of a run " +
            percent(summary.median_spread) + " apart (quartiles)";
    if (summary.num_disturbed > 0)
      text += "; " + std::to_string(summary.num_disturbed) + " disturbed throughout";
    if (summary.num_without_figures > 0)
      text += "; " + std::to_string(summary.num_without_figures) + " not measured";
    text += "; memory " + percent(summary.memory.median) + " beside " +
            fixed(summary.process_bytes / 1e6, 0) + " MB a process\n";
  }
  if (!fidelity.host_speeds.empty()) text += "\nhow fast hosts compute:\n";
  for (const MeasuredSpeed& speed : fidelity.host_speeds) {
    text += "  " + group_name(fidelity.groups[speed.group]) + ", " + speed.host + ": " +
            speed_text(speed) + "\n";
    for (const std::string& failure : speed.failures) text += "    " + failure + "\n";
  }
  if (!fidelity.ablations.empty()) text += "\n" + ablations_table(fidelity.ablations);
  text += "\nthe largest differences of the simulation:\n";
  constexpr std::size_t kNumWorst = 5;
  for (const std::size_t i : worst_points(fidelity, kNumWorst)) {
    const FidelityPoint& point = fidelity.points[i];
    text += "  " + group_name(fidelity.groups[point.group]) + ", " + plan_name(point.asked) + " (" +
            signed_percent(relative_error(point.simulated.step_s, point.measured.step_s)) +
            "): " + point.explanation + "\n";
  }
  for (const FidelityPoint& point : fidelity.points) {
    const std::string name =
        group_name(fidelity.groups[point.group]) + ", " + plan_name(point.asked);
    for (const std::string& failure : point.failures) text += name + ", " + failure + "\n";
    if (!has_figures(point)) text += "not measured: " + name + ": " + point.error + "\n";
  }
  return text;
}

std::string fidelity_csv(const Fidelity& fidelity) {
  std::string text =
      "model,cluster,batch_size,held_out,asked,plan,num_hosts,num_runs,num_agreeing_runs,noise,"
      "measured_step_s,simulated_step_s,predicted_step_s,measured_traffic_bytes,"
      "predicted_traffic_bytes,error\n";
  for (const FidelityPoint& point : fidelity.points) {
    const FidelityGroup& group = fidelity.groups[point.group];
    std::int64_t num_agreeing = 0;
    for (const FidelityRun& run : point.runs)
      if (run.agrees) ++num_agreeing;
    std::vector<std::string> fields = {group.model, group.cluster, std::to_string(group.batch_size),
                                       group.held_out ? "true" : "false", plan_name(point.asked)};
    const std::optional<double> noise = noise_of(point, fidelity.method);
    std::string failures;
    for (const std::string& failure : point.failures)
      failures += (failures.empty() ? "" : "; ") + failure;
    if (has_figures(point))
      fields.insert(fields.end(),
                    {plan_text(point.plan), std::to_string(point.num_hosts),
                     std::to_string(point.runs.size()), std::to_string(num_agreeing),
                     noise ? csv_number(*noise) : "", csv_number(point.measured.step_s),
                     csv_number(point.simulated.step_s), csv_number(point.predicted.step_s),
                     std::to_string(point.measured.traffic_bytes),
                     std::to_string(point.predicted.traffic_bytes), failures});
    else
      fields.insert(fields.end(),
                    {"", "", std::to_string(point.runs.size()), std::to_string(num_agreeing), "",
                     "", "", "", "", "", point.error});
    for (std::size_t i = 0; i < fields.size(); ++i)
      text += (i == 0 ? "" : ",") + csv_field(fields[i]);
    text += "\n";
  }
  return text;
}

}  // namespace cadastre
