#include "executor/predict/area_estimate.h"

#include <cmath>

namespace cadastre {

namespace {

constexpr double kQuantile = 1.96;  // of the paper, for 95 %

double square(double value) { return value * value; }

}  // namespace

AreaEstimates estimate_areas(const std::vector<std::vector<std::int64_t>>& confusion,
                             const std::vector<double>& mapped_areas) {
  const std::size_t q = mapped_areas.size();
  AreaEstimates result;
  result.classes.resize(q);
  double total = 0;
  for (std::size_t i = 0; i < q; ++i) {
    total += mapped_areas[i];
    result.classes[i].mapped = mapped_areas[i];
  }
  // n_ij: samples mapped as i that are j, n_i: of a row.
  const auto count = [&](std::size_t i, std::size_t j) {
    return static_cast<double>(confusion[j][i]);
  };
  std::vector<double> weight(q, 0);
  std::vector<double> row_sum(q, 0);
  for (std::size_t i = 0; i < q; ++i) {
    weight[i] = total > 0 ? mapped_areas[i] / total : 0;  // W_i
    for (std::size_t j = 0; j < q; ++j) row_sum[i] += count(i, j);
    if (mapped_areas[i] > 0 && row_sum[i] < 2) return result;
  }
  if (total <= 0) return result;
  result.is_estimated = true;

  const auto part = [&](std::size_t i, std::size_t j) {
    return row_sum[i] > 0 ? count(i, j) / row_sum[i] : 0;
  };
  double overall_variance = 0;
  for (std::size_t k = 0; k < q; ++k) {
    AreaEstimate& of_class = result.classes[k];
    double proportion = 0;  // p_.k, equation 9
    double variance = 0;    // of it, equation 10
    double others = 0;      // the sum in equation 7
    for (std::size_t i = 0; i < q; ++i) {
      proportion += weight[i] * part(i, k);
      if (row_sum[i] < 2) continue;
      const double spread = part(i, k) * (1 - part(i, k)) / (row_sum[i] - 1);
      variance += square(weight[i]) * spread;
      if (i != k) others += square(mapped_areas[i]) * spread;
    }
    of_class.estimated = total * proportion;                           // equation 11
    of_class.estimated_half_width = kQuantile * total * std::sqrt(variance);
    const double user = part(k, k);
    of_class.users_accuracy = user;
    const double user_variance = row_sum[k] >= 2 ? user * (1 - user) / (row_sum[k] - 1) : 0;
    of_class.users_accuracy_half_width = kQuantile * std::sqrt(user_variance);  // equation 6
    overall_variance += square(weight[k]) * user_variance;                      // equation 5
    result.overall_accuracy += weight[k] * user;
    const double producer = proportion > 0 ? weight[k] * user / proportion : 0;
    of_class.producers_accuracy = producer;
    if (of_class.estimated > 0) {
      const double own = square(mapped_areas[k]) * square(1 - producer) * user_variance;
      of_class.producers_accuracy_half_width =
          kQuantile * std::sqrt(own + square(producer) * others) / of_class.estimated;
    }
  }
  result.overall_accuracy_half_width = kQuantile * std::sqrt(overall_variance);
  return result;
}

}  // namespace cadastre
