#include "simulator/simgrid_import/route_lists.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace cadastre {

namespace {

using Links = std::vector<int>;

constexpr int kNobody = -1;

/// For each link the host that is an end of every path over it, if there is but one; else kNobody.
std::vector<int> owners(const SeenPaths& paths) {
  struct Ends {
    int a = kNobody;
    int b = kNobody;
    bool met = false;

    void meet(int from, int to) {
      if (!met) {
        *this = {.a = from, .b = to, .met = true};
        return;
      }
      if (a != from && a != to) a = kNobody;
      if (b != from && b != to) b = kNobody;
    }
  };

  std::vector<Ends> ends(paths.links().size());
  for (int from = 0; from < paths.num_hosts(); ++from)
    for (int to = 0; to < paths.num_hosts(); ++to)
      for (const int link : paths.path(from, to))
        ends[static_cast<std::size_t>(link)].meet(from, to);
  std::vector<int> owners;
  for (const Ends& of_link : ends) {
    const bool both = of_link.a != kNobody && of_link.b != kNobody;
    owners.push_back(both ? kNobody : std::max(of_link.a, of_link.b));
  }
  return owners;
}

/// The links that all of a host's paths begin and end with, as far as they are its own.
struct OwnLinks {
  std::vector<Links> up;    ///< [host]
  std::vector<Links> down;  ///< [host]
};

void keep_common(std::optional<Links>& common, const Links& other) {
  if (!common) {
    common = other;
    return;
  }
  const auto end = std::mismatch(common->begin(), common->end(), other.begin(), other.end()).first;
  common->erase(end, common->end());
}

OwnLinks own_links(const SeenPaths& paths) {
  const auto num_hosts = static_cast<std::size_t>(paths.num_hosts());
  const std::vector<int> owner = owners(paths);
  std::vector<std::optional<Links>> up(num_hosts);
  std::vector<std::optional<Links>> down(num_hosts);  // from the host outwards
  for (int from = 0; from < paths.num_hosts(); ++from)
    for (int to = 0; to < paths.num_hosts(); ++to) {
      if (from == to) continue;
      const auto path = paths.path(from, to);
      const auto own = [&](auto begin, auto end, int host) {
        return Links(begin, std::find_if(begin, end, [&](int link) {
                       return owner[static_cast<std::size_t>(link)] != host;
                     }));
      };
      keep_common(up[static_cast<std::size_t>(from)], own(path.begin(), path.end(), from));
      keep_common(down[static_cast<std::size_t>(to)], own(path.rbegin(), path.rend(), to));
    }
  OwnLinks own;
  for (std::size_t h = 0; h < num_hosts; ++h) {
    own.up.push_back(up[h].value_or(Links()));
    own.down.push_back(down[h].value_or(Links()));
    std::reverse(own.down.back().begin(), own.down.back().end());
  }
  return own;
}

/// Sequences of links, each once.
class Middles {
 public:
  Middles(const SeenPaths& paths, const OwnLinks& own)
      : num_hosts_(static_cast<std::size_t>(paths.num_hosts())), of_(num_hosts_ * num_hosts_, -1) {
    for (int from = 0; from < paths.num_hosts(); ++from)
      for (int to = 0; to < paths.num_hosts(); ++to) {
        if (from == to) continue;
        const auto path = paths.path(from, to);
        const std::size_t before = own.up[static_cast<std::size_t>(from)].size();
        const std::size_t after = own.down[static_cast<std::size_t>(to)].size();
        const Links middle(path.begin() + static_cast<std::ptrdiff_t>(before),
                           path.end() - static_cast<std::ptrdiff_t>(after));
        const auto [known, is_new] =
            number_of_.emplace(middle, static_cast<int>(sequences_.size()));
        if (is_new) sequences_.push_back(middle);
        of_[pair(from, to)] = known->second;
      }
  }

  [[nodiscard]] int of(int from, int to) const { return of_[pair(from, to)]; }

  [[nodiscard]] const Links& links(int number) const {
    return sequences_[static_cast<std::size_t>(number)];
  }

 private:
  [[nodiscard]] std::size_t pair(int from, int to) const {
    return static_cast<std::size_t>(from) * num_hosts_ + static_cast<std::size_t>(to);
  }

