#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/host_facts.h"
#include "executor/timing.h"

namespace cadastre {

/// A host's name that stands for a loopback address on some host.
struct LoopbackName {
  std::string name;
  std::string address;
  bool operator==(const LoopbackName&) const = default;
};

/// What messages and computing take of each other, when both are under way.
struct ProbedLoad {
  double pass_s = 0;                 ///< a short pass alone takes
  double message_s = 0;              ///< to hand a small one over, right after a pass
  double transport_s_per_byte = 0;   ///< sent or received, that passes lost
  std::int64_t reduction_bytes = 0;  ///< of an all-reduce over all hosts
  double reduction_s = 0;            ///< that it takes beside passes
  bool operator==(const ProbedLoad&) const = default;
};

struct ProbedHost {
  std::string name;     ///< in the cluster
  std::string address;  ///< numeric, at which the others reached it
  HostFacts facts;
  int num_threads = 1;             ///< it computed with
  TimingSummary pass;              ///< forward and backward of the whole model: `SpeedOverTime`
  double wall_clock_offset_s = 0;  ///< what its wall clock shows more than that of this process
  double clock_uncertainty_s = 0;  ///< how wrong the offset can be
  std::vector<LoopbackName> loopback_names;  ///< as it looks names up
  std::optional<double> speed_spread;        ///< none where it was timed too seldom to say
  std::optional<ProbedLoad> load;            ///< none for one host alone
};

/// What messages from one host to another take, alone on the links of both.
struct ProbedWay {
  int from = 0;  ///< index of the host
  int to = 0;
  double latency_s = 0;              ///< half a round trip of an empty message
  double bandwidth_bytes_per_s = 0;  ///< of a large message, latency apart
  double burst_bytes = 0;            ///< that pass at once after a pause; 64 KiB at most are seen
  double spread = 0;                 ///< between the quartiles of its times, relative to the median
};

/// An all-reduce over all hosts.
struct ProbedReduction {
  std::int64_t bytes = 0;
  TimingSummary time;
};

/// Everything that a probe measured.
struct ProbeMeasurements {
  std::string model;             ///< that was timed
  std::int64_t num_samples = 0;  ///< of a pass
  std::string reference;         ///< whose pass speeds are relative to
  double reference_s = 0;        ///< that it takes
  std::vector<ProbedHost> hosts;
  std::vector<ProbedWay> ways;
  std::vector<ProbedReduction> reductions;  ///< ascending in bytes; empty for one host
};

/// For each host the number of its machine, in order of first appearance: hosts of one name and
/// the same addresses under one running kernel share a machine.
[[nodiscard]] std::vector<int> machine_of_hosts(const std::vector<ProbedHost>& hosts);

[[nodiscard]] nlohmann::json to_json(const ProbedLoad& load);

/// The document "cadastre-probe/1".
[[nodiscard]] nlohmann::json to_json(const ProbeMeasurements& measurements);

}  // namespace cadastre
