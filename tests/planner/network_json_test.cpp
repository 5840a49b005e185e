// Topologies, machines and network models in cluster documents.

#include <limits>

#include "planner/cluster.h"
#include "planner/cluster_check.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/network_worlds.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using networks::wired;
using nlohmann::json;

namespace {

std::string refused(const json& document) { return refusal_of(document, cluster_from_json); }

Cluster read(const json& document) { return documents::reread(document, cluster_from_json); }

json fat_tree() {
  return to_json(wired(8, FatTree{.down = {4, 2}, .up = {1, 2}, .parallel = {1, 1}}));
}

json graph() { return to_json(wired(8, networks::square())); }

json lists() { return to_json(wired(4, networks::two_sites())); }

json machines() {
  Cluster cluster = networks::hosts(4);
  networks::pair_up(cluster);
  return to_json(cluster);
}

}  // namespace

TEST_CASE("clusters of every topology go to JSON and back unchanged", "[planner]") {
  for (Cluster cluster : networks::all()) {
    cluster.hosts.front().watts = 200;
    cluster.hosts.front().idle_watts = 50;
    cluster.hosts.front().mtbf_s = 1.5e6;
    CHECK(read(to_json(cluster)) == cluster);
  }
}

TEST_CASE("a star says nothing of topologies, models and machines", "[planner]") {
  const json document = to_json(networks::hosts(2));
  CHECK_FALSE(document.contains("machines"));
  CHECK_FALSE(document["network"].contains("topology"));
  CHECK_FALSE(document["network"].contains("model"));
  CHECK_FALSE(document["hosts"][0].contains("machine"));
  CHECK_FALSE(document["hosts"][0].contains("idle_watts"));
  CHECK_FALSE(document["hosts"][0].contains("mtbf_s"));
}

TEST_CASE("what a topology leaves out has a default", "[planner]") {
  const json document = json::parse(R"({
    "format": "cadastre-cluster/1", "name": "rack",
    "hosts": [{"name": "node", "count": 3, "memory_bytes": "1GiB"}],
    "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "1us",
      "topology": {"kind": "graph", "switches": ["s"], "links": [
        {"from": "node-1", "to": "s"}, {"from": "node-2", "to": "s"},
        {"name": "slow", "from": "node-3", "to": "s", "bandwidth_bytes_per_s": "10Mbps",
         "sharing": "shared"}]}}})");
  const Cluster cluster = read(document);
  REQUIRE(cluster.hosts.size() == 3);
  CHECK(cluster.hosts[2].name == "node-3");
  const auto& links = std::get<Graph>(cluster.network.topology).cables;
  CHECK(links[0].link == NamedLink{.name = "node-1-s",
                                   .bandwidth_bytes_per_s = 125e6,
                                   .latency_s = 1e-6,
                                   .sharing = Sharing::kSplitDuplex});
  CHECK(links[2].link.name == "slow");
  CHECK(links[2].link.bandwidth_bytes_per_s == 1.25e6);
  CHECK(links[2].link.sharing == Sharing::kShared);
  // Written, it has all hosts and links.
  CHECK(read(to_json(cluster)) == cluster);
}

TEST_CASE("a count of hosts is refused where it cannot be", "[planner]") {
  const json document = to_json(networks::hosts(2));
  CHECK(refused(with(document, "/hosts/0/count", 0)) ==
        "/hosts/0/count: expected an integer from 1 to 65536, found 0");
  CHECK(refused(with(with(document, "/hosts/0/count", 2), "/hosts/0/address", "a:1")) ==
        "/hosts/0/count: expected no count for a host with an address, which is that of one");
  CHECK(refused(with(with(document, "/hosts/0/count", 2), "/hosts/1/name", "n1-2")) ==
        "/hosts/1/name: expected a name used once, found \"n1-2\" again (first at /hosts/0/name)");
}

TEST_CASE("hosts that do not fit their topology are refused", "[planner]") {
  CHECK(refused(with(fat_tree(), "/network/topology/down", {4, 1})) ==
        "/network/topology: expected a topology with a place for each of 8 hosts or machines, "
        "found one of 4 places");
  // Places may stay empty.
  CHECK(refused(with(fat_tree(), "/network/topology/down", {4, 4})) == "accepted");
  CHECK(refused(with(fat_tree(), "/network/topology",
                     {{"kind", "torus"}, {"dimensions", {1048576, 1048576, 1048576}}})) ==
        "/network/topology: expected a topology of 4194304 links at most, found one of more");
}

