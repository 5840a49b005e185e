#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace cadastre {

class JsonPlace;

/// What the messages on a link take from each other.
enum class Sharing {
  kSplitDuplex,  ///< each direction has a capacity of its own
  kShared,       ///< both directions share one
  kFatPipe       ///< every message gets all of it: a backbone that never is the bottleneck
};

[[nodiscard]] const std::string& sharing_name(Sharing sharing);  ///< "split-duplex", …

// The regular topologies have links of one kind: those of the network. The places for hosts are
// filled in order, the last may stay empty. Structure and routes are those of SimGrid's clusters.

/// A parallel ports generalized fat tree with its D-mod-k routes (Zahavi 2010); prod(down) places.
/// Level 0 is the places, level l a switch.
struct FatTree {
  std::vector<int> down;      ///< m_l: elements of level l - 1 below each switch of level l
  std::vector<int> up;        ///< w_l: switches of level l above each element of level l - 1
  std::vector<int> parallel;  ///< p_l: links between the two
  Sharing sharing = Sharing::kSplitDuplex;
  bool operator==(const FatTree&) const = default;
};

/// Every place is linked with the next in each dimension, the last with the first; routes go
/// through the dimensions in order, the shorter way round. The first dimension counts fastest.
struct Torus {
  std::vector<int> dimensions;
  Sharing sharing = Sharing::kSplitDuplex;
  bool operator==(const Torus&) const = default;
};

/// Cray's Cascade (Faanes et al. 2012) with minimal routes: `nodes` places on a router, routers of
/// a chassis and equal routers of a group's chassis all linked, and router j of the first chassis
/// of group i with router i of that of group j. n links between two are one of n times the
/// bandwidth.
struct Dragonfly {
  int groups = 1;
  int group_links = 1;
  int chassis = 1;  ///< in a group
  int chassis_links = 1;
  int routers = 1;  ///< in a chassis
  int router_links = 1;
  int nodes = 1;  ///< on a router
  Sharing sharing = Sharing::kSplitDuplex;
  bool operator==(const Dragonfly&) const = default;
};

struct NamedLink {
  std::string name;
  double bandwidth_bytes_per_s = 0;  ///< of each direction, where they are apart
  double latency_s = 0;
  Sharing sharing = Sharing::kSplitDuplex;
  bool operator==(const NamedLink&) const = default;
};

/// A cable of a `Graph`; "up" is the way from `from` to `to`.
struct Cable {
  NamedLink link;
  std::string from;  ///< a host, machine or switch
  std::string to;
  bool operator==(const Cable&) const = default;
};

/// Switches and hosts with cables between them. A message takes the way of least latency, of these
/// the one over fewest cables, of these the one whose last cables come first in the list; hosts
/// pass on what is for others.
struct Graph {
  std::vector<std::string> switches;
  std::vector<Cable> cables;
  bool operator==(const Graph&) const = default;
};

/// Links and the lists of them that messages cross: what is left when a platform's structure is
/// not known. A link in a list is written NAME, or NAME:up or NAME:down when it is split-duplex.
///
/// A message crosses what `routes` says of its two hosts. Otherwise: `up` of its sender, what
/// `between` says of the two classes, `down` of its receiver. Lists hold for the other direction,
/// too, last link first and up for down, unless that has a list of its own.
struct RouteLists {
  /// A host or machine, its class and its own links.
  struct Place {
    std::string name;
    std::string place_class;
    std::vector<std::string> up;
    std::vector<std::string> down;
    bool operator==(const Place&) const = default;
  };

  struct Way {
    std::string from;  ///< a host or machine in `routes`, a class in `between`
    std::string to;
    std::vector<std::string> links;
    bool operator==(const Way&) const = default;
  };

  std::vector<NamedLink> links;
  std::vector<Place> places;
  std::vector<Way> between;
  std::vector<Way> routes;
  bool operator==(const RouteLists&) const = default;
};

/// How a network is wired; first, the star that `Network` describes.
using Topology = std::variant<std::monostate, FatTree, Torus, Dragonfly, Graph, RouteLists>;

[[nodiscard]] bool is_star(const Topology& topology);

/// How many places for hosts a regular topology has; else -1. Throws nothing.
[[nodiscard]] std::int64_t num_places(const Topology& topology);

/// How many links a regular topology has, its two directions as one; else -1.
[[nodiscard]] std::int64_t num_links(const Topology& topology);

/// Above this a topology is refused: its links would fill the memory.
inline constexpr std::int64_t kMostLinks = std::int64_t{1} << 22;

/// `bandwidth_bytes_per_s` and `latency_s` are what a link has that states none itself.
[[nodiscard]] Topology topology_from_json(const JsonPlace& place, double bandwidth_bytes_per_s,
                                          double latency_s);
[[nodiscard]] nlohmann::json to_json(const Topology& topology);

}  // namespace cadastre
