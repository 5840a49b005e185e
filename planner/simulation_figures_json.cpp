#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "planner/simulation.h"

namespace cadastre {

namespace {

StepStatistics read_steps(const JsonPlace& place) {
  JsonObject object = place.object();
  StepStatistics steps{.num_steps = object.at("num_steps").integer(0),
                       .mean_s = object.at("mean_s").number(0),
                       .p5_s = object.at("p5_s").number(0),
                       .median_s = object.at("median_s").number(0),
                       .p95_s = object.at("p95_s").number(0)};
  object.finish();
  return steps;
}

SimulatedHost read_host(const JsonPlace& place) {
  JsonObject object = place.object();
  SimulatedHost host{.host = object.at("host").string(),
                     .compute_s = object.at("compute_s").number(0),
                     .receiving_s = object.at("receiving_s").number(0),
                     .sending_s = object.at("sending_s").number(0),
                     .waiting_s = object.at("waiting_s").number(0),
                     .sent_bytes = object.at("sent_bytes").integer(0),
                     .received_bytes = object.at("received_bytes").integer(0),
                     .energy_j = object.at("energy_j").number(0),
                     .price = object.at("price").number(0),
                     .peak_memory_bytes = object.at("peak_memory_bytes").integer(0),
                     .memory = {}};
  // Pairs of seconds and bytes: there are thousands.
  for (const JsonPlace& item : object.at("memory").array()) {
    const std::vector<JsonPlace> pair = item.array(2);
    if (pair.size() != 2) item.fail_expected("seconds and bytes");
    host.memory.push_back({.at_s = pair[0].number(0), .bytes = pair[1].integer(0)});
  }
  object.finish();
  return host;
}

HostTraffic read_traffic(const JsonPlace& place) {
  JsonObject object = place.object();
  HostTraffic traffic{.from = object.at("from").string(),
                      .to = object.at("to").string(),
                      .bytes = object.at("bytes").integer(0)};
  object.finish();
  return traffic;
}

LinkUse read_link(const JsonPlace& place) {
  JsonObject object = place.object();
  LinkUse use{.link = object.at("link").string(),
              .bandwidth_bytes_per_s = object.at("bandwidth_bytes_per_s").positive(),
              .bytes = object.at("bytes").number(0),
              .utilisation = {}};
  for (const JsonPlace& part : object.at("utilisation").array())
    use.utilisation.push_back(part.number(0, 1));
  object.finish();
  return use;
}

SimulatedRun read_run(const JsonPlace& place) {
  JsonObject object = place.object();
  SimulatedRun run{.run_s = object.at("run_s").number(0),
                   .checkpoint_s = object.at("checkpoint_s").number(0),
                   .restarts = {}};
  for (const JsonPlace& item : object.at("restarts").array()) {
    JsonObject restart = item.object();
    run.restarts.push_back({.resource = read_resource(restart),
                            .failed_at_s = restart.at("failed_at_s").number(0),
                            .resumed_at_s = restart.at("resumed_at_s").number(0),
                            .from_step = restart.at("from_step").integer(0),
                            .lost_s = restart.at("lost_s").number(0)});
    restart.finish();
  }
  object.finish();
  return run;
}

nlohmann::json to_json(const SimulatedHost& host) {
  nlohmann::json memory = nlohmann::json::array();
  for (const MemoryPoint& point : host.memory) memory.push_back({point.at_s, point.bytes});
  return {{"host", host.host},
          {"compute_s", host.compute_s},
          {"receiving_s", host.receiving_s},
          {"sending_s", host.sending_s},
          {"waiting_s", host.waiting_s},
          {"sent_bytes", host.sent_bytes},
          {"received_bytes", host.received_bytes},
          {"energy_j", host.energy_j},
          {"price", host.price},
          {"peak_memory_bytes", host.peak_memory_bytes},
          {"memory", std::move(memory)}};
}

nlohmann::json to_json(const SimulatedRun& run) {
  nlohmann::json restarts = nlohmann::json::array();
  for (const Restart& restart : run.restarts) {
    nlohmann::json written = to_json(restart.resource);
    written["failed_at_s"] = restart.failed_at_s;
    written["resumed_at_s"] = restart.resumed_at_s;
    written["from_step"] = restart.from_step;
    written["lost_s"] = restart.lost_s;
    restarts.push_back(std::move(written));
  }
  return {
      {"run_s", run.run_s}, {"checkpoint_s", run.checkpoint_s}, {"restarts", std::move(restarts)}};
}

}  // namespace

SimulationFigures figures_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  SimulationFigures figures{.steps = read_steps(object.at("steps"))};
  for (const JsonPlace& host : object.at("hosts").array()) figures.hosts.push_back(read_host(host));
  for (const JsonPlace& traffic : object.at("traffic").array())
    figures.traffic.push_back(read_traffic(traffic));
  for (const JsonPlace& link : object.at("links").array()) figures.links.push_back(read_link(link));
  figures.run = read_run(object.at("run"));
  object.finish();
  return figures;
}

nlohmann::json to_json(const SimulationFigures& figures) {
  nlohmann::json hosts = nlohmann::json::array();
  for (const SimulatedHost& host : figures.hosts) hosts.push_back(to_json(host));
  nlohmann::json traffic = nlohmann::json::array();
  for (const HostTraffic& pair : figures.traffic)
    traffic.push_back({{"from", pair.from}, {"to", pair.to}, {"bytes", pair.bytes}});
  nlohmann::json links = nlohmann::json::array();
  for (const LinkUse& use : figures.links)
    links.push_back({{"link", use.link},
                     {"bandwidth_bytes_per_s", use.bandwidth_bytes_per_s},
                     {"bytes", use.bytes},
                     {"utilisation", use.utilisation}});
  const StepStatistics& steps = figures.steps;
  return {{"steps",
           {{"num_steps", steps.num_steps},
            {"mean_s", steps.mean_s},
            {"p5_s", steps.p5_s},
            {"median_s", steps.median_s},
            {"p95_s", steps.p95_s}}},
          {"hosts", std::move(hosts)},
          {"traffic", std::move(traffic)},
          {"links", std::move(links)},
          {"run", to_json(figures.run)}};
}

}  // namespace cadastre
