#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cadastre {

/// What a rank says of the machine that it runs on.
struct HostFacts {
  std::string name;                    ///< as `uname -n` says
  std::vector<std::string> addresses;  ///< numeric, of interfaces that are up; loopback left out
  int cores = 1;                       ///< that this process may use, a container's quota included
  int machine_cores = 1;               ///< of the machine
  double quota_cores = 0;              ///< that a control group grants; 0: as many as there are
  double load_average = 0;             ///< of the machine in the last minute
  std::string processor;               ///< as `device_name` says
  std::int64_t available_memory_bytes = 0;  ///< a container's limit included
  std::string machine_id;  ///< the same for processes under one running kernel: they share a clock
  bool operator==(const HostFacts&) const = default;
};

[[nodiscard]] HostFacts host_facts();

/// The first address of a network interface, IPv4 before IPv6. Throws InputError that lists the
/// interfaces there are when it does not exist, is down or has none.
[[nodiscard]] std::string interface_address(const std::string& interface);

}  // namespace cadastre
