// SimGrid's platforms read as clusters, against what SimGrid itself makes of them.

#include <nlohmann/json.hpp>

#include "planner/cluster.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/routes.h"
#include "planner/simgrid_platform.h"
#include "simulator/simgrid_import/import.h"
#include "tests/command_line/program.h"
#include "tests/simulator/seen_routes.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;

namespace {

std::string platform(const std::string& body) {
  std::string xml = "<?xml version=\"1.0\"?>\n";
  xml += "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n";
  return xml + "<platform version=\"4.1\">\n" + body + "</platform>\n";
}

std::string hosts(const std::vector<std::string>& names) {
  std::string xml;
  for (const std::string& name : names) xml += "<host id=\"" + name + "\" speed=\"1Gf\"/>";
  return xml;
}

std::string link(const std::string& id, const std::string& bandwidth, const std::string& latency,
                 const std::string& policy = "SHARED") {
  std::string xml = "<link id=\"" + id + "\" bandwidth=\"" + bandwidth + "\" latency=\"";
  return xml + latency + "\" sharing_policy=\"" + policy + "\"/>";
}

/// `links` as the content of a route, direction included: "wan UP".
std::string route(const std::string& tag, const std::string& ends,
                  const std::vector<std::string>& links) {
  std::string xml = "<" + tag + " " + ends + ">";
  for (const std::string& name : links) xml += "<link_ctn " + name + "/>";
  return xml + "</" + tag + ">";
}

std::string cluster_tag(const std::string& prefix, const std::string& radical,
                        const std::string& more) {
  std::string xml = "<cluster id=\"" + prefix + "\" prefix=\"" + prefix + "-\" suffix=\".org\"";
  xml += " radical=\"" + radical + "\" speed=\"1Gf\" bw=\"125MBps\" lat=\"50us\" " + more;
  return xml + "/>";
}

SimgridImport imported_as_is(const std::string& xml, const SimgridImportOptions& options) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "platform.xml";
  write_file(file, xml);
  return import_simgrid(file, options);
}

Cluster imported(const std::string& xml,
                 const SimgridImportOptions& options = {.memory_bytes = 1}) {
  return imported_as_is(xml, options).cluster;
}

Cluster nominal(Cluster cluster) {
  cluster.network.model = {};
  return cluster;
}

/// Imports, and checks every pair's links.
Cluster check_import(const std::string& xml) {
  INFO(xml.substr(0, 2000));
  const Cluster cluster = imported(xml);
  test::check_same(test::loaded(xml, cluster), nominal(cluster), true);
  return cluster;
}

/// What an import refuses, without the file's name.
std::string refusal(const std::string& xml,
                    const SimgridImportOptions& options = {.memory_bytes = 1}) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "platform.xml";
  write_file(file, xml);
  try {
    static_cast<void>(import_simgrid(file, options));
  } catch (const InputError& error) {
    std::string message = error.what();
    const std::string name = file.string();
    for (std::size_t at = message.find(name); at != std::string::npos; at = message.find(name))
      message.replace(at, name.size(), "FILE");
    return message;
  }
  return "nothing";
}

template <typename Kind>
bool is(const Cluster& cluster) {
  return std::holds_alternative<Kind>(cluster.network.topology);
}

}  // namespace

