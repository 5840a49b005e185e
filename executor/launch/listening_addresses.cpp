#include "executor/launch/listening_addresses.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "executor/launch/host_facts.h"

namespace cadastre {

namespace {

constexpr int kMostAttempts = 20;

/// Of one link of an interface, for which a number alone does not stand.
bool is_link_local(const std::string& address) { return address.rfind("fe80:", 0) == 0; }

std::vector<Socket> listen_at_one_port(const std::vector<std::string>& addresses,
                                       std::uint16_t port) {
  std::vector<Socket> listeners;
  for (const std::string& address : addresses) {
    listeners.push_back(listen_on(address, port));
    port = local_port(listeners.back());
  }
  return listeners;
}

}  // namespace

std::vector<std::string> listening_addresses(const std::string& name,
                                             const std::string& interface) {
  const std::vector<std::string> meant = resolve(name);
  std::vector<std::string> addresses;
  std::copy_if(meant.begin(), meant.end(), std::back_inserter(addresses), is_own_address);
  const bool is_name = name != "localhost" && meant != std::vector<std::string>{name};
  const bool only_loopback = std::all_of(addresses.begin(), addresses.end(), is_loopback);
  if (!addresses.empty() && !(is_name && only_loopback)) return addresses;
  if (!interface.empty()) {
    addresses.push_back(interface_address(interface));
  } else {
    const std::vector<std::string> others = host_facts().addresses;
    std::remove_copy_if(others.begin(), others.end(), std::back_inserter(addresses), is_link_local);
  }
  if (addresses.empty())
    throw std::runtime_error("cannot listen on " + name +
                             ": it is none of this machine's addresses, which has no others");
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

std::vector<Socket> listen_on_each(const std::vector<std::string>& addresses, std::uint16_t port) {
  // The port that is free at the first address may be taken at another.
  for (int i = 1; port == 0 && i < kMostAttempts; ++i) {
    try {
      return listen_at_one_port(addresses, 0);
    } catch (const std::runtime_error&) {
      // Another try, with another port.
    }
  }
  return listen_at_one_port(addresses, port);
}

}  // namespace cadastre
