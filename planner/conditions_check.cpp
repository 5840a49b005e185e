#include "planner/conditions_check.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/routes.h"
#include "planner/step_spreads.h"

namespace cadastre {

namespace {

std::vector<std::string> host_names(const Cluster& cluster) {
  std::vector<std::string> names;
  for (const Host& host : cluster.hosts) names.push_back(host.name);
  return names;
}

std::vector<std::string> link_names(const Routes& routes) {
  std::set<std::string> names;
  for (const HalfLink& half_link : routes.half_links()) names.insert(link_name(half_link));
  return {names.begin(), names.end()};
}

class Check {
 public:
  Check(const std::string& file, const Cluster& cluster)
      : file_(file), cluster_(cluster), routes_(cluster) {}

  void run(const Conditions& conditions) const {
    for (std::size_t i = 0; i < conditions.background_traffic.size(); ++i) {
      const std::string pointer = "/background_traffic/" + std::to_string(i);
      check_host(conditions.background_traffic[i].from, pointer + "/from");
      check_host(conditions.background_traffic[i].to, pointer + "/to");
    }
    check_slowdowns(conditions.slowdowns);
    if (conditions.jitter && conditions.jitter->between_steps)
      check_between_steps(*conditions.jitter->between_steps, conditions.slowdowns);
    for (std::size_t i = 0; i < conditions.failures.size(); ++i)
      check_resource(conditions.failures[i].resource, "/failures/" + std::to_string(i));
  }

 private:
  void check_slowdowns(const std::vector<Slowdown>& slowdowns) const {
    std::map<std::string, std::string> where;  // of what is slowed down: pointer
    for (std::size_t i = 0; i < slowdowns.size(); ++i) {
      const Resource& resource = slowdowns[i].resource;
      const std::string pointer = "/slowdowns/" + std::to_string(i);
      check_resource(resource, pointer);
      for (const std::string& slowed : all_slowed(resource)) {
        const auto [first, is_new] = where.emplace(slowed, pointer);
        if (!is_new)
          throw InputError(file_, pointer,
                           "expected one slowdown of " + slowed + ", found a second (first at " +
                               first->second + ")");
      }
    }
  }

  void check_between_steps(const StepVariation& variation,
                           const std::vector<Slowdown>& slowdowns) const {
    std::map<std::string, std::string> where;  // of what varies: pointer
    for (std::size_t i = 0; i < variation.spreads.size(); ++i) {
      const Resource& resource = variation.spreads[i].resource;
      const std::string pointer = "/jitter/between_steps/spreads/" + std::to_string(i);
      check_resource(resource, pointer);
      const bool is_host = !resource.host.empty();
      const std::vector<std::string> varied =
          is_host ? std::vector<std::string>{"host " + in_quotes(resource.host)}
                  : directions_of(resource.link);
      for (const std::string& name : varied) {
        const auto [first, is_new] = where.emplace(name, pointer);
        if (!is_new)
          throw InputError(file_, pointer,
                           "expected one spread of " + name + ", found a second (first at " +
                               first->second + ")");
      }
    }
    // Both set what a link's bandwidth is.
    const StepSpreads spreads = step_spreads(cluster_, routes_, variation);
    for (std::size_t i = 0; i < slowdowns.size(); ++i) {
      const std::string& slowed = slowdowns[i].resource.link;
      if (slowed.empty()) continue;
      for (std::size_t l = 0; l < spreads.links.size(); ++l)
        if (spreads.links[l] > 0 && is_direction_of(routes_.half_links()[l].name, slowed))
          throw InputError(file_, "/slowdowns/" + std::to_string(i) + "/link",
                           "expected no slowdown of a link that varies between steps, found " +
                               in_quotes(slowed) +
                               ": give it the spread 0 in /jitter/between_steps/spreads");
    }
  }

  void check_host(const std::string& name, const std::string& pointer) const {
    if (host_index(cluster_, name) >= 0) return;
    const std::vector<std::string> names = host_names(cluster_);
    throw InputError(file_, pointer,
                     "expected a host of the cluster (" + listed(names) + "), found " +
                         in_quotes(name) + did_you_mean(name, names));
  }

  [[nodiscard]] std::vector<std::string> directions_of(const std::string& link) const {
    std::set<std::string> directions;
    for (const HalfLink& half_link : routes_.half_links())
      if (is_direction_of(half_link.name, link))
        directions.insert("link " + in_quotes(half_link.name));
    return {directions.begin(), directions.end()};
  }

  /// What a slowdown changes: the directions of a link, a host, or the machine that a host shares
  /// with others.
  [[nodiscard]] std::vector<std::string> all_slowed(const Resource& resource) const {
    if (resource.host.empty()) return directions_of(resource.link);
    const Host& host =
        cluster_.hosts[static_cast<std::size_t>(host_index(cluster_, resource.host))];
    return {host.machine.empty() ? "host " + in_quotes(host.name)
                                 : "machine " + in_quotes(host.machine)};
  }

  void check_resource(const Resource& resource, const std::string& pointer) const {
    if (!resource.host.empty()) {
      check_host(resource.host, pointer + "/host");
      return;
    }
    const std::vector<HalfLink>& half_links = routes_.half_links();
    if (std::any_of(half_links.begin(), half_links.end(), [&](const HalfLink& half_link) {
          return is_direction_of(half_link.name, resource.link);
        }))
      return;
    const std::vector<std::string> names = link_names(routes_);
    throw InputError(file_, pointer + "/link",
                     "expected a link of the cluster (" + listed(names) + "), found " +
                         in_quotes(resource.link) + did_you_mean(resource.link, names));
  }

  const std::string& file_;
  const Cluster& cluster_;
  Routes routes_;
};

}  // namespace

void check_conditions(const Conditions& conditions, const std::string& file,
                      const Cluster& cluster) {
  Check(file, cluster).run(conditions);
}

}  // namespace cadastre
