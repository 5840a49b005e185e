#pragma once

#include <nlohmann/json_fwd.hpp>

namespace cadastre {

/// `document`, a sound document of cadastre's, with the events of its timelines (its own, or those
/// of a simulation's plans) by columns, which a page reads several times as fast as events one by
/// one; nothing else is changed, and nothing lost:
///
///   {"num_events": 3, "kinds": ["forward", "backward"], "kind": [0, 1, 0], "rank": [0, 0, 1],
///    "stage": 0, "micro_batch": [0, 1, 2], "layer": -1, "peer": -1, "bytes": 0, "cpu_s": 0,
///    "resident_bytes": 0, "start_s": BASE64, "end_s": BASE64}
///
/// A number stands for a column of that number alone; columns of seconds are the doubles of IEEE
/// 754, least significant byte first, in base64. Read by web/src/packed_events.ts.
[[nodiscard]] nlohmann::json with_packed_events(nlohmann::json document);

}  // namespace cadastre
