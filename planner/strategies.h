#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/plan.h"

namespace cadastre {

/// The baselines, in the order of the table of strategies.
[[nodiscard]] const std::vector<std::string>& baseline_names();

/// The stages of a baseline, or none where it does not exist (data-parallel on one host, a branch
/// division of a model with one input, …):
/// - `single`: everything on the fastest host
/// - `data-parallel`: everything on every host, shares in proportion to speed
/// - `branch`: the layers that depend on one model input form a branch; branches go to hosts, the
///   heaviest to the least loaded (longest processing time first, Graham 1969), what they meet in
///   to the host of the heaviest branch
/// - `pipeline`: as many consecutive layers on each host
[[nodiscard]] std::vector<Stage> baseline_stages(const std::string& name, const Profile& profile,
                                                 const Cluster& cluster);

/// The numbers of micro-batches that a search tries: the divisors of the number of batch-norm
/// groups in the global batch, at most 64.
[[nodiscard]] std::vector<std::int64_t> micro_batch_choices(std::int64_t batch_size,
                                                            std::int64_t granularity);

/// The plan of `stages` with the number of micro-batches and the schedule that give the least
/// predicted step time, among those that fit in memory (or among all when none does).
[[nodiscard]] Plan best_setting(const std::string& strategy, const std::vector<Stage>& stages,
                                std::int64_t batch_size,
                                const std::vector<std::int64_t>& micro_batches,
                                const Profile& profile, const Cluster& cluster);

/// Shares in proportion to the hosts' speeds.
[[nodiscard]] std::vector<Replica> replicas_by_speed(const Cluster& cluster,
                                                     const std::vector<int>& hosts);

}  // namespace cadastre
