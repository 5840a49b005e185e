#include "simulator/packed_plan.h"

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "planner/json_reader.h"

namespace cadastre {

static_assert(std::is_trivially_copyable_v<TimelineEvent>);

std::string packed(const SimulatedPlan& plan) {
  SimulatedPlan rest = plan;
  rest.timeline.events.clear();
  const std::vector<std::uint8_t> document = nlohmann::json::to_cbor(to_json(rest));
  const std::uint64_t document_bytes = document.size();
  std::string bytes(reinterpret_cast<const char*>(&document_bytes), sizeof document_bytes);
  bytes.append(document.begin(), document.end());
  bytes.append(reinterpret_cast<const char*>(plan.timeline.events.data()),
               plan.timeline.events.size() * sizeof(TimelineEvent));
  return bytes;
}

SimulatedPlan unpacked(const std::string& bytes) {
  std::uint64_t document_bytes = 0;
  std::memcpy(&document_bytes, bytes.data(), sizeof document_bytes);
  const auto begin = bytes.begin() + sizeof document_bytes;
  const auto end = begin + static_cast<std::ptrdiff_t>(document_bytes);
  const nlohmann::json document = nlohmann::json::from_cbor(begin, end);
  SimulatedPlan plan = simulated_plan_from_json(JsonPlace(document, "a simulated plan", ""));
  const auto events_bytes = static_cast<std::size_t>(bytes.end() - end);
  plan.timeline.events.resize(events_bytes / sizeof(TimelineEvent));
  if (events_bytes > 0) std::memcpy(plan.timeline.events.data(), &*end, events_bytes);
  return plan;
}

}  // namespace cadastre
