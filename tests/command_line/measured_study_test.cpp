// A study whose architectures train for real: on two ranks of this machine.

#include "planner/study/result.h"
#include "tests/command_line/world_directory.h"

using namespace cadastre;
using namespace cadastre::test;
using nlohmann::json;

namespace {

/// A world with study.json; the machine's profile and probe are there already, as of a run that was
/// interrupted, so that the test need not wait for them.
struct StudyWorld : WorldDirectory {
  StudyWorld() {
    json measure = {{"strategies", {"single", "branch", "fusion-apart"}},
                    {"batch_size", read("plan.json").at("batch_size")},
                    {"training", {{"max_steps", 3}}}};
    write("study.json", {{"format", "cadastre-study/1"},
                         {"name", "measured"},
                         {"base",
                          {{"profile", "profile.json"},
                           {"cluster", "cluster.json"},
                           {"settings", {{"batch_size", measure["batch_size"]}}}}},
                         {"strategies", {"single", "branch"}},
                         {"measure", std::move(measure)},
                         {"claims", true}});
  }

  [[nodiscard]] Finished measure() const {
    write("out/measured/profile.json", read("profile.json"));
    write("out/measured/cluster.json", read("cluster.json"));
    return run({"study", "study.json", "--local", "2", "--data", "scene", "-o", "out", "--quiet"});
  }
};

}  // namespace

TEST_CASE("a study trains its architectures for real and judges claims by them", "[command_line]") {
  const StudyWorld world;
  const Finished finished = world.measure();
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const StudyResult result = read_study_result(world.path("out/study.json"));
  REQUIRE(result.measured.size() == 3);
  CHECK(result.measured[0].strategy == "single");
  CHECK(result.measured[0].traffic_bytes_per_step == 0);
  const MeasuredArchitecture& branch = result.measured[1];
  CHECK(branch.error.empty());
  CHECK(branch.hosts.size() == 2);
  CHECK(branch.traffic_bytes_per_step > 0);
  // What the ranks counted is what the plan's program says that its hosts send.
  std::int64_t predicted_bytes = 0;
  for (const MeasuredHost& host : branch.hosts) predicted_bytes += host.predicted_bytes;
  CHECK(branch.traffic_bytes_per_step == predicted_bytes);
  CHECK(branch.step_s > 0);
  CHECK(branch.inference_pixels > 0);
  CHECK(branch.kappa.has_value());
  // The same function, the same samples: the same map.
  CHECK(branch.overall_accuracy == result.measured[0].overall_accuracy);
  // What the two branches meet in has a third host.
  CHECK(result.measured[2].error.empty());
  CHECK(result.measured[2].hosts.size() == 3);
  REQUIRE(result.claims.size() == 3);
  CHECK(finished.out.find(result.claims[0].claim) != std::string::npos);
}

TEST_CASE("what a study has measured is not measured again", "[command_line]") {
  const StudyWorld world;
  REQUIRE(world.measure().status == 0);
  const std::string before = read_file(world.path("out/study.json"));
  write_file(world.path("out/measured/single/run.json"), "damaged meanwhile");
  REQUIRE(world.measure().status == 0);
  CHECK(read_file(world.path("out/study.json")) == before);

  // Another training is another request.
  world.write("study.json",
              documents::with(world.read("study.json"), "/measure/training/max_steps", 4));
  const Finished refused = world.measure();
  CHECK(refused.status == 2);
  CHECK(refused.err ==
        "error: out/measured/request.json: expected measurements of the same model, scene, training "
        "and machines, found others; choose another directory, or remove \"out/measured\"\n");
}

TEST_CASE("what was measured otherwise goes beside a study", "[command_line]") {
  const StudyWorld world;
  json spark = {{"strategy", "spark"},
                {"machines", "3 hosts"},
                {"setting", "averages rarely"},
                {"plan",
                 {{"batch_size", 64},
                  {"micro_batches", 1},
                  {"schedule", "gpipe"},
                  {"averaging_period", 10},
                  {"stages",
                   {{{"first_layer", "a"},
                     {"last_layer", "b"},
                     {"num_layers", 2},
                     {"hosts", {"node1", "node2"}}}}}}},
                {"step_s", 0.25},
                {"traffic_bytes_per_step", 1000},
                {"hosts",
                 {{{"name", "node1"}, {"processor_part", 0.5}, {"predicted_bytes", 300}},
                  {{"name", "node2"}, {"processor_part", 0.75}, {"predicted_bytes", 300}},
                  {{"name", "driver"}, {"processor_part", 0}, {"predicted_bytes", 400}}}},
                {"overall_accuracy", 0.5},
                {"inference_s", 2},
                {"inference_pixels", 100}};
  world.write("m.json", {{"format", "cadastre-measured/1"}, {"measured", {spark}}});
  const Finished finished =
      world.run({"study", "study.json", "--measured", "m.json", "-o", "out", "--quiet"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const StudyResult result = read_study_result(world.path("out/study.json"));
  REQUIRE(result.measured.size() == 1);
  CHECK(result.measured.front().strategy == "spark");
  CHECK(finished.out.find("measured, 3 hosts, averages rarely") != std::string::npos);
  // 64 samples in 0.25 s, by two hosts that compute 0.625 of it in the mean; no epoch, no kappa.
  const std::string csv = read_file(world.path("out/study.csv"));
  CHECK(csv.find("spark,measured,,,,,,,256,1000,,2,0.5,0.625,0.75,") != std::string::npos);
  CHECK(csv.find(",0.25,,0.5,,2,100,3 hosts,,averages rarely\r\n") != std::string::npos);

  spark.erase("plan");
  world.write("m.json", {{"format", "cadastre-measured/1"}, {"measured", {spark}}});
  world.check_refused({"study", "study.json", "--measured", "m.json", "-o", "other"},
                      "m.json: /measured/0: expected the key \"plan\", found none");
}

TEST_CASE("machines, a scene and what to train on them go together", "[command_line]") {
  const StudyWorld world;
  world.check_refused({"study", "study.json", "--local", "2", "-o", "out"},
                      "expected --data, the scene to train on, with --local and --hosts");
  world.check_refused({"study", "study.json", "--data", "scene", "-o", "out"},
                      "expected --local or --hosts, the machines to train on, with --data");
  world.write("other.json", documents::without(world.read("study.json"), "/measure"));
  world.check_refused(
      {"study", "other.json", "--local", "2", "--data", "scene", "-o", "out"},
      "other.json: expected the key \"measure\", for what to train on the machines given, found "
      "none");
}
