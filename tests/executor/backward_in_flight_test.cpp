#include "executor/backward_in_flight.h"

#include "planner/saved_bytes.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("trials keep no more samples at once than the greatest batch has", "[executor]") {
  const std::vector<InFlightTrial> trials = in_flight_trials({2, 4, 8, 16}, 3);
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  for (const InFlightTrial& trial : trials) {
    CHECK(trial.batch_size * trial.num_in_flight <= 16);
    CHECK(trial.repeats == 3);
    found.emplace_back(trial.batch_size, trial.num_in_flight);
  }
  CHECK(found ==
        std::vector<std::pair<std::int64_t, std::int64_t>>{{2, 2}, {2, 4}, {4, 4}, {8, 2}});
  CHECK(in_flight_trials({16}, 3).empty());
}

TEST_CASE("backward beside other micro-batches is timed against backward at once", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork network = whole_network(model, 1);
  const std::vector<at::Tensor> inputs = small::random_inputs(model, 4);
  const BackwardBeside beside =
      time_in_flight(network, inputs, {.samples = {.begin = 0, .end = 4}},
                     {.batch_size = 4, .num_in_flight = 3, .repeats = 2}, 1000);
  CHECK(beside.bytes_beside == 2 * 4 * 1000);
  CHECK(beside.ratio > 0);
}
