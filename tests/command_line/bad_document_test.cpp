// Documents that are missing, damaged or wrong, each given to the verb that a user would give it
// to.
#include "tests/command_line/world_directory.h"

namespace cadastre {
namespace {

using documents::without;
using test::WorldDirectory;
using Words = std::vector<std::string>;

const Words kProfileBroken = {"profile", "broken.json", "-o", "out.json"};
const Words kPlanBrokenProfile = {"plan",      "--profile",    "broken.json",
                                  "--cluster", "cluster.json", "--batch-size",
                                  "48",        "-o",           "out.json"};
const Words kPlanBrokenCluster = {"plan",      "--profile",   "profile.json",
                                  "--cluster", "broken.json", "--batch-size",
                                  "48",        "-o",          "out.json"};
const Words kRunBrokenPlan = {"run", "--plan", "broken.json", "--data", "scene", "-o", "out"};

TEST_CASE("`profile` refuses a model that is none", "[executor]") {
  const WorldDirectory world;
  // /layers/0 is image.conv1, which image.norm1 reads, which image.relu1 reads.
  world.write_broken("model.json", "/layers/0/inputs/0", "image.relu1");
  world.check_refused(kProfileBroken,
                      "broken.json: /layers: expected an acyclic graph, found the cycle "
                      "image.conv1 -> image.norm1 -> image.relu1 -> image.conv1");
  world.write_broken("model.json", "/layers/1/inputs/0", "image.conv3");
  world.check_refused(kProfileBroken,
                      "broken.json: /layers/1/inputs/0: expected a layer or model input, found "
                      "\"image.conv3\", did you mean \"image.conv1\"?");
  // Height's features (4 channels of 5 by 5) do not add to the image's (6 of 5 by 5).
  world.write_broken("model.json", "/layers/5/inputs/1", "height.pool1");
  world.check_refused(kProfileBroken,
                      "broken.json: /layers/5/inputs/1: expected the shape of (6, 5, 5) of "
                      "\"image.norm2\", found (4, 5, 5) of \"height.pool1\"");
  world.write_broken("model.json", "/layers/0/out_chanels", 4);
  world.check_refused(
      kProfileBroken,
      "broken.json: /layers/0/out_chanels: expected no such key, did you mean \"out_channels\"?");
  world.write_broken("model.json", "/layers/0/out_channels", -6);
  world.check_refused(
      kProfileBroken,
      "broken.json: /layers/0/out_channels: expected an integer from 1 to 16777216, found -6");
  world.write_broken("model.json", "/layers/0/out_channels", 1e300);
  world.check_refused(
      kProfileBroken,
      "broken.json: /layers/0/out_channels: expected an integer from 1 to 16777216, found 1e+300");
}

TEST_CASE("`plan` refuses a profile that cannot be read", "[executor]") {
  const WorldDirectory world;
  world.check_refused(kPlanBrokenProfile, "broken.json: expected a file, found none");
  write_file(world.path("broken.json"), "");
  world.check_refused(kPlanBrokenProfile,
                      "broken.json: expected a JSON document, found an empty file");
  const std::string whole = read_file(world.path("profile.json"));
  write_file(world.path("broken.json"), whole.substr(0, whole.size() / 2));
  world.check_refused(
      kPlanBrokenProfile,
      "broken.json: expected a whole JSON document, found its end at line 206, column 22");
  write_file(world.path("broken.json"), "this is no JSON\n");
  world.check_refused(
      kPlanBrokenProfile,
      "broken.json: expected a JSON document, found a syntax error at line 1, column 2");
  world.write_broken("profile.json", "/format", "cadastre-profile/2");
  world.check_refused(
      kPlanBrokenProfile,
      "broken.json: /format: expected \"cadastre-profile/1\", found \"cadastre-profile/2\"");
  world.write("broken.json", world.read("cluster.json"));
  world.check_refused(
      kPlanBrokenProfile,
      "broken.json: /format: expected \"cadastre-profile/1\", found \"cadastre-cluster/1\"");
  world.write("broken.json", without(world.read("profile.json"), "/format"));
  world.check_refused(kPlanBrokenProfile,
                      "broken.json: /: expected the key \"format\", found none");
  world.write_broken("profile.json", "/layers/2/measurements/0/forward_s", -1);
  world.check_refused(kPlanBrokenProfile,
                      "broken.json: /layers/2/measurements/0/forward_s: expected a number from 0 "
                      "to 1000000000, found -1");
  world.write_broken("profile.json", "/devise", "x");
  world.check_refused(kPlanBrokenProfile,
                      "broken.json: /devise: expected no such key, did you mean \"device\"?");
}

TEST_CASE("`plan` refuses a cluster that is none", "[executor]") {
  const WorldDirectory world;
  world.write_broken("cluster.json", "/hosts", nlohmann::json::array());
  world.check_refused(kPlanBrokenCluster,
                      "broken.json: /hosts: expected an array of at least 1, found an array of 0");
  world.write_broken("cluster.json", "/hosts/1/relative_speed", -2);
  world.check_refused(
      kPlanBrokenCluster,
      "broken.json: /hosts/1/relative_speed: expected a number from 1e-06 to 1000000, found -2");
  world.write_broken("cluster.json", "/network/bandwidth_bytes_per_s", "fast");
  world.check_refused(kPlanBrokenCluster,
                      "broken.json: /network/bandwidth_bytes_per_s: expected bytes per second from "
                      "1 to 10^15, or text such as \"1Gbps\" or \"125MBps\", found \"fast\"");
}

TEST_CASE("`run` refuses a plan that is none", "[executor]") {
  const WorldDirectory world;
  world.write_broken("plan.json", "/stages/0/layers/0", "nothing");
  world.check_refused(kRunBrokenPlan,
                      "broken.json: /stages/0/layers/0: expected a layer of the model "
                      "\"two-sensors\", found \"nothing\"");
  world.write_broken("plan.json", "/stages/1/replicas/0/host", "node1");
  world.check_refused(kRunBrokenPlan,
                      "broken.json: /stages/1/replicas/0/host: expected each host once (several "
                      "stages on a host need schedule \"interleaved-1f1b\"), found \"node1\" again "
                      "(first at /stages/0/replicas/0/host)");
  world.write_broken("plan.json", "/batch_size", 50);
  world.check_refused(kRunBrokenPlan,
                      "broken.json: /batch_size: expected a multiple of 4, the model's "
                      "batch_norm_group_samples, found 50");
}

TEST_CASE("`run` refuses a plan for another model", "[executor]") {
  const WorldDirectory world;
  const std::vector<std::string> run = {"run",    "--plan", "plan.json", "--model", "broken.json",
                                        "--data", "scene",  "-o",        "out"};
  world.write_broken("model.json", "/name", "other");
  world.check_refused(run,
                      "broken.json: expected the model that the plan was made for (two-sensors, 17 "
                      "layers), found other (17 layers)");
  world.write_broken("model.json", "/layers/14/out_features", 32);
  world.check_refused(run,
                      "broken.json: expected the model that the plan was made for (two-sensors), "
                      "found another layer 14: \"classifier.linear1\"");
  world.write_broken("model.json", "/batch_norm_group_samples", 8);
  world.check_refused(run,
                      "broken.json: expected the model that the plan was made for (two-sensors), "
                      "found other inputs, another output or batch_norm_group_samples");
}

TEST_CASE("classes that are not the model's outputs are refused", "[executor]") {
  const WorldDirectory world;
  nlohmann::json scene = world.read("scene/scene.json");
  scene["classes"].push_back({{"id", 4}, {"name", "Four"}, {"color", "#010203"}});
  world.write("scene/broken.json", scene);
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene/broken.json", "-o", "out"},
      "scene/broken.json: /classes: expected 3 classes, as the model has outputs, found 4");
}

TEST_CASE("`simulate` and `validate` and `report` refuse what they cannot read", "[executor]") {
  const WorldDirectory world;
  world.write_broken("plan.json", "/micro_batches", 13);
  world.check_refused(
      {"simulate", "--plan", "broken.json", "-o", "out.json"},
      "broken.json: /micro_batches: expected 1 to 12 (batch_size 48 in groups of 4), found 13");
  world.check_refused(
      {"validate", "model.json", "broken.json"},
      "broken.json: /micro_batches: expected 1 to 12 (batch_size 48 in groups of 4), found 13");
  world.check_refused(
      {"report", "broken.json", "-o", "out.html"},
      "broken.json: /micro_batches: expected 1 to 12 (batch_size 48 in groups of 4), found 13");
  world.check_refused({"report", "nowhere", "-o", "out.html"},
                      "nowhere: expected a document or a directory, found none");
}

}  // namespace
}  // namespace cadastre
