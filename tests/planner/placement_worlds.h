#pragma once

// Placement problems made at random, and what an answer to one is worth by the problem's own words.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "planner/placement/placement.h"
#include "planner/placement/placement_problem.h"

namespace cadastre::worlds {

/// The greatest load when each node is on the device of `kinds` that is named, worked out from the
/// statement of the problem alone; nothing when the placement is not allowed.
[[nodiscard]] inline std::optional<double> judged_load_ms(const PlacementProblem& problem,
                                                          const std::vector<DeviceKind>& kinds,
                                                          const std::vector<std::size_t>& device) {
  const std::size_t num_nodes = problem.nodes.size();
  const std::size_t num_devices = kinds.size();
  const auto node = [&](std::size_t v) -> const PlacementNode& { return problem.nodes[v]; };
  if (std::count(kinds.begin(), kinds.end(), DeviceKind::kCpu) > problem.num_cpus ||
      std::count(kinds.begin(), kinds.end(), DeviceKind::kAccelerator) > problem.num_accelerators)
    return std::nullopt;
  std::map<std::int64_t, std::size_t> device_of_color;
  std::map<std::int64_t, bool> color_has_forward;
  for (std::size_t v = 0; v < num_nodes; ++v) {
    if (!node(v).color) continue;
    if (device_of_color.emplace(*node(v).color, device[v]).first->second != device[v])
      return std::nullopt;
    color_has_forward[*node(v).color] |= !node(v).is_backward;
  }
  const auto is_orphan = [&](std::size_t v) {
    return node(v).is_backward && !(node(v).color && color_has_forward[*node(v).color]);
  };

  // Supported, and within the memory.
  std::vector<double> bytes(num_devices, 0);
  std::vector<double> load_ms(num_devices, 0);
  for (std::size_t v = 0; v < num_nodes; ++v) {
    if (kinds[device[v]] == DeviceKind::kCpu) {
      load_ms[device[v]] += node(v).cpu_ms;
      continue;
    }
    if (!node(v).runs_on_accelerator) return std::nullopt;
    load_ms[device[v]] += node(v).accelerator_ms;
    bytes[device[v]] += node(v).size_bytes;
    if (bytes[device[v]] > problem.accelerator_bytes) return std::nullopt;
  }

  // An order of the devices: always one that no device left comes before.
  std::vector<std::vector<bool>> before(num_devices, std::vector<bool>(num_devices, false));
  for (const PlacementEdge& edge : problem.edges) {
    if (!node(edge.target).is_backward)
      before[device[edge.source]][device[edge.target]] = true;
    else if (is_orphan(edge.target) || is_orphan(edge.source))
      if (node(edge.source).is_backward) before[device[edge.target]][device[edge.source]] = true;
  }
  std::set<std::size_t> left;
  for (std::size_t d = 0; d < num_devices; ++d) left.insert(d);
  while (!left.empty()) {
    const auto first = std::find_if(left.begin(), left.end(), [&](std::size_t d) {
      return std::none_of(left.begin(), left.end(),
                          [&](std::size_t other) { return other != d && before[other][d]; });
    });
    if (first == left.end()) return std::nullopt;
    left.erase(first);
  }

  // No path of backward nodes from a device to itself over another.
  std::vector<std::vector<std::size_t>> readers(num_nodes);
  for (const PlacementEdge& edge : problem.edges) readers[edge.source].push_back(edge.target);
  for (std::size_t start = 0; start < num_nodes; ++start) {
    if (!node(start).is_backward) continue;
    std::set<std::size_t> inside = {start};
    std::set<std::size_t> outside;
    std::vector<std::size_t> open = {start};
    while (!open.empty()) {
      const std::size_t v = open.back();
      open.pop_back();
      const bool left_before = outside.contains(v);
      for (const std::size_t w : readers[v]) {
        if (left_before && device[w] == device[start]) return std::nullopt;
        const bool leaves = left_before || device[w] != device[start];
        if ((leaves ? outside : inside).insert(w).second) open.push_back(w);
      }
    }
  }

  // Each output once for each accelerator that it leaves or comes to.
  for (std::size_t v = 0; v < num_nodes; ++v) {
    std::set<std::size_t> ends;
    for (const std::size_t w : readers[v])
      if (device[w] != device[v]) ends.insert(device[w]);
    if (ends.empty()) continue;
    ends.insert(device[v]);
    for (const std::size_t d : ends)
      if (kinds[d] == DeviceKind::kAccelerator) load_ms[d] += node(v).transfer_ms;
  }
  return *std::max_element(load_ms.begin(), load_ms.end());
}

/// The least greatest load, the slow way: every colour class on every device. Infinite when nothing
/// is allowed.
[[nodiscard]] inline double brute_force_load_ms(const PlacementProblem& problem) {
  std::map<std::int64_t, std::size_t> class_of_color;
  std::vector<std::size_t> class_of;
  std::size_t num_classes = 0;
  for (const PlacementNode& node : problem.nodes) {
    const auto known = node.color ? class_of_color.find(*node.color) : class_of_color.end();
    class_of.push_back(known != class_of_color.end() ? known->second : num_classes++);
    if (node.color) class_of_color.emplace(*node.color, class_of.back());
  }
  double best_ms = std::numeric_limits<double>::infinity();
  std::vector<DeviceKind> kinds;  // of the devices in use: identical ones are taken in turn
  std::vector<std::size_t> device_of_class(num_classes);
  const std::function<void(std::size_t)> place = [&](std::size_t c) {
    if (c == num_classes) {
      std::vector<std::size_t> device_of_node;
      device_of_node.reserve(class_of.size());
      for (const std::size_t of_node : class_of) device_of_node.push_back(device_of_class[of_node]);
      best_ms = std::min(best_ms, judged_load_ms(problem, kinds, device_of_node)
                                      .value_or(std::numeric_limits<double>::infinity()));
      return;
    }
    for (std::size_t d = 0; d < kinds.size(); ++d) {
      device_of_class[c] = d;
      place(c + 1);
    }
    for (const DeviceKind kind : {DeviceKind::kAccelerator, DeviceKind::kCpu}) {
      const std::int64_t num =
          kind == DeviceKind::kCpu ? problem.num_cpus : problem.num_accelerators;
      if (std::count(kinds.begin(), kinds.end(), kind) >= num) continue;
      kinds.push_back(kind);
      device_of_class[c] = kinds.size() - 1;
      place(c + 1);
      kinds.pop_back();
    }
  };
  place(0);
  return best_ms;
}

/// Draws placement problems of many kinds: dense and sparse, with and without a backward pass (the
/// mirror image of the forward pass, its copy, or neither), cheap and dear transfers, ties and
/// zeros, loose and tight memory, nodes that only a CPU runs.
class RandomPlacements {
 public:
  explicit RandomPlacements(unsigned seed) : random_(seed) {}

