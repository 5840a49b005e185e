#include "planner/study/goal.h"

#include <algorithm>
#include <limits>

#include "planner/study/quantity.h"

namespace cadastre {

namespace {

double value_of(const StudyRow& row, const std::string& metric) {
  return row.outcome.figures.*study_metric(metric)->value;
}

/// By which part the row misses the limit; 0 when it keeps it.
double excess(const StudyRow& row, const StudyLimit& limit) {
  const double value = value_of(row, limit.metric);
  const double great = limit.at_least ? limit.limit : value;
  const double small = limit.at_least ? value : limit.limit;
  if (great <= small) return 0;
  return small > 0 ? great / small - 1 : std::numeric_limits<double>::infinity();
}

double greatest_excess(const StudyRow& row, const GoalQuestion& goal) {
  double greatest = 0;
  for (const StudyLimit& limit : goal.limits) greatest = std::max(greatest, excess(row, limit));
  return greatest;
}

std::vector<int> candidates(const std::vector<StudyRow>& rows) {
  std::vector<int> all;
  std::vector<int> exact;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const StudyOutcome& outcome = rows[i].outcome;
    if (outcome.kind != StudyOutcomeKind::kDone || !outcome.fits_memory) continue;
    all.push_back(static_cast<int>(i));
    if (outcome.plan.averaging_period == 0) exact.push_back(static_cast<int>(i));
  }
  return exact.empty() ? all : exact;
}

std::string limits_text(const GoalQuestion& goal) {
  std::string text;
  for (const StudyLimit& limit : goal.limits) {
    text += text.empty() ? "" : " and ";
    text += limit.metric + (limit.at_least ? " at least " : " at most ") +
            metric_text(*study_metric(limit.metric), limit.limit);
  }
  return text;
}

/// `pipeline at bandwidth = 1e8: price_per_hour 3 per hour, simulated_step_s 40 ms`.
std::string row_text(const StudyRow& row, const GoalQuestion& goal,
                     const std::vector<std::string>& columns) {
  std::string text = row.strategy + " at " + values_text(columns, row.values) + ": ";
  std::vector<std::string> metrics = {goal.metric};
  for (const StudyLimit& limit : goal.limits)
    if (std::find(metrics.begin(), metrics.end(), limit.metric) == metrics.end())
      metrics.push_back(limit.metric);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    text += i == 0 ? "" : ", ";
    text += metrics[i] + " " + metric_text(*study_metric(metrics[i]), value_of(row, metrics[i]));
  }
  return text;
}

}  // namespace

GoalAnswer goal_answer(const GoalQuestion& goal, const std::vector<std::string>& columns,
                       const std::vector<StudyRow>& rows) {
  const std::vector<int> rivals = candidates(rows);
  if (rivals.empty()) return {.sentence = "no point has figures and fits in memory"};
  const auto row = [&](int i) -> const StudyRow& { return rows[static_cast<std::size_t>(i)]; };
  const StudyMetric& metric = *study_metric(goal.metric);
  const double sign = metric.more_is_better ? -1 : 1;
  GoalAnswer answer;
  double least = 0;
  for (const int i : rivals) {
    if (greatest_excess(row(i), goal) > 0) continue;
    const double value = sign * value_of(row(i), goal.metric);
    if (answer.met && value >= least) continue;
    answer.met = true;
    answer.row = i;
    least = value;
  }
  const std::string limits = limits_text(goal);
  if (answer.met) {
    answer.sentence = "best " + goal.metric + (limits.empty() ? "" : " with " + limits) + ": " +
                      row_text(row(answer.row), goal, columns);
    return answer;
  }
  answer.row = *std::min_element(rivals.begin(), rivals.end(), [&](int a, int b) {
    return greatest_excess(row(a), goal) < greatest_excess(row(b), goal);
  });
  const double miss = greatest_excess(row(answer.row), goal);
  answer.sentence = "no point has " + limits + "; the nearest misses by " +
                    rounded_text(100 * miss) + " %: " + row_text(row(answer.row), goal, columns);
  return answer;
}

}  // namespace cadastre