TEST_CASE("SimGrid's clusters become topologies of their kind", "[simulator]") {
  const Cluster flat = check_import(platform(cluster_tag("n", "0-3,7,10-11", "")));
  CHECK(is_star(flat.network.topology));
  CHECK(flat.hosts.size() == 7);
  CHECK(flat.hosts[4].name == "n-7.org");
  CHECK(flat.hosts[6].name == "n-11.org");
  CHECK(flat.network.bandwidth_bytes_per_s == 125e6);
  CHECK_THAT(flat.network.latency_s, WithinRel(50e-6, 1e-12));
  const auto native = [](const std::string& radical, const std::string& kind,
                         const std::string& parameters, const std::string& more = "") {
    return check_import(platform(cluster_tag(
        "n", radical, "topology=\"" + kind + "\" topo_parameters=\"" + parameters + "\" " + more)));
  };
  CHECK(is<FatTree>(native("0-15", "FAT_TREE", "2;4,4;1,2;1,2")));
  CHECK(is<FatTree>(native("0-15", "FAT_TREE", "2;4,4;2,2;1,2", "sharing_policy=\"SHARED\"")));
  CHECK(is<Torus>(native("0-11", "TORUS", "3,2,2")));
  CHECK(is<Torus>(native("0-11", "TORUS", "3,4", "sharing_policy=\"SHARED\"")));
  CHECK(is<Dragonfly>(native("0-15", "DRAGONFLY", "4,2;1,1;4,1;1")));
  // SimGrid's routes in a dragonfly of several chassis of several routers are not shortest ones,
  // nor are its links fat pipes where the file says so, and its backbones are no part of a star.
  check_import(platform(
      cluster_tag("n", "0-59", "topology=\"DRAGONFLY\" topo_parameters=\"3,4;2,3;5,1;2\"")));
  check_import(platform(cluster_tag("n", "0-5", "sharing_policy=\"FATPIPE\"")));
  CHECK(
      is<RouteLists>(check_import(platform(cluster_tag("n", "0-5", "sharing_policy=\"SHARED\"")))));
  CHECK(is<RouteLists>(
      check_import(platform(cluster_tag("n", "0-5", "bb_bw=\"1GBps\" bb_lat=\"10us\"")))));
  CHECK(is<RouteLists>(check_import(platform(
      cluster_tag("n", "0-5", "bb_bw=\"1GBps\" bb_lat=\"1us\" bb_sharing_policy=\"FATPIPE\"")))));
  CHECK(is<RouteLists>(check_import(platform(cluster_tag(
      "n", "0-5", "limiter_link=\"60MBps\" loopback_bw=\"1GBps\" loopback_lat=\"0s\"")))));
  CHECK(check_import(platform(cluster_tag("n", "0-0", ""))).hosts.size() == 1);
}

TEST_CASE("a backbone and a host's own link are each listed once", "[simulator]") {
  const Cluster cluster =
      imported(platform(cluster_tag("n", "0-9", "bb_bw=\"1GBps\" bb_lat=\"10us\"")));
  const auto& lists = std::get<RouteLists>(cluster.network.topology);
  CHECK(lists.links.size() == 11);
  CHECK(lists.routes.empty());
  REQUIRE(lists.between.size() == 1);
  CHECK(lists.between[0].links == std::vector<std::string>{"n_backbone"});
  for (const RouteLists::Place& place : lists.places) {
    REQUIRE(place.up.size() == 1);
    REQUIRE(place.down.size() == 1);
    const std::string cable = place.up[0].substr(0, place.up[0].size() - 3);
    CHECK(place.up[0] == cable + ":up");
    CHECK(place.down[0] == cable + ":down");
  }
}

