#include "executor/probe/load_measurement.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include "executor/probe/timed_reductions.h"
#include "executor/thread_turns.h"
#include "executor/timing.h"

namespace cadastre {

namespace {

constexpr int kTag = 2;  // 0 is that of the ways, 1 that of reductions
constexpr int kRounds = 6;
constexpr double kAloneSeconds = 0.1;     // of passes in a round
constexpr double kMessagesSeconds = 0.2;  // of messages in a round, and of reductions
constexpr std::int64_t kSmallElements = 16;
constexpr std::int64_t kElements = 64 * 1024;  // of a message: 256 KB
constexpr std::int64_t kReducedElements = 1024 * 1024;
/// What else a machine does makes everything slower, never faster.
constexpr double kQuiet = 0.25;

std::int64_t times_within(double seconds, double each_s, double least, double most) {
  return static_cast<std::int64_t>(std::clamp(seconds / std::max(each_s, 1e-9), least, most));
}

/// What was computed beside something else, until that was over.
struct Beside {
  double seconds = 0;
  double num_passes = 0;  ///< of the last, the part until then
};

class LoadMeasurement {
 public:
  LoadMeasurement(Communicator& communicator, int rank, int num_ranks, Workload& workload)
      : communicator_(communicator),
        rank_(rank),
        next_((rank + 1) % num_ranks),
        previous_((rank + num_ranks - 1) % num_ranks),
        workload_(workload),
        reductions_(communicator, rank, num_ranks, kReducedElements),
        out_(at::ones({kElements})),
        in_(at::empty({kElements})),
        small_out_(at::ones({kSmallElements})),
        small_in_(at::empty({kSmallElements})) {}

  ProbedLoad measure() && {
    choose_sizes();
    std::vector<double> lost_s;  // of the time beside messages, to the passes
    std::vector<double> reduction_s;
    for (int round = 0; round < kRounds; ++round) {
      communicator_.barrier();
      const double alone_s = compute_alone();
      communicator_.barrier();
      const Beside messages = compute_beside([&] { exchange(num_messages_); });
      lost_s.push_back(messages.seconds - messages.num_passes * alone_s);
      communicator_.barrier();
      const Beside reducing = compute_beside([&] {
        for (std::int64_t i = 0; i < num_reductions_; ++i) reductions_.run();
      });
      reduction_s.push_back(reducing.seconds / static_cast<double>(num_reductions_));
    }
    communicator_.barrier();
    const double pass_s = quantile_of(std::move(pass_s_), kQuiet);
    return {.pass_s = pass_s,
            .message_s = quantile_of(std::move(hand_over_s_), kQuiet),
            .transport_s_per_byte = transport_s_per_byte(std::move(lost_s)),
            .reduction_bytes = kReducedElements * kBytesPerElement,
            .reduction_s = quantile_of(std::move(reduction_s), kQuiet)};
  }

 private:
  void choose_sizes() {
    exchange(2);
    const auto agreed_times = [&](double seconds, double each_s, double least, double most) {
      return agreed(communicator_, rank_, times_within(seconds, each_s, least, most));
    };
    constexpr std::int64_t kTrial = 4;
    const double message_s = seconds_of([&] { exchange(kTrial); }) / static_cast<double>(kTrial);
    num_messages_ = agreed_times(kMessagesSeconds, message_s, 4, 400);
    num_reductions_ = agreed_times(kMessagesSeconds, reductions_.time(2).back(), 1, 100);
    num_alone_ = agreed_times(kAloneSeconds, seconds_of([&] { workload_.run(); }), 3, 50);
  }

  /// Messages to the next rank, and as many from the one before, all from and into the same place:
  /// nobody reads them.
  void exchange(std::int64_t num_messages) {
    std::vector<int> numbers;
    for (std::int64_t i = 0; i < num_messages; ++i)
      numbers.push_back(communicator_.post_receive(in_, previous_, kTag));
    for (std::int64_t i = 0; i < num_messages; ++i)
      numbers.push_back(communicator_.post_send(out_, next_, kTag));
    for (const int number : numbers) communicator_.wait(number);
  }

  /// After each pass, a message is handed over that takes nothing on its way. Returns the mean
  /// seconds of the passes.
  double compute_alone() {
    double sum_s = 0;
    std::vector<int> numbers;
    for (std::int64_t i = 0; i < num_alone_; ++i)
      numbers.push_back(communicator_.post_receive(small_in_, previous_, kTag));
    for (std::int64_t i = 0; i < num_alone_; ++i) {
      pass_s_.push_back(seconds_of([&] { workload_.run(); }));
      sum_s += pass_s_.back();
      hand_over_s_.push_back(
          seconds_of([&] { numbers.push_back(communicator_.post_send(small_out_, next_, kTag)); }));
    }
    for (const int number : numbers) communicator_.wait(number);
    return sum_s / static_cast<double>(num_alone_);
  }

  [[nodiscard]] Beside compute_beside(const std::function<void()>& work) {
    const Stopwatch stopwatch;
    Beside beside;
    std::atomic<bool> is_over = false;
    std::exception_ptr failure;
    std::thread worker([&] {
      come_first_here();
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      beside.seconds = stopwatch.seconds();
      is_over = true;
    });
    double begin_s = 0;
    double end_s = 0;
    do {
      begin_s = stopwatch.seconds();
      workload_.run();
      end_s = stopwatch.seconds();
      beside.num_passes += 1;
    } while (!is_over);
    worker.join();
    if (failure) std::rethrow_exception(failure);
    // It can have been over before this pass was begun.
    const double over_s = std::clamp(beside.seconds, begin_s, end_s);
    beside.num_passes -= (end_s - over_s) / (end_s - begin_s);
    return beside;
  }

  /// Of a host, for each byte. 0 where it is no more than what passes vary by: on a slow network,
  /// which has few bytes in the time.
  [[nodiscard]] double transport_s_per_byte(std::vector<double> lost_s) const {
    const double num_rounds = static_cast<double>(lost_s.size());
    const TimingSummary lost = summarize(std::move(lost_s));
    if (lost.median_s < 3 * lost.spread_s / std::sqrt(num_rounds)) return 0;
    return lost.median_s / static_cast<double>(2 * num_messages_ * kElements * kBytesPerElement);
  }

  Communicator& communicator_;
  int rank_;
  int next_;
  int previous_;
  Workload& workload_;
  TimedReductions reductions_;
  at::Tensor out_;
  at::Tensor in_;
  at::Tensor small_out_;
  at::Tensor small_in_;
  std::int64_t num_messages_ = 0;
  std::int64_t num_reductions_ = 0;
  std::int64_t num_alone_ = 0;
  std::vector<double> pass_s_;
  std::vector<double> hand_over_s_;
};

}  // namespace

ProbedLoad measure_load(Communicator& communicator, int rank, int num_ranks, Workload& workload) {
  return LoadMeasurement(communicator, rank, num_ranks, workload).measure();
}

}  // namespace cadastre
