#include "planner/fidelity/summary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "planner/quantile.h"

namespace cadastre {

namespace {

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

using Points = std::vector<const FidelityPoint*>;

/// Of each host's part of the step.
ErrorSummary host_errors(const Points& points, StepFigures FidelityPoint::*predictor,
                         double HostStep::*seconds) {
  std::vector<double> errors;
  for (const FidelityPoint* point : points) {
    const StepFigures& predicted = point->*predictor;
    const StepFigures& measured = point->measured;
    for (std::size_t h = 0; h < std::min(predicted.hosts.size(), measured.hosts.size()); ++h)
      if (measured.step_s > 0)
        errors.push_back((predicted.hosts[h].*seconds - measured.hosts[h].*seconds) /
                         measured.step_s);
  }
  return error_summary(errors);
}

PredictorSummary predictor_summary(const Points& points, const std::vector<RankedGroup>& groups,
                                   StepFigures FidelityPoint::*predictor) {
  PredictorSummary summary;
  std::vector<double> errors;
  for (const FidelityPoint* point : points) {
    errors.push_back(relative_error((point->*predictor).step_s, point->measured.step_s));
    if ((point->*predictor).traffic_bytes == point->measured.traffic_bytes)
      ++summary.num_traffic_exact;
  }
  summary.step = error_summary(errors);
  summary.compute = host_errors(points, predictor, &HostStep::compute_s);
  summary.transfer = host_errors(points, predictor, &HostStep::transfer_s);
  summary.waiting = host_errors(points, predictor, &HostStep::waiting_s);
  std::vector<double> taus;
  std::vector<double> regrets;
  for (const RankedGroup& group : groups) {
    taus.push_back(group.tau);
    regrets.push_back(group.regret);
    if (group.regret <= kBestTolerance) ++summary.num_best;
  }
  summary.num_groups = groups.size();
  summary.mean_tau = mean(taus);
  summary.mean_regret = mean(regrets);
  summary.worst_regret = regrets.empty() ? 0 : *std::max_element(regrets.begin(), regrets.end());
  return summary;
}

/// A plan of a group that others may be chosen before.
struct Rival {
  std::size_t point = 0;  ///< the first that it is
  std::vector<double> measured_s;
};

/// Whether two strategies came to the same plan: what StudyPlan leaves out (shares, recomputation)
/// shows in what is predicted.
bool are_same_plan(const FidelityPoint& a, const FidelityPoint& b) {
  return a.plan == b.plan && a.predicted.step_s == b.predicted.step_s;
}

std::vector<Rival> rivals_of(const Fidelity& fidelity, std::size_t group) {
  std::vector<Rival> rivals;
  for (std::size_t i = 0; i < fidelity.points.size(); ++i) {
    const FidelityPoint& point = fidelity.points[i];
    if (point.group != group || !has_figures(point) || point.plan.averaging_period > 0) continue;
    auto known = std::find_if(rivals.begin(), rivals.end(), [&](const Rival& rival) {
      return are_same_plan(fidelity.points[rival.point], point);
    });
    if (known == rivals.end()) known = rivals.insert(known, {.point = i});
    known->measured_s.push_back(point.measured.step_s);
  }
  return rivals;
}

/// A process holds the libraries, too, and what the allocator keeps: nobody predicts that.
void add_memory(const Points& points, FidelitySummary& summary) {
  std::vector<double> beside;
  const auto visit_hosts = [&](const auto& visit) {
    for (const FidelityPoint* point : points)
      for (std::size_t h = 0;
           h < std::min(point->predicted.hosts.size(), point->measured.hosts.size()); ++h)
        if (point->measured.hosts[h].peak_memory_bytes > 0)
          visit(static_cast<double>(point->predicted.hosts[h].peak_memory_bytes),
                static_cast<double>(point->measured.hosts[h].peak_memory_bytes));
  };
  visit_hosts([&](double predicted, double measured) { beside.push_back(measured - predicted); });
  summary.process_bytes = median(beside);
  std::vector<double> errors;
  visit_hosts([&](double predicted, double measured) {
    errors.push_back(relative_error(predicted + summary.process_bytes, measured));
  });
  summary.memory = error_summary(errors);
}

}  // namespace

ErrorSummary error_summary(const std::vector<double>& errors) {
  std::vector<double> sizes;
  for (const double error : errors) sizes.push_back(std::abs(error));
  std::sort(sizes.begin(), sizes.end());
  constexpr double kHalf = 0.5;
  constexpr double kMost = 0.95;
  return {.median = quantile(sizes, kHalf),
          .p95 = quantile(sizes, kMost),
          .worst = sizes.empty() ? 0 : sizes.back(),
          .mean = mean(errors)};
}

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  double pairs_a = 0;
  double pairs_b = 0;
  const auto sign = [](double x, double y) { return x < y ? -1.0 : x > y ? 1.0 : 0.0; };
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const double in_a = sign(a[i], a[k]);
      const double in_b = sign(b[i], b[k]);
      sum += in_a * in_b;
      pairs_a += in_a * in_a;
      pairs_b += in_b * in_b;
    }
  return pairs_a > 0 && pairs_b > 0 ? sum / std::sqrt(pairs_a * pairs_b) : 0;
}

