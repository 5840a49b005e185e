// A probe as a user meets it, with ranks on this machine.
#include <nlohmann/json.hpp>

#include "planner/cluster.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/profile.h"
#include "tests/command_line/program.h"
#include "tests/executor/processes.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

using test::Finished;

class World {
 public:
  World() {
    const PlanDocument document = test::plan_document(
        test::training_model(), test::branch_stages(test::training_model(), {"height", ""}), 2,
        Schedule::kOneForwardOneBackward);
    write_file(path("model.json"), json_text(to_json(document.profile.model)));
    write_file(path("profile.json"), json_text(to_json(document.profile)));
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path() / name; }

  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return test::run_program(directory_.path(), arguments);
  }

  /// Refused by one line, and nothing is written or left running.
  void check_refused(const std::vector<std::string>& arguments, const std::string& message) const {
    const std::vector<std::string> before = test::listing(directory_.path());
    const Finished finished = run(arguments);
    CHECK(finished.err == "error: " + message + "\n");
    CHECK(finished.out.empty());
    CHECK(finished.status == 2);
    CHECK(test::listing(directory_.path()) == before);
    CHECK(test::processes_that_name(directory_.path()).empty());
  }

 private:
  TemporaryDirectory directory_;
};

TEST_CASE("two ranks of this machine are measured as a cluster", "[executor]") {
  const World world;
  const Finished finished = world.run({"probe", "--local", "2", "--model", "model.json", "--json",
                                       "-o", "cluster.json", "--measurements", "all.json"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const Cluster cluster = read_cluster(world.path("cluster.json"));
  CHECK(cluster.name == "local-2");
  REQUIRE(cluster.hosts.size() == 2);
  for (const Host& host : cluster.hosts) {
    CHECK(host.address == "127.0.0.1");
    CHECK(host.cores == 1);
    CHECK(host.memory_bytes > 0);
    CHECK(host.relative_speed > 0);
  }
  CHECK(cluster.hosts[1].name == "local-2");
  CHECK(cluster.network.bandwidth_bytes_per_s > 1e6);
  CHECK(cluster.network.latency_s > 0);

  const nlohmann::json result = nlohmann::json::parse(finished.out);
  CHECK(result.at("cluster") == to_json(cluster));
  CHECK(result.at("warnings").is_array());
  const nlohmann::json all = parse_json(read_file(world.path("all.json")), "all.json");
  CHECK(all == result.at("measurements"));
  CHECK(all.at("ways").size() == 2);
  for (const nlohmann::json& host : all.at("hosts")) {
    const nlohmann::json& load = host.at("load");
    CHECK(load.at("message_s").get<double>() > 0);
    CHECK(load.at("transport_s_per_byte").get<double>() >= 0);
    CHECK(load.at("reduction_s").get<double>() > 0);
  }
  std::vector<std::int64_t> sizes;
  for (const nlohmann::json& reduction : all.at("reductions")) {
    sizes.push_back(reduction.at("bytes").get<std::int64_t>());
    CHECK(reduction.at("time").at("median_s").get<double>() > 0);
  }
  REQUIRE_FALSE(sizes.empty());
  CHECK(sizes.front() == 4096);
}

TEST_CASE("speeds are relative to the profile's device where one is given", "[executor]") {
  const World world;
  const auto speed = [&](double factor) {
    Profile profile = read_profile(world.path("profile.json"));
    for (LayerProfile& layer : profile.layers)
      for (Measurement& measurement : layer.measurements) {
        measurement.forward_s = factor;
        measurement.backward_s = factor;
      }
    write_file(world.path("scaled.json"), json_text(to_json(profile)));
    const Finished finished = world.run(
        {"probe", "--local", "1", "--profile", "scaled.json", "--quiet", "-o", "cluster.json"});
    REQUIRE(finished.status == 0);
    return read_cluster(world.path("cluster.json")).hosts[0].relative_speed;
  };
  // A device that takes a thousand times as long makes this one a thousand times as fast.
  const double ratio = speed(1e-3) / speed(1e-6);
  CHECK(ratio > 100);
  CHECK(ratio < 10000);
}

TEST_CASE("a profile that cannot be compared with is refused", "[executor]") {
  const World world;
  Profile profile = read_profile(world.path("profile.json"));
  for (LayerProfile& layer : profile.layers)
    for (Measurement& measurement : layer.measurements) measurement.forward_s = 1e6;
  write_file(world.path("scaled.json"), json_text(to_json(profile)));
  const Finished finished = world.run(
      {"probe", "--local", "1", "--profile", "scaled.json", "--quiet", "-o", "cluster.json"});
  CHECK(finished.status == 2);
  CHECK(finished.err.find("error: scaled.json: /layers: expected times by which local-1 is less "
                          "than a million times as fast or as slow as its device, found ") == 0);
  CHECK_FALSE(std::filesystem::exists(world.path("cluster.json")));
}

TEST_CASE("a probe that cannot be is refused before anything starts", "[executor]") {
  const World world;
  const std::string launch =
      "cadastre probe: expected --local N, --hosts FILE, or to be started by Slurm, mpirun or "
      "torchrun, found ";
  const std::string see = "; `cadastre probe --help` shows an example";
  world.check_refused({"probe"}, launch + "none of these" + see);
  write_file(world.path("hosts.txt"), "node1\n");
  world.check_refused({"probe", "--local", "2", "--hosts", "hosts.txt"},
                      launch + "both --local and --hosts" + see);
  world.check_refused(
      {"probe", "--local", "2", "--threads", "0"},
      "cadastre probe: --threads: expected a whole number from 1 to 4096, found \"0\"");
  nlohmann::json model = parse_json(read_file(world.path("model.json")), "model.json");
  model["name"] = "another";
  write_file(world.path("other.json"), json_text(model));
  world.check_refused(
      {"probe", "--local", "2", "--profile", "profile.json", "--model", "other.json"},
      "other.json: expected the model of the profile (" + test::training_model().name +
          "), found another: another");
  write_file(world.path("empty.txt"), "# nobody\n");
  world.check_refused({"probe", "--hosts", "empty.txt"},
                      "empty.txt: expected a line for each host, found none");
  world.check_refused({"probe", "--hosts", "hosts.txt", "--ssh", " "},
                      "expected a program for --ssh, found none");
}

TEST_CASE("a host that cannot be reached or has not the interface ends the probe", "[executor]") {
  const World world;
  write_file(world.path("hosts.txt"), "node77.invalid\n");
  // ssh's own words are last in its standard error.
  write_file(world.path("ssh"), "#!/bin/sh\necho 'ssh: no route to it' >&2\nexit 255\n");
  std::filesystem::permissions(world.path("ssh"), std::filesystem::perms::owner_all);
  world.check_refused({"probe", "--hosts", "hosts.txt", "--ssh", world.path("ssh")},
                      "rank 0 (host node77) ended with status 255: ssh: no route to it");
  const Finished finished =
      world.run({"probe", "--local", "2", "--interface", "eth77", "--quiet", "-o", "cluster.json"});
  CHECK(finished.status == 2);
  CHECK(finished.err.find("error: expected a network interface of this machine (") == 0);
  CHECK(finished.err.find("found eth77\n") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(world.path("cluster.json")));
}

}  // namespace
}  // namespace cadastre