  /// With up to `most_forward` forward nodes.
  [[nodiscard]] PlacementProblem draw(std::size_t most_forward) {
    problem_ = {};
    edges_.clear();
    problem_.num_cpus = one_in(8) ? 2 : below(2);
    problem_.num_accelerators = below(4);
    if (problem_.num_cpus + problem_.num_accelerators == 0)
      problem_.num_accelerators = 1 + below(3);
    part_of_zeros_ = uniform(0, 0.6);
    whole_ = one_in(2);
    transfer_scale_ = one_in(3) ? 0 : uniform(0, 2) * uniform(0, 2);
    cpu_factor_ = uniform(0.3, 6);
    const bool trains = one_in(2);
    const std::int64_t num_forward = 1 + below(static_cast<std::int64_t>(most_forward));
    for (std::int64_t i = 0; i < num_forward; ++i) add_forward(i, trains);
    const double density = uniform(0, 0.7);
    for (std::int64_t i = 0; i < num_forward; ++i)
      for (std::int64_t j = i + 1; j < num_forward; ++j)
        if (uniform(0, 1) < density) edges_.emplace_back(i, j);
    if (trains) add_backward(num_forward);
    finish();
    return problem_;
  }

 private:
  double uniform(double least, double most) {
    return least + (most - least) * static_cast<double>(random_()) / 4294967296.0;
  }

