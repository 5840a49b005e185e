#include "executor/launch/rank_place.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "executor/launch/host_facts.h"
#include "executor/launch/socket.h"
#include "planner/error.h"

namespace cadastre {

namespace {

std::string own_text() {
  const HostFacts facts = host_facts();
  std::string text = facts.name;
  for (const std::string& address : facts.addresses)
    text += (&address == &facts.addresses.front() ? " (" : ", ") + address;
  return facts.addresses.empty() ? text : text + ")";
}

std::string planned_address(const RankPlace& place) {
  std::vector<std::string> addresses;
  try {
    addresses = resolve(place.planned_address);
  } catch (const std::runtime_error& error) {
    throw InputError("", "",
                     "the plan's host " + place.planned_host + " cannot be found: " + error.what());
  }
  const auto own = std::find_if(addresses.begin(), addresses.end(), is_own_address);
  if (own == addresses.end())
    throw InputError("", "",
                     "expected the machine of the plan's host " + place.planned_host +
                         ", address " + place.planned_address + ", found " + own_text());
  return *own;
}

}  // namespace

std::string rank_address(const RankPlace& place, const RankLink& link) {
  std::string address;
  std::string whose;
  if (!place.interface.empty()) {
    address = interface_address(place.interface);
    whose = "the interface " + place.interface;
  } else if (!place.planned_address.empty()) {
    address = planned_address(place);
    whose = "the plan's host " + place.planned_host + ", " + place.planned_address + ",";
  } else {
    address = link.own_address();
    whose = link.launch().coordinator_address;
  }
  if (place.has_other_machines && is_loopback(address))
    throw InputError("", "",
                     "expected an address that other machines reach, found that " + whose + " is " +
                         address + " on " + host_facts().name +
                         "; give an address in the cluster, in /etc/hosts, or an --interface");
  return address;
}

}  // namespace cadastre
