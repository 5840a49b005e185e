#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "planner/json_reader.h"
#include "planner/plan.h"

namespace cadastre {

// What plan and run documents share.

[[nodiscard]] std::vector<Stage> stages_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const std::vector<Stage>& stages);

[[nodiscard]] Schedule schedule_from_json(const JsonPlace& place);

[[nodiscard]] std::int64_t batch_size_from_json(const JsonPlace& place);
[[nodiscard]] std::int64_t micro_batches_from_json(const JsonPlace& place);
[[nodiscard]] std::int64_t averaging_period_from_json(JsonObject& object);

/// The optional member `"all_reduce": {"algorithm": …, "root": …}`, of which the root is optional.
[[nodiscard]] AllReduce all_reduce_from_json(JsonObject& object);
[[nodiscard]] nlohmann::json to_json(const AllReduce& all_reduce);

/// The optional member `"optimizer"`: SGD with momentum where documents do not say.
[[nodiscard]] Optimizer optimizer_from_json(JsonObject& object);
[[nodiscard]] nlohmann::json to_json(const Optimizer& optimizer);

/// The optional member `"wire_dtype"`.
[[nodiscard]] WireDtype wire_dtype_from_json(JsonObject& object);

/// The optional member `"simulated": {"step_s": …}`.
[[nodiscard]] std::optional<double> simulated_step_from_json(JsonObject& object);

}  // namespace cadastre
