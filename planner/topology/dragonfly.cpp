#include <memory>
#include <unordered_map>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

/// Adds the link of this name, of so many times the bandwidth, and returns its two directions.
using AddLink = std::function<std::pair<int, int>(const std::string& name, int num_links)>;

class Fly {
 public:
  Fly(const Dragonfly& dragonfly, const Places& places, const AddLink& add_link)
      : shape_(dragonfly) {
    add_places(places, add_link);
    for (int group = 0; group < shape_.groups; ++group) {
      add_inside(group, add_link);
      for (int other = group + 1; other < shape_.groups; ++other)
        join(router(group, 0, other), router(other, 0, group), shape_.group_links, add_link);
    }
  }

  [[nodiscard]] const std::vector<std::pair<int, int>>& places() const { return places_; }

  void append(int from, int to, std::vector<int>& path) const {
    const int target = to / shape_.nodes;
    const int target_group = group_of(target);
    int at = from / shape_.nodes;
    const int group = group_of(at);
    const auto go = [&](int next) {
      if (next == at) return;
      path.push_back(links_[static_cast<std::size_t>(at)].at(next));
      at = next;
    };
    path.push_back(places_[static_cast<std::size_t>(from)].first);
    if (group != target_group) {
      go(router(group, chassis_of(at), target_group));
      go(router(group, 0, target_group));
      go(router(target_group, 0, group));
    }
    go(router(target_group, chassis_of(at), target % shape_.routers));
    go(target);
    path.push_back(places_[static_cast<std::size_t>(to)].second);
  }

 private:
  [[nodiscard]] int router(int group, int chassis, int in_chassis) const {
    return (group * shape_.chassis + chassis) * shape_.routers + in_chassis;
  }

  [[nodiscard]] int chassis_of(int router) const {
    return router / shape_.routers % shape_.chassis;
  }

  [[nodiscard]] int group_of(int router) const {
    return router / (shape_.routers * shape_.chassis);
  }

  [[nodiscard]] std::string name_of(int router) const {
    std::string name = "router" + std::to_string(group_of(router));
    name += "." + std::to_string(chassis_of(router));
    name += "." + std::to_string(router % shape_.routers);
    return name;
  }

  void add_places(const Places& places, const AddLink& add_link) {
    const int num_routers = shape_.groups * shape_.chassis * shape_.routers;
    links_.resize(static_cast<std::size_t>(num_routers));
    for (int place = 0; place < num_routers * shape_.nodes; ++place) {
      const auto p = static_cast<std::size_t>(place);
      std::string name =
          p < places.names.size() ? places.names[p] : "place" + std::to_string(place);
      name += "-" + name_of(place / shape_.nodes);
      places_.push_back(add_link(name, 1));
    }
  }

  void add_inside(int group, const AddLink& add_link) {
    for (int chassis = 0; chassis < shape_.chassis; ++chassis)
      for (int a = 0; a < shape_.routers; ++a) {
        for (int b = a + 1; b < shape_.routers; ++b)
          join(router(group, chassis, a), router(group, chassis, b), shape_.router_links, add_link);
        for (int other = chassis + 1; other < shape_.chassis; ++other)
          join(router(group, chassis, a), router(group, other, a), shape_.chassis_links, add_link);
      }
  }

  void join(int from, int to, int num_links, const AddLink& add_link) {
    const auto [there, back] = add_link(name_of(from) + "-" + name_of(to), num_links);
    links_[static_cast<std::size_t>(from)][to] = there;
    links_[static_cast<std::size_t>(to)][from] = back;
  }

  Dragonfly shape_;
  std::vector<std::pair<int, int>> places_;          ///< the directions of each one's link
  std::vector<std::unordered_map<int, int>> links_;  ///< [router][router]
};

}  // namespace

LinkPaths dragonfly_paths(const Dragonfly& dragonfly, const Network& network,
                          const Places& places) {
  LinkPaths paths;
  const auto fly =
      std::make_shared<Fly>(dragonfly, places, [&](const std::string& name, int num_links) {
        return paths.add({.name = name,
                          .bandwidth_bytes_per_s = num_links * network.bandwidth_bytes_per_s,
                          .latency_s = network.latency_s,
                          .sharing = dragonfly.sharing});
      });
  for (std::size_t p = 0; p < places.names.size(); ++p) {
    paths.only_exit.push_back(fly->places()[p].first);
    paths.only_entry.push_back(fly->places()[p].second);
  }
  paths.append = [fly](int from, int to, std::vector<int>& path) { fly->append(from, to, path); };
  return paths;
}

}  // namespace cadastre
