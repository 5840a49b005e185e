#include "planner/fidelity/yardstick.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iterator>

#include "planner/quantile.h"

namespace cadastre {

namespace {

constexpr std::size_t kNumValues = 4096;  // 16 KiB
constexpr std::size_t kNumSums = 64;      // eight registers of eight: none waits for another

using Values = std::array<float, kNumValues>;

/// Inlined into functions for different processors.
[[gnu::always_inline]] inline float add_products(const Values& values, int times) {
  std::array<float, kNumSums> sums = {};
  for (int i = 0; i < times; ++i)
    for (std::size_t begin = 0; begin < kNumValues; begin += kNumSums)
      for (std::size_t k = 0; k < kNumSums; ++k) sums[k] += values[begin + k] * values[begin + k];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

#if defined(__x86_64__)
/// With the registers that LibTorch's kernels use, which other tenants may keep busy.
[[gnu::target("avx2,fma")]] float add_products_avx2(const Values& values, int times) {
  return add_products(values, times);
}
#endif

float work(const Values& values, int times) {
#if defined(__x86_64__)
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (has_avx2) return add_products_avx2(values, times);
#endif
  return add_products(values, times);
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of the calling thread: alone on its processor, and before all else, as far as it may be.
void take_precedence(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  static_cast<void>(::pthread_setaffinity_np(::pthread_self(), sizeof set, &set));
  constexpr int kPriority = 10;  // before what keeps hosts to parts of processors
  const sched_param first = {.sched_priority = kPriority};
  constexpr int kMostFavoured = -20;
  if (::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &first) != 0)
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kMostFavoured));
}

}  // namespace

std::optional<double> yardstick_s(const std::vector<YardstickSample>& samples, double quantile_of) {
  constexpr double kWindow_s = 0.1;
  std::vector<double> means;
  for (std::size_t begin = 0, end = 0; begin < samples.size(); begin = end) {
    double sum_s = 0;
    for (; end < samples.size() && samples[end].at_s < samples[begin].at_s + kWindow_s; ++end)
      sum_s += samples[end].took_s;
    means.push_back(sum_s / static_cast<double>(end - begin));
  }
  if (means.empty()) return std::nullopt;
  std::sort(means.begin(), means.end());
  return quantile(means, quantile_of);
}

std::optional<double> mean_of(const std::map<int, double>& seconds,
                              const std::vector<int>& processors) {
  if (processors.empty()) return std::nullopt;
  double sum_s = 0;
  for (const int processor : processors) {
    const auto found = seconds.find(processor);
    if (found == seconds.end()) return std::nullopt;
    sum_s += found->second;
  }
  return sum_s / static_cast<double>(processors.size());
}

Yardstick::Yardstick(const std::vector<int>& processors) {
  for (const int processor : processors) processors_[processor];
  // Signals are for the thread that waits for the measured programs.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  for (auto& [processor, of_processor] : processors_)
    of_processor.thread = std::thread(
        [this, number = processor, &measured = of_processor] { measure(number, measured); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Yardstick::~Yardstick() {
  is_over_ = true;
  for (auto& entry : processors_) entry.second.thread.join();
}

void Yardstick::measure(int processor, OfProcessor& of_processor) const {
  constexpr auto kPeriod = std::chrono::milliseconds(10);
  constexpr int kTimes = 300;
  constexpr int kTimesBefore = 40;  // until the values are in the cache
  take_precedence(processor);
  Values values;
  for (std::size_t i = 0; i < kNumValues; ++i) values[i] = 1e-3F * static_cast<float>(i);
  volatile float result = 0;
  auto next = std::chrono::steady_clock::now();
  while (!is_over_) {
    result = work(values, kTimesBefore);
    const double begin_s = now_s();
    result = work(values, kTimes);
    const double took_s = now_s() - begin_s;
    {
      const std::lock_guard<std::mutex> lock(of_processor.mutex);
      of_processor.samples.push_back({.at_s = begin_s, .took_s = took_s});
    }
    next = std::max(next + kPeriod, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next);
  }
  static_cast<void>(result);
}

void Yardstick::begin() {
  for (auto& entry : processors_) {
    const std::lock_guard<std::mutex> lock(entry.second.mutex);
    entry.second.samples.clear();
  }
}

std::map<int, double> Yardstick::seconds(double quantile_of, double last_s) const {
  std::map<int, double> found;
  const double from_s = now_s() - last_s;
  for (const auto& [processor, of_processor] : processors_) {
    std::vector<YardstickSample> samples;
    {
      const std::lock_guard<std::mutex> lock(of_processor.mutex);
      std::copy_if(of_processor.samples.begin(), of_processor.samples.end(),
                   std::back_inserter(samples),
                   [&](const YardstickSample& sample) { return sample.at_s >= from_s; });
    }
    if (const std::optional<double> took_s = yardstick_s(samples, quantile_of))
      found.emplace(processor, *took_s);
  }
  return found;
}

}  // namespace cadastre
