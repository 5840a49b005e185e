#include "planner/sample_split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

std::vector<double> balanced_shares(std::int64_t num_samples, const std::vector<double>& speeds,
                                    std::int64_t granularity) {
  const std::int64_t num_granules = num_samples / granularity;
  if (num_granules < static_cast<std::int64_t>(speeds.size())) return {};
  // All but a few per replica go in proportion; the rest one by one.
  const double sum = std::accumulate(speeds.begin(), speeds.end(), 0.0);
  std::vector<std::int64_t> granules;
  std::int64_t left = num_granules;
  for (const double speed : speeds) {
    granules.push_back(std::max<std::int64_t>(
        0, static_cast<std::int64_t>(static_cast<double>(num_granules) * speed / sum) - 1));
    left -= granules.back();
  }
  for (; left > 0; --left) {
    std::size_t next = 0;
    const auto finishes = [&](std::size_t i) {
      return static_cast<double>(granules[i] + 1) / speeds[i];
    };
    for (std::size_t i = 1; i < speeds.size(); ++i)
      if (finishes(i) < finishes(next) * (1 - 1e-12)) next = i;
    ++granules[next];
  }
  std::vector<double> shares;
  for (const std::int64_t count : granules) {
    if (count == 0) return {};
    shares.push_back(static_cast<double>(count) / static_cast<double>(num_granules));
  }
  return shares;
}

std::vector<SampleRange> micro_batch_ranges(std::int64_t batch_size, std::int64_t micro_batches,
                                            std::int64_t granularity) {
  return split_samples(batch_size, std::vector<double>(static_cast<std::size_t>(micro_batches), 1),
                       granularity);
}

}  // namespace cadastre
