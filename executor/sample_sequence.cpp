#include "executor/sample_sequence.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "executor/random.h"
#include "executor/sample_order.h"

namespace cadastre {

namespace {

/// How many of `total` places each class gets: in proportion to the shares, at least one each where
/// there are enough, the largest remainders rounded up.
std::vector<std::int64_t> divided_places(const std::vector<double>& shares, std::int64_t total) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<std::int64_t> places;
  std::vector<std::pair<double, std::size_t>> remainders;
  std::int64_t left = total;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const double exact = shares[k] / sum * static_cast<double>(total);
    const std::int64_t least = shares[k] > 0 ? 1 : 0;
    places.push_back(std::max(least, static_cast<std::int64_t>(exact)));
    if (shares[k] > 0) remainders.emplace_back(static_cast<double>(places[k]) - exact, k);
    left -= places[k];
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; left > 0; ++i, --left) ++places[remainders[i % remainders.size()].second];
  // The ones that were given beyond their share come from the largest.
  for (; left < 0; ++left) --*std::max_element(places.begin(), places.end());
  return places;
}

}  // namespace

SampleSequence::SampleSequence(const std::vector<std::int32_t>& classes, double balance,
                               std::int64_t samples_per_pass, std::uint64_t seed)
    : is_plain_(balance == 1), samples_per_pass_(samples_per_pass), seed_(seed) {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto k = static_cast<std::size_t>(classes[i]);
    if (k >= samples_.size()) samples_.resize(k + 1);
    samples_[k].push_back(static_cast<std::int32_t>(i));
  }
  std::vector<double> shares;
  for (const std::vector<std::int32_t>& of_class : samples_)
    shares.push_back(of_class.empty() ? 0
                                      : std::pow(static_cast<double>(of_class.size()), balance));
  places_ = divided_places(shares, classes.empty() ? 0 : samples_per_pass_);
}

std::vector<double> SampleSequence::draw_chances() const {
  std::vector<double> chances;
  for (std::size_t k = 0; k < samples_.size(); ++k)
    chances.push_back(is_plain_ ? static_cast<double>(samples_[k].size()) /
                                      static_cast<double>(std::accumulate(
                                          samples_.begin(), samples_.end(), std::size_t{0},
                                          [](std::size_t sum, const auto& of_class) {
                                            return sum + of_class.size();
                                          }))
                                : static_cast<double>(places_[k]) /
                                      static_cast<double>(samples_per_pass_));
  return chances;
}

std::vector<std::int64_t> SampleSequence::num_samples() const {
  std::vector<std::int64_t> numbers;
  for (const std::vector<std::int32_t>& of_class : samples_)
    numbers.push_back(static_cast<std::int64_t>(of_class.size()));
  return numbers;
}

std::int32_t SampleSequence::at(std::int64_t position) {
  const std::int64_t pass = position / samples_per_pass_;
  if (pass != pass_) make_pass(pass);
  return order_[static_cast<std::size_t>(position % samples_per_pass_)];
}

void SampleSequence::make_pass(std::int64_t pass) {
  pass_ = pass;
  if (!is_plain_) return make_balanced_pass(pass);
  std::int64_t all = 0;
  for (const std::vector<std::int32_t>& of_class : samples_)
    all += static_cast<std::int64_t>(of_class.size());
  order_ = sample_order(seed_, pass, all);
}

void SampleSequence::make_balanced_pass(std::int64_t pass) {
  std::vector<std::int32_t> drawn;
  drawn.reserve(static_cast<std::size_t>(samples_per_pass_));
  for (std::size_t k = 0; k < samples_.size(); ++k) {
    const auto size = static_cast<std::int64_t>(samples_[k].size());
    const std::uint64_t key = mix(mix(seed_, "class order"), k);
    std::vector<std::int32_t> order;
    std::int64_t round = -1;
    for (std::int64_t i = pass * places_[k]; i < (pass + 1) * places_[k]; ++i) {
      if (i / size != round) {
        round = i / size;
        order = sample_order(key, round, size);
      }
      drawn.push_back(samples_[k][static_cast<std::size_t>(order[static_cast<std::size_t>(i % size)])]);
    }
  }
  const std::vector<std::int32_t> places =
      sample_order(mix(seed_, "class places"), pass, samples_per_pass_);
  order_.resize(drawn.size());
  for (std::size_t i = 0; i < drawn.size(); ++i)
    order_[static_cast<std::size_t>(places[i])] = drawn[i];
}

}  // namespace cadastre
