#include "executor/launch/rank_assignment.h"

#include <algorithm>
#include <numeric>

#include "executor/launch/hosts_file.h"

namespace cadastre {

namespace {

bool is_on(const HostFacts& facts, const PlannedHost& host) {
  const auto is_own = [&](const std::string& text) {
    return text == facts.name || text == short_name(facts.name) ||
           std::find(facts.addresses.begin(), facts.addresses.end(), text) != facts.addresses.end();
  };
  return is_own(host.name) || (!host.address.empty() && is_own(host.address));
}

}  // namespace

std::vector<int> assign_ranks(const std::vector<RankHello>& hellos,
                              const std::vector<PlannedHost>& hosts) {
  std::vector<int> by_number(hellos.size());
  std::iota(by_number.begin(), by_number.end(), 0);
  std::vector<int> by_place;
  std::vector<bool> taken(hosts.size(), false);
  for (const RankHello& hello : hellos) {
    int rank = -1;
    for (std::size_t h = 0; h < hosts.size(); ++h) {
      if (!is_on(hello.host, hosts[h])) continue;
      if (rank >= 0 || taken[h]) return by_number;
      rank = static_cast<int>(h);
    }
    if (rank < 0) return by_number;
    taken[static_cast<std::size_t>(rank)] = true;
    by_place.push_back(rank);
  }
  return by_place;
}

bool on_several_machines(const std::vector<RankHello>& hellos) {
  return std::any_of(hellos.begin(), hellos.end(), [&](const RankHello& hello) {
    return hello.host.name != hellos.front().host.name ||
           hello.host.machine_id != hellos.front().host.machine_id ||
           hello.host.addresses != hellos.front().host.addresses;
  });
}

}  // namespace cadastre
