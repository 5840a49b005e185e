#include "executor/probe/probe_job.h"

#include <chrono>

namespace cadastre {

namespace {

/// What JSON says about a frame that is not as it must be becomes the one error of frames.
template <typename Read>
auto read_header(const Frame& frame, const Read& read) {
  try {
    return read(frame.header);
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

nlohmann::json to_json(const TimingSummary& time) { return {time.median_s, time.spread_s}; }

TimingSummary summary_from(const nlohmann::json& written) {
  return {.median_s = written.at(0).get<double>(), .spread_s = written.at(1).get<double>()};
}

ProbedLoad load_from(const nlohmann::json& written) {
  return {.pass_s = written.at("pass_s").get<double>(),
          .message_s = written.at("message_s").get<double>(),
          .transport_s_per_byte = written.at("transport_s_per_byte").get<double>(),
          .reduction_bytes = written.at("reduction_bytes").get<std::int64_t>(),
          .reduction_s = written.at("reduction_s").get<double>()};
}

}  // namespace

Frame to_frame(const ProbeJob& job) {
  return {.header = {{"type", "job"},
                     {"work", "probe"},
                     {"rank", job.rank},
                     {"num_threads", job.num_threads},
                     {"compute_s", job.compute_s},
                     {"has_other_machines", job.has_other_machines},
                     {"one_is_alone_first", job.one_is_alone_first},
                     {"rounds", job.rounds},
                     {"names", job.names}},
          .payload = job.model};
}

ProbeJob probe_job_from(const Frame& frame) {
  return read_header(frame, [&](const nlohmann::json& header) {
    // Member by member: GCC 12 takes those of an aggregate for uninitialized where one throws.
    ProbeJob job;
    job.rank = header.at("rank").get<int>();
    job.num_threads = header.at("num_threads").get<int>();
    job.compute_s = header.at("compute_s").get<double>();
    job.has_other_machines = header.at("has_other_machines").get<bool>();
    job.one_is_alone_first = header.at("one_is_alone_first").get<bool>();
    job.rounds = header.at("rounds").get<std::vector<WayRound>>();
    job.names = header.at("names").get<std::vector<std::string>>();
    job.model = frame.payload;
    return job;
  });
}

Frame to_frame(const ProbeReport& report) {
  nlohmann::json names = nlohmann::json::array();
  for (const LoopbackName& name : report.loopback_names) names.push_back({name.name, name.address});
  Frame frame{.header = {{"type", "report"},
                         {"address", report.address},
                         {"pass", to_json(report.pass)},
                         {"pass_alone", to_json(report.pass_alone)},
                         {"wall_minus_steady_clock_s", report.wall_minus_steady_clock_s},
                         {"num_samples", report.num_samples},
                         {"loopback_names", names}},
              .payload = {}};
  if (report.speed_spread) frame.header["speed_spread"] = *report.speed_spread;
  if (report.load) frame.header["load"] = to_json(*report.load);
  return frame;
}

ProbeReport probe_report_from(const Frame& frame) {
  return read_header(frame, [](const nlohmann::json& header) {
    ProbeReport report;
    report.address = header.at("address").get<std::string>();
    report.pass = summary_from(header.at("pass"));
    report.pass_alone = summary_from(header.at("pass_alone"));
    report.wall_minus_steady_clock_s = header.at("wall_minus_steady_clock_s").get<double>();
    report.num_samples = header.at("num_samples").get<std::int64_t>();
    for (const nlohmann::json& name : header.at("loopback_names"))
      report.loopback_names.push_back(
          {.name = name.at(0).get<std::string>(), .address = name.at(1).get<std::string>()});
    if (const auto spread = header.find("speed_spread"); spread != header.end())
      report.speed_spread = spread->get<double>();
    if (const auto load = header.find("load"); load != header.end()) report.load = load_from(*load);
    return report;
  });
}

Frame to_frame(const ProbedWay& way) {
  return {.header = {{"type", "way"},
                     {"from", way.from},
                     {"to", way.to},
                     {"latency_s", way.latency_s},
                     {"bandwidth_bytes_per_s", way.bandwidth_bytes_per_s},
                     {"burst_bytes", way.burst_bytes},
                     {"spread", way.spread}},
          .payload = {}};
}

ProbedWay probed_way_from(const Frame& frame) {
  return read_header(frame, [](const nlohmann::json& header) {
    ProbedWay way;
    way.from = header.at("from").get<int>();
    way.to = header.at("to").get<int>();
    way.latency_s = header.at("latency_s").get<double>();
    way.bandwidth_bytes_per_s = header.at("bandwidth_bytes_per_s").get<double>();
    way.burst_bytes = header.at("burst_bytes").get<double>();
    way.spread = header.at("spread").get<double>();
    return way;
  });
}

Frame to_frame(const ProbedReduction& reduction) {
  return {.header = {{"type", "reduction"},
                     {"bytes", reduction.bytes},
                     {"time", to_json(reduction.time)}},
          .payload = {}};
}

ProbedReduction probed_reduction_from(const Frame& frame) {
  return read_header(frame, [](const nlohmann::json& header) {
    ProbedReduction reduction;
    reduction.bytes = header.at("bytes").get<std::int64_t>();
    reduction.time = summary_from(header.at("time"));
    return reduction;
  });
}

double wall_minus_steady_clock_s() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(wall).count() - steady_clock_s();
}

}  // namespace cadastre
