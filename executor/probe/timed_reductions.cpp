#include "executor/probe/timed_reductions.h"

#include <numeric>

#include "executor/timing.h"

namespace cadastre {

namespace {

constexpr int kReductionTag = 1;  // 0 is that of the ways

AllReducePlace place_of(int rank, int num_ranks) {
  AllReducePlace place{.place = rank, .tag = kReductionTag};
  place.ranks.resize(static_cast<std::size_t>(num_ranks));
  std::iota(place.ranks.begin(), place.ranks.end(), 0);
  return place;
}

}  // namespace

TimedReductions::TimedReductions(Communicator& communicator, int rank, int num_ranks,
                                 std::int64_t num_elements)
    : communicator_(communicator),
      gradients_(at::ones({num_elements})),
      all_reduce_(Collective({.num_ranks = num_ranks}), place_of(rank, num_ranks), gradients_,
                  TensorAllReduce::make_scratch()) {}

std::vector<double> TimedReductions::time(std::int64_t num_reductions) {
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < num_reductions; ++i) {
    gradients_.fill_(1);
    communicator_.barrier();
    seconds.push_back(seconds_of([&] { run(); }));
  }
  return seconds;
}

std::int64_t agreed(Communicator& communicator, int rank, std::int64_t number) {
  const at::Tensor shared = at::zeros({1}, at::kDouble);
  if (rank == 0) shared.fill_(static_cast<double>(number));
  communicator.all_reduce({shared}, 0);
  return static_cast<std::int64_t>(shared.item<double>());
}

}  // namespace cadastre
