#include "executor/host_counts.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

#include "executor/launch/host_facts.h"

namespace cadastre {

HostCounts host_counts() {
  std::ostringstream text;
  if (std::ifstream stream("/proc/self/net/dev"); stream) text << stream.rdbuf();
  HostCounts counts = interface_counts(text.str());
  timespec cpu{};
  constexpr double kSecondsPerNanosecond = 1e-9;
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
    counts.cpu_s =
        static_cast<double>(cpu.tv_sec) + kSecondsPerNanosecond * static_cast<double>(cpu.tv_nsec);
  return counts;
}

HostCounts difference(const HostCounts& later, const HostCounts& earlier) {
  return {.cpu_s = later.cpu_s - earlier.cpu_s,
          .sent_bytes = later.sent_bytes - earlier.sent_bytes,
          .received_bytes = later.received_bytes - earlier.received_bytes};
}

HostCounts interface_counts(const std::string& text) {
  // "name: bytes packets errs drop fifo frame compressed multicast | bytes packets …", received
  // before sent.
  constexpr std::size_t kReceived = 0;
  constexpr std::size_t kSent = 8;
  HostCounts counts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name;
    std::istringstream(line.substr(0, colon)) >> name;
    if (name == "lo") continue;
    std::istringstream numbers(line.substr(colon + 1));
    std::vector<std::int64_t> fields;
    for (std::int64_t field = 0; numbers >> field;) fields.push_back(field);
    if (fields.size() <= kSent) continue;
    counts.received_bytes += fields[kReceived];
    counts.sent_bytes += fields[kSent];
  }
  return counts;
}

double usable_processors(const HostFacts& facts) {
  const double cores = facts.cores;
  return facts.quota_cores > 0 ? std::min(cores, facts.quota_cores) : cores;
}

}  // namespace cadastre
