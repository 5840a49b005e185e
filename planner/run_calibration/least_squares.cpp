#include "planner/run_calibration/least_squares.h"

#include <ceres/ceres.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>

namespace cadastre::run_calibration {

namespace {

// Where the losses leave the square: 95 % as precise as least squares on normal residuals (Holland
// and Welsch 1977).
constexpr double kHuberBend = 1.345;
constexpr double kCauchyBend = 2.385;

/// Of a coordinate, whose unit is its own size or an e-fold. Programs are compared by `max`, so
/// residuals have bends, which a longer step would blur.
constexpr double kStep = 1e-6;

/// All residuals at a point and their derivatives, worked out once for all of Ceres' blocks.
class SharedEvaluation final : public ceres::EvaluationCallback {
 public:
  SharedEvaluation(const LeastSquares& problem, const std::vector<double>& x)
      : problem_(problem), x_(x) {}

  void PrepareForEvaluation(bool evaluate_jacobians, bool new_point) override {
    if (new_point || residuals_.empty()) {
      residuals_ = problem_.residuals(x_);
      has_jacobian_ = false;
    }
    if (evaluate_jacobians && !has_jacobian_) {
      jacobian_ = jacobian_of(problem_, x_, residuals_, Differences::kOneSided);
      has_jacobian_ = true;
    }
  }

  [[nodiscard]] double residual(std::size_t i) const { return residuals_[i]; }

  [[nodiscard]] double derivative(std::size_t coordinate, std::size_t i) const {
    return jacobian_[coordinate][i];
  }

 private:
  const LeastSquares& problem_;
  const std::vector<double>& x_;
  std::vector<double> residuals_;
  Jacobian jacobian_;
  bool has_jacobian_ = false;
};

/// One residual, as a block of its own: Ceres applies the loss to blocks.
class ResidualBlock final : public ceres::CostFunction {
 public:
  ResidualBlock(const SharedEvaluation& shared, std::size_t index, std::size_t num_coordinates)
      : shared_(shared), index_(index), num_coordinates_(num_coordinates) {
    set_num_residuals(1);
    mutable_parameter_block_sizes()->push_back(static_cast<int>(num_coordinates));
  }

  bool Evaluate(double const* const* /*parameters*/, double* residuals,
                double** jacobians) const override {
    residuals[0] = shared_.residual(index_);
    if (!std::isfinite(residuals[0])) return false;
    if (jacobians != nullptr && jacobians[0] != nullptr)
      for (std::size_t c = 0; c < num_coordinates_; ++c)
        jacobians[0][c] = shared_.derivative(c, index_);
    return true;
  }

 private:
  const SharedEvaluation& shared_;
  std::size_t index_;
  std::size_t num_coordinates_;
};

}  // namespace

Jacobian jacobian_of(const LeastSquares& problem, const std::vector<double>& x,
                     const std::vector<double>& here, Differences differences) {
  Jacobian jacobian;
  for (std::size_t c = 0; c < x.size(); ++c) {
    // To the middle of the bounds, where there is room.
    const bool goes_up = x[c] + kStep <= problem.most[c];
    const bool goes_down =
        x[c] - kStep >= problem.least[c] && (differences == Differences::kCentral || !goes_up);
    std::vector<double> moved = x;
    std::vector<double> above = here;
    std::vector<double> below = here;
    double width = 0;
    if (goes_up) {
      moved[c] = x[c] + kStep;
      above = problem.residuals_of_one(moved, c, here);
      width += kStep;
    }
    if (goes_down) {
      moved[c] = x[c] - kStep;
      below = problem.residuals_of_one(moved, c, here);
      width += kStep;
    }
    std::vector<double>& column = jacobian.emplace_back(here.size(), 0);
    if (width > 0)
      for (std::size_t i = 0; i < here.size(); ++i) column[i] = (above[i] - below[i]) / width;
  }
  return jacobian;
}

LeastSquaresSolution minimize(const LeastSquares& problem, const std::vector<double>& start,
                              Loss loss, int most_iterations) {
  LeastSquaresSolution solution;
  solution.x = start;
  const std::size_t num_residuals = problem.residuals(start).size();
  if (!start.empty()) {
    SharedEvaluation shared(problem, solution.x);
    const std::unique_ptr<ceres::LossFunction> robust =
        loss == Loss::kHuber
            ? std::unique_ptr<ceres::LossFunction>(new ceres::HuberLoss(kHuberBend))
            : std::unique_ptr<ceres::LossFunction>(new ceres::CauchyLoss(kCauchyBend));
    ceres::Problem::Options problem_options;
    problem_options.evaluation_callback = &shared;
    problem_options.loss_function_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
    ceres::Problem ceres_problem(problem_options);
    for (std::size_t i = 0; i < num_residuals; ++i)
      ceres_problem.AddResidualBlock(
          std::make_unique<ResidualBlock>(shared, i, start.size()).release(), robust.get(),
          solution.x.data());
    for (std::size_t c = 0; c < start.size(); ++c) {
      ceres_problem.SetParameterLowerBound(solution.x.data(), static_cast<int>(c),
                                           problem.least[c]);
      ceres_problem.SetParameterUpperBound(solution.x.data(), static_cast<int>(c), problem.most[c]);
    }
    ceres::Solver::Options options;
    options.linear_solver_type = ceres::DENSE_QR;
    options.max_num_iterations = most_iterations;
    constexpr double kTolerance = 1e-6;
    options.function_tolerance = kTolerance;
    options.parameter_tolerance = kTolerance;
    options.logging_type = ceres::SILENT;
    ceres::Solver::Summary summary;
    ceres::Solve(options, &ceres_problem, &summary);
    if (!summary.IsSolutionUsable()) throw std::runtime_error("no fit: " + summary.message);
  }
  solution.residuals = problem.residuals(solution.x);
  for (const double residual : solution.residuals)
    solution.cost += loss_at(loss, residual).loss / 2;
  return solution;
}

LossAt loss_at(Loss loss, double residual) {
  const double magnitude = std::abs(residual);
  if (loss == Loss::kHuber) {
    if (magnitude <= kHuberBend)
      return {.loss = residual * residual, .psi = residual, .psi_slope = 1};
    return {.loss = kHuberBend * (2 * magnitude - kHuberBend),
            .psi = std::copysign(kHuberBend, residual),
            .psi_slope = 0};
  }
  const double part = residual * residual / (kCauchyBend * kCauchyBend);
  return {.loss = kCauchyBend * kCauchyBend * std::log1p(part),
          .psi = residual / (1 + part),
          .psi_slope = (1 - part) / ((1 + part) * (1 + part))};
}

}  // namespace cadastre::run_calibration
