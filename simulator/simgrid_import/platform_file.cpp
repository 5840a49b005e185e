#include "simulator/simgrid_import/platform_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>
#include <vector>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"
#include "simulator/simgrid_import/platform_text.h"
#include "simulator/simgrid_import/platform_words.h"

namespace cadastre {

namespace {

constexpr std::int64_t kMostHosts = 1 << 16;  // as in a cluster document

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "2;4,4;1,2;1,2" as {{2}, {4, 4}, {1, 2}, {1, 2}}; nothing where it is not of counts.
std::optional<std::vector<std::vector<int>>> counts_of(const std::string& parameters) {
  std::vector<std::vector<int>> groups;
  for (const std::string& group : split(parameters, ';')) {
    groups.emplace_back();
    for (const std::string& part : split(group, ',')) {
      const std::optional<std::int64_t> count = whole_number(part);
      if (!count || *count < 1 || *count > kMostHosts) return std::nullopt;
      groups.back().push_back(static_cast<int>(*count));
    }
  }
  return groups;
}

Sharing sharing_of(const pugi::xml_node& cluster) {
  const std::string policy = cluster.attribute("sharing_policy").value();
  if (policy == "SHARED") return Sharing::kShared;
  return policy == "FATPIPE" ? Sharing::kFatPipe : Sharing::kSplitDuplex;
}

/// What SimGrid cannot make sense of becomes a star: SimGrid will say what is wrong.
Topology topology_of(const pugi::xml_node& cluster) {
  const std::string kind = cluster.attribute("topology").value();
  const auto groups = counts_of(cluster.attribute("topo_parameters").value());
  if (!groups) return {};
  const std::vector<std::vector<int>>& g = *groups;
  if (kind == "FAT_TREE" && g.size() == 4)
    return FatTree{.down = g[1], .up = g[2], .parallel = g[3], .sharing = sharing_of(cluster)};
  if (kind == "TORUS" && g.size() == 1)
    return Torus{.dimensions = g[0], .sharing = sharing_of(cluster)};
  if (kind == "DRAGONFLY" && g.size() == 4 && g[0].size() == 2 && g[1].size() == 2 &&
      g[2].size() == 2 && g[3].size() == 1)
    return Dragonfly{.groups = g[0][0],
                     .group_links = g[0][1],
                     .chassis = g[1][0],
                     .chassis_links = g[1][1],
                     .routers = g[2][0],
                     .router_links = g[2][1],
                     .nodes = g[3][0],
                     .sharing = sharing_of(cluster)};
  return {};
}

/// How many hosts "0-3,7" names; 0 where it is no list of numbers, which SimGrid will say.
std::int64_t num_in_radical(const std::string& radical) {
  std::int64_t sum = 0;
  for (const std::string& part : split(radical, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = whole_number(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : whole_number(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) return 0;
    sum += std::min(kMostHosts, *last - *first) + 1;
  }
  return sum;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file)
      : file_(file.string()), text_(read_file(file)) {}

  PlatformFile read() {
    const pugi::xml_node platform = parse();
    const std::string version = platform.attribute("version").value();
    if (version != "4" && version != "4.0" && version != "4.1")
      fail(platform, "expected a <platform> of version 4 or 4.1, found " +
                         (version.empty() ? "none" : in_quotes(version)));
    // SimGrid would say that `<` is unexpected.
    if (!has_doctype_)
      fail(platform,
           "expected <!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\"> before the "
           "<platform>, found none");
    check_platform_words(platform, text_, file_);
    visit(platform);
    std::vector<pugi::xml_node> zones;
    for (const pugi::xml_node& child : platform.children()) {
      const std::string name = child.name();
      if (name == "zone" || name == "AS" || name == "cluster") zones.push_back(child);
      if (name == "peer" || name == "cabinet")
        fail(child, "expected <" + name + "> in a <zone>, found it outside");
      if (name == "config") read_config(child);
    }
    if (num_hosts_ == 0) throw InputError(file_, "", "expected a platform with hosts, found none");
    if (num_hosts_ > kMostHosts)
      throw InputError(file_, "",
                       "expected " + std::to_string(kMostHosts) + " hosts at most, found more");
    // SimGrid ends on a second.
    if (zones.size() > 1)
      fail(zones[1], "expected one <zone> or <cluster> with all others in it, found a second");
    if (std::string(zones.front().name()) == "cluster" &&
        zones.front().attribute("bb_bw").empty() && zones.front().attribute("bb_lat").empty()) {
      read_.is_one_cluster = true;
      read_.topology = topology_of(zones.front());
    }
    if (num_profiles_ > 0)
      read_.left_out = std::to_string(num_profiles_) +
                       (num_profiles_ == 1 ? " availability profile" : " availability profiles");
    return read_;
  }

 private:
  [[noreturn]] void fail(const pugi::xml_node& node, const std::string& message) const {
    throw InputError(file_, line_of(node, text_), message);
  }

  pugi::xml_node parse() {
    try {
      static_cast<void>(nlohmann::json(text_).dump());
    } catch (const nlohmann::json::type_error&) {
      throw InputError(file_, "", "expected a platform in UTF-8, found other bytes");
    }
    const pugi::xml_parse_result result = document_.load_buffer(
        text_.data(), text_.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
    if (!result) {
      const auto offset =
          std::clamp<std::ptrdiff_t>(result.offset, 0, static_cast<std::ptrdiff_t>(text_.size()));
      throw InputError(
          file_,
          "line " + std::to_string(1 + std::count(text_.begin(), text_.begin() + offset, '\n')),
          std::string("expected a platform of SimGrid in XML, found ") +
              lower(result.description()));
    }
    pugi::xml_node root;
    for (const pugi::xml_node& child : document_.children()) {
      if (child.type() == pugi::node_doctype &&
          std::string(child.value()).find('[') != std::string::npos)
        fail(child, "expected no declarations in the DOCTYPE, found some");
      if (child.type() == pugi::node_doctype) has_doctype_ = true;
      if (child.type() != pugi::node_element) continue;
      if (root) fail(child, "expected one <platform>, found another element after it");
      root = child;
    }
    if (std::string(root.name()) != "platform")
      fail(root, std::string("expected a <platform>, found <") + root.name() + ">");
    return root;
  }

  /// As `No document element found` in a sentence.
  static std::string lower(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
      text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
  }

  void visit(const pugi::xml_node& node) {
    const std::string name = node.name();
    if (name == "host" || name == "peer") ++num_hosts_;
    if (name == "cluster" || name == "cabinet")
      num_hosts_ += num_in_radical(node.attribute("radical").value());
    const auto is = [&](const char* attribute, std::string value) {
      std::string found = node.attribute(attribute).value();
      std::transform(found.begin(), found.end(), found.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      return found == value;
    };
    if (is("sharing_policy", "WIFI") || is("routing", "WIFI"))
      fail(node,
           "expected links of a fixed bandwidth, found a WIFI cell, whose bandwidth depends "
           "on its stations");
    // SimGrid 3.32 ends by a segmentation fault.
    if (is("routing", "DIJKSTRA") || is("routing", "DIJKSTRACACHE")) check_has_route(node);
    if (name == "trace") ++num_profiles_;
    for (const char* attribute :
         {"speed_file", "availability_file", "state_file", "bandwidth_file", "latency_file"})
      if (*node.attribute(attribute).value() != '\0') ++num_profiles_;
    for (const pugi::xml_node& child : node.children()) visit(child);
  }

  void check_has_route(const pugi::xml_node& zone) const {
    for (const char* tag : {"route", "zoneRoute", "ASroute"})
      if (zone.child(tag)) return;
    const auto ends = std::distance(zone.children("host").begin(), zone.children("host").end());
    if (ends > 1) fail(zone, "expected a <route> between the hosts of the zone, found none");
  }

  void read_config(const pugi::xml_node& config) {
    const auto value_of = [&](const char* id) {
      return std::string(
          config.find_child_by_attribute("prop", "id", id).attribute("value").value());
    };
    const auto number = [&](const char* id, double least) -> std::optional<double> {
      const std::string text = value_of(id);
      if (text.empty()) return std::nullopt;
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
          value < least)
        fail(config, "expected " + in_quotes(id) + " to be a number >= " + number_text(least) +
                         ", found " + in_quotes(text));
      return value;
    };
    const std::string model = value_of("network/model");
    if (model == "CM02") {
      // SimGrid's factors are LV08's alone; the window and the acknowledgements are not.
      read_.model.name = NetworkModel{}.name;
      read_.model.bandwidth_factor = 1;
      read_.model.latency_factor = 1;
    } else if (!model.empty() && model != "LV08") {
      fail(config, "expected network/model LV08 or CM02, found " + in_quotes(model) +
                       ", which cadastre has none like");
    }
    constexpr double kLeastFactor = 1e-6;
    if (const auto factor = number("network/bandwidth-factor", kLeastFactor))
      read_.model.bandwidth_factor = *factor;
    if (const auto factor = number("network/latency-factor", 0))
      read_.model.latency_factor = *factor;
    if (const auto window = number("network/TCP-gamma", 0)) {
      read_.model.tcp_window_bytes.reset();
      if (*window > 0) read_.model.tcp_window_bytes = std::max(1.0, std::round(*window));
    }
    const std::string crosstraffic = value_of("network/crosstraffic");
    if (!crosstraffic.empty())
      read_.model.crosstraffic = crosstraffic == "1" || crosstraffic == "yes" ||
                                 crosstraffic == "on" || crosstraffic == "true";
  }

  std::string file_;
  std::string text_;
  pugi::xml_document document_;
  PlatformFile read_;
  std::int64_t num_hosts_ = 0;
  int num_profiles_ = 0;
  bool has_doctype_ = false;
};

}  // namespace

PlatformFile read_platform_file(const std::filesystem::path& file) { return Reader(file).read(); }

}  // namespace cadastre
