#include "tests/benchmarks/bare_simgrid.h"

#include <xbt/log.h>

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/simgrid_version.h"

namespace cadastre::benchmarks {

namespace s4u = simgrid::s4u;

namespace {

void add_spoke(s4u::NetZone& star, const s4u::Host* host, const s4u::Link* up,
               const s4u::Link* down) {
  const std::vector<s4u::LinkInRoute> out = {s4u::LinkInRoute(up)};
  const std::vector<s4u::LinkInRoute> in = {s4u::LinkInRoute(down)};
#if SIMGRID_VERSION >= 40000
  const s4u::Host* centre = nullptr;
  star.add_route(host, centre, out, false);
  star.add_route(centre, host, in, false);
#else
  star.add_route(host->get_netpoint(), nullptr, nullptr, nullptr, out, false);
  star.add_route(nullptr, host->get_netpoint(), nullptr, nullptr, in, false);
#endif
}

}  // namespace

double bare_simgrid_s(const Program& program, const ProgramCosts& costs, const Cluster& cluster) {
  s4u::Engine engine("bare");
  xbt_log_control_set("root.thresh:critical");
  for (const char* setting : {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:0",
                              "network/latency-factor:1", "network/bandwidth-factor:1",
                              "network/weight-S:0", "contexts/stack-size:128"})
    s4u::Engine::set_config(setting);
  s4u::NetZone& zone = *simgrid_version::add_star_zone(engine, "star");
  std::vector<s4u::Host*> hosts;
  constexpr double kFlopsPerSecond = 1e9;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
    hosts.push_back(simgrid_version::add_host(zone, cluster.hosts[h].name, kFlopsPerSecond));
    const auto link = [&](const char* way) {
      return simgrid_version::add_link(zone, cluster.hosts[h].name + way,
                                       cluster.network.bandwidth_bytes_per_s);
    };
    add_spoke(zone, hosts.back(), link(".up"), link(".down"));
  }
  zone.seal();
  std::vector<s4u::Mailbox*> mailboxes;
  for (int message = 0; message < program.num_messages; ++message)
    mailboxes.push_back(s4u::Mailbox::by_name(std::to_string(message)));
  static int payload = 0;
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    simgrid_version::add_actor("rank", hosts[r], [&program, &costs, &mailboxes, r] {
      const std::vector<Instruction>& instructions = program.ranks[r].instructions;
      for (int step = 0; step < 2; ++step)
        for (std::size_t i = 0; i < instructions.size(); ++i) {
          const Instruction& instruction = instructions[i];
          if (is_send(instruction.kind))
            mailboxes[static_cast<std::size_t>(instruction.message)]
                ->put_init(&payload, static_cast<std::uint64_t>(instruction.bytes))
                ->detach();
          else if (is_receive(instruction.kind))
            mailboxes[static_cast<std::size_t>(instruction.message)]->get<int>();
          else
            s4u::this_actor::execute(costs.seconds[r][i] * kFlopsPerSecond);
        }
    });
  engine.run();
  return s4u::Engine::get_clock();
}

}  // namespace cadastre::benchmarks
