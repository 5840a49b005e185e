#include "planner/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace cadastre {

namespace {

constexpr int kBarWidth = 30;

std::string duration_text(double seconds) {
  char text[32];
  if (seconds < 60)
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  else
    std::snprintf(text, sizeof text, "%.0f min %02.0f s", std::floor(seconds / 60),
                  std::fmod(seconds, 60));
  return text;
}

}  // namespace

Progress::Progress(std::string label, std::int64_t total, Mode mode)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(1, total)),
      quiet_(mode == Mode::kQuiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_shown_(start_) {}

Progress::~Progress() {
  if (!shown_) return;
  if (terminal_) {
    show(detail_);
    std::fputc('\n', stderr);
  } else if (done_ == total_) {
    show(detail_);
  }
}

void Progress::update(std::int64_t done, const std::string& detail) {
  done_ = std::min(done, total_);
  detail_ = detail;
  if (quiet_) return;
  const std::chrono::duration<double> since = Clock::now() - last_shown_;
  if (since.count() < (!shown_ ? 1.0 : terminal_ ? 0.1 : 5.0)) return;
  show(detail);
}

void Progress::show(const std::string& detail) {
  shown_ = true;
  last_shown_ = Clock::now();
  const double elapsed_s = std::chrono::duration<double>(last_shown_ - start_).count();
  const double fraction = static_cast<double>(done_) / static_cast<double>(total_);
  std::string time = duration_text(elapsed_s);
  if (done_ > 0 && done_ < total_)
    time += ", " + duration_text(elapsed_s * (1 - fraction) / fraction) + " left";
  const std::string tail = detail.empty() ? "" : "  " + detail;
  if (terminal_) {
    const int filled = static_cast<int>(fraction * kBarWidth);
    const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                            std::string(static_cast<std::size_t>(kBarWidth - filled), '.');
    std::fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %s%s", label_.c_str(), bar.c_str(),
                 100 * fraction, time.c_str(), tail.c_str());
  } else {
    std::fprintf(stderr, "%s: %3.0f %%, %s%s\n", label_.c_str(), 100 * fraction, time.c_str(),
                 tail.c_str());
  }
  std::fflush(stderr);
}

}  // namespace cadastre
