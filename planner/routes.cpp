#include "planner/routes.h"

#include <algorithm>
#include <string_view>

namespace cadastre {

namespace {

/// Above this the table of all ways would outgrow a processor's cache, and then the memory.
constexpr std::size_t kMostTabledHosts = 256;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Routes::Routes(const Cluster& cluster, Table table)
    : num_hosts_(cluster.hosts.size()),
      places_(cluster),
      paths_(link_paths(cluster, places_)),
      half_links_(std::move(paths_.links)) {
  add_direct_links(cluster);
  const NetworkModel& model = cluster.network.model;
  // The window is of bytes on the wire, of which messages are a part.
  if (model.tcp_window_bytes) window_bytes_ = *model.tcp_window_bytes * model.bandwidth_factor;
  for (HalfLink& link : half_links_) {
    nominal_latency_s_.push_back(link.latency_s);
    link.bandwidth_bytes_per_s *= model.bandwidth_factor;
    link.latency_s *= model.latency_factor;
  }
  add_memory_buses(cluster);
  for (const HalfLink& link : half_links_) byte_s_.push_back(1 / link.bandwidth_bytes_per_s);
  find_only_links();
  if (table == Table::kAuto && num_hosts_ <= kMostTabledHosts) look_all_up();
}

void Routes::add_direct_links(const Cluster& cluster) {
  if (cluster.network.direct_links.empty()) return;
  std::unordered_map<std::string_view, int> index;
  for (std::size_t h = 0; h < num_hosts_; ++h)
    index.emplace(cluster.hosts[h].name, static_cast<int>(h));
  LinkPaths added;
  const auto first = static_cast<int>(half_links_.size());
  for (const DirectLink& direct : cluster.network.direct_links) {
    const int from = index.at(direct.from);
    const int to = index.at(direct.to);
    std::string name = direct.from + "-";
    name += direct.to;
    const auto [up, down] = added.add({.name = name,
                                       .bandwidth_bytes_per_s = direct.bandwidth_bytes_per_s,
                                       .latency_s = direct.latency_s});
    direct_.emplace(pair_index(from, to), first + up);
    direct_.emplace(pair_index(to, from), first + down);
  }
  half_links_.insert(half_links_.end(), added.links.begin(), added.links.end());
}

void Routes::add_memory_buses(const Cluster& cluster) {
  const std::vector<int> machines = host_machines(cluster);
  std::vector<int> num_hosts(places_.names.size(), 0);
  for (const int place : places_.of_host) ++num_hosts[static_cast<std::size_t>(place)];
  bus_.assign(places_.names.size(), -1);
  for (std::size_t p = 0; p < places_.names.size(); ++p) {
    if (num_hosts[p] == 1) continue;
    const auto machine =
        static_cast<std::size_t>(machines[static_cast<std::size_t>(places_.first_host[p])]);
    bus_[p] = static_cast<int>(half_links_.size());
    half_links_.push_back(
        {.name = places_.names[p] + " memory",
         .bandwidth_bytes_per_s = cluster.machines[machine].memory_bandwidth_bytes_per_s});
    nominal_latency_s_.push_back(0);
  }
}

void Routes::find_only_links() {
  const auto seconds = [&](std::size_t place, const std::vector<int>& only) {
    // What goes to another host of the machine crosses its bus alone.
    if (bus_[place] >= 0 || only[place] < 0) return 0.0;
    const auto link = static_cast<std::size_t>(only[place]);
    return half_links_[link].fat_pipe ? 0 : byte_s_[link];
  };
  for (const int of_host : places_.of_host) {
    const auto place = static_cast<std::size_t>(of_host);
    out_byte_s_.push_back(seconds(place, paths_.only_exit));
    in_byte_s_.push_back(seconds(place, paths_.only_entry));
  }
}

void Routes::look_all_up() {
  std::vector<Way> ways(num_hosts_ * num_hosts_);
  first_hop_.reserve(ways.size() + 1);
  std::vector<std::size_t> first_hop = {0};
  for (int from = 0; from < static_cast<int>(num_hosts_); ++from)
    for (int to = 0; to < static_cast<int>(num_hosts_); ++to) {
      if (from != to) {
        ways[pair_index(from, to)] = find_way(from, to);
        const std::vector<int> hops = queues(from, to);
        hops_.insert(hops_.end(), hops.begin(), hops.end());
      }
      first_hop.push_back(hops_.size());
    }
  ways_ = std::move(ways);
  first_hop_ = std::move(first_hop);
}

std::vector<int> Routes::path(int from, int to) const {
  if (!direct_.empty()) {
    const auto direct = direct_.find(pair_index(from, to));
    if (direct != direct_.end()) return {direct->second};
  }
  const int from_place = places_.of_host[static_cast<std::size_t>(from)];
  const int to_place = places_.of_host[static_cast<std::size_t>(to)];
  if (from_place == to_place) return {bus_[static_cast<std::size_t>(from_place)]};
  std::vector<int> path;
  constexpr std::size_t kUsual = 8;
  path.reserve(kUsual);
  paths_.append(from_place, to_place, path);
  return path;
}

double Routes::window_bytes_per_s(const std::vector<int>& path) const {
  if (!window_bytes_) return kInfinity;
  double latency_s = 0;
  for (const int link : path) latency_s += nominal_latency_s_[static_cast<std::size_t>(link)];
  return latency_s > 0 ? *window_bytes_ / (2 * latency_s) : kInfinity;
}

Way Routes::find_way(int from, int to) const {
  if (from == to) return {};
  const std::vector<int> path = this->path(from, to);
  Way way{.bandwidth_bytes_per_s = window_bytes_per_s(path)};
  for (const int half_link : path) {
    const HalfLink& link = half_links_[static_cast<std::size_t>(half_link)];
    way.bandwidth_bytes_per_s = std::min(way.bandwidth_bytes_per_s, link.bandwidth_bytes_per_s);
    way.latency_s += link.latency_s;
    if (!link.fat_pipe)
      way.queue_bandwidth_bytes_per_s =
          std::min(way.queue_bandwidth_bytes_per_s, link.bandwidth_bytes_per_s);
  }
  if (is_direct(from, to)) way.queue_bandwidth_bytes_per_s = kInfinity;
  way.shared = way.queue_bandwidth_bytes_per_s < kInfinity;
  return way;
}

std::vector<int> Routes::queues(int from, int to) const {
  if (is_direct(from, to)) return {};
  std::vector<int> path = this->path(from, to);
  path.erase(std::remove_if(
                 path.begin(), path.end(),
                 [&](int link) { return half_links_[static_cast<std::size_t>(link)].fat_pipe; }),
             path.end());
  return path;
}

}  // namespace cadastre
