#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

class Lists {
 public:
  Lists(const RouteLists& lists, const Places& places, LinkPaths& paths) {
    add_links(lists, paths);
    std::unordered_map<std::string, int> place_of;
    for (const std::string& name : places.names)
      place_of.emplace(name, static_cast<int>(place_of.size()));
    places_.resize(places.names.size());
    std::unordered_map<std::string, int> class_of;
    for (const RouteLists::Place& place : lists.places) {
      const auto [found, is_new] =
          class_of.emplace(place.place_class, static_cast<int>(class_of.size()));
      places_[static_cast<std::size_t>(place_of.at(place.name))] = {
          .place_class = found->second, .up = halves(place.up), .down = halves(place.down)};
    }
    for (const RouteLists::Way& way : lists.between) {
      // A class of no place leads nowhere.
      if (!class_of.contains(way.from) || !class_of.contains(way.to)) continue;
      between_[{class_of.at(way.from), class_of.at(way.to)}] = halves(way.links);
    }
    for (const RouteLists::Way& way : lists.routes)
      routes_[{place_of.at(way.from), place_of.at(way.to)}] = halves(way.links);
    add_reversed(between_);
    add_reversed(routes_);
  }

  void append(int from, int to, std::vector<int>& path) const {
    const auto exact = routes_.find({from, to});
    if (exact != routes_.end()) return append(exact->second, path);
    const Place& sender = places_[static_cast<std::size_t>(from)];
    const Place& receiver = places_[static_cast<std::size_t>(to)];
    append(sender.up, path);
    const auto between = between_.find({sender.place_class, receiver.place_class});
    if (between != between_.end()) append(between->second, path);
    append(receiver.down, path);
  }

  /// A link that all of a place's messages cross: the narrowest of its own, or -1.
  [[nodiscard]] std::pair<int, int> only_links(int place, const LinkPaths& paths) const {
    const bool has_exact = std::any_of(routes_.begin(), routes_.end(), [&](const auto& route) {
      return route.first.first == place || route.first.second == place;
    });
    if (has_exact) return {-1, -1};
    const auto narrowest = [&](const std::vector<int>& links) {
      int found = -1;
      for (const int link : links)
        if (!paths.links[static_cast<std::size_t>(link)].fat_pipe &&
            (found < 0 || paths.links[static_cast<std::size_t>(link)].bandwidth_bytes_per_s <
                              paths.links[static_cast<std::size_t>(found)].bandwidth_bytes_per_s))
          found = link;
      return found;
    };
    const Place& of_place = places_[static_cast<std::size_t>(place)];
    return {narrowest(of_place.up), narrowest(of_place.down)};
  }

 private:
  using Pair = std::pair<int, int>;
  using Ways = std::map<Pair, std::vector<int>>;

  struct Place {
    int place_class = 0;
    std::vector<int> up;
    std::vector<int> down;
  };

  void add_links(const RouteLists& lists, LinkPaths& paths) {
    for (const NamedLink& link : lists.links) {
      const auto [up, down] = paths.add(link);
      opposite_.push_back(down);
      if (up == down) {
        half_of_.emplace(link.name, up);
        continue;
      }
      opposite_.push_back(up);
      half_of_.emplace(link.name + ":up", up);
      half_of_.emplace(link.name + ":down", down);
    }
  }

  [[nodiscard]] std::vector<int> halves(const std::vector<std::string>& names) const {
    std::vector<int> halves;
    for (const std::string& name : names) halves.push_back(half_of_.at(name));
    return halves;
  }

  void add_reversed(Ways& ways) const {
    for (const auto& [ends, there] : Ways(ways)) {
      std::vector<int> back;
      for (auto link = there.rbegin(); link != there.rend(); ++link)
        back.push_back(opposite_[static_cast<std::size_t>(*link)]);
      ways.emplace(Pair(ends.second, ends.first), std::move(back));
    }
  }

  /// A link is crossed once, though two of the lists may have it: a backbone, say.
  static void append(const std::vector<int>& links, std::vector<int>& path) {
    for (const int link : links)
      if (std::find(path.begin(), path.end(), link) == path.end()) path.push_back(link);
  }

  std::unordered_map<std::string, int> half_of_;  ///< by its name in the lists
  std::vector<int> opposite_;                     ///< [half link]
  std::vector<Place> places_;
  Ways between_;  ///< classes
  Ways routes_;   ///< places
};

}  // namespace

LinkPaths route_list_paths(const RouteLists& lists, const Places& places) {
  LinkPaths paths;
  const auto built = std::make_shared<Lists>(lists, places, paths);
  for (int place = 0; place < static_cast<int>(places.names.size()); ++place) {
    const auto [exit, entry] = built->only_links(place, paths);
    paths.only_exit.push_back(exit);
    paths.only_entry.push_back(entry);
  }
  paths.append = [built](int from, int to, std::vector<int>& path) {
    built->append(from, to, path);
  };
  return paths;
}

}  // namespace cadastre
