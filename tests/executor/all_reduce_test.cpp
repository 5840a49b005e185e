#include "executor/all_reduce.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "tests/executor/ranks.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using test::as_ranks;

constexpr int kTag = 5;

struct Reduction {
  CollectiveShape shape;
  std::int64_t size = 0;
  at::ScalarType type = at::kFloat;
  at::ScalarType wire = at::kFloat;
};

/// Another in every element and rank, of a few hundred different sizes.
at::Tensor values_of(int rank, const Reduction& reduction) {
  const at::Tensor steps = at::arange(reduction.size, at::kDouble);
  return ((steps * 0.37 + rank * 1.7).sin() * (steps.remainder(311) + 1)).to(reduction.type);
}

/// Places are ranks in the other order, so that nothing works only where both are the same.
std::vector<int> ranks_of_places(int num_places) {
  std::vector<int> ranks(static_cast<std::size_t>(num_places));
  std::iota(ranks.rbegin(), ranks.rend(), 0);
  return ranks;
}

void check(const Reduction& reduction, const std::vector<at::Tensor>& values) {
  at::Tensor sum = at::zeros({reduction.size}, at::kDouble);
  at::Tensor scale = at::zeros({reduction.size}, at::kDouble);
  for (int rank = 0; rank < reduction.shape.num_ranks; ++rank) {
    sum += values_of(rank, reduction).to(at::kDouble);
    scale += values_of(rank, reduction).to(at::kDouble).abs();
  }
  // Half a unit in the last place for each time that a number is rounded: at most once a round.
  static const std::map<at::ScalarType, double> kRoundings = {
      {at::kDouble, 1.2e-16}, {at::kFloat, 6e-8}, {at::kBFloat16, 4e-3}, {at::kHalf, 5e-4}};
  const double tolerance =
      kRoundings.at(reduction.wire) * (2 + Collective(reduction.shape).num_rounds());
  for (int place = 0; place < reduction.shape.num_ranks; ++place) {
    const at::Tensor& found = values[static_cast<std::size_t>(place)];
    CHECK(((found.to(at::kDouble) - sum).abs() <= tolerance * scale).all().item<bool>());
    CHECK(found.equal(values.front()));
  }
}

/// All the reductions one after the other over the same ranks, which are as many as the largest
/// needs, twice each.
void check_all(const std::vector<Reduction>& reductions) {
  int num_ranks = 1;
  for (const Reduction& reduction : reductions)
    num_ranks = std::max(num_ranks, Collective(reduction.shape).num_places());
  std::vector<std::vector<at::Tensor>> first(reductions.size());
  std::vector<std::vector<at::Tensor>> second(reductions.size());
  std::vector<std::vector<std::int64_t>> sent(reductions.size());
  for (std::size_t i = 0; i < reductions.size(); ++i) {
    const auto places = static_cast<std::size_t>(Collective(reductions[i].shape).num_places());
    first[i].resize(places);
    second[i].resize(places);
    sent[i].resize(places);
  }
  as_ranks(num_ranks, {}, [&](int rank, Communicator& communicator) {
    const at::Tensor scratch = TensorAllReduce::make_scratch();
    for (std::size_t i = 0; i < reductions.size(); ++i) {
      const Collective collective(reductions[i].shape);
      const std::vector<int> ranks = ranks_of_places(collective.num_places());
      const auto found = std::find(ranks.begin(), ranks.end(), rank);
      if (found == ranks.end()) continue;
      const auto place = static_cast<std::size_t>(found - ranks.begin());
      const bool contributes = static_cast<int>(place) < reductions[i].shape.num_ranks;
      at::Tensor values = at::zeros({reductions[i].size}, reductions[i].type);
      TensorAllReduce all_reduce(collective,
                                 {.place = static_cast<int>(place),
                                  .ranks = ranks,
                                  .tag = kTag,
                                  .wire = reductions[i].wire,
                                  .contributes = contributes},
                                 values, scratch);
      for (std::vector<std::vector<at::Tensor>>* results : {&first, &second}) {
        if (contributes) values.copy_(values_of(static_cast<int>(place), reductions[i]));
        const std::vector<std::int64_t> before = communicator.sent_bytes();
        all_reduce.run(communicator);
        const std::vector<std::int64_t> after = communicator.sent_bytes();
        sent[i][place] = std::accumulate(after.begin(), after.end(), std::int64_t{0}) -
                         std::accumulate(before.begin(), before.end(), std::int64_t{0});
        (*results)[i][place] = values.clone();
      }
    }
    communicator.barrier();
  });
  for (std::size_t i = 0; i < reductions.size(); ++i) {
    const Reduction& reduction = reductions[i];
    const Collective collective(reduction.shape);
    INFO(all_reduce_name(reduction.shape.algorithm)
         << " of " << reduction.size << " " << c10::toString(reduction.type) << " as "
         << c10::toString(reduction.wire) << " over " << reduction.shape.num_ranks
         << " ranks, root " << reduction.shape.root);
    check(reduction, first[i]);
    const auto wire_bytes =
        reduction.size * static_cast<std::int64_t>(c10::elementSize(reduction.wire));
    for (std::size_t place = 0; place < first[i].size(); ++place) {
      CHECK(first[i][place].equal(second[i][place]));
      CHECK(sent[i][place] == collective.sent_bytes(static_cast<int>(place), wire_bytes));
    }
  }
}

