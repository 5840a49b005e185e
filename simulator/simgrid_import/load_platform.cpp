#include "simulator/simgrid_import/load_platform.h"

#include <xbt/log.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <simgrid/s4u.hpp>
#include <unordered_map>
#include <unordered_set>

#include "planner/error.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/units.h"
#include "simulator/simgrid_import/platform_text.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

// What a cluster document takes.
constexpr double kLeastBandwidth = 1;
constexpr double kMostBandwidth = 1e15;
constexpr double kMostLatency_s = 3600;
constexpr int kMostCores = 1 << 20;

/// The platform in SimGrid, and the numbers of its links here.
class Loaded {
 public:
  explicit Loaded(const std::filesystem::path& file) : file_(file.string()), engine_("import") {
    xbt_log_control_set("root.thresh:critical");
    xbt_log_control_set("root.fmt:%m%n");
    // Other models may not be built in; which one it is makes no difference to routes.
    s4u::Engine::set_config("network/model:CM02");
    // A deployment may stand in the same file: its actors never run.
    engine_.register_default([](int, char**) {});
    std::unordered_set<std::string> seen;
    s4u::Host::on_creation_cb([&](s4u::Host& host) {
      if (seen.insert(host.get_name()).second) hosts_.push_back(&host);
    });
    try {
      engine_.load_platform(std::filesystem::absolute(file).string());
      engine_.get_netzone_root()->seal();
    } catch (const std::exception& error) {
      refuse_as_simgrid(file_, error.what());
    }
    for (const s4u::Link* link : engine_.get_all_links()) names_.insert(link->get_name());
  }

  [[nodiscard]] const std::vector<s4u::Host*>& hosts() const { return hosts_; }

  [[nodiscard]] std::shared_ptr<const std::vector<SeenLink>> links() const { return links_; }

  std::vector<int> path(int from, int to) {
    std::vector<SeenLink>& links = *links_;
    const s4u::Host* const sender = hosts_[static_cast<std::size_t>(from)];
    const s4u::Host* const receiver = hosts_[static_cast<std::size_t>(to)];
    route_.clear();
    double latency_s = 0;
    try {
      sender->route_to(receiver, route_, &latency_s);
    } catch (const std::exception&) {
      route_.clear();  // there is none
    }
    if (route_.empty())
      throw InputError(file_, "",
                       "expected a route between all hosts, found none from " +
                           in_quotes(sender->get_name()) + " to " +
                           in_quotes(receiver->get_name()));
    std::vector<int> path;
    double sum_s = 0;
    for (const s4u::Link* link : route_) {
      const auto [known, is_new] = number_of_.emplace(link, static_cast<int>(links.size()));
      if (is_new) links.push_back(seen(*link));
      if (std::find(path.begin(), path.end(), known->second) != path.end())
        throw InputError(
            file_, "",
            "expected no link twice on the route from " + in_quotes(sender->get_name()) + " to " +
                in_quotes(receiver->get_name()) + ", found " + in_quotes(link->get_name()));
      path.push_back(known->second);
      sum_s += links[static_cast<std::size_t>(known->second)].latency_s;
    }
    constexpr double kRounding = 1e-9;
    if (std::abs(latency_s - sum_s) > kRounding * std::max(latency_s, sum_s))
      path.insert(path.begin() + static_cast<std::ptrdiff_t>(path.size() / 2),
                  distance(latency_s - sum_s));
    return path;
  }

 private:
  /// Peers have distances beside their links: a fat pipe of nothing but latency for each.
  int distance(double latency_s) {
    std::vector<SeenLink>& links = *links_;
    if (!(latency_s > 0 && latency_s <= kMostLatency_s))
      throw InputError(file_, "",
                       "expected routes of at most " + number_text(kMostLatency_s) +
                           " s beside their links' latency, found one of " +
                           number_text(latency_s) + " s");
    const auto [known, is_new] = distance_.emplace(latency_s, static_cast<int>(links.size()));
    if (is_new)
      links.push_back({.name = "distance of " + number_text(latency_s) + " s",
                       .bandwidth_bytes_per_s = kMostBandwidth,
                       .latency_s = latency_s,
                       .fat_pipe = true,
                       .cable = ""});
    return known->second;
  }

