#include "planner/report_events.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/report_data.h"

namespace cadastre {

namespace {

using nlohmann::json;

/// A whole number of each event, `otherwise` where it is not given.
json integer_column(const json& events, const char* key, std::int64_t otherwise) {
  std::vector<std::int64_t> column;
  column.reserve(events.size());
  for (const json& event : events) column.push_back(event.value(key, otherwise));
  if (std::all_of(column.begin(), column.end(),
                  [&](std::int64_t value) { return value == column.front(); }))
    return column.empty() ? otherwise : column.front();
  return column;
}

/// Seconds of each event.
json seconds_column(const json& events, const char* key) {
  std::string bytes;
  bytes.reserve(events.size() * sizeof(double));
  for (const json& event : events) {
    const auto bits = std::bit_cast<std::uint64_t>(event.value(key, 0.0));
    for (unsigned shift = 0; shift < 64; shift += 8)
      bytes += static_cast<char>(static_cast<unsigned char>(bits >> shift & 255U));
  }
  return base64(bytes);
}

json packed(const json& events) {
  std::vector<std::string> kinds;
  std::vector<std::size_t> kind;
  kind.reserve(events.size());
  bool has_processor_time = false;
  for (const json& event : events) {
    const auto& name = event.at("kind").get_ref<const std::string&>();
    const auto found = std::find(kinds.begin(), kinds.end(), name);
    kind.push_back(static_cast<std::size_t>(found - kinds.begin()));
    if (found == kinds.end()) kinds.push_back(name);
    has_processor_time |= event.contains("cpu_s");
  }
  json columns = {{"num_events", events.size()}, {"kinds", kinds}, {"kind", kind}};
  for (const char* key : {"rank", "stage", "micro_batch", "layer", "peer"})
    columns[key] = integer_column(events, key, -1);
  for (const char* key : {"bytes", "resident_bytes"}) columns[key] = integer_column(events, key, 0);
  for (const char* key : {"start_s", "end_s"}) columns[key] = seconds_column(events, key);
  columns["cpu_s"] = has_processor_time ? seconds_column(events, "cpu_s") : json(0);
  return columns;
}

}  // namespace

json with_packed_events(json document) {
  const auto pack = [](json& timeline) { timeline["events"] = packed(timeline.at("events")); };
  const auto format = document.value("format", "");
  if (format == "cadastre-timeline/1") pack(document);
  if (format == "cadastre-simulation/1")
    for (json& plan : document.at("plans")) pack(plan.at("timeline"));
  return document;
}

}  // namespace cadastre
