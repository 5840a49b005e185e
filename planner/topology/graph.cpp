#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <unordered_map>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

/// What a way costs. Latencies are added up as whole picoseconds, so that equal ways are equal.
struct Cost {
  std::int64_t latency_ps = 0;
  std::int64_t num_cables = 0;
  auto operator<=>(const Cost&) const = default;
};

constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max() / 4;

Cost sum(const Cost& a, const Cost& b) {
  return {.latency_ps = std::min(kInfinite, a.latency_ps + b.latency_ps),
          .num_cables = std::min(kInfinite, a.num_cables + b.num_cables)};
}

using Nodes =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property,
                          boost::property<boost::edge_weight_t, Cost>>;

/// A cable at one of its ends.
struct Hop {
  int to = 0;         ///< the node at its other end
  int half_link = 0;  ///< the direction that leads there
};

/// Ways through the places, numbered first, and the switches. Those that hang on one cable are no
/// way for others: they are left out of the search, which makes it one per switch, not per host.
class Ways {
 public:
  Ways(const Graph& graph, const Places& places, LinkPaths& paths) {
    std::unordered_map<std::string, int> node_of;
    for (const std::string& name : places.names)
      node_of.emplace(name, static_cast<int>(node_of.size()));
    for (const std::string& name : graph.switches)
      node_of.emplace(name, static_cast<int>(node_of.size()));
    hops_.resize(node_of.size());
    Nodes nodes(node_of.size());
    constexpr double kPicosecondsPerSecond = 1e12;
    for (const Cable& cable : graph.cables) {
      const int from = node_of.at(cable.from);
      const int to = node_of.at(cable.to);
      const auto [up, down] = paths.add(cable.link);
      hops_[static_cast<std::size_t>(from)].push_back({.to = to, .half_link = up});
      hops_[static_cast<std::size_t>(to)].push_back({.to = from, .half_link = down});
      const Cost cost{.latency_ps = std::llround(cable.link.latency_s * kPicosecondsPerSecond),
                      .num_cables = 1};
      opposite_.push_back(down);
      if (down != up) opposite_.push_back(up);
      cables_.push_back({.from = from, .to = to, .up = up, .down = down, .cost = cost});
      boost::add_edge(static_cast<std::size_t>(from), static_cast<std::size_t>(to), cost, nodes);
    }
    tree_of_.assign(node_of.size(), -1);
    for (int place = 0; place < static_cast<int>(places.names.size()); ++place) {
      int& tree = tree_of_[static_cast<std::size_t>(attachment(place))];
      if (tree >= 0) continue;
      tree = static_cast<int>(trees_.size());
      trees_.push_back(tree_from(attachment(place), nodes));
    }
  }

  void append(int from, int to, std::vector<int>& path) const {
    int at = from;
    if (attachment(from) != from) {
      const Hop& hop = hops_[static_cast<std::size_t>(from)].front();
      path.push_back(hop.half_link);
      at = hop.to;
      if (at == to) return;
    }
    const int last = attachment(to);
    if (at != last) {
      const std::vector<Hop>& tree =
          trees_[static_cast<std::size_t>(tree_of_[static_cast<std::size_t>(at)])];
      const auto begin = static_cast<std::ptrdiff_t>(path.size());
      for (int node = last; node != at;) {
        const Hop& hop = tree[static_cast<std::size_t>(node)];
        path.push_back(hop.half_link);
        node = hop.to;
      }
      std::reverse(path.begin() + begin, path.end());
    }
    if (last != to) {
      const Hop& hop = hops_[static_cast<std::size_t>(to)].front();
      path.push_back(opposite(hop.half_link));
    }
  }

  /// The two directions of a place's only cable, or -1.
  [[nodiscard]] std::pair<int, int> only_cable(int place) const {
    if (attachment(place) == place) return {-1, -1};
    const int exit = hops_[static_cast<std::size_t>(place)].front().half_link;
    return {exit, opposite(exit)};
  }

 private:
  struct NumberedCable {
    int from = 0;
    int to = 0;
    int up = 0;
    int down = 0;
    Cost cost;
  };

  /// The node from which a place's ways branch: itself, or its neighbour if it has one only.
  [[nodiscard]] int attachment(int place) const {
    const std::vector<Hop>& hops = hops_[static_cast<std::size_t>(place)];
    return hops.size() == 1 ? hops.front().to : place;
  }

  [[nodiscard]] int opposite(int half_link) const {
    return opposite_[static_cast<std::size_t>(half_link)];
  }

  /// For each node the hop back towards `source`; `half_link` is the direction away from it.
  [[nodiscard]] std::vector<Hop> tree_from(int source, const Nodes& nodes) const {
    std::vector<Cost> cost(hops_.size());
    boost::dijkstra_shortest_paths(
        nodes, static_cast<std::size_t>(source),
        boost::distance_map(
            boost::make_iterator_property_map(cost.begin(), get(boost::vertex_index, nodes)))
            .distance_combine(&sum)
            .distance_compare(std::less<Cost>())
            .distance_inf(Cost{.latency_ps = kInfinite, .num_cables = kInfinite})
            .distance_zero(Cost{}));
    std::vector<Hop> tree(hops_.size(), {.to = -1, .half_link = -1});
    const auto join = [&](int from, int to, int half_link, const Cost& of_cable) {
      Hop& hop = tree[static_cast<std::size_t>(to)];
      if (hop.to < 0 &&
          sum(cost[static_cast<std::size_t>(from)], of_cable) == cost[static_cast<std::size_t>(to)])
        hop = {.to = from, .half_link = half_link};
    };
    for (const NumberedCable& cable : cables_) {
      join(cable.from, cable.to, cable.up, cable.cost);
      join(cable.to, cable.from, cable.down, cable.cost);
    }
    return tree;
  }

  std::vector<NumberedCable> cables_;
  std::vector<std::vector<Hop>> hops_;   ///< [node] away from it
  std::vector<int> opposite_;            ///< [half link]
  std::vector<int> tree_of_;             ///< [node] in trees_, or -1
  std::vector<std::vector<Hop>> trees_;  ///< [source][node]
};

}  // namespace

LinkPaths graph_paths(const Graph& graph, const Places& places) {
  LinkPaths paths;
  const auto ways = std::make_shared<Ways>(graph, places, paths);
  for (int place = 0; place < static_cast<int>(places.names.size()); ++place) {
    const auto [exit, entry] = ways->only_cable(place);
    paths.only_exit.push_back(exit);
    paths.only_entry.push_back(entry);
  }
  paths.append = [ways](int from, int to, std::vector<int>& path) { ways->append(from, to, path); };
  return paths;
}

}  // namespace cadastre
