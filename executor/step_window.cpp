#include "executor/step_window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "executor/timing.h"

namespace cadastre {

namespace {

constexpr std::size_t kMostSteps = 64;

nlohmann::json to_json(const StepsUse& use) {
  return {use.num_steps,         use.seconds,       use.counts.cpu_s, use.counts.sent_bytes,
          use.counts.received_bytes, use.cores};
}

StepsUse steps_use_from(const nlohmann::json& row) {
  return {.num_steps = row.at(0).get<std::int64_t>(),
          .seconds = row.at(1).get<double>(),
          .counts = {.cpu_s = row.at(2).get<double>(),
                     .sent_bytes = row.at(3).get<std::int64_t>(),
                     .received_bytes = row.at(4).get<std::int64_t>()},
          .cores = row.at(5).get<double>()};
}

}  // namespace

void StepWindow::add(std::int64_t step, std::vector<TimelineEvent> events) {
  if (step % stride_ != 0) return;
  steps.emplace(step, std::move(events));
  if (steps.size() <= kMostSteps) return;
  stride_ *= 2;
  std::erase_if(steps, [&](const auto& remembered) { return remembered.first % stride_ != 0; });
}

void StepWindow::move_times(const std::function<double(double)>& time_of) {
  for (auto& [step, events] : steps)
    for (TimelineEvent& event : events) {
      event.start_s = time_of(event.start_s);
      event.end_s = time_of(event.end_s);
    }
}

std::string encode(const StepWindow& window) {
  nlohmann::json steps = nlohmann::json::array();
  for (const auto& [step, events] : window.steps) {
    nlohmann::json rows = nlohmann::json::array();
    for (const TimelineEvent& event : events)
      rows.push_back({event.rank, static_cast<int>(event.kind), event.stage, event.micro_batch,
                      event.layer, event.peer, event.start_s, event.end_s, event.bytes,
                      event.cpu_s, event.resident_bytes});
    steps.push_back({{"step", step}, {"events", rows}});
  }
  return nlohmann::json{{"traffic_bytes_per_step", window.traffic_bytes_per_step},
                        {"use", to_json(window.use)},
                        {"steps", steps}}
      .dump();
}

StepWindow step_window_from(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text);
  StepWindow window;
  window.traffic_bytes_per_step = document.at("traffic_bytes_per_step").get<std::int64_t>();
  window.use = steps_use_from(document.at("use"));
  for (const nlohmann::json& step : document.at("steps")) {
    std::vector<TimelineEvent>& events = window.steps[step.at("step").get<std::int64_t>()];
    for (const nlohmann::json& row : step.at("events"))
      events.push_back({.rank = row.at(0).get<int>(),
                        .kind = static_cast<InstructionKind>(row.at(1).get<int>()),
                        .stage = row.at(2).get<int>(),
                        .micro_batch = row.at(3).get<int>(),
                        .layer = row.at(4).get<int>(),
                        .peer = row.at(5).get<int>(),
                        .start_s = row.at(6).get<double>(),
                        .end_s = row.at(7).get<double>(),
                        .bytes = row.at(8).get<std::int64_t>(),
                        .cpu_s = row.at(9).get<double>(),
                        .resident_bytes = row.at(10).get<std::int64_t>()});
  }
  return window;
}

Timeline typical_step(const Program& program, const std::vector<StepWindow>& windows,
                      const std::vector<double>& step_ends_s, double quantile) {
  std::vector<double> durations_s;  // of steps 1, 2, …
  for (std::size_t i = 1; i < step_ends_s.size(); ++i)
    durations_s.push_back(step_ends_s[i] - step_ends_s[i - 1]);
  const double wanted_s = durations_s.empty() ? 0 : quantile_of(durations_s, quantile);

  Timeline timeline = timeline_of(program, "measured");
  std::int64_t typical = 0;
  timeline.step_s = std::numeric_limits<double>::infinity();
  for (const auto& [step, events] : windows.front().steps) {
    if (step == 0) continue;
    const double duration_s = durations_s[static_cast<std::size_t>(step - 1)];
    if (std::abs(duration_s - wanted_s) < std::abs(timeline.step_s - wanted_s)) {
      timeline.step_s = duration_s;
      typical = step;
    }
  }
  for (const StepWindow& window : windows) {
    const auto found = window.steps.find(typical);
    if (found != window.steps.end())
      timeline.events.insert(timeline.events.end(), found->second.begin(), found->second.end());
  }
  normalize(timeline);
  if (typical == 0) {
    // A single step: it takes as long as its events.
    timeline.step_s = 0;
    for (const TimelineEvent& event : timeline.events)
      timeline.step_s = std::max(timeline.step_s, event.end_s);
  }
  return timeline;
}

}  // namespace cadastre
