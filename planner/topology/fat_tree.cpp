#include <memory>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

/// An element is known by its level and its digits: digit k counts to up[k] when its level is above
/// k, else to down[k]. Its position is the number that they write, digit 0 the last.
class Tree {
 public:
  Tree(const FatTree& tree, const Network& network, const Places& places, LinkPaths& paths)
      : shape_(tree) {
    for (std::size_t level = 0; level < num_levels(); ++level) {
      first_link_.push_back(num_links_);
      const std::size_t num_elements = elements(level);
      for (std::size_t e = 0; e < num_elements; ++e)
        for (int parent = 0; parent < tree.up[level]; ++parent)
          for (int port = 0; port < tree.parallel[level]; ++port) {
            ++num_links_;
            add(level, e, parent, port, network, places, paths);
          }
    }
  }

  void append(int from, int to, std::vector<int>& path) const {
    std::vector<int> digits = digits_of_place(from);
    const std::vector<int> target = digits_of_place(to);
    std::size_t top = num_levels();  // the lowest level at which a switch is above both
    while (digits[top - 1] == target[top - 1]) --top;
    int by_target = to;  // the d of d-mod-k
    for (std::size_t level = 0; level < top; ++level) {
      const int parent = by_target % shape_.up[level];
      const int port = by_target / shape_.up[level] % shape_.parallel[level];
      by_target /= shape_.up[level];
      path.push_back(link(level, digits, parent, port).first);
      digits[level] = parent;
    }
    // Going down, a switch's ports are numbered through its children, then again for each parallel
    // link. SimGrid begins at one by the sender, and goes on below from the number after it to the
    // next that leads to the target; past the last, it begins anew.
    int port = -1;
    for (std::size_t level = top; level-- > 0;) {
      const int children = shape_.down[level];
      const auto next = [&](int least) {
        return least + (target[level] - least % children + children) % children;
      };
      const int parent = digits[level];
      port = port < 0 ? -1 : next(port + 1);
      if (port < 0 || port >= children * shape_.parallel[level])
        port = next(from % shape_.parallel[level] * children);
      digits[level] = target[level];
      path.push_back(link(level, digits, parent, port / children).second);
    }
  }

 private:
  [[nodiscard]] std::size_t num_levels() const { return shape_.down.size(); }

  [[nodiscard]] int radix(std::size_t level, std::size_t digit) const {
    return digit < level ? shape_.up[digit] : shape_.down[digit];
  }

  [[nodiscard]] std::size_t elements(std::size_t level) const {
    std::size_t count = 1;
    for (std::size_t k = 0; k < num_levels(); ++k)
      count *= static_cast<std::size_t>(radix(level, k));
    return count;
  }

  [[nodiscard]] std::vector<int> digits_of_place(int place) const {
    std::vector<int> digits;
    for (const int children : shape_.down) {
      digits.push_back(place % children);
      place /= children;
    }
    return digits;
  }

  [[nodiscard]] std::size_t position(std::size_t level, const std::vector<int>& digits) const {
    std::size_t position = 0;
    for (std::size_t k = num_levels(); k-- > 0;)
      position = position * static_cast<std::size_t>(radix(level, k)) +
                 static_cast<std::size_t>(digits[k]);
    return position;
  }

  /// The directions up and down of a link from an element of `level` to one of its parents.
  [[nodiscard]] std::pair<int, int> link(std::size_t level, const std::vector<int>& digits,
                                         int parent, int port) const {
    const std::size_t number =
        first_link_[level] +
        (position(level, digits) * static_cast<std::size_t>(shape_.up[level]) +
         static_cast<std::size_t>(parent)) *
            static_cast<std::size_t>(shape_.parallel[level]) +
        static_cast<std::size_t>(port);
    const auto half = static_cast<int>(number);
    if (shape_.sharing != Sharing::kSplitDuplex) return {half, half};
    return {2 * half, 2 * half + 1};
  }

  void add(std::size_t level, std::size_t element, int parent, int port, const Network& network,
           const Places& places, LinkPaths& paths) const {
    const auto named = [&](std::size_t of_level, std::size_t at) {
      if (of_level == 0 && at < places.names.size()) return places.names[at];
      std::string name = of_level == 0 ? "place" : "switch";
      if (of_level > 0) name += std::to_string(of_level) + ".";
      name += std::to_string(at);
      return name;
    };
    std::vector<int> digits;
    std::size_t rest = element;
    for (std::size_t k = 0; k < num_levels(); ++k) {
      const auto count = static_cast<std::size_t>(radix(level, k));
      digits.push_back(static_cast<int>(rest % count));
      rest /= count;
    }
    digits[level] = parent;
    std::string name = named(level, element);
    name += "-";
    name += named(level + 1, position(level + 1, digits));
    if (shape_.parallel[level] > 1) name += "#" + std::to_string(port);
    paths.add({.name = name,
               .bandwidth_bytes_per_s = network.bandwidth_bytes_per_s,
               .latency_s = network.latency_s,
               .sharing = shape_.sharing});
  }

  FatTree shape_;
  std::vector<std::size_t> first_link_;  ///< [level] of those that lead up from it
  std::size_t num_links_ = 0;
};

}  // namespace

LinkPaths fat_tree_paths(const FatTree& tree, const Network& network, const Places& places) {
  LinkPaths paths;
  const auto built = std::make_shared<Tree>(tree, network, places, paths);
  const bool one_link = tree.up[0] == 1 && tree.parallel[0] == 1;
  const bool apart = tree.sharing == Sharing::kSplitDuplex;
  for (int p = 0; p < static_cast<int>(places.names.size()); ++p) {
    paths.only_exit.push_back(!one_link ? -1 : apart ? 2 * p : p);
    paths.only_entry.push_back(!one_link ? -1 : apart ? 2 * p + 1 : p);
  }
  paths.append = [built](int from, int to, std::vector<int>& path) {
    built->append(from, to, path);
  };
  return paths;
}

}  // namespace cadastre
