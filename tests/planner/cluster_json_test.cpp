#include "planner/cluster.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

Cluster sound() {
  return {.name = "lab",
          .description = "three hosts",
          .hosts = {{.name = "node1",
                     .relative_speed = 1.25,
                     .cores = 4,
                     .memory_bytes = 17179869184,
                     .address = "10.0.0.1",
                     .price_per_hour = 0.5,
                     .watts = 90,
                     .bandwidth_bytes_per_s = 12.5e6,
                     .latency_s = 1e-3,
                     .transport_speed = 0.75},
                    {.name = "node2", .relative_speed = 0.3, .memory_bytes = 8589934592},
                    {.name = "node3", .memory_bytes = 1}},
          .network = {.bandwidth_bytes_per_s = 125e6,
                      .latency_s = 5e-5,
                      .reduction_s_per_byte = 1e-10,
                      .message_s = 6e-5,
                      .transport_s_per_byte = 2e-9,
                      .burst_bytes = 6000,
                      .direct_links = {{.from = "node2",
                                        .to = "node3",
                                        .bandwidth_bytes_per_s = 1.25e9,
                                        .latency_s = 1e-6}}}};
}

std::string refused(const json& document) { return refusal_of(document, cluster_from_json); }

double network_bandwidth(const json& bandwidth) {
  return documents::reread(with(to_json(sound()), "/network/bandwidth_bytes_per_s", bandwidth),
                           cluster_from_json)
      .network.bandwidth_bytes_per_s;
}

}  // namespace

TEST_CASE("a cluster goes to JSON and back unchanged", "[planner]") {
  const Cluster cluster = sound();
  CHECK(documents::reread(to_json(cluster), cluster_from_json) == cluster);
}

TEST_CASE("how hosts and links vary goes to JSON and back, and is left out where nothing does",
          "[planner]") {
  CHECK_FALSE(to_json(sound()).at("hosts").at(1).contains("speed_spread"));
  CHECK_FALSE(to_json(sound()).at("hosts").at(1).contains("bandwidth_spread"));
  CHECK_FALSE(to_json(sound()).at("network").contains("bandwidth_spread"));
  Cluster cluster = sound();
  cluster.hosts[0].speed_spread = 0.25;
  cluster.hosts[0].bandwidth_spread = 0;  // unlike the network's
  cluster.hosts[1].bandwidth_spread = 1.5;
  cluster.hosts[2].machine = "m";
  cluster.machines = {{.name = "m",
                       .cores = 2,
                       .memory_bandwidth_bytes_per_s = 1e10,
                       .bandwidth_bytes_per_s = {},
                       .latency_s = {},
                       .bandwidth_spread = 0.75}};
  cluster.network.bandwidth_spread = 0.5;
  CHECK(documents::reread(to_json(cluster), cluster_from_json) == cluster);
}

TEST_CASE("a spread that cannot be, or is of no link, is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/hosts/0/speed_spread", 4.5)) ==
        "/hosts/0/speed_spread: expected a number from 0 to 4, found 4.5");
  CHECK(refused(with(to_json(sound()), "/hosts/1/bandwidth_spread", -1)) ==
        "/hosts/1/bandwidth_spread: expected a number from 0 to 4, found -1");
  CHECK(refused(with(to_json(sound()), "/network/bandwidth_spread", "10 %")) ==
        "/network/bandwidth_spread: expected a number from 0 to 4, found \"10 %\"");
  CHECK(refused(with(to_json(sound()), "/network/burst_bytes", -1)) ==
        "/network/burst_bytes: expected a number from 0 to 1000000000000, found -1");
  CHECK(refused(with(to_json(sound()), "/hosts/0/speed_sprad", 1)) ==
        "/hosts/0/speed_sprad: expected no such key, did you mean \"speed_spread\"?");
  json shared = with(to_json(sound()), "/machines",
                     json::array({{{"name", "m"},
                                   {"cores", 2},
                                   {"memory_bandwidth_bytes_per_s", 1e10},
                                   {"bandwidth_spread", 0.5}}}));
  shared["hosts"][1]["machine"] = "m";
  CHECK(refused(with(shared, "/hosts/1/bandwidth_spread", 1)) ==
        "/hosts/1/bandwidth_spread: expected none for a host on a machine, whose link it is: state "
        "it there");
}

TEST_CASE("a cluster written by hand may leave out what has a default", "[planner]") {
  const json document = json::parse(R"({
    "format": "cadastre-cluster/1", "name": "one",
    "hosts": [{"name": "node1", "memory_bytes": "16GiB"}],
    "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "50us"}})");
  const Cluster expected{
      .name = "one",
      .description = "",
      .hosts = {{.name = "node1", .memory_bytes = std::int64_t{16} << 30}},
      .network = {.bandwidth_bytes_per_s = 125e6, .latency_s = 50 * 1e-6, .direct_links = {}}};
  CHECK(documents::reread(document, cluster_from_json) == expected);
}

TEST_CASE("bandwidths keep bits from bytes and k from Ki", "[planner]") {
  CHECK(network_bandwidth("1Gbps") == 125e6);
  CHECK(network_bandwidth("1GBps") == 1e9);
  CHECK(network_bandwidth("125 MBps") == 125e6);
  CHECK(network_bandwidth("8kbps") == 1000);
  CHECK(network_bandwidth("8Kibps") == 1024);
  CHECK(network_bandwidth("1.5MiBps") == 1572864);
  CHECK(network_bandwidth(125000) == 125000);
}