  SeenLink seen(const s4u::Link& link) const {
    SeenLink seen{.name = link.get_name(),
                  .bandwidth_bytes_per_s = link.get_bandwidth(),
                  .latency_s = link.get_latency(),
                  .fat_pipe = link.get_sharing_policy() == s4u::Link::SharingPolicy::FATPIPE,
                  .cable = ""};
    const std::string named = "link " + in_quotes(seen.name);
    if (!(seen.bandwidth_bytes_per_s >= kLeastBandwidth &&
          seen.bandwidth_bytes_per_s <= kMostBandwidth))
      throw InputError(file_, "",
                       "expected the bandwidth of " + named +
                           " to be from 1 to 1e15 bytes per second, found " +
                           number_text(seen.bandwidth_bytes_per_s));
    if (!(seen.latency_s >= 0 && seen.latency_s <= kMostLatency_s))
      throw InputError(file_, "",
                       "expected the latency of " + named +
                           " to be from 0 to 3600 seconds, found " + number_text(seen.latency_s));
    set_cable(seen, link);
    return seen;
  }

  /// SimGrid calls the directions of a split-duplex link NAME_UP and NAME_DOWN.
  void set_cable(SeenLink& seen, const s4u::Link& link) const {
    const std::string up = "_UP";
    const std::string down = "_DOWN";
    const bool is_up = seen.name.ends_with(up);
    if (seen.fat_pipe || (!is_up && !seen.name.ends_with(down))) return;
    const std::string cable = seen.name.substr(0, seen.name.size() - (is_up ? up : down).size());
    const s4u::Link* const other = s4u::Link::by_name_or_null(cable + (is_up ? down : up));
    if (cable.empty() || other == nullptr ||
        other->get_sharing_policy() == s4u::Link::SharingPolicy::FATPIPE ||
        other->get_bandwidth() != link.get_bandwidth() ||
        other->get_latency() != link.get_latency())
      return;
    for (const std::string& taken : {cable, cable + ":up", cable + ":down"})
      if (names_.contains(taken)) return;
    seen.cable = cable;
    seen.is_up = is_up;
  }

  std::string file_;
  s4u::Engine engine_;
  std::vector<s4u::Host*> hosts_;
  std::vector<s4u::Link*> route_;
  std::shared_ptr<std::vector<SeenLink>> links_ = std::make_shared<std::vector<SeenLink>>();
  std::unordered_map<const s4u::Link*, int> number_of_;
  std::unordered_map<double, int> distance_;
  std::unordered_set<std::string> names_;
};

std::optional<double> number_in(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = text.find_last_not_of(" \t") + 1;
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, number);
  if (error != std::errc() || stop != text.data() + end || !std::isfinite(number))
    return std::nullopt;
  return number;
}

/// The first of these properties that a host has; null where it has none.
struct Property {
  Property(const s4u::Host& host, std::initializer_list<const char*> names) {
    for (const char* candidate : names) {
      const char* const found = host.get_property(candidate);
      if (found == nullptr) continue;
      name = candidate;
      value = found;
      return;
    }
  }

  std::string name;
  std::optional<std::string> value;
};

class HostReader {
 public:
  HostReader(const s4u::Host& host, const std::string& file) : host_(host), file_(file) {}

