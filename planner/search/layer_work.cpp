#include "planner/search/layer_work.h"

#include <algorithm>
#include <limits>

namespace cadastre {

std::vector<double> loading_s(const CostTable& table, std::int64_t samples) {
  const ModelFacts& model = table.model();
  std::vector<int> num_readers(model.input_bytes.size(), 0);
  for (const std::vector<int>& inputs : model.inputs)
    for (const int input : inputs) ++num_readers[static_cast<std::size_t>(input)];
  std::vector<double> seconds(model.num_layers(), 0);
  for (std::size_t i = 0; i < seconds.size(); ++i)
    for (const int input : model.inputs[i])
      if (num_readers[static_cast<std::size_t>(input)] == 1)
        seconds[i] += table.load_s(input, samples);
  return seconds;
}

std::vector<double> least_layer_work(const CostTable& table, std::int64_t batch_size,
                                     std::int64_t most_samples, Loading loading) {
  // Costs are linear between measured sizes, so the least per sample is at one of these or at an
  // end of what is allowed.
  std::vector<std::int64_t> sizes = {std::min(table.model().granularity, most_samples),
                                     most_samples};
  for (const std::int64_t size : table.measured_sizes())
    if (size < most_samples) sizes.push_back(size);
  std::vector<double> least_s(table.model().num_layers(), std::numeric_limits<double>::infinity());
  for (const std::int64_t size : sizes) {
    const double passes = static_cast<double>(batch_size) / static_cast<double>(size);
    const std::vector<LayerCost>& costs = table.layers(size);
    const std::vector<double> loads_s = loading_s(table, size);
    for (std::size_t i = 0; i < least_s.size(); ++i) {
      const double load_s = loading == Loading::kCounted ? loads_s[i] : 0;
      least_s[i] =
          std::min(least_s[i], (costs[i].forward_s + costs[i].backward_s + load_s) * passes);
    }
  }
  return least_s;
}

}  // namespace cadastre
