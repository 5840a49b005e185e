#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "planner/plan.h"
#include "planner/planner.h"

namespace cadastre {

/// Up to so many places for hosts, the ways of those that are left in a regular topology stay what
/// they were, as lists of links.
inline constexpr std::size_t kMostListedPlaces = 256;

/// The cluster without some of its hosts, by name: with what is left of zones, direct links,
/// machines (gone with the last host on them), cables and routes. The ways between those that are
/// left stay what they were:
/// - in a fat tree, torus or dragonfly too, which becomes lists of links unless the lost hosts were
///   its last (the switches, which are no hosts, go on). Beyond `kMostListedPlaces` the hosts move
///   up to earlier places instead;
/// - but for a graph, in which a lost host passes nothing on: messages take the best way that is
///   left, and hosts that have none to the others are lost, too. Of several groups the largest
///   remains, or the first of equal ones.
/// Without any host left, no sound cluster. Throws InputError for a name that no host has.
[[nodiscard]] Cluster without_hosts(const Cluster& cluster, const std::vector<std::string>& lost);

/// How long a search may take (as in `PlannerOptions`).
struct SearchEffort {
  double time_limit_s = 10;
  std::optional<double> patience_s;  ///< without it, `default_patience_s`
  std::int64_t max_search_steps = 0;
  std::function<void(double searched_s, double value, double bound)> on_progress = {};
};

/// What would follow the loss of hosts.
struct SurvivorPlan {
  std::vector<std::string> lost;     ///< in the cluster's order, those cut off included
  std::optional<PlanDocument> plan;  ///< none where none was found that fits in memory
  std::string why_none;              ///< then: the tightest constraint, in one line
};

/// The options by which a plan like the document's is made on another cluster: batch size,
/// optimizer, all-reduce, wire's type and objective of the document's. The strategy is the search,
/// for a plan that averages parameters `parameter-averaging` with its period: what a step computes
/// stays the same. A limit that the document was planned under is not in it, and is not kept. On
/// one host, where there is nothing to average with, such a plan becomes `single`.
[[nodiscard]] PlannerOptions options_like(const PlanDocument& document, const Cluster& cluster,
                                          const SearchEffort& effort = {});

/// The plan on what is left after these hosts are lost, made as the document's was
/// (`options_like`), with the document's profile and the smaller cluster. A server or driver of the
/// all-reduce that is lost gives its task to each stage's first replica. Throws InputError for a
/// name that no host has.
[[nodiscard]] SurvivorPlan plan_without(const PlanDocument& document,
                                        const std::vector<std::string>& lost,
                                        const SearchEffort& effort = {});

}  // namespace cadastre