TEST_CASE("topologies that are none are refused", "[planner]") {
  CHECK(refused(with(fat_tree(), "/network/topology/kind", "fat tree")) ==
        "/network/topology/kind: expected one of fat-tree, torus, dragonfly, graph or routes, "
        "found \"fat tree\"");
  CHECK(refused(with(fat_tree(), "/network/topology/up", {1})) ==
        "/network/topology/up: expected a number for each level, 2 as in \"down\", found 1");
  CHECK(refused(with(fat_tree(), "/network/topology/up", {1, 0})) ==
        "/network/topology/up/1: expected an integer from 1 to 1048576, found 0");
  CHECK(refused(with(fat_tree(), "/network/topology/down", json::array())) ==
        "/network/topology/down: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(fat_tree(), "/network/topology/sharing", "duplex")) ==
        "/network/topology/sharing: expected one of split-duplex, shared or fat-pipe, found "
        "\"duplex\"");
  CHECK(refused(with(fat_tree(), "/network/topology/paralel", {1, 1})) ==
        "/network/topology/paralel: expected no such key, did you mean \"parallel\"?");
  CHECK(
      refused(with(
          fat_tree(), "/network/topology",
          {{"kind", "dragonfly"}, {"groups", 4}, {"chassis", 1}, {"routers", 2}, {"nodes", 1}})) ==
      "/network/topology/groups: expected as many groups as a chassis has routers at most (2), "
      "each linked with one, found 4");
}

TEST_CASE("a topology states all links, hosts and zones none", "[planner]") {
  CHECK(refused(with(fat_tree(), "/hosts/3/bandwidth_bytes_per_s", 1000)) ==
        "/hosts/3/bandwidth_bytes_per_s: expected none beside a topology, which states the links");
  CHECK(refused(with(fat_tree(), "/network/zones",
                     json::array({{{"name", "z"},
                                   {"hosts", {"n1"}},
                                   {"bandwidth_bytes_per_s", 1},
                                   {"latency_s", 0}}}))) ==
        "/network/zones: expected none beside a topology, whose links are all there are");
}

TEST_CASE("a graph that does not join all hosts is refused with two of them", "[planner]") {
  json document = graph();
  // n1 hangs on link 5 alone.
  CHECK(refused(without(document, "/network/topology/links/5")) ==
        "/network/topology/links: expected links that join all hosts, found no way from \"n1\" to "
        "\"n2\"");
  CHECK(refused(with(document, "/network/topology/links", json::array())) ==
        "/network/topology/links: expected links that join all hosts, found no way from \"n1\" to "
        "\"n2\"");
}

TEST_CASE("a graph's names are checked", "[planner]") {
  CHECK(refused(with(graph(), "/network/topology/links/5/to", "aa")) ==
        "/network/topology/links/5/to: expected a host, machine or switch (n1, n2, n3, n4, n5, n6 "
        "and 6 more), found \"aa\", did you mean \"a\"?");
  CHECK(refused(with(graph(), "/network/topology/links/5/to", "n1")) ==
        "/network/topology/links/5/to: expected another end than \"from\", found \"n1\"");
  CHECK(refused(with(graph(), "/network/topology/links/5/name", "a-b")) ==
        "/network/topology/links/5/name: expected a name used once, found \"a-b\" again (first at "
        "/network/topology/links/0)");
  CHECK(refused(with(graph(), "/network/topology/switches/0", "n3")) ==
        "/network/topology/switches/0: expected a name that no host, machine or other switch has, "
        "found \"n3\"");
}

TEST_CASE("links of no bandwidth are refused", "[planner]") {
  for (const json& document : {graph(), lists()})
    for (const json& bandwidth : {json(0), json(-1), json("fast"), json(nullptr)})
      CHECK(refused(with(document, "/network/topology/links/2/bandwidth_bytes_per_s", bandwidth))
                .starts_with("/network/topology/links/2/bandwidth_bytes_per_s: expected bytes per "
                             "second from 1 to 10^15"));
}

