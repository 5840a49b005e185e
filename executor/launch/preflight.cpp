#include "executor/launch/preflight.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "planner/error.h"
#include "planner/table.h"

namespace cadastre {

namespace {

using Machine = std::tuple<std::string, std::string>;

Machine machine_of(const RankHello& hello) { return {hello.host.machine_id, hello.host.name}; }

std::string rank_text(const RankHello& hello) {
  return "rank " + std::to_string(hello.number) + " (host " + hello.host.name + ")";
}

std::string gigabytes(std::int64_t bytes) {
  return fixed(static_cast<double>(bytes) / 1e9, 3) + " GB";
}

}  // namespace

void check_hellos(const std::vector<RankHello>& hellos, const std::string& request) {
  for (const RankHello& hello : hellos) {
    if (hello.version != hellos.front().version)
      throw InputError("", "",
                       "expected cadastre " + hellos.front().version + ", as " +
                           rank_text(hellos.front()) + " is, found " + hello.version + " on " +
                           rank_text(hello));
    if (hello.num_ranks != hellos.front().num_ranks)
      throw InputError("", "",
                       "expected one start of " + std::to_string(hellos.front().num_ranks) +
                           " ranks, found that " + rank_text(hello) + " is of one of " +
                           std::to_string(hello.num_ranks));
    if (!hello.request.empty() && hello.request != request)
      throw InputError("", "",
                       "expected the same plan and training settings on all ranks, found others "
                       "on " +
                           rank_text(hello));
  }
}

void check_memory(const std::vector<RankHello>& hellos, const std::vector<RankNeed>& needs) {
  std::map<Machine, std::int64_t> taken;
  for (std::size_t rank = 0; rank < hellos.size(); ++rank) {
    std::int64_t& bytes = taken[machine_of(hellos[rank])];
    const std::int64_t available = hellos[rank].host.available_memory_bytes;
    const std::int64_t left = std::max<std::int64_t>(0, available - bytes);
    bytes += needs[rank].peak_memory_bytes;
    // Where it is not known how much there is, nothing is refused.
    if (available > 0 && needs[rank].peak_memory_bytes > left)
      throw InputError("", "",
                       needs[rank].name + ": expected " + gigabytes(needs[rank].peak_memory_bytes) +
                           " of free memory for its part, found " + gigabytes(left) + " on " +
                           hellos[rank].host.name);
  }
}

std::vector<int> rank_threads(const std::vector<RankHello>& hellos,
                              const std::vector<int>& planned_cores) {
  std::map<Machine, int> num_ranks;
  for (const RankHello& hello : hellos) ++num_ranks[machine_of(hello)];
  std::vector<int> threads;
  for (std::size_t rank = 0; rank < hellos.size(); ++rank) {
    const HostFacts& host = hellos[rank].host;
    // A launcher that binds each rank to cores of its own leaves it fewer than the machine has.
    const bool shares = host.cores >= host.machine_cores;
    const int cores = shares ? host.cores / num_ranks[machine_of(hellos[rank])] : host.cores;
    threads.push_back(std::clamp(planned_cores[rank], 1, std::max(1, cores)));
  }
  return threads;
}

}  // namespace cadastre
