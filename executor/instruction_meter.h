#pragma once

#include <cstdint>

namespace cadastre {

/// What a thread and its process have come to at some moment.
struct MeterReading {
  double time_s = 0;                ///< on the steady clock
  double cpu_s = 0;                 ///< of the thread that reads
  std::int64_t resident_bytes = 0;  ///< of the process; 0 where that cannot be read
};

/// Reads in about a microsecond.
class InstructionMeter {
 public:
  InstructionMeter();
  ~InstructionMeter();
  InstructionMeter(const InstructionMeter&) = delete;
  InstructionMeter& operator=(const InstructionMeter&) = delete;

  [[nodiscard]] MeterReading read() const;

 private:
  int statm_ = -1;  ///< file descriptor
  std::int64_t page_bytes_ = 0;
};

}  // namespace cadastre