TEST_CASE("lists of routes are checked for names and for gaps", "[planner]") {
  const std::string topology = "/network/topology";
  CHECK(refused(with(lists(), topology + "/hosts/0/up/0", "l1")) ==
        "/network/topology/hosts/0/up/0: expected a link, or NAME:up or NAME:down of a "
        "split-duplex one (bb1, bb2, wan, cable:up, cable:down, l1:up and 7 more), found \"l1\"");
  CHECK(refused(with(lists(), topology + "/hosts/0/name", "n2")) ==
        "/network/topology/hosts/1/name: expected each host once, found \"n2\" again (first at "
        "/network/topology/hosts/0)");
  CHECK(refused(without(lists(), topology + "/hosts/3")) ==
        "/network/topology/hosts: expected each host or machine, found no \"n4\"");
  CHECK(refused(with(lists(), topology + "/between/2/to", "twoo")) ==
        "/network/topology/between/2/to: expected a class (one, two), found \"twoo\", did you mean "
        "\"two\"?");
  CHECK(refused(without(lists(), topology + "/between/2")) ==
        "/network/topology: expected lists that join all hosts, found no way from \"n1\" to "
        "\"n3\"");
  CHECK(refused(with(lists(), topology + "/routes/0/links", json::array())) ==
        "/network/topology/routes/0/links: expected an array of at least 1, found none");
  CHECK(refused(with(lists(), topology + "/routes/0/to", "n1")) ==
        "/network/topology/routes/0/to: expected another end than \"from\", found \"n1\"");
}

TEST_CASE("all pairs of hosts may be listed one by one", "[planner]") {
  const json document = json::parse(R"({
    "format": "cadastre-cluster/1", "name": "three",
    "hosts": [{"name": "n", "count": 3, "memory_bytes": 1}],
    "network": {"bandwidth_bytes_per_s": 1000, "latency_s": 0, "topology": {"kind": "routes",
      "links": [{"name": "x"}, {"name": "y", "sharing": "shared"}],
      "hosts": [{"name": "n-1"}, {"name": "n-2"}, {"name": "n-3"}],
      "routes": [{"from": "n-1", "to": "n-2", "links": ["x:up"]},
                 {"from": "n-1", "to": "n-3", "links": ["x:up", "y"]},
                 {"from": "n-3", "to": "n-2", "links": ["y"]}]}}})");
  CHECK(read(to_json(read(document))) == read(document));
  CHECK(refused(without(document, "/network/topology/routes/2")) ==
        "/network/topology: expected lists that join all hosts, found no way from \"n-2\" to "
        "\"n-3\"");
}

TEST_CASE("machines are known, named once, and have the link of their hosts", "[planner]") {
  CHECK(refused(with(machines(), "/hosts/2/machine", "m9")) ==
        "/hosts/2/machine: expected a machine of the cluster (m0, m1), found \"m9\", did you mean "
        "\"m0\"?");
  CHECK(refused(with(machines(), "/machines/1/name", "m0")) ==
        "/machines/1/name: expected a name used once, found \"m0\" again (first at "
        "/machines/0/name)");
  CHECK(refused(with(machines(), "/hosts/0/latency_s", 1)) ==
        "/hosts/0/latency_s: expected none for a host on a machine, whose link it is: state it "
        "there");
  CHECK(refused(with(machines(), "/machines/0/cores", 0)) ==
        "/machines/0/cores: expected an integer from 1 to 1048576, found 0");
  CHECK(refused(
            with(machines(), "/network/direct_links/0",
                 {{"from", "n1"}, {"to", "n2"}, {"bandwidth_bytes_per_s", 1}, {"latency_s", 0}})) ==
        "/network/direct_links/0: expected hosts of different machines, found \"n1\" and \"n2\", "
        "which its memory bus joins");
  CHECK(refused(with(
            machines(), "/network/zones/0",
            {{"name", "z"}, {"hosts", {"n1"}}, {"bandwidth_bytes_per_s", 1}, {"latency_s", 0}})) ==
        "/network/zones: expected the hosts of a machine in one zone, found \"n1\" and \"n2\" of "
        "\"m0\" in different ones");
}

