#include "simulator/simgrid_import/platform_words.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

struct Words {
  std::vector<std::string> required;  ///< attributes
  std::vector<std::string> optional;
  std::vector<std::string> children;
};

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

const std::map<std::string, Words>& all_words() {
  static const std::map<std::string, Words> all = [] {
    std::map<std::string, Words> words;
    const auto add = [&](const std::string& names, const std::string& required,
                         const std::string& optional, const std::string& children) {
      for (const std::string& name : split(names))
        words[name] = {
            .required = split(required), .optional = split(optional), .children = split(children)};
    };
    const std::string zones = "AS zone cluster cabinet peer trace trace_connect ";
    add("platform", "version", "", zones + "config random process actor");
    add("AS zone", "id routing", "",
        zones +
            "prop backbone zoneRoute ASroute bypassZoneRoute bypassASroute storage_type storage "
            "host router link host_link route bypassRoute");
    add("config", "", "id", "prop");
    add("random", "id min max mean std_deviation", "seed radical generator", "");
    add("trace", "id periodicity", "file", "");
    add("trace_connect", "trace element", "kind", "");
    add("storage_type", "id size", "model content", "model_prop prop");
    add("storage", "id typeId attach", "content", "prop");
    add("mount", "storageId name", "", "");
    add("host", "id speed", "core speed_file availability_file state_file coordinates pstate",
        "disk prop mount");
    add("disk", "read_bw write_bw", "id", "prop");
    add("host_link", "id up down", "", "");
    add("cluster", "id prefix suffix radical speed bw lat",
        "core sharing_policy topology topo_parameters bb_bw bb_lat bb_sharing_policy router_id "
        "limiter_link loopback_bw loopback_lat",
        "prop");
    add("cabinet", "id prefix suffix radical speed bw lat", "", "");
    add("peer", "id speed bw_in bw_out", "lat coordinates speed_file availability_file state_file",
        "");
    add("router", "id", "coordinates", "");
    add("backbone", "id bandwidth latency", "", "");
    add("link", "id bandwidth", "bandwidth_file latency latency_file state_file sharing_policy",
        "prop");
    add("route", "src dst", "symmetrical", "link_ctn");
    add("bypassRoute", "src dst", "", "link_ctn");
    add("zoneRoute ASroute", "src dst gw_src gw_dst", "symmetrical", "link_ctn");
    add("bypassZoneRoute bypassASroute", "src dst gw_src gw_dst", "", "link_ctn");
    add("link_ctn", "id", "direction", "");
    add("process actor", "host function", "start_time kill_time on_failure", "argument prop");
    add("argument", "value", "", "");
    add("prop model_prop", "id value", "", "");
    return words;
  }();
  return all;
}

class Check {
 public:
  Check(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  // Zones are nested; no platform is as deep as the stack.
  void element(const pugi::xml_node& node, int depth) const {
    constexpr int kDeepest = 64;
    if (depth > kDeepest)
      fail(node, "expected elements nested " + std::to_string(kDeepest) + " deep at most",
           "deeper ones");
    const Words& words = all_words().at(node.name());
    attributes(node, words);
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string name = child.name();
      if (std::find(words.children.begin(), words.children.end(), name) == words.children.end())
        fail(child,
             words.children.empty() ? "expected nothing in " + tag(node)
                                    : "expected an element of SimGrid's in " + tag(node) + " (" +
                                          listed(words.children) + ")",
             tag(child) + did_you_mean(name, words.children));
      element(child, depth + 1);
    }
  }

 private:
  static std::string tag(const pugi::xml_node& node) {
    std::string text = "<";
    text += node.name();
    text += ">";
    return text;
  }

  void attributes(const pugi::xml_node& node, const Words& words) const {
    std::vector<std::string> known = words.required;
    known.insert(known.end(), words.optional.begin(), words.optional.end());
    for (const pugi::xml_attribute& attribute : node.attributes())
      if (std::find(known.begin(), known.end(), attribute.name()) == known.end())
        fail(node, "expected an attribute of " + tag(node) + " (" + listed(known) + ")",
             in_quotes(attribute.name()) + did_you_mean(attribute.name(), known));
    for (const std::string& name : words.required)
      if (!node.attribute(name.c_str()))
        fail(node, "expected attribute " + in_quotes(name) + " of " + tag(node), "none");
  }

  [[noreturn]] void fail(const pugi::xml_node& node, const std::string& expected,
                         const std::string& found) const {
    throw InputError(file_, line_of(node, text_), expected + ", found " + found);
  }

  const std::string& text_;
  const std::string& file_;
};

}  // namespace

void check_platform_words(const pugi::xml_node& platform, const std::string& text,
                          const std::string& file) {
  Check(text, file).element(platform, 0);
}

std::string line_of(const pugi::xml_node& node, const std::string& text) {
  const std::ptrdiff_t offset =
      std::clamp<std::ptrdiff_t>(node.offset_debug(), 0, static_cast<std::ptrdiff_t>(text.size()));
  return "line " + std::to_string(1 + std::count(text.begin(), text.begin() + offset, '\n'));
}

}  // namespace cadastre
