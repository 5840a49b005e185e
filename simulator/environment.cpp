#include "simulator/environment.h"

#include <algorithm>
#include <cstdint>
#include <simgrid/kernel/ProfileBuilder.hpp>
#include <utility>

#include "planner/conditions_check.h"
#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/routes.h"
#include "planner/step_spreads.h"
#include "simulator/communicating_pairs.h"
#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

/// What a failure is of, as a message names it.
std::string text_of(const Resource& resource) {
  return resource.host.empty() ? "link " + in_quotes(resource.link)
                               : "host " + in_quotes(resource.host);
}

/// The factors of a slowdown, period after period, each dated from the one before, as SimGrid
/// wants them.
std::function<void(std::vector<simgrid::kernel::profile::DatedValue>&)> dated_factors(
    const Slowdown& slowdown) {
  return [&slowdown, period = std::int64_t{0},
          last_s = 0.0](std::vector<simgrid::kernel::profile::DatedValue>& values) mutable {
    if (period > 0 && !slowdown.every_s) return;
    const double begin_s = period == 0 ? 0 : static_cast<double>(period) * *slowdown.every_s;
    const auto add = [&](double at_s, double factor) {
      values.emplace_back(at_s - last_s, factor);
      last_s = at_s;
    };
    if (period > 0 && slowdown.profile.front().at_s > 0) add(begin_s, 1);
    for (const TimedFactor& point : slowdown.profile) add(begin_s + point.at_s, point.factor);
    ++period;
  };
}

/// Of a link: an actor changes its bandwidth, as SimGrid's own profiles are of absolute values in
/// some versions and of relative ones in others.
void slow_link_down(const Slowdown& slowdown, s4u::Link* link, s4u::Host* on) {
  simgrid_version::add_actor("slow link", on, [&slowdown, link] {
    const double full_bytes_per_s = link->get_bandwidth();
    for (std::int64_t period = 0; period == 0 || slowdown.every_s; ++period) {
      const double begin_s = period == 0 ? 0 : static_cast<double>(period) * *slowdown.every_s;
      if (period > 0 && slowdown.profile.front().at_s > 0) {
        s4u::this_actor::sleep_until(begin_s);
        link->set_bandwidth(full_bytes_per_s);
      }
      for (const TimedFactor& point : slowdown.profile) {
        s4u::this_actor::sleep_until(begin_s + point.at_s);
        link->set_bandwidth(point.factor * full_bytes_per_s);
      }
    }
  })->daemonize();
}

void send_in_background(const BackgroundTraffic& traffic, s4u::Host* from, s4u::Host* to) {
  simgrid_version::add_actor("background traffic", from, [&traffic, from, to] {
    s4u::this_actor::sleep_until(traffic.from_s);
    // More than any simulation lasts.
    constexpr std::uint64_t kEndlessBytes = std::uint64_t{1} << 60U;
    const s4u::CommPtr flow = s4u::Comm::sendto_async(from, to, kEndlessBytes);
    if (traffic.until_s) {
      s4u::this_actor::sleep_until(*traffic.until_s);
      flow->cancel();
    } else {
      flow->wait();
    }
  })->daemonize();
}

/// Where a host computes.
s4u::Host* processor(const std::string& host, const Cluster& cluster, const Platform& platform) {
  const auto h = static_cast<std::size_t>(host_index(cluster, host));
  const int machine = host_machines(cluster)[h];
  s4u::Host* shared =
      machine < 0 ? nullptr : platform.machines[static_cast<std::size_t>(machine)].processor;
  return shared != nullptr ? shared : platform.hosts[h];
}

}  // namespace

void check_conditions(const Conditions& conditions, const std::string& file, const Program& program,
                      const Cluster& cluster, const std::string& plan) {
  check_conditions(conditions, file, cluster);
  for (std::size_t i = 0; i < conditions.failures.size(); ++i) {
    const Failure& failure = conditions.failures[i];
    if (failure.back_after_s || !is_needed(failure.resource, program, cluster)) continue;
    std::string message = "expected \"back_after_s\", as " + plan + " needs ";
    message += text_of(failure.resource);
    message += " and could never end, found a failure for ever";
    throw InputError(file, "/failures/" + std::to_string(i), message);
  }
}

bool is_needed(const Resource& resource, const Program& program, const Cluster& cluster) {
  if (!resource.host.empty()) {
    const int failed = host_index(cluster, resource.host);
    return std::any_of(program.ranks.begin(), program.ranks.end(),
                       [&](const RankProgram& rank) { return rank.host_index == failed; });
  }
  const Routes routes(cluster, Routes::Table::kNone);
  for (const auto& [from, to] : communicating_pairs(program))
    for (const int half_link : routes.path(from, to))
      if (is_direction_of(routes.half_links()[static_cast<std::size_t>(half_link)].name,
                          resource.link))
        return true;
  return false;
}

std::vector<PlatformFlow> background_flows(const Conditions& conditions, const Cluster& cluster) {
  std::vector<PlatformFlow> flows;
  for (const BackgroundTraffic& traffic : conditions.background_traffic)
    flows.push_back({.from = host_index(cluster, traffic.from),
                     .to = host_index(cluster, traffic.to),
                     .bandwidth_bytes_per_s = traffic.bandwidth_bytes_per_s});
  return flows;
}

void apply_conditions(const Conditions& conditions, const Cluster& cluster, const Routes& routes,
                      const Platform& platform) {
  for (std::size_t i = 0; i < conditions.slowdowns.size(); ++i) {
    const Slowdown& slowdown = conditions.slowdowns[i];
    if (!slowdown.resource.host.empty()) {
      processor(slowdown.resource.host, cluster, platform)
          ->set_speed_profile(simgrid::kernel::profile::ProfileBuilder::from_callback(
              "slowdown" + std::to_string(i), dated_factors(slowdown), -1));
      continue;
    }
    for (std::size_t l = 0; l < platform.links.size(); ++l)
      if (platform.links[l] != nullptr &&
          is_direction_of(routes.half_links()[l].name, slowdown.resource.link))
        slow_link_down(slowdown, platform.links[l], platform.hosts.front());
  }
  for (std::size_t i = 0; i < conditions.background_traffic.size(); ++i)
    send_in_background(conditions.background_traffic[i], platform.flow_ends[i].first,
                       platform.flow_ends[i].second);
}

}  // namespace cadastre