TEST_CASE("zones of every routing have SimGrid's routes", "[simulator]") {
  const std::string three = hosts({"a", "b", "c"});
  const std::string links = link("x", "1GBps", "1ms") + link("y", "500MBps", "2ms", "FATPIPE") +
                            link("z", "100Mbps", "30us", "SPLITDUPLEX") +
                            link("self", "9GBps", "0s");
  const std::string all =
      route("route", "src=\"a\" dst=\"b\"", {"id=\"x\""}) +
      route("route", "src=\"b\" dst=\"c\"", {"id=\"y\"", "id=\"z\" direction=\"UP\""});
  const auto zone = [&](const std::string& routing, const std::string& inside) {
    return platform("<zone id=\"AS0\" routing=\"" + routing + "\">" + inside + "</zone>");
  };
  SECTION("Full, with a loopback and a way back of its own") {
    check_import(zone(
        "Full",
        three + links + route("route", "src=\"a\" dst=\"a\"", {"id=\"self\""}) + all +
            route("route", "src=\"a\" dst=\"c\" symmetrical=\"NO\"", {"id=\"x\"", "id=\"y\""}) +
            route("route", "src=\"c\" dst=\"a\" symmetrical=\"NO\"", {"id=\"y\""})));
  }
  SECTION("Floyd") { check_import(zone("Floyd", three + links + all)); }
  SECTION("Dijkstra") { check_import(zone("Dijkstra", three + links + all)); }
  SECTION("DijkstraCache, through a router") {
    check_import(zone("DijkstraCache",
                      three + "<router id=\"r\"/>" + links +
                          route("route", "src=\"a\" dst=\"r\"", {"id=\"x\""}) +
                          route("route", "src=\"b\" dst=\"r\"", {"id=\"y\""}) +
                          route("route", "src=\"r\" dst=\"c\"", {"id=\"z\" direction=\"UP\""})));
  }
  SECTION("Full with one bypassed") {
    check_import(zone("Full", three + links + all +
                                  route("route", "src=\"a\" dst=\"c\"", {"id=\"x\"", "id=\"y\""}) +
                                  route("bypassRoute", "src=\"a\" dst=\"c\"", {"id=\"x\""})));
  }
  SECTION("Cluster, of host links") {
    const std::string spokes = link("a-link", "1GBps", "1us", "SPLITDUPLEX") +
                               link("b-link", "2GBps", "1us", "SPLITDUPLEX") +
                               link("c-link", "1GBps", "3us", "SPLITDUPLEX");
    std::string inside = three + spokes;
    for (const std::string host : {"a", "b", "c"}) {
      inside += "<host_link id=\"" + host + "\" up=\"" + host;
      inside += "-link_UP\" down=\"" + host + "-link_DOWN\"/>";
    }
    const Cluster cluster = check_import(zone("Cluster", inside));
    CHECK(is_star(cluster.network.topology));
    CHECK(cluster.hosts[1].bandwidth_bytes_per_s == 2e9);
    CHECK_FALSE(cluster.hosts[2].bandwidth_bytes_per_s);
    CHECK_THAT(cluster.hosts[2].latency_s.value(), WithinRel(3e-6, 1e-12));
  }
}

TEST_CASE("zones in zones have SimGrid's routes", "[simulator]") {
  const std::string two =
      cluster_tag("l", "0-2", "router_id=\"l-r\"") +
      cluster_tag("r", "0-3", "bb_bw=\"1GBps\" bb_lat=\"7us\" router_id=\"r-r\"");
  const std::string ends = "src=\"l\" dst=\"r\" gw_src=\"l-r\" gw_dst=\"r-r\"";
  const auto joined = [&](const std::string& wan, const std::string& hop, const std::string& more) {
    return platform("<zone id=\"AS0\" routing=\"Full\">" + two + wan +
                    route("zoneRoute", ends, {hop}) + more + "</zone>");
  };
  const Cluster shared = check_import(joined(link("wan", "100Mbps", "10ms"), "id=\"wan\"", ""));
  CHECK(std::get<RouteLists>(shared.network.topology).between.size() == 2);
  const Cluster duplex = check_import(
      joined(link("wan", "100Mbps", "10ms", "SPLITDUPLEX"), "id=\"wan\" direction=\"UP\"", ""));
  CHECK(std::get<RouteLists>(duplex.network.topology).between.size() == 2);
  check_import(joined(link("wan", "100Mbps", "10ms") + link("near", "1Gbps", "1ms"), "id=\"wan\"",
                      route("bypassZoneRoute", ends, {"id=\"near\""})));
  // The gateway is a host, two levels down.
  const std::string inner = "<zone id=\"in\" routing=\"Full\">" + hosts({"a", "b"}) +
                            link("ab", "1GBps", "1us") +
                            route("route", "src=\"a\" dst=\"b\"", {"id=\"ab\""}) + "</zone>";
  check_import(platform(
      "<zone id=\"AS0\" routing=\"Floyd\"><zone id=\"out\" routing=\"Full\">" + inner + "</zone>" +
      cluster_tag("l", "0-2", "router_id=\"l-r\"") + link("wan", "100Mbps", "10ms") +
      route("zoneRoute", "src=\"out\" dst=\"l\" gw_src=\"a\" gw_dst=\"l-r\"", {"id=\"wan\""}) +
      "</zone>"));
}

