#include "simulator/simgrid_import/import.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "planner/cluster_check.h"
#include "planner/error.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "simulator/isolated.h"
#include "simulator/simgrid_import/load_platform.h"
#include "simulator/simgrid_import/platform_file.h"
#include "simulator/simgrid_import/route_lists.h"
#include "simulator/simgrid_import/same_paths.h"

namespace cadastre {

namespace {

/// Above this, the routes of all pairs would take minutes and gigabytes.
constexpr int kMostListedHosts = 2048;

class Importer {
 public:
  Importer(const std::filesystem::path& file, const SimgridImportOptions& options,
           const PlatformFile& words)
      : file_(file.string()), options_(options), words_(words), platform_(load_platform(file)) {}

  Cluster import() {
    num_hosts_ = static_cast<int>(platform_.hosts.size());
    if (num_hosts_ == 0) throw InputError(file_, "", "expected a platform with hosts, found none");
    cluster_.hosts = platform_.hosts;
    cluster_.network.model = words_.model;
    set_memory();
    set_speeds();
    wire();
    return std::move(cluster_);
  }

 private:
  void set_memory() {
    for (std::size_t h = 0; h < cluster_.hosts.size(); ++h) {
      if (platform_.has_memory[h]) continue;
      if (!options_.memory_bytes)
        throw InputError("--memory", "",
                         "expected the memory of hosts whose platform does not say it (" +
                             in_quotes(cluster_.hosts[h].name) + " in " + file_ +
                             "), found no such option");
      cluster_.hosts[h].memory_bytes = *options_.memory_bytes;
    }
  }

  void set_speeds() {
    const std::vector<double>& speeds = platform_.speed_flops_per_s;
    const double fastest = *std::max_element(speeds.begin(), speeds.end());
    const double reference = options_.reference_speed_flops_per_s.value_or(fastest);
    for (std::size_t h = 0; h < cluster_.hosts.size(); ++h) {
      Host& host = cluster_.hosts[h];
      host.relative_speed = speeds[h] / reference;
      constexpr double kMost = 1e6;  // as in a cluster document
      if (!(host.relative_speed >= 1 / kMost && host.relative_speed <= kMost))
        throw InputError(file_, "host " + in_quotes(host.name),
                         "expected a speed of 1e-6 to 1e6 times the reference's " +
                             number_text(reference) + " flop/s, found " + number_text(speeds[h]) +
                             " flop/s");
    }
    cluster_.description = "From a platform of SimGrid. A relative speed of 1 is " +
                           number_text(reference) + " flop/s";
    cluster_.description +=
        options_.reference_speed_flops_per_s ? "." : ", that of its fastest host.";
    if (!words_.left_out.empty())
      cluster_.description += " Its " + words_.left_out + " are left out.";
  }

  void wire() {
    if (num_hosts_ == 1) {
      // Nothing crosses a network, but a document states one.
      constexpr double kGigabitEthernet = 125e6;
      cluster_.network.bandwidth_bytes_per_s = kGigabitEthernet;
      return;
    }
    if (words_.is_one_cluster && wire_as_one_cluster()) return;
    if (num_hosts_ > kMostListedHosts)
      throw InputError(file_, "",
                       "expected " + std::to_string(kMostListedHosts) +
                           " hosts at most where their routes must be listed, found " +
                           std::to_string(num_hosts_));
    const SeenPaths paths(platform_);
    if (wire_as_star() && same_paths(cluster_, paths)) return;
    unwire();
    set_usual_link(paths.links());
    cluster_.network.topology = route_lists(paths, cluster_.hosts);
    if (network_fault(cluster_) || !same_paths(cluster_, paths))
      throw std::logic_error("the routes of " + file_ + " do not fit into lists");
  }

  bool wire_as_one_cluster() {
    if (is_star(words_.topology)) {
      if (!wire_as_star()) return false;
    } else {
      const std::vector<int> path = platform_.find_path(0, 1);
      const SeenLink link = (*platform_.links)[static_cast<std::size_t>(path.front())];
      cluster_.network.bandwidth_bytes_per_s = link.bandwidth_bytes_per_s;
      cluster_.network.latency_s = link.latency_s;
      cluster_.network.topology = words_.topology;
      if (network_fault(cluster_)) return false;
    }
    return same_paths(cluster_, sampled_pairs(num_hosts_), platform_);
  }

  /// A star in which every host has the link that its path to the next begins with. False where
  /// one of these paths is not of two links, as in a star.
  bool wire_as_star() {
    unwire();
    std::vector<SeenLink> own;
    for (int host = 0; host < num_hosts_; ++host) {
      const std::vector<int> path = platform_.find_path(host, (host + 1) % num_hosts_);
      if (path.size() != 2) return false;
      own.push_back((*platform_.links)[static_cast<std::size_t>(path.front())]);
    }
    set_usual_link(own);
    for (std::size_t h = 0; h < own.size(); ++h) {
      Host& host = cluster_.hosts[h];
      if (own[h].bandwidth_bytes_per_s != cluster_.network.bandwidth_bytes_per_s)
        host.bandwidth_bytes_per_s = own[h].bandwidth_bytes_per_s;
      if (own[h].latency_s != cluster_.network.latency_s) host.latency_s = own[h].latency_s;
    }
    return true;
  }

  void unwire() {
    cluster_.network.topology = {};
    for (Host& host : cluster_.hosts) {
      host.bandwidth_bytes_per_s.reset();
      host.latency_s.reset();
    }
  }

  /// The network's link is what most are; of equally many, the first.
  void set_usual_link(const std::vector<SeenLink>& links) {
    std::map<std::pair<double, double>, int> count;
    const auto kind = [](const SeenLink& link) {
      return std::pair(link.bandwidth_bytes_per_s, link.latency_s);
    };
    for (const SeenLink& link : links) ++count[kind(link)];
    const auto usual = std::max_element(
        links.begin(), links.end(),
        [&](const SeenLink& a, const SeenLink& b) { return count[kind(a)] < count[kind(b)]; });
    cluster_.network.bandwidth_bytes_per_s = usual->bandwidth_bytes_per_s;
    cluster_.network.latency_s = usual->latency_s;
  }

  std::string file_;
  const SimgridImportOptions& options_;
  const PlatformFile& words_;
  SeenPlatform platform_;
  int num_hosts_ = 0;
  Cluster cluster_;
};

}  // namespace

SimgridImport import_simgrid(const std::filesystem::path& file,
                             const SimgridImportOptions& options) {
  const PlatformFile words = read_platform_file(file);
  const auto work = [&]() -> std::string {
    nlohmann::json answer;
    try {
      answer["cluster"] = to_json(Importer(file, options, words).import());
      answer["cluster"]["name"] = file.stem().string();
    } catch (const InputError& error) {
      answer = {{"refusal", error.what()}};
    }
    return answer.dump();
  };
  const std::vector<IsolatedResult> results = run_isolated({work}, 1);
  if (!results[0].error.empty()) refuse_as_simgrid(file.string(), results[0].error);
  const nlohmann::json answer = nlohmann::json::parse(results[0].output);
  if (answer.contains("refusal")) throw InputError("", "", answer.at("refusal").get<std::string>());
  return {.cluster = cluster_from_json(JsonPlace(answer.at("cluster"), file.string(), "")),
          .left_out = words.left_out};
}

}  // namespace cadastre
