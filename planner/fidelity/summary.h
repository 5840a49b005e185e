#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/fidelity/fidelity.h"

namespace cadastre {

/// Of relative errors: all but `mean` of their absolute values.
struct ErrorSummary {
  double median = 0;
  double p95 = 0;
  double worst = 0;
  double mean = 0;  ///< with the sign: > 0 where more is predicted than measured
  bool operator==(const ErrorSummary&) const = default;
};

/// Throws nothing; 0 of no errors. Quantiles interpolate between order statistics.
[[nodiscard]] ErrorSummary error_summary(const std::vector<double>& errors);

/// What choosing the plan of the least predicted step comes to in a group.
struct RankedGroup {
  std::size_t group = 0;
  std::size_t num_plans = 0;  ///< with figures, each counted once
  double tau = 0;  ///< Kendall's tau-b of predicted and measured steps; 0 of fewer than two plans
  std::size_t chosen = 0;  ///< point whose step is predicted to be least
  std::size_t best = 0;    ///< point whose step was measured to be least
  double regret = 0;       ///< the measured step of the chosen over that of the best, - 1
  bool operator==(const RankedGroup&) const = default;
};

/// Groups of at least two plans with figures. Where two strategies came to the same plan, it is
/// one, whose step is the mean of what was measured: the difference is noise, and no regret. Plans
/// that average parameters compute another function, and are no rivals of others: they are left
/// out.
[[nodiscard]] std::vector<RankedGroup> rank_groups(const Fidelity& fidelity,
                                                   StepFigures FidelityPoint::*predictor);

/// Kendall 1945: tau-b, which allows for ties. 0 where one of the sides is all ties.
[[nodiscard]] double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

/// Of one predictor, over the points of a part of the suite.
struct PredictorSummary {
  ErrorSummary step;
  ErrorSummary compute;  ///< of each host, as parts of the measured step; likewise the next two
  ErrorSummary transfer;
  ErrorSummary waiting;
  std::size_t num_traffic_exact = 0;  ///< points whose traffic is that which was counted
  std::size_t num_groups = 0;         ///< that are ranked
  double mean_tau = 0;
  std::size_t num_best = 0;  ///< groups whose chosen plan is within `kBestTolerance` of the best
  double mean_regret = 0;
  double worst_regret = 0;
  bool operator==(const PredictorSummary&) const = default;
};

inline constexpr double kBestTolerance = 0.02;

struct FidelitySummary {
  std::string part;  ///< all, calibration, held out
  std::size_t num_points = 0;
  std::size_t num_without_figures = 0;
  std::size_t num_disturbed = 0;
  double median_noise = 0;  ///< of the points' `noise_of`, those without left out
  double worst_noise = 0;
  /// The median over runs of what lies between the quartiles of a run's steps, as a part of their
  /// median: how restless the machine was.
  double median_spread = 0;
  /// What a process holds beside what is predicted: the median over hosts, in bytes; and the error
  /// of predicted + that against measured.
  double process_bytes = 0;
  ErrorSummary memory;
  PredictorSummary predicted;
  PredictorSummary simulated;
  bool operator==(const FidelitySummary&) const = default;
};

/// Of all points, of those of groups that calibration may use, and of those held out; parts without
/// points are left out.
[[nodiscard]] std::vector<FidelitySummary> summarize(const Fidelity& fidelity);

/// Points with figures, that of the largest relative error of the simulated step first.
[[nodiscard]] std::vector<std::size_t> worst_points(const Fidelity& fidelity, std::size_t count);

[[nodiscard]] nlohmann::json to_json(const FidelitySummary& summary);
[[nodiscard]] nlohmann::json to_json(const RankedGroup& group);

/// For a terminal.
[[nodiscard]] std::string fidelity_text(const Fidelity& fidelity);

/// A line a point, with a heading.
[[nodiscard]] std::string fidelity_csv(const Fidelity& fidelity);

}  // namespace cadastre
