#pragma once

#include <cstdint>

#include "planner/json_reader.h"

namespace cadastre {

// Quantities that people write by hand: a number in the base unit, or text with a unit. Bits (b)
// and bytes (B), decimal (k M G T: powers of 1000) and binary (Ki Mi Gi Ti: powers of 1024)
// prefixes are kept apart. All throw InputError.

/// Bytes per second from 1 to 10^15: a number, or text such as "1Gbps", "125MBps", "100 MiBps".
[[nodiscard]] double bandwidth_bytes_per_s(const JsonPlace& place);

/// Bytes, > 0 and whole: a number, or text such as "16GiB", "500MB".
[[nodiscard]] std::int64_t size_bytes(const JsonPlace& place);

/// Seconds from 0 to 3600: a number, or text such as "50us", "0.1 ms".
[[nodiscard]] double duration_s(const JsonPlace& place);

/// Seconds from 0 to 10^10, of what may take days or years: a number, or text such as "90s",
/// "2.5h", "30d" (us, ms, s, min, h, d).
[[nodiscard]] double span_s(const JsonPlace& place);

}  // namespace cadastre
