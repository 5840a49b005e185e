#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/program.h"

namespace cadastre {

std::vector<SampleRange> split_samples(std::int64_t num_samples, const std::vector<double>& shares,
                                       std::int64_t granularity) {
  const std::int64_t num_granules = num_samples / granularity;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<std::int64_t> granules(shares.size());
  std::vector<double> remainders(shares.size());
  std::int64_t left = num_granules;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = static_cast<double>(num_granules) * shares[i] / sum;
    // A share that is whole up to rounding counts as whole.
    granules[i] = static_cast<std::int64_t>(std::floor(exact + 1e-9));
    remainders[i] = exact - static_cast<double>(granules[i]);
    left -= granules[i];
  }
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return remainders[a] > remainders[b] + 1e-9;
  });
  for (std::size_t i = 0; left > 0; ++i, --left) ++granules[order[i % order.size()]];

  std::vector<SampleRange> ranges;
  std::int64_t begin = 0;
  for (const std::int64_t count : granules) {
    ranges.push_back({.begin = begin, .end = begin + count * granularity});
    begin = ranges.back().end;
  }
  return ranges;
}

std::vector<SampleRange> micro_batch_ranges(std::int64_t batch_size, std::int64_t micro_batches,
                                            std::int64_t granularity) {
  return split_samples(batch_size, std::vector<double>(static_cast<std::size_t>(micro_batches), 1),
                       granularity);
}

}  // namespace cadastre
