#include "executor/probe/measurements.h"

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace cadastre {

namespace {

nlohmann::json to_json(const TimingSummary& time) {
  return {{"median_s", time.median_s}, {"spread_s", time.spread_s}};
}

nlohmann::json to_json(const ProbedHost& host) {
  nlohmann::json written = {{"name", host.name},
                            {"address", host.address},
                            {"machine_name", host.facts.name},
                            {"processor", host.facts.processor},
                            {"num_threads", host.num_threads},
                            {"cores", host.facts.cores},
                            {"machine_cores", host.facts.machine_cores},
                            {"load_average", host.facts.load_average},
                            {"available_memory_bytes", host.facts.available_memory_bytes},
                            {"pass", to_json(host.pass)},
                            {"wall_clock_offset_s", host.wall_clock_offset_s},
                            {"clock_uncertainty_s", host.clock_uncertainty_s}};
  if (host.facts.quota_cores > 0) written["quota_cores"] = host.facts.quota_cores;
  if (host.speed_spread) written["speed_spread"] = *host.speed_spread;
  if (host.load) written["load"] = to_json(*host.load);
  for (const LoopbackName& name : host.loopback_names)
    written["loopback_names"].push_back({{"name", name.name}, {"address", name.address}});
  return written;
}

}  // namespace

std::vector<int> machine_of_hosts(const std::vector<ProbedHost>& hosts) {
  std::map<std::tuple<std::string, std::string, std::vector<std::string>>, int> numbers;
  std::vector<int> machines;
  for (const ProbedHost& host : hosts) {
    const auto next = static_cast<int>(numbers.size());
    machines.push_back(
        numbers.try_emplace({host.facts.machine_id, host.facts.name, host.facts.addresses}, next)
            .first->second);
  }
  return machines;
}

nlohmann::json to_json(const ProbedLoad& load) {
  return {{"pass_s", load.pass_s},
          {"message_s", load.message_s},
          {"transport_s_per_byte", load.transport_s_per_byte},
          {"reduction_bytes", load.reduction_bytes},
          {"reduction_s", load.reduction_s}};
}

nlohmann::json to_json(const ProbeMeasurements& measurements) {
  nlohmann::json document = {{"format", "cadastre-probe/1"},
                             {"model", measurements.model},
                             {"num_samples", measurements.num_samples},
                             {"reference", measurements.reference},
                             {"reference_s", measurements.reference_s},
                             {"hosts", nlohmann::json::array()},
                             {"ways", nlohmann::json::array()},
                             {"reductions", nlohmann::json::array()}};
  for (const ProbedHost& host : measurements.hosts) document["hosts"].push_back(to_json(host));
  for (const ProbedWay& way : measurements.ways)
    document["ways"].push_back(
        {{"from", measurements.hosts[static_cast<std::size_t>(way.from)].name},
         {"to", measurements.hosts[static_cast<std::size_t>(way.to)].name},
         {"latency_s", way.latency_s},
         {"bandwidth_bytes_per_s", way.bandwidth_bytes_per_s},
         {"burst_bytes", way.burst_bytes},
         {"relative_spread", way.spread}});
  for (const ProbedReduction& reduction : measurements.reductions)
    document["reductions"].push_back(
        {{"bytes", reduction.bytes}, {"time", to_json(reduction.time)}});
  return document;
}

}  // namespace cadastre
