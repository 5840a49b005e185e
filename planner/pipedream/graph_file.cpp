#include "planner/pipedream/graph_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"

namespace cadastre::pipedream {

namespace {

constexpr std::string_view kSeparator = " -- ";

// The lattice of cuts keeps a bit for each pair of nodes: 32 MB for these.
constexpr std::size_t kMostNodes = 1 << 14;
constexpr double kMost = 1e15;  // milliseconds or bytes, beyond what any layer has

const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names = {"forward_compute_time", "backward_compute_time",
                                                 "activation_size", "parameter_size"};
  return names;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + separator.size();
  }
}

std::string in_short(std::string_view text) {
  constexpr std::size_t kMostShown = 60;
  if (text.size() <= kMostShown) return in_quotes(std::string(text));
  return in_quotes(std::string(text.substr(0, kMostShown)) + "…");
}

bool is_utf8(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return c > 0; })) return true;
  try {
    static_cast<void>(nlohmann::json(std::string(text)).dump());
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
  return true;
}

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  void line(std::string_view text) {
    ++line_;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.find_first_not_of(" \t") == std::string_view::npos) return;
    if (!is_utf8(text)) fail("text in UTF-8", in_short(text));
    if (text.front() == '\t')
      edge(text.substr(1));
    else
      node(text);
  }

  GraphFile finish() {
    if (graph_.nodes.empty())
      throw InputError(name_, "", "expected a line for each node, found none");
    for (const Edge& edge : edges_) {
      line_ = edge.line;
      graph_.nodes[known(edge.to)].inputs.push_back(static_cast<int>(known(edge.from)));
    }
    for (GraphNode& node : graph_.nodes) {
      std::sort(node.inputs.begin(), node.inputs.end());
      node.inputs.erase(std::unique(node.inputs.begin(), node.inputs.end()), node.inputs.end());
    }
    refuse_cycle();
    return std::move(graph_);
  }

 private:
  struct Edge {
    std::string from;
    std::string to;
    std::size_t line = 0;
  };

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    std::string message = "expected ";
    message += expected;
    message += ", found ";
    message += found;
    throw InputError(name_, "line " + std::to_string(line_), message);
  }

  void node(std::string_view text) {
    std::vector<std::string_view> parts = split(text, kSeparator);
    if (parts.back().starts_with("stage_id=")) {
      stage_id(parts.back().substr(parts.back().find('=') + 1));
      parts.pop_back();
    }
    if (parts.size() < 3) fail("ID -- DESCRIPTION -- forward_compute_time=…, …", in_short(text));
    GraphNode node;
    node.id = parts.front();
    const char* const description_end =
        parts[parts.size() - 2].data() + parts[parts.size() - 2].size();
    node.description = std::string(parts[1].data(), description_end);
    if (node.id.empty() || node.id.find_first_of(" \t") != std::string::npos)
      fail("an id without spaces", in_short(node.id));
    if (!index_.emplace(node.id, graph_.nodes.size()).second)
      fail("an id used once", in_short(node.id) + " again");
    if (graph_.nodes.size() == kMostNodes)
      fail("at most " + std::to_string(kMostNodes) + " nodes", "more");
    fields(node, parts.back());
    graph_.nodes.push_back(std::move(node));
  }

  void fields(GraphNode& node, std::string_view text) const {
    std::array<std::optional<double>, 4> values;
    for (const std::string_view part : split(text, ", ")) {
      const std::size_t equals = part.find('=');
      const auto& names = field_names();
      const std::string name(part.substr(0, equals));
      const auto found = std::find(names.begin(), names.end(), name);
      if (equals == std::string_view::npos || found == names.end())
        fail("one of " + listed(names), in_short(part) + did_you_mean(name, names));
      std::optional<double>& value = values[static_cast<std::size_t>(found - names.begin())];
      if (value) fail(name + " once", "it again");
      const std::string_view number_text = part.substr(equals + 1);
      value = name == "activation_size" ? sum(name, number_text) : number(name, number_text);
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!values[i]) fail(field_names()[i] + "=NUMBER", "none in " + in_short(text));
    constexpr double kSecondsPerMillisecond = 1e-3;
    node.forward_s = *values[0] * kSecondsPerMillisecond;
    node.backward_s = *values[1] * kSecondsPerMillisecond;
    node.activation_bytes = *values[2];
    node.parameter_bytes = *values[3];
  }

  double number(const std::string& name, std::string_view text) const {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || !std::isfinite(value) || value < 0 || value > kMost)
      fail(name + " to be a number from 0 to " + number_text(kMost), in_short(text));
    return value;
  }

  double sum(const std::string& name, std::string_view text) const {
    if (!text.starts_with('[')) return number(name, text);
    if (!text.ends_with(']')) fail(name + " to be a number or [NUMBER; NUMBER]", in_short(text));
    double total = 0;
    for (const std::string_view part : split(text.substr(1, text.size() - 2), "; "))
      total += number(name, part);
    return total;
  }

  void stage_id(std::string_view text) const {
    int value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || value < 0)
      fail("stage_id to be a whole number from 0", in_short(text));
  }

  void edge(std::string_view text) {
    const std::vector<std::string_view> ends = split(text, kSeparator);
    if (ends.size() != 2 || ends[0].empty() || ends[1].empty())
      fail("a tab and ID -- ID", in_short(text));
    edges_.push_back({.from = std::string(ends[0]), .to = std::string(ends[1]), .line = line_});
  }

  [[nodiscard]] std::size_t known(const std::string& id) const {
    const auto found = index_.find(id);
    if (found != index_.end()) return found->second;
    std::vector<std::string> ids;
    for (const GraphNode& node : graph_.nodes) ids.push_back(node.id);
    fail("the id of a node", in_short(id) + did_you_mean(id, ids));
  }

  /// A node that the topological order lacks is in a cycle or behind one: going back from it along
  /// such nodes must come round.
  void refuse_cycle() const {
    WeightedGraph graph;
    for (const GraphNode& node : graph_.nodes) {
      graph.nodes.push_back({});
      graph.predecessors.push_back(node.inputs);
    }
    std::vector<bool> ordered(graph_.nodes.size(), false);
    for (const int node : topological_order(graph)) ordered[static_cast<std::size_t>(node)] = true;
    const auto first = std::find(ordered.begin(), ordered.end(), false);
    if (first == ordered.end()) return;
    std::vector<int> path = {static_cast<int>(first - ordered.begin())};
    for (;;) {
      const std::vector<int>& inputs = graph_.nodes[static_cast<std::size_t>(path.back())].inputs;
      const int before = *std::find_if(inputs.begin(), inputs.end(), [&](int input) {
        return !ordered[static_cast<std::size_t>(input)];
      });
      const auto seen = std::find(path.begin(), path.end(), before);
      const bool is_closed = seen != path.end();
      path.erase(path.begin(), is_closed ? seen : path.begin());
      path.push_back(before);
      if (is_closed) break;
    }
    std::reverse(path.begin(), path.end());  // the way the tensors go
    std::string text;
    constexpr std::size_t kMostShown = 12;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (i >= kMostShown && i + 1 < path.size()) continue;
      if (i > 0) text += i + 1 == path.size() && i > kMostShown ? " -> … -> " : " -> ";
      text += graph_.nodes[static_cast<std::size_t>(path[i])].id;
    }
    throw InputError(name_, "", "expected an acyclic graph, found the cycle " + text);
  }

  const std::string& name_;
  GraphFile graph_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Edge> edges_;
  std::size_t line_ = 0;
};

}  // namespace

