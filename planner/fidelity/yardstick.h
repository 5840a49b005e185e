#pragma once

#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace cadastre {

/// One measurement by a yardstick.
struct YardstickSample {
  double at_s = 0;    ///< when it began
  double took_s = 0;  ///< the same work each time
};

/// Seconds of the work, as the quantile over time of the means of windows of a tenth of a second.
/// Nothing where no window has samples.
[[nodiscard]] std::optional<double> yardstick_s(const std::vector<YardstickSample>& samples,
                                                double quantile);

/// The mean of those processors; nothing where one of them was not measured.
[[nodiscard]] std::optional<double> mean_of(const std::map<int, double>& seconds,
                                            const std::vector<int>& processors);

/// How fast processors are from moment to moment, while other programs run there: on each, a
/// hundred times a second and before whatever else is there, the same few ten microseconds of
/// arithmetic are timed (products from the first-level cache added up, which is what a network's
/// layers do most). What a machine's other tenants take of a processor slows this as it slows
/// training, while what hosts take of each other's caches and memory does not. It takes half a per
/// cent of a processor.
class Yardstick {
 public:
  explicit Yardstick(const std::vector<int>& processors);
  ~Yardstick();
  Yardstick(const Yardstick&) = delete;
  Yardstick& operator=(const Yardstick&) = delete;

  /// Forgets what was measured so far.
  void begin();

  /// `yardstick_s` by processor, of what was measured since, in the last `last_s` seconds of it.
  /// Without processors where nothing was.
  [[nodiscard]] std::map<int, double> seconds(
      double quantile, double last_s = std::numeric_limits<double>::infinity()) const;

 private:
  struct OfProcessor {
    mutable std::mutex mutex;
    std::vector<YardstickSample> samples;
    std::thread thread;
  };

  void measure(int processor, OfProcessor& of_processor) const;

  std::atomic<bool> is_over_ = false;
  std::map<int, OfProcessor> processors_;
};

}  // namespace cadastre
