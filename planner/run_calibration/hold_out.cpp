#include "planner/run_calibration/hold_out.h"

#include <algorithm>
#include <cmath>

namespace cadastre::run_calibration {

namespace {

constexpr std::size_t kMostLeftOutOneByOne = 10;
constexpr std::size_t kNumFolds = 5;

struct Part {
  std::vector<MeasuredRun> runs;
  StartingPoint start;
};

/// Some of the runs, with the constants of all.
Part part_of(const std::vector<MeasuredRun>& runs, const StartingPoint& start,
             const std::vector<bool>& is_used) {
  Part part;
  part.start.constants = start.constants;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!is_used[i]) continue;
    part.runs.push_back(runs[i]);
    part.start.profile_of_run.push_back(start.profile_of_run[i]);
  }
  return part;
}

RunFit fit_part(const std::vector<MeasuredRun>& runs, const StartingPoint& start,
                const std::vector<bool>& is_used) {
  const Part part = part_of(runs, start, is_used);
  return fit_constants(part.runs, part.start);
}

std::vector<std::size_t> numbers_of(const std::vector<bool>& chosen, bool value) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] == value) numbers.push_back(i);
  return numbers;
}

}  // namespace

ErrorSummary errors_before(const std::vector<StepError>& runs) {
  std::vector<double> errors;
  for (const StepError& run : runs) errors.push_back(run.error_before());
  return error_summary(errors);
}

ErrorSummary errors_after(const std::vector<StepError>& runs) {
  std::vector<double> errors;
  for (const StepError& run : runs) errors.push_back(run.error_after());
  return error_summary(errors);
}

std::vector<StepError> step_errors(const std::vector<MeasuredRun>& runs, const StartingPoint& start,
                                   const Constants& fitted,
                                   const std::vector<std::size_t>& numbers) {
  std::vector<StepError> errors;
  for (const std::size_t i : numbers) {
    const std::size_t profile = start.profile_of_run[i];
    errors.push_back({.run = runs[i].name,
                      .measured_s = runs[i].step_s,
                      .before_s = modelled_step_s(runs[i], start.constants, profile),
                      .after_s = modelled_step_s(runs[i], fitted, profile)});
  }
  return errors;
}

HeldOut cross_validate(const std::vector<MeasuredRun>& runs, const StartingPoint& start) {
  if (runs.size() < 2) return {.method = "none", .runs = {}};
  const bool one_by_one = runs.size() <= kMostLeftOutOneByOne;
  const std::size_t num_folds = one_by_one ? runs.size() : kNumFolds;
  HeldOut held_out;
  held_out.method = one_by_one ? "leave one out" : std::to_string(num_folds) + " folds";
  held_out.runs.resize(runs.size());
  for (std::size_t fold = 0; fold < num_folds; ++fold) {
    std::vector<bool> is_used(runs.size(), true);
    for (std::size_t i = fold; i < runs.size(); i += num_folds) is_used[i] = false;
    const std::vector<std::size_t> left_out = numbers_of(is_used, false);
    const RunFit fit = fit_part(runs, start, is_used);
    const std::vector<StepError> errors = step_errors(runs, start, fit.constants, left_out);
    for (std::size_t k = 0; k < left_out.size(); ++k) held_out.runs[left_out[k]] = errors[k];
  }
  return held_out;
}

Judged fit_and_judge(const std::vector<MeasuredRun>& runs, const std::vector<bool>& is_used) {
  const StartingPoint start = starting_point(runs);
  Judged judged;
  judged.fit = fit_part(runs, start, is_used);
  judged.used = step_errors(runs, start, judged.fit.constants, numbers_of(is_used, true));
  const std::vector<std::size_t> others = numbers_of(is_used, false);
  if (others.empty())
    judged.held_out = cross_validate(runs, start);
  else
    judged.held_out = {.method = "runs held out",
                       .runs = step_errors(runs, start, judged.fit.constants, others)};
  return judged;
}

std::vector<bool> evenly_used(std::size_t num_runs, double fraction) {
  const auto wanted =
      static_cast<std::size_t>(std::lround(fraction * static_cast<double>(num_runs)));
  const std::size_t num_held =
      std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(num_runs, 2) - 1);
  std::vector<bool> is_used(num_runs, true);
  // The middles of so many equal parts.
  for (std::size_t k = 0; k < num_held && num_runs > 0; ++k)
    is_used[(2 * k + 1) * num_runs / (2 * num_held)] = false;
  return is_used;
}

}  // namespace cadastre::run_calibration
