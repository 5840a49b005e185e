#pragma once

#include <cstdint>
#include <string>

namespace cadastre {

struct HostFacts;

/// What the kernel has counted so far, of this process and of the host's network.
struct HostCounts {
  double cpu_s = 0;                 ///< of all threads of this process
  std::int64_t sent_bytes = 0;      ///< by all interfaces but the loopback, whoever sent them
  std::int64_t received_bytes = 0;  ///< likewise
  bool operator==(const HostCounts&) const = default;
};

/// Now; 0 for what the kernel does not tell.
[[nodiscard]] HostCounts host_counts();

/// `later` - `earlier`.
[[nodiscard]] HostCounts difference(const HostCounts& later, const HostCounts& earlier);

/// The bytes in the text of /proc/net/dev (proc(5)), added up; lines that are none are left out.
[[nodiscard]] HostCounts interface_counts(const std::string& text);

/// The processors that a process may use, part of one where a control group grants no more.
[[nodiscard]] double usable_processors(const HostFacts& facts);

}  // namespace cadastre
