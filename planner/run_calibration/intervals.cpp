#include "planner/run_calibration/intervals.h"

#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>

namespace cadastre::run_calibration {

namespace {

constexpr double kTail = 0.025;  // on each side
constexpr double kFewestDegrees = 1;
/// Of the greatest eigenvalue: a direction with less is not told apart from rounding.
constexpr double kLeastEigenvalue = 1e-10;
constexpr double kLeastPart = 1e-4;  ///< of such a direction, that concerns a coordinate

double quantile(double degrees_of_freedom) {
  return boost::math::quantile(
      boost::math::complement(boost::math::students_t(degrees_of_freedom), kTail));
}

/// What a group of residuals adds: its rows of the slopes, and psi of each.
struct Group {
  std::vector<Eigen::Index> rows;
};

/// [coordinate] variance, and the degrees of freedom it is known with.
struct Variances {
  Eigen::VectorXd variance;
  Eigen::VectorXd degrees_of_freedom;
};

/// The sandwich over groups, without the slope of psi.
Variances by_groups(const Eigen::MatrixXd& slopes, const Eigen::VectorXd& psi,
                    const std::map<std::size_t, Group>& groups, const Eigen::MatrixXd& inverse) {
  const Eigen::Index num_coordinates = slopes.cols();
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(num_coordinates);
  Eigen::VectorXd told = Eigen::VectorXd::Zero(num_coordinates);
  Eigen::VectorXd told_squares = Eigen::VectorXd::Zero(num_coordinates);
  for (const auto& [number, group] : groups) {
    const auto count = static_cast<Eigen::Index>(group.rows.size());
    Eigen::MatrixXd own(count, num_coordinates);
    Eigen::VectorXd own_psi(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      own.row(i) = slopes.row(group.rows[static_cast<std::size_t>(i)]);
      own_psi[i] = psi[group.rows[static_cast<std::size_t>(i)]];
    }
    // Residuals that the fit would have without the group; a direction that it alone tells of has
    // none, and is left as it is.
    const Eigen::MatrixXd others =
        Eigen::MatrixXd::Identity(count, count) - own * inverse * own.transpose();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(others);
    constexpr double kLeastOfOthers = 0.05;
    Eigen::VectorXd adjusted = Eigen::VectorXd::Zero(count);
    for (Eigen::Index e = 0; e < count; ++e) {
      const Eigen::VectorXd direction = eigen.eigenvectors().col(e);
      const double part = eigen.eigenvalues()[e];
      adjusted += direction * direction.dot(own_psi) / (part > kLeastOfOthers ? part : 1);
    }
    sum += (inverse * (own.transpose() * adjusted)).array().square().matrix();
    const Eigen::VectorXd of_group = (own * inverse).colwise().squaredNorm().transpose();
    told += of_group;
    told_squares += of_group.array().square().matrix();
  }
  const auto num_groups = static_cast<double>(groups.size());
  Variances variances;
  variances.variance = sum * ((num_groups - 1) / num_groups);
  variances.degrees_of_freedom = Eigen::VectorXd::Zero(num_coordinates);
  for (Eigen::Index c = 0; c < num_coordinates; ++c)
    if (told_squares[c] > 0)
      variances.degrees_of_freedom[c] = told[c] * told[c] / told_squares[c] - 1;
  return variances;
}

}  // namespace

std::vector<double> interval_half_widths(const Jacobian& jacobian,
                                         const std::vector<double>& residuals,
                                         const std::vector<std::size_t>& group_of,
                                         const std::vector<double>& precision, Loss loss) {
  const auto num_coordinates = static_cast<Eigen::Index>(jacobian.size());
  const auto num_residuals = static_cast<Eigen::Index>(residuals.size());
  std::vector<double> half_widths(jacobian.size(), std::numeric_limits<double>::infinity());
  if (num_residuals <= num_coordinates || num_coordinates == 0) return half_widths;

  Eigen::MatrixXd slopes(num_residuals, num_coordinates);
  for (Eigen::Index c = 0; c < num_coordinates; ++c)
    for (Eigen::Index i = 0; i < num_residuals; ++i)
      slopes(i, c) = jacobian[static_cast<std::size_t>(c)][static_cast<std::size_t>(i)];
  // Coordinates of like size, so that eigenvalues can be compared.
  const Eigen::VectorXd norms = slopes.colwise().norm();
  for (Eigen::Index c = 0; c < num_coordinates; ++c)
    if (norms[c] > 0) slopes.col(c) /= norms[c];

  Eigen::MatrixXd information = slopes.transpose() * slopes;
  for (Eigen::Index c = 0; c < num_coordinates; ++c)
    if (norms[c] > 0)
      information(c, c) += precision[static_cast<std::size_t>(c)] / (norms[c] * norms[c]);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(information);
  const double least = kLeastEigenvalue * eigen.eigenvalues().maxCoeff();
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Zero(num_coordinates, num_coordinates);
  std::vector<bool> is_told(jacobian.size(), true);
  for (Eigen::Index e = 0; e < num_coordinates; ++e) {
    const Eigen::VectorXd direction = eigen.eigenvectors().col(e);
    if (eigen.eigenvalues()[e] > least) {
      inverse += direction * direction.transpose() / eigen.eigenvalues()[e];
    } else {
      for (Eigen::Index c = 0; c < num_coordinates; ++c)
        if (std::abs(direction[c]) > kLeastPart) is_told[static_cast<std::size_t>(c)] = false;
    }
  }

  Eigen::VectorXd psi(num_residuals);
  double psi_slopes = 0;
  std::map<std::size_t, Group> groups;
  for (Eigen::Index i = 0; i < num_residuals; ++i) {
    const LossAt at = loss_at(loss, residuals[static_cast<std::size_t>(i)]);
    psi[i] = at.psi;
    psi_slopes += at.psi_slope;
    groups[group_of[static_cast<std::size_t>(i)]].rows.push_back(i);
  }
  const auto count = static_cast<double>(num_residuals);
  // Most residuals beyond the bend: nothing can be said of how precise the fit is.
  const double slope = psi_slopes / count;
  if (!(slope > 0)) return half_widths;
  const double degrees_of_freedom = count - static_cast<double>(num_coordinates);
  const Eigen::VectorXd variance =
      inverse.diagonal() * (psi.squaredNorm() / degrees_of_freedom / (slope * slope));
  const Variances grouped = by_groups(slopes, psi, groups, inverse);
  for (Eigen::Index c = 0; c < num_coordinates; ++c) {
    const auto index = static_cast<std::size_t>(c);
    if (!is_told[index] || !(norms[c] > 0)) continue;
    double half_width = quantile(degrees_of_freedom) * std::sqrt(variance[c]);
    // A single group that tells of a coordinate cannot say how groups differ.
    if (grouped.degrees_of_freedom[c] >= kFewestDegrees)
      half_width = std::max(half_width, quantile(grouped.degrees_of_freedom[c]) *
                                            std::sqrt(grouped.variance[c]) / slope);
    half_widths[index] = half_width / norms[c];
  }
  return half_widths;
}

}  // namespace cadastre::run_calibration
