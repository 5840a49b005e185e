// How flows share the links of small networks, by closed form. Bytes alone: the replay adds
// latency.

#include <cstring>
#include <simgrid/s4u.hpp>

#include "planner/files.h"
#include "planner/routes.h"
#include "planner/simgrid_platform.h"
#include "simulator/isolated.h"
#include "simulator/platform.h"
#include "simulator/simgrid_version.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using namespace cadastre::networks;
namespace s4u = simgrid::s4u;

namespace {

struct Flow {
  int from = 0;
  int to = 0;
  double bytes = 0;
};

/// Seconds until each flow has left the network; all begin at 0. Runs in a process of its own.
std::vector<double> finish_s(const std::vector<Flow>& flows,
                             const std::function<std::vector<s4u::Host*>(s4u::Engine&)>& make) {
  const auto result =
      run_isolated({[&] {
                     s4u::Engine engine("test");
                     const std::vector<s4u::Host*> hosts = make(engine);
                     std::vector<double> finished(flows.size(), -1);
                     for (std::size_t f = 0; f < flows.size(); ++f) {
                       s4u::Host* const from = hosts[static_cast<std::size_t>(flows[f].from)];
                       s4u::Host* const to = hosts[static_cast<std::size_t>(flows[f].to)];
                       simgrid_version::add_actor("flow", from, [&flows, &finished, from, to, f] {
                         s4u::Comm::sendto(from, to, static_cast<std::uint64_t>(flows[f].bytes));
                         finished[f] = s4u::Engine::get_clock();
                       });
                     }
                     engine.run();
                     std::string bytes(flows.size() * sizeof(double), '\0');
                     std::memcpy(bytes.data(), finished.data(), bytes.size());
                     return bytes;
                   }},
                   1);
  REQUIRE(result[0].error == "");
  std::vector<double> finished(flows.size());
  REQUIRE(result[0].output.size() == flows.size() * sizeof(double));
  std::memcpy(finished.data(), result[0].output.data(), result[0].output.size());
  return finished;
}

std::vector<double> finish_s(const Cluster& cluster, const std::vector<Flow>& flows) {
  return finish_s(flows, [&](s4u::Engine& engine) {
    check_platform(cluster);
    configure_simgrid(cluster);
    std::vector<std::pair<int, int>> pairs;
    for (const Flow& flow : flows) pairs.emplace_back(flow.from, flow.to);
    return build_platform(engine, cluster, Routes(cluster), pairs).hosts;
  });
}

constexpr double kExact = 1e-6;

}  // namespace

TEST_CASE("flows to different leaves share a spine where d-mod-k puts them on one", "[simulator]") {
  const Cluster cluster = wired(8, FatTree{.down = {4, 2}, .up = {1, 2}, .parallel = {1, 1}});
  // Hosts 4 and 6 are reached over spine 0, host 5 over spine 1: of three flows from one leaf, two
  // share the link to spine 0.
  const std::vector<double> s = finish_s(cluster, {{.from = 0, .to = 4, .bytes = 1e6},
                                                   {.from = 1, .to = 6, .bytes = 2e6},
                                                   {.from = 2, .to = 5, .bytes = 1e6}});
  CHECK_THAT(s[0], WithinRel(2, kExact));
  CHECK_THAT(s[1], WithinRel(3, kExact));
  CHECK_THAT(s[2], WithinRel(1, kExact));
}

TEST_CASE("a torus' flows meet on the cables that they both cross", "[simulator]") {
  const Cluster cluster = wired(6, Torus{.dimensions = {6}});
  // 0 -> 2 crosses 0-1 and 1-2; 1 -> 3 crosses 1-2 and 2-3; 3 -> 2 goes the other way on 2-3.
  const std::vector<double> s = finish_s(cluster, {{.from = 0, .to = 2, .bytes = 1e6},
                                                   {.from = 1, .to = 3, .bytes = 1e6},
                                                   {.from = 3, .to = 2, .bytes = 1e6}});
  CHECK_THAT(s[0], WithinRel(2, kExact));
  CHECK_THAT(s[1], WithinRel(2, kExact));
  CHECK_THAT(s[2], WithinRel(1, kExact));
}

