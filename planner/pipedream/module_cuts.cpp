#include "planner/pipedream/module_cuts.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace cadastre::pipedream {

namespace {

using Words = std::vector<std::uint64_t>;

constexpr std::size_t kBits = 64;

std::size_t num_words(std::size_t num_nodes) { return (num_nodes + kBits - 1) / kBits; }

bool has(const Words& set, std::size_t node) {
  return (set[node / kBits] >> (node % kBits) & 1) != 0;
}

void insert(Words& set, std::size_t node) {
  set[node / kBits] |= std::uint64_t{1} << (node % kBits);
}

bool includes(const Words& set, const Words& within) {
  for (std::size_t w = 0; w < set.size(); ++w)
    if ((within[w] & ~set[w]) != 0) return false;
  return true;
}

void unite(Words& set, const Words& other) {
  for (std::size_t w = 0; w < set.size(); ++w) set[w] |= other[w];
}

/// Nodes that come and go together, with all that they need before them.
struct Group {
  Words members;
  Words ancestors;
  std::size_t first = 0;  ///< its first member
};

/// The unions of groups that are downsets. Each is met once, as the ascending list of its groups,
/// every beginning of which is a downset too. None when there are more than `most_cuts`.
std::optional<Words> unions(const std::vector<Group>& groups, std::size_t most_cuts) {
  if (groups.empty()) return Words{};
  const std::size_t size = groups.front().members.size();
  // Large graphs give up before memory or time run out.
  constexpr std::size_t kMostWords = std::size_t{1} << 24;
  constexpr std::size_t kTestsPerCut = 100;
  std::size_t num_tests_left = kTestsPerCut * (most_cuts + 1);

  struct Step {
    Words set;
    std::size_t next;  ///< the first group that may be added
  };

  std::vector<Step> path = {{.set = Words(size, 0), .next = 0}};
  Words found;
  while (!path.empty()) {
    Step& step = path.back();
    while (step.next < groups.size() && !includes(step.set, groups[step.next].ancestors)) {
      if (num_tests_left-- == 0) return std::nullopt;
      ++step.next;
    }
    if (step.next == groups.size()) {
      path.pop_back();
      continue;
    }
    Step longer{.set = step.set, .next = step.next + 1};
    unite(longer.set, groups[step.next].members);
    ++step.next;
    if (found.size() >= std::min(most_cuts * size, kMostWords)) return std::nullopt;
    found.insert(found.end(), longer.set.begin(), longer.set.end());
    path.push_back(std::move(longer));
  }
  return found;
}

std::vector<Group> single_nodes(const std::vector<Words>& ancestors) {
  std::vector<Group> groups;
  for (std::size_t node = 0; node < ancestors.size(); ++node) {
    Group group{.members = Words(num_words(ancestors.size()), 0),
                .ancestors = ancestors[node],
                .first = node};
    insert(group.members, node);
    groups.push_back(std::move(group));
  }
  return groups;
}

/// For each node, the nodes that need it directly: no other node lies between.
std::vector<std::vector<std::size_t>> direct_successors(const std::vector<Words>& ancestors) {
  std::vector<std::vector<std::size_t>> successors(ancestors.size());
  for (std::size_t node = 0; node < ancestors.size(); ++node) {
    Words between(num_words(ancestors.size()), 0);
    for (std::size_t a = node; a-- > 0;) {
      if (!has(ancestors[node], a)) continue;
      if (!has(between, a)) successors[a].push_back(node);
      unite(between, ancestors[a]);
    }
  }
  return successors;
}

std::vector<Group> chains(const std::vector<Words>& ancestors) {
  const std::vector<std::vector<std::size_t>> successors = direct_successors(ancestors);
  std::vector<std::size_t> num_predecessors(ancestors.size(), 0);
  for (const std::vector<std::size_t>& after : successors)
    for (const std::size_t node : after) ++num_predecessors[node];
  std::vector<Group> groups;
  Words done(num_words(ancestors.size()), 0);
  for (std::size_t node = 0; node < ancestors.size(); ++node) {
    if (has(done, node)) continue;
    Group group{.members = Words(num_words(ancestors.size()), 0),
                .ancestors = ancestors[node],
                .first = node};
    for (std::size_t last = node;; last = successors[last].front()) {
      insert(group.members, last);
      if (successors[last].size() != 1 || num_predecessors[successors[last].front()] != 1) break;
    }
    unite(done, group.members);
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Without the whole graph, which every way of finding them ends with or meets once.
void drop_whole(Words& found, std::size_t num_nodes) {
  const std::size_t size = num_words(num_nodes);
  Words kept;
  kept.reserve(found.size());
  for (std::size_t at = 0; at < found.size(); at += size) {
    std::size_t count = 0;
    for (std::size_t w = 0; w < size; ++w)
      count += static_cast<std::size_t>(std::popcount(found[at + w]));
    if (count < num_nodes)
      kept.insert(kept.end(), found.begin() + static_cast<std::ptrdiff_t>(at),
                  found.begin() + static_cast<std::ptrdiff_t>(at + size));
  }
  found = std::move(kept);
}

std::vector<NodeGroup> node_groups(const std::vector<Group>& groups) {
  std::vector<NodeGroup> result;
  for (const Group& group : groups) {
    NodeGroup node_group{.members = group.members, .last = 0, .needed_by = {}};
    for (std::size_t w = 0; w < group.members.size(); ++w)
      if (group.members[w] != 0)
        node_group.last =
            w * kBits + kBits - 1 - static_cast<std::size_t>(std::countl_zero(group.members[w]));
    for (const Group& other : groups)
      if (has(other.ancestors, node_group.last)) node_group.needed_by.push_back(other.first);
    result.push_back(std::move(node_group));
  }
  return result;
}

}  // namespace

std::optional<ModuleCuts> enumerate_module_cuts(const std::vector<Words>& ancestors,
                                                std::size_t most_cuts) {
  ModuleCuts cuts;
  std::vector<Group> groups = single_nodes(ancestors);
  std::optional<Words> found = unions(groups, most_cuts);
  if (!found) {
    cuts.complete = false;
    groups = chains(ancestors);
    found = unions(groups, most_cuts);
  }
  if (!found) return std::nullopt;
  cuts.words = *std::move(found);
  drop_whole(cuts.words, ancestors.size());
  cuts.groups = node_groups(groups);
  return cuts;
}

}  // namespace cadastre::pipedream