std::vector<RankedGroup> rank_groups(const Fidelity& fidelity,
                                     StepFigures FidelityPoint::*predictor) {
  std::vector<RankedGroup> ranked;
  for (std::size_t g = 0; g < fidelity.groups.size(); ++g) {
    std::vector<Rival> rivals = rivals_of(fidelity, g);
    if (rivals.size() < 2) continue;
    std::vector<double> predicted_s;
    std::vector<double> measured_s;
    for (const Rival& rival : rivals) {
      predicted_s.push_back((fidelity.points[rival.point].*predictor).step_s);
      measured_s.push_back(mean(rival.measured_s));
    }
    const auto least = [&](const std::vector<double>& seconds) {
      return static_cast<std::size_t>(std::min_element(seconds.begin(), seconds.end()) -
                                      seconds.begin());
    };
    const std::size_t chosen = least(predicted_s);
    const std::size_t best = least(measured_s);
    ranked.push_back({.group = g,
                      .num_plans = rivals.size(),
                      .tau = kendall_tau(predicted_s, measured_s),
                      .chosen = rivals[chosen].point,
                      .best = rivals[best].point,
                      .regret = relative_error(measured_s[chosen], measured_s[best])});
  }
  return ranked;
}

std::vector<FidelitySummary> summarize(const Fidelity& fidelity) {
  std::vector<FidelitySummary> summaries;
  const auto add = [&](const std::string& part, const auto& belongs) {
    FidelitySummary summary{.part = part};
    Points points;
    std::vector<double> noises;
    std::vector<double> spreads;
    for (const FidelityPoint& point : fidelity.points) {
      if (!belongs(fidelity.groups[point.group])) continue;
      ++summary.num_points;
      if (!has_figures(point)) {
        ++summary.num_without_figures;
        continue;
      }
      points.push_back(&point);
      if (const std::optional<double> noise = noise_of(point, fidelity.method))
        noises.push_back(*noise);
      for (const FidelityRun& run : point.runs)
        if (run.median_s > 0) spreads.push_back(run.spread_s / run.median_s);
      if (is_disturbed(point, fidelity.method)) ++summary.num_disturbed;
    }
    if (summary.num_points == 0) return;
    summary.median_noise = median(noises);
    summary.worst_noise = noises.empty() ? 0 : *std::max_element(noises.begin(), noises.end());
    summary.median_spread = median(spreads);
    add_memory(points, summary);
    for (const auto& [into, predictor] :
         {std::pair(&FidelitySummary::predicted, &FidelityPoint::predicted),
          std::pair(&FidelitySummary::simulated, &FidelityPoint::simulated)}) {
      std::vector<RankedGroup> groups = rank_groups(fidelity, predictor);
      std::erase_if(
          groups, [&](const RankedGroup& group) { return !belongs(fidelity.groups[group.group]); });
      summary.*into = predictor_summary(points, groups, predictor);
    }
    summaries.push_back(summary);
  };
  add("all", [](const FidelityGroup&) { return true; });
  add("calibration", [](const FidelityGroup& group) { return !group.held_out; });
  add("held out", [](const FidelityGroup& group) { return group.held_out; });
  return summaries;
}

std::vector<std::size_t> worst_points(const Fidelity& fidelity, std::size_t count) {
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < fidelity.points.size(); ++i)
    if (has_figures(fidelity.points[i])) points.push_back(i);
  const auto error = [&](std::size_t i) {
    const FidelityPoint& point = fidelity.points[i];
    return std::abs(relative_error(point.simulated.step_s, point.measured.step_s));
  };
  std::stable_sort(points.begin(), points.end(),
                   [&](std::size_t a, std::size_t b) { return error(a) > error(b); });
  points.resize(std::min(points.size(), count));
  return points;
}

nlohmann::json to_json(const ErrorSummary& errors) {
  return {{"median", errors.median},
          {"p95", errors.p95},
          {"worst", errors.worst},
          {"mean", errors.mean}};
}

nlohmann::json to_json(const PredictorSummary& summary) {
  return {{"step", to_json(summary.step)},
          {"compute", to_json(summary.compute)},
          {"transfer", to_json(summary.transfer)},
          {"waiting", to_json(summary.waiting)},
          {"num_traffic_exact", summary.num_traffic_exact},
          {"num_groups", summary.num_groups},
          {"mean_tau", summary.mean_tau},
          {"num_best", summary.num_best},
          {"mean_regret", summary.mean_regret},
          {"worst_regret", summary.worst_regret}};
}

nlohmann::json to_json(const FidelitySummary& summary) {
  return {{"part", summary.part},
          {"num_points", summary.num_points},
          {"num_without_figures", summary.num_without_figures},
          {"num_disturbed", summary.num_disturbed},
          {"median_noise", summary.median_noise},
          {"worst_noise", summary.worst_noise},
          {"median_spread", summary.median_spread},
          {"process_bytes", summary.process_bytes},
          {"memory", to_json(summary.memory)},
          {"predicted", to_json(summary.predicted)},
          {"simulated", to_json(summary.simulated)}};
}

nlohmann::json to_json(const RankedGroup& group) {
  return {{"group", group.group},   {"num_plans", group.num_plans}, {"tau", group.tau},
          {"chosen", group.chosen}, {"best", group.best},           {"regret", group.regret}};
}

}  // namespace cadastre
