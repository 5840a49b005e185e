#include "executor/instruction_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string_view>

#include "executor/timing.h"

namespace cadastre {

InstructionMeter::InstructionMeter()
    : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      page_bytes_(::sysconf(_SC_PAGESIZE)) {}

InstructionMeter::~InstructionMeter() {
  if (statm_ >= 0) ::close(statm_);
}

MeterReading InstructionMeter::read() const {
  MeterReading reading{.time_s = steady_clock_s()};
  timespec cpu{};
  constexpr double kSecondsPerNanosecond = 1e-9;
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0)
    reading.cpu_s =
        static_cast<double>(cpu.tv_sec) + kSecondsPerNanosecond * static_cast<double>(cpu.tv_nsec);
  // "size resident shared …" in pages: proc(5).
  std::array<char, 128> text{};
  const ssize_t length = statm_ < 0 ? -1 : ::pread(statm_, text.data(), text.size(), 0);
  if (length <= 0) return reading;
  std::string_view line(text.data(), static_cast<std::size_t>(length));
  line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
  std::int64_t pages = 0;
  std::from_chars(line.data(), line.data() + line.size(), pages);
  reading.resident_bytes = pages * page_bytes_;
  return reading;
}

}  // namespace cadastre
