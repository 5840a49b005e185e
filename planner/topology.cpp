#include "planner/topology.h"

#include <algorithm>

namespace cadastre {

namespace {

/// Products of numbers >= 1 that end at `kMost` rather than overflow.
constexpr std::int64_t kMost = std::int64_t{1} << 40;

std::int64_t times(std::int64_t a, std::int64_t b) { return a > kMost / b ? kMost : a * b; }

std::int64_t product(const std::vector<int>& factors) {
  std::int64_t all = 1;
  for (const int factor : factors) all = times(all, factor);
  return all;
}

std::int64_t links_of(const FatTree& tree) {
  std::int64_t sum = 0;
  for (std::size_t level = 0; level < tree.down.size(); ++level) {
    std::int64_t elements = 1;
    for (std::size_t k = 0; k < tree.down.size(); ++k)
      elements = times(elements, k < level ? tree.up[k] : tree.down[k]);
    sum = std::min(kMost, sum + times(times(elements, tree.up[level]), tree.parallel[level]));
  }
  return sum;
}

std::int64_t links_of(const Dragonfly& fly) {
  const std::int64_t chassis = times(fly.groups, fly.chassis);
  const std::int64_t routers = times(chassis, fly.routers);
  const auto pairs = [](int count) { return static_cast<std::int64_t>(count) * (count - 1) / 2; };
  std::int64_t sum = times(routers, fly.nodes);
  if (fly.routers > 1) sum += times(chassis, pairs(fly.routers));
  if (fly.chassis > 1) sum += times(times(fly.groups, fly.routers), pairs(fly.chassis));
  return std::min(kMost, sum + pairs(fly.groups));
}

}  // namespace

const std::string& sharing_name(Sharing sharing) {
  static const std::string split_duplex = "split-duplex";
  static const std::string shared = "shared";
  static const std::string fat_pipe = "fat-pipe";
  switch (sharing) {
    case Sharing::kSplitDuplex:
      return split_duplex;
    case Sharing::kShared:
      return shared;
    case Sharing::kFatPipe:
      break;
  }
  return fat_pipe;
}

bool is_star(const Topology& topology) { return std::holds_alternative<std::monostate>(topology); }

std::int64_t num_places(const Topology& topology) {
  if (const auto* tree = std::get_if<FatTree>(&topology)) return product(tree->down);
  if (const auto* torus = std::get_if<Torus>(&topology)) return product(torus->dimensions);
  if (const auto* fly = std::get_if<Dragonfly>(&topology))
    return times(times(times(fly->groups, fly->chassis), fly->routers), fly->nodes);
  return -1;
}

std::int64_t num_links(const Topology& topology) {
  if (const auto* tree = std::get_if<FatTree>(&topology)) return links_of(*tree);
  if (const auto* torus = std::get_if<Torus>(&topology))
    return times(product(torus->dimensions), static_cast<std::int64_t>(torus->dimensions.size()));
  if (const auto* fly = std::get_if<Dragonfly>(&topology)) return links_of(*fly);
  return -1;
}

}  // namespace cadastre