  std::int64_t below(std::int64_t end) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(end));
  }

  bool one_in(std::int64_t times) { return below(times) == 0; }

  double cost_ms(double most_ms) {
    if (uniform(0, 1) < part_of_zeros_) return 0;
    const double ms = uniform(0, most_ms);
    return whole_ ? std::floor(3 * ms / most_ms) : ms;
  }

  void add_forward(std::int64_t id, bool trains) {
    PlacementNode node{.id = id, .accelerator_ms = cost_ms(3)};
    node.cpu_ms = one_in(4) ? cost_ms(6) : node.accelerator_ms * cpu_factor_;
    node.size_bytes = static_cast<double>(below(5));
    node.transfer_ms = cost_ms(1) * transfer_scale_;
    node.runs_on_accelerator = problem_.num_cpus == 0 || !one_in(8);
    if (trains || one_in(4)) node.color = one_in(5) ? below(id + 1) : id;
    problem_.nodes.push_back(node);
  }

  void add_backward(std::int64_t num_forward) {
    constexpr std::int64_t kNone = -1;
    const bool odd = one_in(3);
    std::vector<std::int64_t> backward_of(static_cast<std::size_t>(num_forward), kNone);
    for (std::int64_t i = num_forward; i-- > 0;) {
      if (one_in(6)) continue;
      PlacementNode node = problem_.nodes[static_cast<std::size_t>(i)];
      node.id = 100 + i;
      node.is_backward = true;
      node.accelerator_ms = cost_ms(3);
      node.cpu_ms = node.accelerator_ms * cpu_factor_;
      node.transfer_ms = cost_ms(1) * transfer_scale_;
      if (one_in(8)) node.color.reset();
      if (odd && one_in(3)) node.color = below(num_forward);
      backward_of[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(problem_.nodes.size());
      problem_.nodes.push_back(node);
    }
    const bool copied = one_in(5);
    const auto forward_edges = edges_;
    for (const auto& [from, to] : forward_edges) {
      const std::int64_t a = backward_of[static_cast<std::size_t>(from)];
      const std::int64_t b = backward_of[static_cast<std::size_t>(to)];
      if (a == kNone || b == kNone || one_in(10)) continue;
      edges_.emplace_back(copied ? a : b, copied ? b : a);
    }
    for (std::int64_t i = 0; i < num_forward; ++i) {
      const std::int64_t b = backward_of[static_cast<std::size_t>(i)];
      if (b != kNone && one_in(2)) edges_.emplace_back(i, b);
    }
    const auto num_nodes = static_cast<std::int64_t>(problem_.nodes.size());
    if (odd && !copied)
      for (std::int64_t i = num_forward; i < num_nodes; ++i)
        for (std::int64_t j = i + 1; j < num_nodes; ++j)
          if (one_in(6)) edges_.emplace_back(i, j);
  }

  void finish() {
    std::vector<bool> is_read(problem_.nodes.size(), false);
    for (const auto& [from, to] : edges_) {
      problem_.edges.push_back(
          {.source = static_cast<std::size_t>(from), .target = static_cast<std::size_t>(to)});
      is_read[static_cast<std::size_t>(from)] = true;
    }
    std::shuffle(problem_.edges.begin(), problem_.edges.end(), random_);
    double total_bytes = 0;
    for (std::size_t v = 0; v < problem_.nodes.size(); ++v) {
      if (!is_read[v]) problem_.nodes[v].transfer_ms = 0;
      total_bytes += problem_.nodes[v].size_bytes;
    }
    problem_.accelerator_bytes =
        one_in(2) ? total_bytes : std::floor(total_bytes * uniform(0.2, 1));
  }

  std::mt19937 random_;
  PlacementProblem problem_;
  std::vector<std::pair<std::int64_t, std::int64_t>> edges_;
  double part_of_zeros_ = 0;
  bool whole_ = false;
  double transfer_scale_ = 0;
  double cpu_factor_ = 1;
};

}  // namespace cadastre::worlds
