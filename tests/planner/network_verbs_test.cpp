// `cadastre export` and `cadastre calibrate`, started as programs.

#include <nlohmann/json.hpp>

#include "planner/cluster.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/network_worlds.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using test::Finished;

namespace {

struct ClusterDirectory {
  void write(const std::string& name, const Cluster& cluster) const {
    write_file(directory.path() / name, json_text(to_json(cluster)));
  }

  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return test::run_program(directory.path(), arguments);
  }

  TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("cadastre export writes a platform, and a wrong request nothing", "[planner]") {
  const ClusterDirectory world;
  world.write("cluster.json", networks::wired(4, Torus{.dimensions = {4}}));
  const Finished exported =
      world.run({"export", "simgrid", "cluster.json", "-o", "platform.xml", "--json"});
  REQUIRE(exported.status == 0);
  CHECK(nlohmann::json::parse(exported.out).at("num_hosts") == 4);
  CHECK(read_file(world.directory.path() / "platform.xml").find("topology=\"TORUS\"") !=
        std::string::npos);

  const Finished format = world.run({"export", "simgird", "cluster.json", "-o", "other.xml"});
  CHECK(format.status == 2);
  CHECK(format.err ==
        "error: expected a format (simgrid, pytorch), found \"simgird\", did you mean \"simgrid\"?\n");
  // Cables of their own beside the torus: every route would be listed.
  Cluster many = networks::wired(1024, Torus{.dimensions = {1024}});
  many.network.direct_links = {
      {.from = "n1", .to = "n9", .bandwidth_bytes_per_s = 1e6, .latency_s = 0}};
  world.write("many.json", many);
  const Finished listed = world.run({"export", "simgrid", "many.json", "-o", "other.xml"});
  CHECK(listed.status == 2);
  CHECK(listed.err ==
        "error: many.json: /hosts: expected 512 hosts at most where each route must be listed, "
        "found 1024\n");
  CHECK_FALSE(std::filesystem::exists(world.directory.path() / "other.xml"));
}

TEST_CASE("cadastre calibrate writes a cluster that says what was fitted", "[planner]") {
  const ClusterDirectory world;
  world.write("nominal.json", networks::hosts(3));
  Cluster measured = networks::hosts(2);
  measured.name = "probed";
  measured.network.bandwidth_bytes_per_s *= 0.75;
  world.write("measured.json", measured);
  const Finished fitted = world.run({"calibrate", "--cluster", "nominal.json", "--probe",
                                     "measured.json", "-o", "cluster.json", "--json"});
  REQUIRE(fitted.status == 0);
  CHECK_THAT(nlohmann::json::parse(fitted.out).at("bandwidth_factor").get<double>(),
             WithinRel(0.75, 1e-12));
  const Cluster cluster = read_cluster(world.directory.path() / "cluster.json");
  CHECK_THAT(cluster.network.model.bandwidth_factor, WithinRel(0.75, 1e-12));
  CHECK(cluster.description.find("\"probed\": 2 pairs of hosts, bandwidth factor 0.7500") !=
        std::string::npos);

  world.write("other.json", networks::hosts(2, "m"));
  const Finished refused = world.run(
      {"calibrate", "--cluster", "nominal.json", "--probe", "other.json", "-o", "none.json"});
  CHECK(refused.status == 2);
  CHECK(refused.err.starts_with("error: other.json: /hosts: expected two hosts at least"));
  CHECK_FALSE(std::filesystem::exists(world.directory.path() / "none.json"));
}