TEST_CASE("a network model is named and its constants may be changed", "[planner]") {
  const json document = to_json(networks::hosts(2));
  CHECK(read(with(document, "/network/model", {{"name", "LV08"}})).network.model == lv08_model());
  const Cluster changed =
      read(with(document, "/network/model",
                {{"name", "LV08"}, {"bandwidth_factor", 0.9}, {"tcp_window_bytes", nullptr}}));
  CHECK(changed.network.model.bandwidth_factor == 0.9);
  CHECK(changed.network.model.latency_factor == 13.01);
  CHECK_FALSE(changed.network.model.tcp_window_bytes.has_value());
  CHECK(read(to_json(changed)) == changed);
  CHECK(refused(with(document, "/network/model", {{"name", "LV09"}})) ==
        "/network/model/name: expected one of max-min or LV08, found \"LV09\"");
  for (const json& factor : {json(0), json(-1), json("1"), json(1e9)})
    CHECK(refused(
              with(document, "/network/model", {{"name", "max-min"}, {"bandwidth_factor", factor}}))
              .starts_with("/network/model/bandwidth_factor: expected a number from 1e-06 to "
                           "1000000, found "));
  CHECK(refused(with(document, "/network/model", {{"name", "max-min"}, {"tcp_window_bytes", 0}}))
            .starts_with("/network/model/tcp_window_bytes: expected "));
}

TEST_CASE("an idle host draws no more than a busy one", "[planner]") {
  const json document = with(to_json(networks::hosts(2)), "/hosts/1/watts", 100);
  CHECK(read(with(document, "/hosts/1/idle_watts", 100)).hosts[1].idle_watts == 100.0);
  CHECK(refused(with(document, "/hosts/1/idle_watts", 101)) ==
        "/hosts/1/idle_watts: expected a number from 0 to 100, found 101");
}

TEST_CASE("the time between a host's failures is seconds, or text with a unit", "[planner]") {
  const json document = to_json(networks::hosts(2));
  const auto mtbf_s = [&](const json& value) {
    return host_mtbf_s(read(with(document, "/hosts/1/mtbf_s", value)).hosts[1]);
  };
  CHECK(host_mtbf_s(read(document).hosts[1]) == kDefaultMtbfS);
  CHECK(mtbf_s(5000) == 5000);
  CHECK(mtbf_s("30d") == 30 * 86400.0);
  CHECK(mtbf_s("2.5h") == 9000);
  CHECK(mtbf_s("90 min") == 5400);
  CHECK(mtbf_s("1s") == 1);
  const std::string expected = "/hosts/1/mtbf_s: expected ";
  for (const json& value : {json(0), json(0.5), json("10ms")})
    CHECK(refused(with(document, "/hosts/1/mtbf_s", value)) ==
          expected + "1 second or more between failures, found " + value.dump());
  for (const json& value :
       {json(-1), json(1e11), json("soon"), json("3"), json("3 weeks"), json(true), json(nullptr)})
    CHECK(refused(with(document, "/hosts/1/mtbf_s", value)) ==
          expected + R"(seconds from 0 to 10^10, or text such as "90s", "2.5h" or "30d", found )" +
              value.dump());
}

TEST_CASE("clusters that were made, not read, are checked as well", "[planner]") {
  const auto message = [](const Cluster& cluster) {
    const auto fault = network_fault(cluster);
    return fault ? fault->pointer + ": " + fault->message : "sound";
  };
  for (const Cluster& cluster : networks::all()) CHECK(message(cluster) == "sound");
  Cluster cluster = wired(8, networks::square());
  auto& graph = std::get<Graph>(cluster.network.topology);
  graph.cables[3].link.bandwidth_bytes_per_s = std::numeric_limits<double>::quiet_NaN();
  CHECK(message(cluster) ==
        "/network/topology/links/3/bandwidth_bytes_per_s: expected a number > 0, found null");
  CHECK(message(wired(1, Torus{})) ==
        "/network/topology/dimensions: expected an array of at least 1, found none");
  CHECK(message(wired(1, FatTree{.down = {1}, .up = {0}, .parallel = {1}})) ==
        "/network/topology/up/0: expected an integer >= 1, found 0");
}
