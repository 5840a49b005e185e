#include "simulator/energy_meter.h"

#include <simgrid/plugins/energy.h>

#include <algorithm>
#include <string>

#include "planner/refusal.h"

namespace cadastre {

std::string watts_property(const Host& host) {
  // Idle, at the least load, and on all cores: a rank that computes uses all of its host.
  std::string watts = number_text(idle_watts(host));
  watts += ":" + number_text(host.watts);
  watts += ":" + number_text(host.watts);
  return watts;
}

EnergyMeter::EnergyMeter(const Cluster& cluster)
    : takes_any_(std::any_of(cluster.hosts.begin(), cluster.hosts.end(),
                             [](const Host& host) { return host.watts > 0; })) {
  if (takes_any_) sg_host_energy_plugin_init();
}

double EnergyMeter::consumed_j(const simgrid::s4u::Host* host) const {
  return takes_any_ ? sg_host_get_consumed_energy(host) : 0;
}

}  // namespace cadastre
