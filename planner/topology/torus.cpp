#include <memory>

#include "planner/topology/link_paths.h"

namespace cadastre {

namespace {

class Grid {
 public:
  Grid(const Torus& torus, const Network& network, const Places& places, LinkPaths& paths)
      : shape_(torus) {
    int count = 1;
    for (const int size : torus.dimensions) count *= size;
    const auto named = [&](int place) {
      return place < static_cast<int>(places.names.size())
                 ? places.names[static_cast<std::size_t>(place)]
                 : "place" + std::to_string(place);
    };
    for (int place = 0; place < count; ++place) {
      int stride = 1;
      for (const int size : torus.dimensions) {
        std::string name = named(place) + "-";
        name += named(next(place, stride, size));
        // Of two places in a dimension, or in one of a single place, two links have one name.
        if (size < 3) name += "#" + std::to_string(place / stride % size);
        paths.add({.name = name,
                   .bandwidth_bytes_per_s = network.bandwidth_bytes_per_s,
                   .latency_s = network.latency_s,
                   .sharing = torus.sharing});
        stride *= size;
      }
    }
  }

  void append(int from, int to, std::vector<int>& path) const {
    int at = from;
    int stride = 1;
    for (std::size_t d = 0; d < shape_.dimensions.size(); ++d) {
      const int size = shape_.dimensions[d];
      const int source = at / stride % size;
      const int target = to / stride % size;
      // Half way round, SimGrid goes up from the lower half and down from the upper.
      const bool upwards = (target > source && target <= source + size / 2) ||
                           (source > size / 2 && (source + size / 2) % size >= target);
      while (at / stride % size != target) {
        if (upwards) {
          path.push_back(link(at, d).first);
          at = next(at, stride, size);
        } else {
          at = previous(at, stride, size);
          path.push_back(link(at, d).second);
        }
      }
      stride *= size;
    }
  }

 private:
  static int next(int place, int stride, int size) {
    return place / stride % size == size - 1 ? place - (size - 1) * stride : place + stride;
  }

  static int previous(int place, int stride, int size) {
    return place / stride % size == 0 ? place + (size - 1) * stride : place - stride;
  }

  /// The directions of the link from a place to the next one in a dimension.
  [[nodiscard]] std::pair<int, int> link(int place, std::size_t dimension) const {
    const int half =
        place * static_cast<int>(shape_.dimensions.size()) + static_cast<int>(dimension);
    if (shape_.sharing != Sharing::kSplitDuplex) return {half, half};
    return {2 * half, 2 * half + 1};
  }

  Torus shape_;
};

}  // namespace

LinkPaths torus_paths(const Torus& torus, const Network& network, const Places& places) {
  LinkPaths paths;
  const auto grid = std::make_shared<Grid>(torus, network, places, paths);
  // A place has links to several neighbours; where two places have but one, no matter.
  paths.only_exit.assign(places.names.size(), -1);
  paths.only_entry.assign(places.names.size(), -1);
  paths.append = [grid](int from, int to, std::vector<int>& path) { grid->append(from, to, path); };
  return paths;
}

}  // namespace cadastre
