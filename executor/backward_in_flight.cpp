#include "executor/backward_in_flight.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "executor/timing.h"

namespace cadastre {

namespace {

constexpr std::int64_t kMostInFlight = 4;

using Outputs = std::vector<at::Tensor>;

double backward_s(StageNetwork& network, Outputs& outputs) {
  const at::Tensor scores = outputs.front().detach();
  const at::Tensor gradient = at::softmax(scores, 1) / static_cast<double>(scores.size(0));
  return seconds_of([&] {
    network.backward(outputs, {gradient});
    outputs.clear();
  });
}

}  // namespace

std::vector<InFlightTrial> in_flight_trials(const std::vector<std::int64_t>& batch_sizes,
                                            int repeats) {
  std::vector<InFlightTrial> trials;
  for (const std::int64_t size : batch_sizes) {
    const std::int64_t most = std::min(kMostInFlight, batch_sizes.back() / size);
    // The smallest also with the fewest: what others keep differs most between them.
    for (std::int64_t count = size == batch_sizes.front() ? 2 : most; count <= most; count += 2)
      if (count > 1)
        trials.push_back({.batch_size = size, .num_in_flight = count, .repeats = repeats});
  }
  return trials;
}

BackwardBeside time_in_flight(StageNetwork& network, const std::vector<at::Tensor>& inputs,
                              const ForwardContext& context, const InFlightTrial& trial,
                              std::int64_t saved_bytes_per_sample) {
  std::vector<double> ratios;
  for (int repeat = 0; repeat <= trial.repeats; ++repeat) {
    double at_once_s = 0;
    for (std::int64_t i = 0; i < trial.num_in_flight; ++i) {
      Outputs outputs = network.forward(inputs, context);
      at_once_s += backward_s(network, outputs);
    }
    std::deque<Outputs> in_flight;
    for (std::int64_t i = 1; i < trial.num_in_flight; ++i)
      in_flight.push_back(network.forward(inputs, context));
    double later_s = 0;
    for (std::int64_t i = 0; i < trial.num_in_flight; ++i) {
      in_flight.push_back(network.forward(inputs, context));
      later_s += backward_s(network, in_flight.front());
      in_flight.pop_front();
    }
    for (Outputs& outputs : in_flight) static_cast<void>(backward_s(network, outputs));
    if (repeat > 0) ratios.push_back(later_s / at_once_s);
  }
  const std::int64_t others = trial.num_in_flight - 1;
  return {.bytes_beside = static_cast<double>(others * trial.batch_size * saved_bytes_per_sample),
          .ratio = summarize(std::move(ratios)).median_s};
}

}  // namespace cadastre
