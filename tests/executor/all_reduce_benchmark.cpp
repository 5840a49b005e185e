// Hidden from ordinary runs: `executor_run_tests "[!benchmark]"` prints the times.
#include <ATen/ops/zeros.h>

#include <cstdio>
#include <numeric>

#include "executor/all_reduce.h"
#include "executor/timing.h"
#include "tests/executor/ranks.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("the ring beside Gloo's own all-reduce", "[.][!benchmark]") {
  constexpr int kRepeats = 60;
  for (const int num_ranks : {2, 4}) {
    std::vector<int> ranks(static_cast<std::size_t>(num_ranks));
    std::iota(ranks.begin(), ranks.end(), 0);
    for (const std::int64_t megabytes : {1, 4, 16}) {
      std::vector<double> ours_s;
      std::vector<double> gloo_s;
      test::as_ranks(num_ranks, {ranks}, [&](int rank, Communicator& communicator) {
        const at::Tensor values = at::zeros({megabytes << 18});
        TensorAllReduce all_reduce(Collective({.num_ranks = num_ranks}),
                                   {.place = rank, .ranks = ranks}, values,
                                   TensorAllReduce::make_scratch());
        for (int i = 0; i < kRepeats; ++i) {  // in turn, so that both see the same machine
          communicator.barrier();
          const double ours = seconds_of([&] { all_reduce.run(communicator); });
          communicator.barrier();
          const double gloo = seconds_of([&] { communicator.all_reduce({values}, 0); });
          if (rank != 0 || i < 5) continue;
          ours_s.push_back(ours);
          gloo_s.push_back(gloo);
        }
        communicator.barrier();
      });
      const TimingSummary ours = summarize(ours_s);
      const TimingSummary gloo = summarize(gloo_s);
      std::printf("%d ranks, %2d MiB: ours %7.2f ms, Gloo's %7.2f ms, ratio %.3f\n", num_ranks,
                  static_cast<int>(megabytes), 1e3 * ours.median_s, 1e3 * gloo.median_s,
                  ours.median_s / gloo.median_s);
    }
  }
}

}  // namespace
}  // namespace cadastre
