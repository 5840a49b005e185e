#include "executor/after_waiting.h"

#include <chrono>
#include <thread>
#include <utility>

#include "executor/timing.h"
#include "planner/quantile.h"

namespace cadastre {

namespace {

/// Steps with a wait before: one timed, and those that make up for the wait.
constexpr std::int64_t kStepsOfWait = 2;

struct StepSeconds {
  double update_s = 0;
  double forward_s = 0;
  double backward_s = 0;
};

/// What each of the repeats took longer.
struct Longer {
  std::vector<double> update_s;
  std::vector<double> forward_s;
  std::vector<double> backward_s;
};

}  // namespace

std::int64_t WaitTrial::num_samples() const {
  return batch_size * kStepsOfWait * static_cast<std::int64_t>(waits_s.size() + 1) * (repeats + 1);
}

std::vector<LongerAfterWaiting> time_after_waiting(StageNetwork& network,
                                                   const std::vector<at::Tensor>& inputs,
                                                   const ForwardContext& context,
                                                   const std::function<void()>& update,
                                                   const WaitTrial& trial) {
  const auto step = [&] {
    StepSeconds seconds;
    seconds.update_s = seconds_of(update);
    std::vector<at::Tensor> outputs;
    seconds.forward_s = seconds_of([&] { outputs = network.forward(inputs, context); });
    const at::Tensor scores = outputs.front().detach();
    const at::Tensor gradient = at::softmax(scores, 1) / static_cast<double>(scores.size(0));
    seconds.backward_s = seconds_of([&] {
      network.backward(outputs, {gradient});
      outputs.clear();
    });
    return seconds;
  };
  std::vector<Longer> longer(trial.waits_s.size());
  for (int repeat = 0; repeat <= trial.repeats; ++repeat) {
    static_cast<void>(step());
    const StepSeconds at_once = step();
    for (std::size_t w = 0; w < trial.waits_s.size(); ++w) {
      std::this_thread::sleep_for(std::chrono::duration<double>(trial.waits_s[w]));
      const StepSeconds after = step();
      static_cast<void>(step());
      if (repeat == 0) continue;
      longer[w].update_s.push_back(after.update_s - at_once.update_s);
      longer[w].forward_s.push_back(after.forward_s - at_once.forward_s);
      longer[w].backward_s.push_back(after.backward_s - at_once.backward_s);
    }
  }
  std::vector<LongerAfterWaiting> medians;
  for (std::size_t w = 0; w < longer.size(); ++w)
    medians.push_back({.waited_s = trial.waits_s[w],
                       .forward_s = median(std::move(longer[w].forward_s)),
                       .backward_s = median(std::move(longer[w].backward_s)),
                       .update_s = median(std::move(longer[w].update_s))});
  return medians;
}

}  // namespace cadastre