TEST_CASE("both directions share a shared link, and nobody a fat pipe", "[simulator]") {
  for (const auto& [sharing, seconds] :
       {std::pair{Sharing::kSplitDuplex, 1.0}, std::pair{Sharing::kShared, 2.0},
        std::pair{Sharing::kFatPipe, 1.0}}) {
    const Cluster cluster =
        wired(2, Graph{.switches = {}, .cables = {cable("n1", "n2", 0, kBytesPerS, sharing)}});
    for (const double s : finish_s(
             cluster, {{.from = 0, .to = 1, .bytes = 1e6}, {.from = 1, .to = 0, .bytes = 1e6}}))
      CHECK_THAT(s, WithinRel(seconds, kExact));
    for (const double s : finish_s(
             cluster, {{.from = 0, .to = 1, .bytes = 1e6}, {.from = 0, .to = 1, .bytes = 1e6}}))
      CHECK_THAT(s, WithinRel(sharing == Sharing::kFatPipe ? 1 : 2, kExact));
  }
}

TEST_CASE("max-min fairness gives what one flow cannot use to the other", "[simulator]") {
  // Two flows over a link of 3 MB/s, one of which a link of 1 MB/s bounds, too: 1 and 2 MB/s.
  const Cluster cluster = wired(
      4,
      Graph{.switches = {"a", "b"},
            .cables = {cable("n1", "a", 0, 1e6), cable("n2", "a", 0, 5e6), cable("a", "b", 0, 3e6),
                       cable("b", "n3", 0, 5e6), cable("b", "n4", 0, 5e6)}});
  const std::vector<double> s =
      finish_s(cluster, {{.from = 0, .to = 2, .bytes = 2e6}, {.from = 1, .to = 3, .bytes = 4e6}});
  CHECK_THAT(s[0], WithinRel(2, kExact));
  CHECK_THAT(s[1], WithinRel(2, kExact));
}

TEST_CASE("hosts of a machine share its memory bus and its link", "[simulator]") {
  Cluster cluster = hosts(4);
  pair_up(cluster);  // buses of 64 MB/s, links of 1 MB/s
  const std::vector<double> bus =
      finish_s(cluster, {{.from = 0, .to = 1, .bytes = 64e6}, {.from = 1, .to = 0, .bytes = 64e6}});
  for (const double s : bus) CHECK_THAT(s, WithinRel(2, kExact));
  const std::vector<double> link =
      finish_s(cluster, {{.from = 0, .to = 2, .bytes = 1e6}, {.from = 1, .to = 3, .bytes = 1e6}});
  for (const double s : link) CHECK_THAT(s, WithinRel(2, kExact));
}

TEST_CASE("a TCP window bounds each flow on a long way, however many there are", "[simulator]") {
  Cluster cluster = hosts(4);  // 1 MB/s; 0.5 s from host to host
  cluster.network.model.tcp_window_bytes = 0.25e6;
  const std::vector<double> s = finish_s(cluster, {{.from = 0, .to = 1, .bytes = 1e6},
                                                   {.from = 0, .to = 2, .bytes = 1e6},
                                                   {.from = 3, .to = 2, .bytes = 1e6}});
  for (const double seconds : s) CHECK_THAT(seconds, WithinRel(4, kExact));
}

TEST_CASE("acknowledgements take a twentieth of the way back", "[simulator]") {
  Cluster cluster = hosts(2);
  cluster.network.model.crosstraffic = true;
  // Each direction carries its flow and 5 % of the other's.
  for (const double s :
       finish_s(cluster, {{.from = 0, .to = 1, .bytes = 1e6}, {.from = 1, .to = 0, .bytes = 1e6}}))
    CHECK_THAT(s, WithinRel(1.05, kExact));
}

TEST_CASE("a message alone takes what SimGrid's own LV08 says", "[simulator]") {
  for (const double window_bytes : {4194304.0, 2e5}) {
    Cluster cluster = wired(8, square());
    cluster.network.model = lv08_model();
    cluster.network.model.tcp_window_bytes = window_bytes;
    const Routes routes(cluster);
    const TemporaryDirectory directory;
    const std::string file = (directory.path() / "platform.xml").string();
    write_file(file, simgrid_platform_xml(cluster, "cluster.json"));
    for (const auto& [from, to] : {std::pair{0, 1}, std::pair{0, 6}, std::pair{2, 6}}) {
      const std::vector<Flow> flow = {{.from = from, .to = to, .bytes = 3e6}};
      const std::vector<double> native = finish_s(flow, [&](s4u::Engine& engine) {
        engine.load_platform(file);
        std::vector<s4u::Host*> hosts;
        for (const Host& host : cluster.hosts) hosts.push_back(s4u::Host::by_name(host.name));
        return hosts;
      });
      const Way way = routes.way(from, to);
      // Its way back crosses the same shared cable where it crosses b-c; none of these does.
      CHECK_THAT(native[0], WithinRel(3e6 / way.bandwidth_bytes_per_s + way.latency_s, kExact));
      CHECK_THAT(finish_s(cluster, flow)[0], WithinRel(3e6 / way.bandwidth_bytes_per_s, kExact));
    }
  }
}
