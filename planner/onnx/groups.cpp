#include "planner/onnx/groups.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>

namespace cadastre::onnx_import {

namespace {

using Marks = std::vector<bool>;  // of nodes

std::size_t at(int node) { return static_cast<std::size_t>(node); }

class Grouping {
 public:
  explicit Grouping(const std::vector<GroupedNode>& nodes)
      : nodes_(nodes), readers_(nodes.size()), members_(nodes.size()) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int node = static_cast<int>(i);
      group_of_.push_back(node);
      members_[i] = {node};
      for (const int input : nodes[i].inputs) readers_[at(input)].push_back(node);
    }
  }

  void join_together(const std::vector<int>& set) { join(closure(set)); }

  void join_modules() {
    std::map<std::string, std::vector<int>> by_module;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (!nodes_[i].module.empty()) by_module[nodes_[i].module].push_back(static_cast<int>(i));
    for (auto module = by_module.begin(); module != by_module.end(); ++module) {
      const auto inner = by_module.lower_bound(module->first + ".");
      const bool holds_others =
          inner != by_module.end() && inner->first.starts_with(module->first + ".");
      if (holds_others || module->second.size() < 2) continue;
      std::set<int> groups;
      for (const int node : module->second) groups.insert(group_of_[at(node)]);
      const std::set<int> all = closure(module->second);
      if (all == groups) join(all);
    }
  }

  void join_cheap() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const GroupedNode& node = nodes_[i];
      const int group = group_of_[i];
      if (!(node.is_view || node.is_cheap) || node.reads_model_input || node.inputs.empty())
        continue;
      std::set<int> read;
      bool is_sole_reader = true;
      for (const int input : node.inputs) {
        const int of_input = group_of_[at(input)];
        if (of_input != group) read.insert(of_input);
        for (const int reader : readers_[at(input)])
          is_sole_reader = is_sole_reader &&
                           (group_of_[at(reader)] == group || group_of_[at(reader)] == of_input);
      }
      // A module's nodes move together, so all that the group reads must be what this node reads.
      if (read.size() != 1 || !reads_only(group, *read.begin())) continue;
      if (node.is_view || is_sole_reader) join({group, *read.begin()});
    }
  }

  [[nodiscard]] std::vector<std::vector<int>> ordered() const {
    std::map<int, std::set<int>> readers;  // of groups
    std::map<int, int> num_inputs;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      for (const int input : nodes_[i].inputs) {
        const int from = group_of_[at(input)];
        const int to = group_of_[i];
        if (from != to && readers[from].insert(to).second) ++num_inputs[to];
      }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (!members_[i].empty() && num_inputs[static_cast<int>(i)] == 0)
        ready.push(static_cast<int>(i));
    std::vector<std::vector<int>> order;
    while (!ready.empty()) {
      const int group = ready.top();
      ready.pop();
      order.push_back(members_[at(group)]);
      for (const int reader : readers[group])
        if (--num_inputs[reader] == 0) ready.push(reader);
    }
    return order;
  }

 private:
  /// Whether the nodes of `group` read nothing but each other and `other`.
  [[nodiscard]] bool reads_only(int group, int other) const {
    const std::vector<int>& members = members_[at(group)];
    return std::all_of(members.begin(), members.end(), [&](int member) {
      const GroupedNode& node = nodes_[at(member)];
      return !node.reads_model_input &&
             std::all_of(node.inputs.begin(), node.inputs.end(), [&](int input) {
               const int of_input = group_of_[at(input)];
               return of_input == group || of_input == other;
             });
    });
  }

  /// The nodes that `set`'s groups reach, or that reach them, through whole groups.
  [[nodiscard]] Marks reached(const std::vector<int>& set, bool goes_forward) const {
    Marks marks(nodes_.size(), false);
    std::vector<int> left;
    const auto visit_group = [&](int node) {
      if (marks[at(node)]) return;
      for (const int member : members_[at(group_of_[at(node)])]) {
        marks[at(member)] = true;
        left.push_back(member);
      }
    };
    for (const int node : set) visit_group(node);
    while (!left.empty()) {
      const int node = left.back();
      left.pop_back();
      for (const int next : goes_forward ? readers_[at(node)] : nodes_[at(node)].inputs)
        visit_group(next);
    }
    return marks;
  }

  /// The groups of `set` and those between them.
  [[nodiscard]] std::set<int> closure(const std::vector<int>& set) const {
    const Marks after = reached(set, true);
    const Marks before = reached(set, false);
    std::set<int> groups;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (after[i] && before[i]) groups.insert(group_of_[i]);
    return groups;
  }

  void join(const std::set<int>& groups) {
    std::vector<int> all;
    for (const int group : groups) {
      all.insert(all.end(), members_[at(group)].begin(), members_[at(group)].end());
      members_[at(group)].clear();
    }
    std::sort(all.begin(), all.end());
    for (const int node : all) group_of_[at(node)] = all.front();
    const int first = all.front();
    members_[at(first)] = std::move(all);
  }

  const std::vector<GroupedNode>& nodes_;
  std::vector<std::vector<int>> readers_;  // of each node
  std::vector<int> group_of_;              // the least of its nodes
  std::vector<std::vector<int>> members_;  // by group
};

}  // namespace

std::vector<std::vector<int>> group_nodes(const std::vector<GroupedNode>& nodes,
                                          const std::vector<std::vector<int>>& together) {
  Grouping grouping(nodes);
  for (const std::vector<int>& set : together) grouping.join_together(set);
  grouping.join_modules();
  grouping.join_cheap();
  return grouping.ordered();
}

}  // namespace cadastre::onnx_import
