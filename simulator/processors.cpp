#include "simulator/processors.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace cadastre {

namespace s4u = simgrid::s4u;

Processors::Processors(const Cluster& cluster, const Platform& platform)
    : cluster_(cluster), platform_(platform), machine_of_(host_machines(cluster)) {}

void Processors::compute(int host, double seconds, double memory_bytes) const {
  const auto h = static_cast<std::size_t>(host);
  const int machine = machine_of_[h];
  if (machine < 0 || platform_.machines[static_cast<std::size_t>(machine)].processor == nullptr) {
    // By the speed that the host has by itself: under a slowdown, it takes longer.
    s4u::this_actor::execute(seconds * platform_.hosts[h]->get_speed());
    return;
  }
  const PlatformMachine& shared = platform_.machines[static_cast<std::size_t>(machine)];
  s4u::CommPtr movement;
  if (memory_bytes >= 1)
    movement = s4u::Comm::sendto_async(shared.bus_begin, shared.bus_end,
                                       static_cast<std::uint64_t>(std::llround(memory_bytes)));
  // SimGrid wants the work of each thread.
  const s4u::ExecPtr execution =
      s4u::this_actor::exec_init(seconds * shared.processor->get_speed());
  execution->set_host(shared.processor);
  execution->set_thread_count(cluster_.hosts[h].cores);
  execution->wait();
  if (movement) movement->wait();
}

s4u::ExecPtr Processors::work_beside(int host, double seconds) const {
  const auto h = static_cast<std::size_t>(host);
  const int machine = machine_of_[h];
  s4u::Host* processor =
      machine < 0 ? nullptr : platform_.machines[static_cast<std::size_t>(machine)].processor;
  if (processor == nullptr) processor = platform_.hosts[h];
  s4u::ExecPtr work = s4u::Exec::init();
  work->set_flops_amount(seconds * processor->get_speed());
  work->set_host(processor);
  return work;
}

}  // namespace cadastre
