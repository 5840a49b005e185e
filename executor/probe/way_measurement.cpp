#include "executor/probe/way_measurement.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <thread>

#include "planner/model_graph.h"

namespace cadastre {

namespace {

// Nothing smaller says more of the latency.
constexpr std::int64_t kSmallElements = 16;
// A first idea of the bandwidth: long enough that the start of a connection does not hide it, short
// enough for a slow network.
constexpr std::int64_t kTrialElements = 16 * 1024;
constexpr std::int64_t kMostElements = 1024 * 1024;
constexpr double kMessageSeconds = 0.08;  // of a large one, where it need not be smaller
constexpr double kSmallSeconds = 0.1;     // of all small ones together
constexpr double kLargeSeconds = 0.6;     // likewise
constexpr int kLeastLarge = 8;            // of which quartiles say something
constexpr double kPauseSeconds = 0.02;    // in which a shaper's bucket fills
constexpr double kPausedSeconds = 0.4;    // of all messages after one, where the network lets them
constexpr double kUndelayed = 0.25;       // quantile of the small ones

/// What the measuring rank says to the other before a series of messages.
struct Series {
  std::int64_t num_elements = 0;
  std::int64_t num_messages = 0;  ///< 0: there is no more
};

at::Tensor tensor_of(const Series& series) {
  at::Tensor written = at::empty({2}, at::kLong);
  written.data_ptr<std::int64_t>()[0] = series.num_elements;
  written.data_ptr<std::int64_t>()[1] = series.num_messages;
  return written;
}

int rounds_within(double seconds, double each_s, int least, int most) {
  const double fit = seconds / std::max(each_s, 1e-9);
  return static_cast<int>(std::clamp(fit, static_cast<double>(least), static_cast<double>(most)));
}

/// Seconds of messages to `peer`, each until the answer, which is small, has come. The first is
/// left out. After each answer, nothing is sent for `pause_s`.
std::vector<double> time_series(Communicator& communicator, int peer, const Series& series,
                                double pause_s) {
  communicator.send(tensor_of(series), peer, 0);
  const at::Tensor out = at::ones({series.num_elements});
  const at::Tensor answer = at::empty({kSmallElements});
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < series.num_messages; ++i) {
    const int receive = communicator.post_receive(answer, peer, 0);
    const Stopwatch stopwatch;
    communicator.send(out, peer, 0);
    communicator.wait(receive);
    if (i > 0) seconds.push_back(stopwatch.seconds());
    communicator.finish_sends();
    if (pause_s > 0) std::this_thread::sleep_for(std::chrono::duration<double>(pause_s));
  }
  return seconds;
}

}  // namespace

double burst_bytes(double message_bytes, double message_s, double small_s,
                   double bandwidth_bytes_per_s) {
  const double sooner_s = message_bytes / bandwidth_bytes_per_s - (message_s - small_s);
  if (sooner_s < small_s / 2) return 0;
  return std::min(message_bytes, sooner_s * bandwidth_bytes_per_s);
}

ProbedWay measure_way(Communicator& communicator, int rank, int peer) {
  const auto timed = [&](std::int64_t num_elements, int num_messages, double pause_s = 0) {
    return time_series(communicator, peer,
                       {.num_elements = num_elements, .num_messages = num_messages + 1}, pause_s);
  };
  const double first_s = summarize(timed(kSmallElements, 4)).median_s;
  // Hosts that share a processor wait for it, too, in many of them.
  const double small_s = quantile_of(
      timed(kSmallElements, rounds_within(kSmallSeconds, first_s, 10, 200)), kUndelayed);
  const double trial_s = std::max(summarize(timed(kTrialElements, 2)).median_s - small_s, 1e-7);
  const auto num_elements = static_cast<std::int64_t>(
      std::clamp(kMessageSeconds / trial_s * static_cast<double>(kTrialElements),
                 static_cast<double>(kTrialElements), static_cast<double>(kMostElements)));
  const double expected_s =
      trial_s * static_cast<double>(num_elements) / static_cast<double>(kTrialElements);
  const TimingSummary large =
      summarize(timed(num_elements, rounds_within(kLargeSeconds, expected_s, kLeastLarge, 30)));
  const double bandwidth_bytes_per_s =
      static_cast<double>((num_elements - kSmallElements) * kBytesPerElement) /
      std::max(large.median_s - small_s, 1e-9);
  const int num_paused = rounds_within(kPausedSeconds, kPauseSeconds + trial_s, 4, 12);
  const double paused_s = summarize(timed(kTrialElements, num_paused, kPauseSeconds)).median_s;
  communicator.send(tensor_of({}), peer, 0);
  communicator.flush();
  return {.from = rank,
          .to = peer,
          .latency_s = small_s / 2,
          .bandwidth_bytes_per_s = bandwidth_bytes_per_s,
          .burst_bytes =
              burst_bytes(static_cast<double>((kTrialElements - kSmallElements) * kBytesPerElement),
                          paused_s, small_s, bandwidth_bytes_per_s),
          .spread = large.spread_s / large.median_s};
}

void answer_measurement(Communicator& communicator, int peer) {
  const at::Tensor answer = at::ones({kSmallElements});
  while (true) {
    const at::Tensor series = at::empty({2}, at::kLong);
    communicator.wait(communicator.post_receive(series, peer, 0));
    const std::int64_t num_elements = series.data_ptr<std::int64_t>()[0];
    const std::int64_t num_messages = series.data_ptr<std::int64_t>()[1];
    if (num_messages == 0) break;
    // The next receive is posted before the answer is sent, as in a run: no message waits for it.
    const std::array<at::Tensor, 2> in = {at::empty({num_elements}), at::empty({num_elements})};
    int receive = communicator.post_receive(in[0], peer, 0);
    for (std::int64_t i = 0; i < num_messages; ++i) {
      communicator.wait(receive);
      if (i + 1 < num_messages)
        receive = communicator.post_receive(in[static_cast<std::size_t>((i + 1) % 2)], peer, 0);
      communicator.send(answer, peer, 0);
      communicator.finish_sends();
    }
  }
  communicator.flush();
}

}  // namespace cadastre