TEST_CASE("quantities without a known unit are refused", "[planner]") {
  const std::string expected =
      "/network/bandwidth_bytes_per_s: expected bytes per second from 1 to 10^15, or text such as "
      "\"1Gbps\" or "
      "\"125MBps\", found ";
  for (const std::string text : {"125", "1Kbps", "1gbps", "fast", "", "-1Gbps", "0Gbps", "nanGbps",
                                 "infGbps", "1e400Gbps", "1GB", "1Gbps!"})
    CHECK(refused(with(to_json(sound()), "/network/bandwidth_bytes_per_s", text)) ==
          expected + "\"" + text + "\"");
  CHECK(refused(with(to_json(sound()), "/hosts/1/memory_bytes", "16Gib")) ==
        "/hosts/1/memory_bytes: expected whole bytes > 0, or text such as \"16GiB\" or \"500MB\", "
        "found \"16Gib\"");
  CHECK(refused(with(to_json(sound()), "/hosts/1/memory_bytes", "0.3B")) ==
        "/hosts/1/memory_bytes: expected whole bytes > 0, or text such as \"16GiB\" or \"500MB\", "
        "found \"0.3B\"");
  CHECK(refused(with(to_json(sound()), "/network/latency_s", "50")) ==
        "/network/latency_s: expected seconds from 0 to 3600, or text such as \"50us\" or "
        "\"0.1ms\", found "
        "\"50\"");
}

TEST_CASE("a cluster with no hosts is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/hosts", json::array())) ==
        "/hosts: expected an array of at least 1, found an array of 0");
  CHECK(refused(without(to_json(sound()), "/hosts")) ==
        "/: expected the key \"hosts\", found none");
}

TEST_CASE("two hosts of one name are refused with both places", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/hosts/2/name", "node1")) ==
        "/hosts/2/name: expected a name used once, found \"node1\" again (first at "
        "/hosts/0/name)");
}

TEST_CASE("direct links join two different hosts of the cluster, once", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/network/direct_links/0/to", "nod1")) ==
        "/network/direct_links/0/to: expected a host of the cluster (node1, node2, node3), found "
        "\"nod1\", did you mean \"node1\"?");
  CHECK(refused(with(to_json(sound()), "/network/direct_links/0/to", "node2")) ==
        "/network/direct_links/0/to: expected another host than \"from\", found \"node2\"");
  CHECK(
      refused(with(
          to_json(sound()), "/network/direct_links/1",
          {{"from", "node3"}, {"to", "node2"}, {"bandwidth_bytes_per_s", 1}, {"latency_s", 0}})) ==
      "/network/direct_links/1: expected one direct link between two hosts, found a second from "
      "\"node3\" to \"node2\" (first at /network/direct_links/0)");
}

TEST_CASE("absurd numbers in a cluster are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/hosts/0/relative_speed", 0)) ==
        "/hosts/0/relative_speed: expected a number from 1e-06 to 1000000, found 0");
  CHECK(refused(with(to_json(sound()), "/hosts/0/memory_bytes", -5)) ==
        "/hosts/0/memory_bytes: expected an integer >= 1, found -5");
  CHECK(refused(with(to_json(sound()), "/hosts/0/cores", 0.5)) ==
        "/hosts/0/cores: expected an integer from 1 to 1048576, found 0.5");
  CHECK(refused(with(to_json(sound()), "/hosts/0/watts", -1)) ==
        "/hosts/0/watts: expected a number >= 0, found -1");
  CHECK(refused(with(to_json(sound()), "/network/latency_s", -1e-6)) ==
        "/network/latency_s: expected seconds from 0 to 3600, or text such as \"50us\" or "
        "\"0.1ms\", found -1e-06");
  CHECK(refused(with(to_json(sound()), "/network/bandwidth_bytes_per_s", 0)) ==
        "/network/bandwidth_bytes_per_s: expected bytes per second from 1 to 10^15, or text such "
        "as \"1Gbps\" or \"125MBps\", found 0");
}

TEST_CASE("an unknown key in a cluster is refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/hosts/0/memory", 1)) ==
        "/hosts/0/memory: expected no such key");
  CHECK(refused(with(to_json(sound()), "/hosts/0/relative_sped", 1)) ==
        "/hosts/0/relative_sped: expected no such key, did you mean \"relative_speed\"?");
}

TEST_CASE("a route crosses both hosts' links, the slower one bounds it", "[planner]") {
  const Cluster cluster = sound();
  const Route route = route_between(cluster, 0, 1);
  CHECK(route.bandwidth_bytes_per_s == 12.5e6);  // node1's own link, not the network's 125e6
  CHECK_THAT(route.latency_s, WithinRel(1.05e-3, 1e-12));  // 1 ms + 50 us
  CHECK_FALSE(route.direct);
}

TEST_CASE("a direct link is taken in both directions", "[planner]") {
  for (const auto& [from, to] : {std::pair{1, 2}, std::pair{2, 1}}) {
    const Route route = route_between(sound(), from, to);
    CHECK(route.direct);
    CHECK(route.bandwidth_bytes_per_s == 1.25e9);
    CHECK(route.latency_s == 1e-6);
  }
}

TEST_CASE("a host is found by its name", "[planner]") {
  CHECK(host_index(sound(), "node3") == 2);
  CHECK(host_index(sound(), "node4") == -1);
}