TEST_CASE("cabinets behind a backbone have SimGrid's routes", "[simulator]") {
  std::string cabinets;
  for (const std::string name : {"p", "q"})
    cabinets += "<cabinet id=\"" + name + "\" prefix=\"" + name +
                "-\" suffix=\"\" radical=\"1-4\" speed=\"1Gf\" bw=\"125MBps\" lat=\"100us\"/>";
  const Cluster cluster = check_import(
      platform("<zone id=\"AS0\" routing=\"Cluster\">" + cabinets +
               "<backbone id=\"bb\" bandwidth=\"2.25GBps\" latency=\"500us\"/></zone>"));
  CHECK(cluster.hosts.size() == 8);
}

TEST_CASE("peers are as far apart as their coordinates say", "[simulator]") {
  const auto peer = [](const std::string& id, const std::string& coordinates) {
    return "<peer id=\"" + id + "\" speed=\"1Gf\" bw_in=\"2MBps\" bw_out=\"1MBps\" " +
           "coordinates=\"" + coordinates + "\"/>";
  };
  const Cluster cluster =
      nominal(imported(platform("<zone id=\"AS0\" routing=\"Vivaldi\">" + peer("a", "0 0 1") +
                                peer("b", "30 40 2") + peer("c", "30 0 0.5") + "</zone>")));
  const Routes routes(cluster);
  // In milliseconds: the Euclidean distance of the first two, and the heights.
  CHECK_THAT(routes.way(0, 1).latency_s, WithinRel(0.050 + 0.001 + 0.002, 1e-9));
  CHECK_THAT(routes.way(2, 0).latency_s, WithinRel(0.030 + 0.001 + 0.0005, 1e-9));
  CHECK(routes.way(0, 1).bandwidth_bytes_per_s == 1e6);
}

TEST_CASE("a platform's hosts keep their cores, memory, watts and price", "[simulator]") {
  const std::string xml = platform(
      "<config id=\"General\"><prop id=\"network/model\" value=\"CM02\"/>"
      "<prop id=\"network/TCP-gamma\" value=\"65536\"/>"
      "<prop id=\"network/crosstraffic\" value=\"0\"/></config>"
      "<zone id=\"AS0\" routing=\"Full\"><host id=\"a\" speed=\"2Gf,1Gf\" core=\"8\" pstate=\"1\">"
      "<prop id=\"memory\" value=\"16GiB\"/>"
      "<prop id=\"wattage_per_state\" value=\"95:120:200, 93:115:170\"/></host>"
      "<host id=\"b\" speed=\"4Gf\"><prop id=\"ram\" value=\"1000000\"/>"
      "<prop id=\"price_per_hour\" value=\"0.25\"/></host>" +
      link("l", "1MBps", "1ms") + route("route", "src=\"a\" dst=\"b\"", {"id=\"l\""}) + "</zone>");
  const Cluster cluster = imported(xml, {.reference_speed_flops_per_s = 2e9});
  const Host& a = cluster.hosts[0];
  CHECK(a.cores == 8);
  CHECK(a.relative_speed == 0.5);
  CHECK(a.memory_bytes == std::int64_t{16} << 30);
  CHECK(a.watts == 170);
  CHECK(a.idle_watts == 93);
  CHECK(cluster.hosts[1].relative_speed == 2);
  CHECK(cluster.hosts[1].memory_bytes == 1000000);
  CHECK(cluster.hosts[1].price_per_hour == 0.25);
  CHECK(cluster.network.model.bandwidth_factor == 1);
  CHECK(cluster.network.model.tcp_window_bytes == 65536);
  CHECK_FALSE(cluster.network.model.crosstraffic);
  // Relative to the fastest otherwise, and of SimGrid's default model where none is named.
  CHECK(imported(xml, {}).hosts[0].relative_speed == 0.25);
  CHECK(imported(platform(cluster_tag("n", "0-3", ""))).network.model == lv08_model());
}

