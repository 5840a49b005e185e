#include "executor/accuracy.h"

#include <cstddef>

namespace cadastre {

namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

}  // namespace

Metrics accuracy_metrics(const std::vector<std::string>& class_names,
                         const std::vector<std::vector<std::int64_t>>& confusion) {
  const std::size_t num_classes = class_names.size();
  std::vector<double> num_reference(num_classes, 0);
  std::vector<double> num_predicted(num_classes, 0);
  double total = 0;
  double correct = 0;
  for (std::size_t reference = 0; reference < num_classes; ++reference)
    for (std::size_t predicted = 0; predicted < num_classes; ++predicted) {
      const auto count = static_cast<double>(confusion[reference][predicted]);
      num_reference[reference] += count;
      num_predicted[predicted] += count;
      total += count;
      if (reference == predicted) correct += count;
    }

  Metrics metrics;
  metrics.confusion = confusion;
  metrics.overall_accuracy = ratio(correct, total);
  double sum_recall = 0;
  double num_present = 0;
  double agreement_by_chance = 0;
  for (std::size_t i = 0; i < num_classes; ++i) {
    const auto hits = static_cast<double>(confusion[i][i]);
    ClassMetrics of_class;
    of_class.name = class_names[i];
    of_class.num_samples = static_cast<std::int64_t>(num_reference[i]);
    of_class.precision = ratio(hits, num_predicted[i]);
    of_class.recall = ratio(hits, num_reference[i]);
    of_class.f1 = ratio(2 * hits, num_reference[i] + num_predicted[i]);
    metrics.classes.push_back(of_class);
    if (num_reference[i] > 0) {
      sum_recall += of_class.recall;
      num_present += 1;
    }
    agreement_by_chance += ratio(num_reference[i], total) * ratio(num_predicted[i], total);
  }
  metrics.average_accuracy = ratio(sum_recall, num_present);
  metrics.kappa = ratio(metrics.overall_accuracy - agreement_by_chance, 1 - agreement_by_chance);
  return metrics;
}

}  // namespace cadastre
