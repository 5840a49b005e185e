#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/profile.h"

namespace cadastre::run_calibration {

/// The constants of the cost model that runs can tell.
struct Constants {
  Cluster cluster;
  std::vector<Profile> profiles;  ///< of each model among the runs
  bool operator==(const Constants&) const = default;
};

/// What a parameter is one of: the cluster has one, each host, or each model.
enum class Scope { kCluster, kHost, kModel };

/// How far a parameter is from another: by their ratio, for what is never 0, or by their
/// difference, in parts of the starting value (or of `typical`, where that is greater).
enum class Distance { kRatio, kDifference };

/// A kind of parameter, and where it is in the constants. To have another one fitted, add a row to
/// the table in parameters.cpp.
struct ParameterKind {
  std::string name;
  std::string unit;
  Scope scope = Scope::kCluster;
  Distance distance = Distance::kRatio;
  double typical = 1;  ///< order of magnitude, > 0
  /// What is physically meant by it lies in [least, most].
  double least = 0;
  double most = 0;
  /// Fitted where it tells significantly more than the others do, and else left alone.
  bool is_extra = false;
  double (*get)(const Constants& constants, std::size_t index) = nullptr;
  void (*put)(Constants& constants, std::size_t index, double value) = nullptr;

  /// How many parameters of the kind there are; their indices count from 0.
  [[nodiscard]] std::size_t count(const Constants& constants) const;
};

[[nodiscard]] const std::vector<ParameterKind>& parameter_kinds();

/// One parameter: of a host by its index in the cluster, of a model by its index in the profiles.
struct Parameter {
  const ParameterKind* kind = nullptr;
  std::size_t index = 0;
  std::string name;  ///< "relative speed of node1"
  double start = 0;  ///< before the fit, within the bounds
  double scale = 1;  ///< of `Distance::kDifference`

  /// Its place on the line on which it is fitted: the logarithm, or the value in `scale`.
  [[nodiscard]] double coordinate(double value) const;
  [[nodiscard]] double value(double coordinate) const;
  bool operator==(const Parameter&) const = default;
};

/// All that the constants have, in the table's order. A start outside the bounds is moved to them.
[[nodiscard]] std::vector<Parameter> parameters_of(const Constants& constants);

}  // namespace cadastre::run_calibration