constexpr AllReduceAlgorithm kAlgorithms[] = {AllReduceAlgorithm::kRing,
                                              AllReduceAlgorithm::kHalvingDoubling,
                                              AllReduceAlgorithm::kTree,
                                              AllReduceAlgorithm::kHierarchical,
                                              AllReduceAlgorithm::kParameterServer,
                                              AllReduceAlgorithm::kSpark,
                                              AllReduceAlgorithm::kSparkTree};

TEST_CASE("every collective leaves the sum, to the same bits, with every rank", "[executor]") {
  for (const int num_ranks : {1, 2, 3, 4, 5, 8}) {
    std::vector<Reduction> reductions;
    for (const AllReduceAlgorithm algorithm : kAlgorithms) {
      // Its own server or driver: the first rank, another, or nobody of them.
      const std::vector<int> roots =
          has_root(algorithm) ? std::vector<int>{0, num_ranks - 1, num_ranks} : std::vector<int>{0};
      for (const int root : roots) {
        CollectiveShape shape{.algorithm = algorithm, .num_ranks = num_ranks, .root = root};
        if (algorithm == AllReduceAlgorithm::kHierarchical)
          for (int rank = 0; rank < num_ranks; ++rank) shape.groups.push_back(rank / 3);
        // Fewer numbers than ranks; pieces of unequal size.
        for (const std::int64_t size : {1, 3, 1000})
          for (const at::ScalarType wire : {at::kFloat, at::kBFloat16, at::kHalf})
            reductions.push_back({.shape = shape, .size = size, .wire = wire});
        reductions.push_back(
            {.shape = shape, .size = 37, .type = at::kDouble, .wire = at::kDouble});
      }
    }
    check_all(reductions);
  }
}

TEST_CASE("large tensors are reduced in many segments", "[executor]") {
  std::vector<Reduction> reductions;
  for (const AllReduceAlgorithm algorithm : kAlgorithms)
    for (const at::ScalarType wire : {at::kFloat, at::kBFloat16})
      reductions.push_back({.shape = {.algorithm = algorithm,
                                      .num_ranks = 3,
                                      .root = has_root(algorithm) ? 3 : 0,
                                      .groups = {}},
                            .size = 700'001,
                            .wire = wire});
  check_all(reductions);
}

TEST_CASE("a reduction fails when another rank is lost", "[executor]") {
  std::vector<std::string> lost(3);
  as_ranks(3, {}, [&](int rank, Communicator& communicator) {
    const Collective collective({.num_ranks = 3});
    TensorAllReduce all_reduce(collective, {.place = rank, .ranks = {0, 1, 2}, .tag = kTag},
                               at::zeros({1000}), TensorAllReduce::make_scratch());
    all_reduce.run(communicator);  // so that all are connected
    if (rank == 2) return;
    try {
      all_reduce.run(communicator);
    } catch (const PeerLostError& error) {
      lost[static_cast<std::size_t>(rank)] = error.what();
    }
  });
  for (const std::size_t rank : {0, 1}) CHECK(lost[rank].find("rank ") != std::string::npos);
}

}  // namespace
}  // namespace cadastre