TEST_CASE("a thousand hosts of twenty clusters give a small document", "[simulator]") {
  std::string inside;
  std::string wan;
  for (int c = 0; c < 20; ++c) {
    const std::string name = "site" + std::to_string(c);
    inside +=
        cluster_tag(name, "0-49", "bb_bw=\"2GBps\" bb_lat=\"5us\" router_id=\"" + name + "r\"");
    if (c == 0) continue;
    const std::string up = "wan" + std::to_string(c);
    inside += link(up, "1GBps", std::to_string(c) + "ms");
    wan += route("zoneRoute",
                 "src=\"site0\" dst=\"" + name + "\" gw_src=\"site0r\" gw_dst=\"" + name + "r\"",
                 {"id=\"" + up + "\""});
  }
  const Cluster cluster =
      imported(platform("<zone id=\"AS0\" routing=\"Floyd\">" + inside + wan + "</zone>"));
  CHECK(cluster.hosts.size() == 1000);
  const auto& lists = std::get<RouteLists>(cluster.network.topology);
  CHECK(lists.between.size() == 20 + 20 * 19 / 2);
  CHECK(json_text(to_json(cluster)).size() < 2'000'000);
  // l -> site 0 -> m: own link, backbone, two links of the WAN over site 0, backbone, own link.
  CHECK_THAT(Routes(nominal(cluster), Routes::Table::kNone).way(60, 999).latency_s,
             WithinRel(2 * 50e-6 + 2 * 5e-6 + 1e-3 + 19e-3, 1e-9));
}

TEST_CASE("what is exported is imported with the same routes", "[simulator]") {
  using networks::wired;
  for (const Cluster& cluster :
       {networks::hosts(5), wired(16, FatTree{.down = {4, 4}, .up = {1, 2}, .parallel = {1, 2}}),
        wired(12, Torus{.dimensions = {3, 4}}),
        wired(8, Dragonfly{.groups = 2, .chassis = 2, .routers = 2, .nodes = 1})}) {
    const std::string xml = simgrid_platform_xml(cluster, "cluster.json");
    const Cluster again = imported(xml, {.reference_speed_flops_per_s = 1e9});
    REQUIRE(again.hosts.size() == cluster.hosts.size());
    for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
      CHECK(again.hosts[h].name == cluster.hosts[h].name);
      CHECK(again.hosts[h].memory_bytes == cluster.hosts[h].memory_bytes);
      CHECK_THAT(again.hosts[h].relative_speed, WithinRel(cluster.hosts[h].relative_speed, 1e-12));
    }
    CHECK(again.network.model == cluster.network.model);
    test::check_same(test::loaded(xml, again), nominal(cluster), true);
    test::check_same(test::loaded(xml, again), nominal(again), true);
  }
}

