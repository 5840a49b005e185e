#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/timeline.h"

namespace cadastre {

namespace {

TimelineRank read_rank(const JsonPlace& place) {
  JsonObject object = place.object();
  TimelineRank rank{.host = object.at("host").string(), .parts = {}};
  // None where the host only serves the reductions of others.
  for (const JsonPlace& item : object.at("parts").array()) {
    JsonObject part = item.object();
    rank.parts.push_back({.stage = static_cast<int>(part.at("stage").integer(0, 1 << 20)),
                          .replica = static_cast<int>(part.at("replica").integer(0, 1 << 20))});
    part.finish();
  }
  object.finish();
  return rank;
}

TimelineEvent read_event(const JsonPlace& place, std::int64_t num_ranks) {
  JsonObject object = place.object();
  const auto integer_or_none = [&](std::string_view key, std::int64_t most) {
    const std::optional<JsonPlace> number = object.find(key);
    return number ? static_cast<int>(number->integer(-1, most)) : -1;
  };
  TimelineEvent event;
  event.rank = static_cast<int>(object.at("rank").integer(0, num_ranks - 1));
  event.kind = static_cast<InstructionKind>(object.at("kind").one_of(instruction_names()));
  event.stage = integer_or_none("stage", 1 << 20);
  event.micro_batch = integer_or_none("micro_batch", 1 << 20);
  event.layer = integer_or_none("layer", 1 << 20);
  event.peer = integer_or_none("peer", num_ranks - 1);
  event.start_s = object.at("start_s").number(0);
  event.end_s = object.at("end_s").number(event.start_s);
  if (const std::optional<JsonPlace> bytes = object.find("bytes")) event.bytes = bytes->integer(0);
  if (const std::optional<JsonPlace> cpu = object.find("cpu_s")) event.cpu_s = cpu->number(0);
  if (const std::optional<JsonPlace> resident = object.find("resident_bytes"))
    event.resident_bytes = resident->integer(0);
  object.finish();
  return event;
}

/// What a trace viewer shows of an event beside its name and times.
nlohmann::json trace_arguments(const TimelineEvent& event) {
  nlohmann::json arguments = nlohmann::json::object();
  if (event.stage >= 0) arguments["stage"] = event.stage;
  if (event.micro_batch >= 0) arguments["micro_batch"] = event.micro_batch;
  if (event.layer >= 0) arguments["layer"] = event.layer;
  if (event.peer >= 0) arguments["peer"] = event.peer;
  if (event.bytes > 0) arguments["bytes"] = event.bytes;
  if (event.cpu_s > 0) arguments["cpu_s"] = event.cpu_s;
  return arguments;
}

}  // namespace

Timeline timeline_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "timeline");
  Timeline timeline;
  static const std::vector<std::string> kSources = {"predicted", "simulated", "measured"};
  timeline.source = kSources[object.at("source").one_of(kSources)];
  timeline.step_s = object.at("step_s").number(0);
  for (const JsonPlace& rank : object.at("ranks").array(1))
    timeline.ranks.push_back(read_rank(rank));
  const auto num_ranks = static_cast<std::int64_t>(timeline.ranks.size());
  for (const JsonPlace& item : object.at("events").array()) {
    const TimelineEvent event = read_event(item, num_ranks);
    if (!timeline.events.empty()) {
      const TimelineEvent& before = timeline.events.back();
      if (event.rank < before.rank)
        refuse(item, "/rank",
               "expected events in order of rank, found rank " + std::to_string(event.rank) +
                   " after rank " + std::to_string(before.rank));
      if (event.rank == before.rank && event.start_s < before.start_s)
        refuse(item, "/start_s",
               "expected at least " + number_text(before.start_s) +
                   ", the start of the event before it, found " + number_text(event.start_s));
    }
    timeline.events.push_back(event);
  }
  object.finish();
  return timeline;
}

Timeline read_timeline(const std::filesystem::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  return timeline_from_json(JsonPlace(document, name, ""));
}

nlohmann::json to_json(const Timeline& timeline) {
  nlohmann::json ranks = nlohmann::json::array();
  for (const TimelineRank& rank : timeline.ranks) {
    nlohmann::json parts = nlohmann::json::array();
    for (const RankPart& part : rank.parts)
      parts.push_back({{"stage", part.stage}, {"replica", part.replica}});
    ranks.push_back({{"host", rank.host}, {"parts", std::move(parts)}});
  }

  nlohmann::json events = nlohmann::json::array();
  for (const TimelineEvent& event : timeline.events) {
    nlohmann::json& row = events.emplace_back(nlohmann::json{{"rank", event.rank},
                                                             {"kind", instruction_name(event.kind)},
                                                             {"stage", event.stage},
                                                             {"micro_batch", event.micro_batch},
                                                             {"layer", event.layer},
                                                             {"peer", event.peer},
                                                             {"start_s", event.start_s},
                                                             {"end_s", event.end_s},
                                                             {"bytes", event.bytes}});
    if (event.cpu_s > 0) row["cpu_s"] = event.cpu_s;
    if (event.resident_bytes > 0) row["resident_bytes"] = event.resident_bytes;
  }

  return {{"format", "cadastre-timeline/1"},
          {"source", timeline.source},
          {"step_s", timeline.step_s},
          {"ranks", std::move(ranks)},
          {"events", std::move(events)}};
}

nlohmann::json chrome_trace(const Timeline& timeline) {
  nlohmann::json events = nlohmann::json::array();
  for (std::size_t i = 0; i < timeline.ranks.size(); ++i) {
    const TimelineRank& rank = timeline.ranks[i];
    std::string name = "rank " + std::to_string(i) + " on " + rank.host;
    for (const RankPart& part : rank.parts)
      name += ", stage " + std::to_string(part.stage) + " replica " + std::to_string(part.replica);
    events.push_back(
        {{"ph", "M"}, {"pid", i}, {"name", "process_name"}, {"args", {{"name", name}}}});
    events.push_back(
        {{"ph", "M"}, {"pid", i}, {"name", "process_sort_index"}, {"args", {{"sort_index", i}}}});
  }
  constexpr double kMicrosecondsPerSecond = 1e6;  // the format's unit of time
  for (const TimelineEvent& event : timeline.events) {
    events.push_back({{"ph", "X"},
                      {"pid", event.rank},
                      {"tid", 0},
                      {"name", instruction_name(event.kind)},
                      {"cat", timeline.source},
                      {"ts", event.start_s * kMicrosecondsPerSecond},
                      {"dur", (event.end_s - event.start_s) * kMicrosecondsPerSecond},
                      {"args", trace_arguments(event)}});
    if (event.resident_bytes > 0)
      events.push_back({{"ph", "C"},
                        {"pid", event.rank},
                        {"name", "resident memory"},
                        {"ts", event.end_s * kMicrosecondsPerSecond},
                        {"args", {{"bytes", event.resident_bytes}}}});
  }
  return {{"displayTimeUnit", "ms"},
          {"otherData", {{"source", timeline.source}, {"step_s", timeline.step_s}}},
          {"traceEvents", std::move(events)}};
}

}  // namespace cadastre