  std::size_t num_hosts_;
  std::vector<int> of_;  ///< [pair of hosts]
  std::map<Links, int> number_of_;
  std::vector<Links> sequences_;
};

struct HostClass {
  int first = 0;         ///< the host whose paths are those of the class
  int within = kNobody;  ///< the middle between two of its hosts, where there are two
};

/// The class of each host. Two hosts are of one class if they have the same middles with all
/// others, in both directions, and one between them that is the same for all pairs of the class.
std::vector<int> classify(const Middles& middles, int num_hosts, std::vector<HostClass>& classes) {
  std::vector<int> class_of;
  for (int host = 0; host < num_hosts; ++host) {
    const auto belongs = [&](const HostClass& candidate) {
      const int first = candidate.first;
      const int between = middles.of(host, first);
      if (middles.of(first, host) != between) return false;
      if (candidate.within != kNobody && candidate.within != between) return false;
      for (int other = 0; other < num_hosts; ++other)
        if (other != host && other != first &&
            (middles.of(host, other) != middles.of(first, other) ||
             middles.of(other, host) != middles.of(other, first)))
          return false;
      return true;
    };
    const auto found = std::find_if(classes.begin(), classes.end(), belongs);
    class_of.push_back(static_cast<int>(found - classes.begin()));
    if (found == classes.end())
      classes.push_back({.first = host});
    else
      found->within = middles.of(host, found->first);
  }
  return class_of;
}

/// The links of a document, of those that paths crossed, and their names in its lists.
struct NamedLinks {
  explicit NamedLinks(const std::vector<SeenLink>& seen) {
    std::map<std::string, bool> written;  // cables
    for (const SeenLink& link : seen) {
      const bool is_cable = !link.cable.empty();
      names.push_back(is_cable ? link.cable + (link.is_up ? ":up" : ":down") : link.name);
      if (is_cable && !written.emplace(link.cable, true).second) continue;
      links.push_back({.name = is_cable ? link.cable : link.name,
                       .bandwidth_bytes_per_s = link.bandwidth_bytes_per_s,
                       .latency_s = link.latency_s,
                       .sharing = is_cable        ? Sharing::kSplitDuplex
                                  : link.fat_pipe ? Sharing::kFatPipe
                                                  : Sharing::kShared});
    }
    opposite.assign(seen.size(), kNobody);
    std::map<std::pair<std::string, bool>, int> direction;
    for (std::size_t l = 0; l < seen.size(); ++l)
      if (!seen[l].cable.empty()) direction[{seen[l].cable, seen[l].is_up}] = static_cast<int>(l);
    for (std::size_t l = 0; l < seen.size(); ++l) {
      opposite[l] = static_cast<int>(l);
      if (seen[l].cable.empty()) continue;
      const auto other = direction.find({seen[l].cable, !seen[l].is_up});
      opposite[l] = other == direction.end() ? kNobody : other->second;
    }
  }

  [[nodiscard]] std::vector<std::string> named(const Links& path) const {
    std::vector<std::string> list;
    for (const int link : path) list.push_back(names[static_cast<std::size_t>(link)]);
    return list;
  }

  /// Whether `back` is what a reader takes the way back of `there` to be.
  [[nodiscard]] bool is_reverse(const Links& there, const Links& back) const {
    return std::equal(there.rbegin(), there.rend(), back.begin(), back.end(),
                      [&](int a, int b) { return opposite[static_cast<std::size_t>(a)] == b; });
  }

  std::vector<NamedLink> links;
  std::vector<std::string> names;  ///< [seen link]
  std::vector<int> opposite;       ///< [seen link] in the other direction, itself if shared
};

}  // namespace

RouteLists route_lists(const SeenPaths& paths, const std::vector<Host>& hosts) {
  const OwnLinks own = own_links(paths);
  const Middles middles(paths, own);
  std::vector<HostClass> classes;
  const std::vector<int> class_of = classify(middles, paths.num_hosts(), classes);
  NamedLinks named(paths.links());
  RouteLists lists{.links = std::move(named.links), .places = {}, .between = {}, .routes = {}};
  const auto class_name = [&](std::size_t number) {
    return classes.size() == 1 ? std::string()
                               : hosts[static_cast<std::size_t>(classes[number].first)].name;
  };
  for (std::size_t h = 0; h < hosts.size(); ++h)
    lists.places.push_back({.name = hosts[h].name,
                            .place_class = class_name(static_cast<std::size_t>(class_of[h])),
                            .up = named.named(own.up[h]),
                            .down = named.named(own.down[h])});
  for (std::size_t a = 0; a < classes.size(); ++a)
    for (std::size_t b = a; b < classes.size(); ++b) {
      const auto add = [&](std::size_t from, std::size_t to, int middle) {
        lists.between.push_back({.from = class_name(from),
                                 .to = class_name(to),
                                 .links = named.named(middles.links(middle))});
      };
      if (a == b) {
        const int within = classes[a].within;
        if (within != kNobody && !middles.links(within).empty()) add(a, a, within);
        continue;
      }
      const int there = middles.of(classes[a].first, classes[b].first);
      const int back = middles.of(classes[b].first, classes[a].first);
      add(a, b, there);
      if (!named.is_reverse(middles.links(there), middles.links(back))) add(b, a, back);
    }
  return lists;
}

}  // namespace cadastre