GraphFile parse_graph_file(const std::string& text, const std::string& name) {
  Parser parser(name);
  for (const std::string_view line : split(text, "\n")) parser.line(line);
  return parser.finish();
}

GraphFile read_graph_file(const std::filesystem::path& file) {
  return parse_graph_file(read_file(file), file.string());
}

bool is_input(const GraphNode& node) {
  return node.inputs.empty() && node.description.starts_with("Input");
}

std::vector<bool> ignored_nodes(const GraphFile& graph) {
  std::vector<bool> is_read(graph.nodes.size(), false);
  for (const GraphNode& node : graph.nodes)
    for (const int input : node.inputs) is_read[static_cast<std::size_t>(input)] = true;
  std::vector<bool> ignored(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    ignored[i] = is_input(node) || (!is_read[i] && node.description.starts_with("__getitem__"));
  }
  return ignored;
}

WeightedGraph weighted_graph(const GraphFile& graph) {
  const std::vector<bool> ignored = ignored_nodes(graph);
  WeightedGraph weighted;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    weighted.predecessors.push_back(node.inputs);
    weighted.nodes.push_back(
        ignored[i] ? WeightedGraph::Node{}
                   : WeightedGraph::Node{.compute_s = node.forward_s + node.backward_s,
                                         .parameter_bytes = node.parameter_bytes});
  }
  return weighted;
}

}  // namespace cadastre::pipedream
