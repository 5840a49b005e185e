#pragma once

#include <functional>
#include <vector>

namespace cadastre::run_calibration {

/// How much a residual r counts, in units of its spread: as r^2 near 0, and less beyond. A
/// residual far off counts as |r| (Huber 1964), or hardly more than one nearer (Cauchy), which
/// leaves outliers no say, but has more than one minimum.
enum class Loss { kHuber, kCauchy };

/// Residuals as a function of some coordinates, each within bounds.
struct LeastSquares {
  std::function<std::vector<double>(const std::vector<double>& x)> residuals;
  /// The same after `x[changed]` alone has changed since `known`, the residuals of another x.
  std::function<std::vector<double>(const std::vector<double>& x, std::size_t changed,
                                    const std::vector<double>& known)>
      residuals_of_one;
  std::vector<double> least;
  std::vector<double> most;
};

struct LeastSquaresSolution {
  std::vector<double> x;
  std::vector<double> residuals;
  double cost = 0;  ///< half the sum of the residuals' losses
};

/// [coordinate][residual].
using Jacobian = std::vector<std::vector<double>>;

enum class Differences { kOneSided, kCentral };

/// Numerically, from the residuals at `x` (`here`); one-sided at a bound in either case.
[[nodiscard]] Jacobian jacobian_of(const LeastSquares& problem, const std::vector<double>& x,
                                   const std::vector<double>& here, Differences differences);

/// The minimum that lies downhill of `start`, by Levenberg and Marquardt's method (Ceres Solver).
/// Throws std::runtime_error when residuals are not finite.
[[nodiscard]] LeastSquaresSolution minimize(const LeastSquares& problem,
                                            const std::vector<double>& start, Loss loss,
                                            int most_iterations = 50);

/// Of one residual: its loss, and the derivative of half of it by the residual (psi) and of that
/// once more.
struct LossAt {
  double loss = 0;
  double psi = 0;
  double psi_slope = 0;
};

[[nodiscard]] LossAt loss_at(Loss loss, double residual);

}  // namespace cadastre::run_calibration
