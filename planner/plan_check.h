#pragma once

#include <string>

#include "planner/json_reader.h"
#include "planner/plan.h"

namespace cadastre {

/// Throws InputError at `place` unless `plan` is sound for its model and cluster: every layer on
/// exactly one stage, stages in a topological order (no tensor goes back), known hosts, each on one
/// stage at most, shares in (0, 1] that sum to 1, the global batch a multiple of the model's
/// batch-norm group, no more micro-batches than such groups, and a root, if any, that is known and
/// that the all-reduce has a use for.
void check_plan(const Plan& plan, const ModelGraph& model, const Cluster& cluster,
                const JsonPlace& place);

/// The same without a cluster: whether its hosts are known is not checked.
void check_division(const std::vector<Stage>& stages, std::int64_t batch_size,
                    std::int64_t micro_batches, Schedule schedule, const ModelGraph& model,
                    const JsonPlace& place);

/// What is wrong with a host that the cluster does not have.
[[nodiscard]] std::string host_expected(const std::string& name, const Cluster& cluster);

/// What is wrong with the root of an all-reduce that has none.
[[nodiscard]] std::string no_root_expected(const AllReduce& all_reduce);

}  // namespace cadastre