  Host read(bool& has_memory) const {
    Host host{
        .name = host_.get_name(), .cores = host_.get_core_count(), .address = "", .machine = ""};
    if (host.cores < 1 || host.cores > kMostCores)
      fail("from 1 to " + std::to_string(kMostCores) + " cores", std::to_string(host.cores));
    const Property memory(host_, {"memory_bytes", "memory", "ram", "Memory", "RAM"});
    has_memory = memory.value.has_value();
    if (has_memory) host.memory_bytes = bytes(memory);
    const Property price(host_, {"price_per_hour"});
    if (price.value) host.price_per_hour = not_negative(price);
    if (const char* address = host_.get_property("address")) host.address = address;
    read_watts(host);
    return host;
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw InputError(file_, "host " + in_quotes(host_.get_name()),
                     "expected " + expected + ", found " + found);
  }

  [[nodiscard]] std::int64_t bytes(const Property& property) const {
    const std::optional<double> number = number_in(*property.value);
    // A whole number is read as one: not as its text, nor with a point.
    constexpr double kMostBytes = 1e18;
    const bool is_whole =
        number && std::floor(*number) == *number && std::abs(*number) < kMostBytes;
    const nlohmann::json value = is_whole ? nlohmann::json(static_cast<std::int64_t>(*number))
                                          : nlohmann::json(*property.value);
    return size_bytes(JsonPlace(
        value, file_,
        "host " + in_quotes(host_.get_name()) + ": property " + in_quotes(property.name)));
  }

  [[nodiscard]] double not_negative(const Property& property) const {
    const std::optional<double> number = number_in(*property.value);
    if (!number || *number < 0)
      fail("property " + in_quotes(property.name) + " to be a number >= 0",
           in_quotes(*property.value));
    return *number;
  }

  /// For each state of the processor, IDLE:ALL_CORES or IDLE:ONE_CORE:ALL_CORES in watts.
  void read_watts(Host& host) const {
    const Property property(host_, {"wattage_per_state", "watt_per_state"});
    if (!property.value) return;
    std::vector<std::string> states = split(*property.value, ',');
    const auto state = static_cast<std::size_t>(host_.get_pstate());
    const std::vector<std::string> parts =
        state < states.size() ? split(states[state], ':') : std::vector<std::string>();
    std::vector<double> watts;
    for (const std::string& part : parts)
      if (const std::optional<double> number = number_in(part); number && *number >= 0)
        watts.push_back(*number);
    if (parts.size() < 2 || parts.size() > 3 || watts.size() != parts.size() ||
        watts.front() > watts.back())
      fail("property " + in_quotes(property.name) +
               " to be IDLE:ALL_CORES or IDLE:ONE_CORE:ALL_CORES in ascending watts for each "
               "state of the processor",
           in_quotes(*property.value));
    host.watts = watts.back();
    host.idle_watts = watts.front();
  }

  const s4u::Host& host_;
  const std::string& file_;
};

}  // namespace

SeenPlatform load_platform(const std::filesystem::path& file) {
  const auto loaded = std::make_shared<Loaded>(file);
  const std::string name = file.string();
  SeenPlatform platform;
  for (const s4u::Host* host : loaded->hosts()) {
    bool has_memory = false;
    platform.hosts.push_back(HostReader(*host, name).read(has_memory));
    platform.has_memory.push_back(has_memory);
    platform.speed_flops_per_s.push_back(host->get_speed());
  }
  platform.links = loaded->links();
  platform.find_path = [loaded](int from, int to) { return loaded->path(from, to); };
  return platform;
}

void refuse_as_simgrid(const std::string& file, const std::string& said) {
  std::string words = said.substr(0, said.find_first_of("\r\n"));
  std::string line;
  // "Parse error at FILE:LINE: WORDS"
  const std::string prefix = "Parse error at ";
  if (words.starts_with(prefix)) {
    const std::size_t end = words.find(": ", prefix.size());
    const std::size_t colon = end == std::string::npos ? end : words.rfind(':', end - 1);
    if (colon != std::string::npos && colon >= prefix.size()) {
      line = "line " + words.substr(colon + 1, end - colon - 1);
      words = words.substr(end + 2);
    }
  }
  throw InputError(
      file, line,
      "expected a platform that SimGrid can load, found one of which it says " + in_quotes(words));
}

}  // namespace cadastre
