#include "planner/all_reduce_cost.h"

#include <algorithm>
#include <utility>

namespace cadastre {

AllReduceCost::AllReduceCost(const NetworkCosts& network, const DividedAllReduce& all_reduce,
                             const std::vector<int>& hosts) {
  if (all_reduce.algorithm == AllReduceAlgorithm::kRing) {
    add_ring(network, hosts);
    return;
  }
  const Collective collective(collective_shape(all_reduce, hosts));
  std::vector<int> host_of_place = hosts;
  if (collective.num_places() > static_cast<int>(hosts.size()))
    host_of_place.push_back(all_reduce.root_host);
  for (int round = 0; round < collective.num_rounds(); round += collective.num_alike(round)) {
    std::vector<CollectiveMessage> messages;
    for (int place = 0; place < collective.num_places(); ++place)
      for (const CollectiveMessage& message : collective.sends(place, round))
        messages.push_back(message);
    add_round(network, host_of_place, messages, collective.num_alike(round));
  }
}

/// 2(n-1) rounds, each as long as its slowest message of an n-th (`ring_seconds`).
void AllReduceCost::add_ring(const NetworkCosts& network, const std::vector<int>& hosts) {
  const std::size_t n = hosts.size();
  if (n < 2) return;
  std::vector<Line> lines;
  for (std::size_t i = 0; i < n; ++i) {
    const Way& way = network.routes.way(hosts[i], hosts[(i + 1) % n]);
    const Line line{.latency_s = way.latency_s,
                    .byte_s = (1 / way.bandwidth_bytes_per_s + network.reduction_s_per_byte) /
                              static_cast<double>(n)};
    // Hosts that are alike, as most are.
    if (lines.empty() || !(lines.back() == line)) lines.push_back(line);
  }
  add_rounds(std::move(lines), 2 * static_cast<int>(n - 1));
}

void AllReduceCost::add_round(const NetworkCosts& network, const std::vector<int>& host_of_place,
                              const std::vector<CollectiveMessage>& messages, int count) {
  const Routes& routes = network.routes;
  const auto host = [&](int place) { return host_of_place[static_cast<std::size_t>(place)]; };
  std::vector<double> crossing(routes.num_half_links(), 0);  // parts of the buffer
  std::vector<double> received(host_of_place.size(), 0);
  for (const CollectiveMessage& message : messages) {
    received[static_cast<std::size_t>(message.to)] += message.part();
    if (routes.way(host(message.from), host(message.to)).shared)
      routes.visit_half_links(host(message.from), host(message.to),
                              [&](std::size_t link) { crossing[link] += message.part(); });
  }
  std::vector<Line> lines;
  for (const CollectiveMessage& message : messages) {
    const Way& way = routes.way(host(message.from), host(message.to));
    double wire_s = message.part() / way.bandwidth_bytes_per_s;
    // A message without bytes waits for none.
    if (way.shared && message.part() > 0)
      routes.visit_half_links(host(message.from), host(message.to), [&](std::size_t link) {
        wire_s = std::max(wire_s, crossing[link] * routes.byte_s()[link]);
      });
    lines.push_back({.latency_s = way.latency_s,
                     .byte_s = wire_s + network.reduction_s_per_byte *
                                            received[static_cast<std::size_t>(message.to)]});
  }
  add_rounds(std::move(lines), count);
}

void AllReduceCost::add_rounds(std::vector<Line> lines, int count) {
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return std::pair(-a.latency_s, -a.byte_s) < std::pair(-b.latency_s, -b.byte_s);
  });
  Rounds rounds{.count = count, .lines = {}};
  for (const Line& line : lines)
    if (rounds.lines.empty() || line.byte_s > rounds.lines.back().byte_s)
      rounds.lines.push_back(line);
  if (!rounds_.empty() && rounds_.back().lines == rounds.lines)
    rounds_.back().count += count;
  else
    rounds_.push_back(std::move(rounds));
}

double AllReduceCost::seconds(std::int64_t bytes) const {
  double sum_s = 0;
  for (const Rounds& rounds : rounds_) {
    double slowest_s = 0;
    for (const Line& line : rounds.lines)
      slowest_s = std::max(slowest_s, line.latency_s + static_cast<double>(bytes) * line.byte_s);
    sum_s += rounds.count * slowest_s;
  }
  return sum_s;
}

}  // namespace cadastre
