#pragma once

// The one place where SimGrid 3.32 (Debian 12) and 4.0 (Debian 13) differ: 4.0 makes the root zone
// itself and renames what adds to it.

#include <functional>
#include <simgrid/s4u.hpp>
#include <string>
#include <utility>
#include <vector>

// Does not compile before the others.
#include <simgrid/version.h>

#ifndef SIMGRID_VERSION
#error "simgrid/version.h does not say the version"
#endif

namespace cadastre::simgrid_version {

inline simgrid::s4u::NetZone* add_star_zone([[maybe_unused]] const simgrid::s4u::Engine& engine,
                                            const std::string& name) {
#if SIMGRID_VERSION >= 40000
  return engine.get_netzone_root()->add_netzone_star(name);
#else
  return simgrid::s4u::create_star_zone(name);
#endif
}

inline simgrid::s4u::Host* add_host(simgrid::s4u::NetZone& zone, const std::string& name,
                                    double speed_flops_per_s) {
#if SIMGRID_VERSION >= 40000
  return zone.add_host(name, speed_flops_per_s);
#else
  return zone.create_host(name, speed_flops_per_s);
#endif
}

inline simgrid::s4u::Link* add_link(simgrid::s4u::NetZone& zone, const std::string& name,
                                    double bandwidth_bytes_per_s) {
#if SIMGRID_VERSION >= 40000
  return zone.add_link(name, bandwidth_bytes_per_s);
#else
  return zone.create_link(name, bandwidth_bytes_per_s);
#endif
}

inline simgrid::s4u::ActorPtr add_actor(const std::string& name, simgrid::s4u::Host* host,
                                        std::function<void()> code) {
#if SIMGRID_VERSION >= 40000
  return simgrid::s4u::Engine::add_actor(name, host, std::move(code));
#else
  return simgrid::s4u::Actor::create(name, host, std::move(code));
#endif
}

/// Calls `callback` whenever a transfer has ended.
inline void on_transfer_completion(const std::function<void(const simgrid::s4u::Comm&)>& callback) {
#if SIMGRID_VERSION >= 40000
  simgrid::s4u::Comm::on_completion_cb(callback);
#else
  simgrid::s4u::Activity::on_completion_cb([callback](const simgrid::s4u::Activity& activity) {
    if (const auto* transfer = dynamic_cast<const simgrid::s4u::Comm*>(&activity))
      callback(*transfer);
  });
#endif
}

/// Calls `callback` whenever an execution has ended.
inline void on_execution_completion(const std::function<void(const simgrid::s4u::Exec&)>& callback) {
#if SIMGRID_VERSION >= 40000
  simgrid::s4u::Exec::on_completion_cb(callback);
#else
  simgrid::s4u::Activity::on_completion_cb([callback](const simgrid::s4u::Activity& activity) {
    if (const auto* execution = dynamic_cast<const simgrid::s4u::Exec*>(&activity))
      callback(*execution);
  });
#endif
}

}  // namespace cadastre::simgrid_version
