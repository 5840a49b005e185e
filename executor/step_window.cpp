#include "executor/step_window.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/files.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace {

constexpr std::size_t kMostSteps = 64;

}  // namespace

void StepWindow::add(std::int64_t step, std::vector<TimelineEvent> events) {
  steps.emplace(step, std::move(events));
  if (steps.size() > kMostSteps) steps.erase(steps.begin());
}

void write_step_window(const std::filesystem::path& file, const StepWindow& window) {
  nlohmann::json steps = nlohmann::json::array();
  for (const auto& [step, events] : window.steps) {
    nlohmann::json rows = nlohmann::json::array();
    for (const TimelineEvent& event : events)
      rows.push_back({event.rank, static_cast<int>(event.kind), event.micro_batch, event.layer,
                      event.peer, event.start_s, event.end_s, event.bytes});
    steps.push_back({{"step", step}, {"events", rows}});
  }
  write_file(file, nlohmann::json{{"traffic_bytes_per_step", window.traffic_bytes_per_step},
                                  {"steps", steps}}
                       .dump());
}

StepWindow read_step_window(const std::filesystem::path& file) {
  const nlohmann::json document = parse_json(read_file(file), file.string());
  StepWindow window;
  window.traffic_bytes_per_step = document.at("traffic_bytes_per_step").get<std::int64_t>();
  for (const nlohmann::json& step : document.at("steps")) {
    std::vector<TimelineEvent>& events = window.steps[step.at("step").get<std::int64_t>()];
    for (const nlohmann::json& row : step.at("events"))
      events.push_back({.rank = row.at(0).get<int>(),
                        .kind = static_cast<InstructionKind>(row.at(1).get<int>()),
                        .micro_batch = row.at(2).get<int>(),
                        .layer = row.at(3).get<int>(),
                        .peer = row.at(4).get<int>(),
                        .start_s = row.at(5).get<double>(),
                        .end_s = row.at(6).get<double>(),
                        .bytes = row.at(7).get<std::int64_t>()});
  }
  return window;
}

Timeline typical_step(const Program& program, const std::vector<StepWindow>& windows,
                      const std::vector<double>& step_ends_s) {
  std::vector<std::pair<double, std::int64_t>> by_duration;
  for (const auto& [step, events] : windows.front().steps) {
    const bool everywhere =
        std::all_of(windows.begin(), windows.end(), [s = step](const StepWindow& window) {
          return window.steps.contains(s);
        });
    if (step == 0 || !everywhere) continue;
    const auto index = static_cast<std::size_t>(step);
    by_duration.emplace_back(step_ends_s[index] - step_ends_s[index - 1], step);
  }
  Timeline timeline = timeline_of(program, "measured");
  if (by_duration.empty()) {
    // A single step: all there is.
    if (windows.front().steps.empty()) return timeline;
    by_duration.emplace_back(0, windows.front().steps.begin()->first);
  }
  std::sort(by_duration.begin(), by_duration.end());
  const auto [duration_s, step] = by_duration[by_duration.size() / 2];
  timeline.step_s = duration_s;
  for (const StepWindow& window : windows) {
    const auto found = window.steps.find(step);
    if (found != window.steps.end())
      timeline.events.insert(timeline.events.end(), found->second.begin(), found->second.end());
  }
  normalize(timeline);
  return timeline;
}

}  // namespace cadastre
