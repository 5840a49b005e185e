#pragma once

#include <string>

#include "planner/cluster.h"

namespace cadastre {

/// What a network was measured to be, beside its data sheet.
struct Calibration {
  double bandwidth_factor = 1;  ///< geometric mean over the pairs of hosts, measured / nominal
  double latency_factor = 1;    ///< likewise
  // The least and the greatest of a pair: how well one factor says it all.
  double least_bandwidth_factor = 1;
  double greatest_bandwidth_factor = 1;
  double least_latency_factor = 1;
  double greatest_latency_factor = 1;
  // As `Network` has them.
  double reduction_s_per_byte = 0;
  double message_s = 0;
  double transport_s_per_byte = 0;
  double burst_bytes = 0;
  int num_pairs = 0;  ///< that were compared
  bool operator==(const Calibration&) const = default;
};

/// Compares the ways between the hosts that two clusters both name, those on one machine left out.
/// The factors of `nominal`'s model are left out, its TCP window is not. Throws InputError, which
/// names `nominal_file` or `measured_file`, where fewer than two hosts are in both, where a
/// nominal latency is 0, or where what was measured cannot be the same network.
[[nodiscard]] Calibration calibration_of(const Cluster& nominal, const Cluster& measured,
                                         const std::string& nominal_file,
                                         const std::string& measured_file);

/// `nominal` with the factors in its model, what reductions and messages were measured to take, of
/// each host that both clusters name, and a sentence about both in its description.
[[nodiscard]] Cluster calibrated(Cluster nominal, const Cluster& measured,
                                 const Calibration& calibration);

}  // namespace cadastre