TEST_CASE("what is no platform, or none that a cluster can be, is refused", "[simulator]") {
  const auto zone = [](const std::string& inside, const std::string& routing = "Full") {
    return platform("<zone id=\"z\" routing=\"" + routing + "\">\n" + inside + "</zone>");
  };
  const std::string ab = hosts({"a", "b"});
  const std::string join = route("route", "src=\"a\" dst=\"b\"", {"id=\"l\""});
  CHECK(refusal("not XML").starts_with("FILE: line 1: expected a platform of SimGrid in XML"));
  CHECK(refusal("").starts_with("FILE: line 1: expected a platform of SimGrid in XML"));
  CHECK(refusal("<a>\n<b></a>").starts_with("FILE: line 2: expected a platform of SimGrid in XML"));
  CHECK(refusal("\xff\xfe<").starts_with("FILE: expected a platform in UTF-8"));
  CHECK(refusal("<html/>") == "FILE: line 1: expected a <platform>, found <html>");
  CHECK(refusal("<platform version=\"3\"/>") ==
        "FILE: line 1: expected a <platform> of version 4 or 4.1, found \"3\"");
  CHECK(refusal("<platform version=\"4.1\"/>").starts_with("FILE: line 1: expected <!DOCTYPE "));
  CHECK(refusal(platform("")) == "FILE: expected a platform with hosts, found none");
  CHECK(refusal("<!DOCTYPE platform [<!ENTITY a \"b\">]><platform version=\"4.1\"/>") ==
        "FILE: line 1: expected no declarations in the DOCTYPE, found some");
  CHECK(refusal(zone("<hosst id=\"a\" speed=\"1Gf\"/>")).find("did you mean \"host\"?") !=
        std::string::npos);
  CHECK(refusal(zone("<host id=\"a\" sped=\"1Gf\"/>")) ==
        "FILE: line 5: expected an attribute of <host> (id, speed, core, speed_file, "
        "availability_file, state_file and 2 more), found \"sped\", did you mean \"speed\"?");
  CHECK(refusal(zone("<host id=\"a\"/>")) ==
        "FILE: line 5: expected attribute \"speed\" of <host>, found none");
  CHECK(refusal(zone(ab)) ==
        "FILE: expected a route between all hosts, found none from \"a\" to \"b\"");
  for (const char* routing : {"Floyd", "Dijkstra", "DijkstraCache", "None"})
    CHECK(refusal(zone(ab, routing)).starts_with("FILE: "));
  CHECK(refusal(zone(ab + join)) ==
        "FILE: expected a platform that SimGrid can load, found one of which it says \"Link not "
        "found: l\"");
  CHECK(
      refusal(zone(ab + link("l", "0Bps", "1us") + join)) ==
      "FILE: expected the bandwidth of link \"l\" to be from 1 to 1e15 bytes per second, found 0");
  CHECK(refusal(zone(ab + link("l", "1GBps", "1us", "WIFI") + join)).find("found a WIFI cell") !=
        std::string::npos);
  CHECK(refusal(zone("<host id=\"a\" speed=\"1Gq\"/>")).find("unknown unit: Gq") !=
        std::string::npos);
  CHECK(refusal(platform(cluster_tag("n", "0-3", "")), {}).starts_with("--memory: expected"));
  CHECK(refusal(platform(cluster_tag("n", "0-99999999", ""))) ==
        "FILE: expected 65536 hosts at most, found more");
  CHECK(refusal(platform("<config><prop id=\"network/model\" value=\"ns-3\"/></config>" +
                         cluster_tag("n", "0-3", "")))
            .find("found \"ns-3\"") != std::string::npos);
  std::string deep;
  for (int level = 0; level < 1000; ++level) deep += "<zone id=\"z\" routing=\"Full\">";
  for (int level = 0; level < 1000; ++level) deep += "</zone>";
  CHECK(refusal(platform(deep)).find("nested 64 deep at most") != std::string::npos);
}

TEST_CASE("cadastre import simgrid hands on to the simulator's program", "[simulator]") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "speeds.txt", "PERIODICITY 1\n0.5 0.5\n");
  write_file(directory.path() / "platform.xml",
             platform("<zone id=\"z\" routing=\"Full\"><host id=\"a\" speed=\"1Gf\" "
                      "speed_file=\"speeds.txt\"/></zone>"));
  const test::Finished done = test::run_program(
      directory.path(),
      {"import", "--memory", "2GiB", "simgrid", "platform.xml", "-o", "cluster.json", "--json"});
  INFO(done.err);
  REQUIRE(done.status == 0);
  CHECK(nlohmann::json::parse(done.out).at("num_hosts") == 1);
  CHECK(done.err == "warning: platform.xml: left out: 1 availability profile\n");
  CHECK(read_cluster(directory.path() / "cluster.json").hosts[0].memory_bytes == std::int64_t{2}
                                                                                     << 30);
  const test::Finished refused = test::run_program(
      directory.path(), {"import", "simgrid", "none.xml", "--memory", "1GiB", "-o", "none.json"});
  CHECK(refused.status == 2);
  CHECK(refused.err == "error: none.xml: expected a file, found none\n");
  const test::Finished profile = test::run_program(
      directory.path(), {"import", "pipedream", "graph.txt", "--memory", "1GiB", "-o", "p.json"});
  CHECK(profile.status == 2);
  CHECK(profile.err == "error: --memory: expected no such option but with simgrid\n");
}
