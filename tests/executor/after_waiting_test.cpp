#include "executor/after_waiting.h"

#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("steps after waiting are timed against steps at once", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork network = whole_network(model, 1);
  const std::vector<at::Tensor> inputs = small::random_inputs(model, 4);
  const WaitTrial trial{.batch_size = 4, .waits_s = {0.001, 0.004}, .repeats = 2};
  int num_updates = 0;
  const std::vector<LongerAfterWaiting> longer = time_after_waiting(
      network, inputs, {.samples = {.begin = 0, .end = 4}}, [&] { ++num_updates; }, trial);
  REQUIRE(longer.size() == 2);
  CHECK(longer[0].waited_s == 0.001);
  CHECK(longer[1].waited_s == 0.004);
  // Each step passes through the network, and all are told as work to be done.
  CHECK(4 * num_updates == trial.num_samples());
  CHECK(num_updates == 3 * 6);
}
