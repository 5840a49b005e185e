#include "planner/study/inputs.h"

#include "planner/files.h"
#include "tests/planner/study/study_world.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;
using documents::with;
using documents::without;
using nlohmann::json;
using worlds::study_document;
using worlds::study_refusal;

namespace {

/// The study with one point, which sets `value` at `pointer`.
json with_point(const std::string& pointer, const json& value, json document = study_document()) {
  document.erase("axes");
  document["points"] = json::array({{{pointer, value}}});
  return document;
}

/// The inputs of that point.
StudyInputs inputs_at(const std::string& pointer, const json& value,
                      const json& document = study_document()) {
  return documents::reread(with_point(pointer, value, document), [](const JsonPlace& place) {
    const Study study = study_from_json(place);
    return StudyInputsReader(study).inputs(point_changes(study, 0), study.strategies[0]);
  });
}

std::string refused(const std::string& pointer, const json& value,
                    const json& document = study_document()) {
  return study_refusal(with_point(pointer, value, document));
}

json estimated_document() {
  json document = study_document();
  document["base"]["model"] = document["base"]["profile"]["model"];
  document["base"]["device"] = worlds::device_document();
  document["base"].erase("profile");
  return document;
}

json fixed_plan_document() {
  json document = study_document();
  document["base"] = {{"plan", to_json(worlds::two_stage_document())}};
  return document;
}

}  // namespace

TEST_CASE("values go where their pointers say", "[planner][study]") {
  CHECK(inputs_at("/cluster/hosts/1/relative_speed", 0.5).cluster.hosts[1].relative_speed == 0.5);
  CHECK(inputs_at("/cluster/hosts/node2/relative_speed", 0.5).cluster.hosts[1].relative_speed ==
        0.5);
  const StudyInputs every = inputs_at("/cluster/hosts/*/memory_bytes", "1GiB");
  for (const Host& host : every.cluster.hosts) CHECK(host.memory_bytes == 1 << 30);
  // A member that may be left out, and is.
  CHECK(inputs_at("/cluster/hosts/node1/latency_s", "2ms").cluster.hosts[0].latency_s == 2e-3);
  CHECK(inputs_at("/settings/micro_batches", 4).settings.micro_batches ==
        std::vector<std::int64_t>{4});
  CHECK(inputs_at("/profile/layers/layer2/measurements/0/forward_s", 7)
            .profile->layers[2]
            .measurements[0]
            .forward_s == 7);
  CHECK(inputs_at("/device/flops_per_s", 2e9, estimated_document())
            .profile->layers[0]
            .measurements.back()
            .forward_s < StudyInputsReader(documents::reread(estimated_document(), study_from_json))
                             .inputs({}, "pipeline")
                             .profile->layers[0]
                             .measurements.back()
                             .forward_s);
  CHECK(inputs_at("/plan/micro_batches", 4, fixed_plan_document()).plan->micro_batches == 4);
}

TEST_CASE("a pointer at nothing is refused, with what was probably meant", "[planner][study]") {
  CHECK(refused("/cluster/hosts/node3/relative_speed", 1) ==
        "/cluster/hosts/node3/relative_speed: expected a pointer to something, found one to "
        "element \"node3\" of /cluster/hosts, which has 2 (node1, node2), did you mean "
        "\"node1\"? (set by /points/0)");
  CHECK(refused("/cluster/hosts/2/relative_speed", 1) ==
        "/cluster/hosts/2/relative_speed: expected a pointer to something, found one to element "
        "\"2\" of /cluster/hosts, which has 2 (node1, node2) (set by /points/0)");
  CHECK(refused("/cluster/hosts/node1/relative_sped", 1) ==
        "/cluster/hosts/0/relative_sped: expected no such key, did you mean \"relative_speed\"? "
        "(set by /points/0)");
  CHECK(refused("/cluster/netwrok/latency_s", 1) ==
        "/cluster/netwrok: expected no such key, did you mean \"network\"? (set by /points/0)");
  CHECK(refused("/cluster/name/first", 1) ==
        "/cluster/name/first: expected a pointer to something, found one below /cluster/name, "
        "which is \"test\" (set by /points/0)");
  CHECK(refused("/settings/batchsize", 1) ==
        "/settings/batchsize: expected no such key, did you mean \"batch_size\"? (set by "
        "/points/0)");
  CHECK(refused("/conditions/num_steps", 3) ==
        "/conditions/num_steps: expected a pointer to something, found that the base has no "
        "\"conditions\" (set by /points/0)");
  CHECK(refused("/plan/micro_batches", 3) ==
        "/plan/micro_batches: expected a pointer into /settings with such a base, found this (set "
        "by /points/0)");
  CHECK(refused("/profile/device", "other", estimated_document()) ==
        "/profile/device: expected a pointer into /model or /device with such a base, found this "
        "(set by /points/0)");
  CHECK(refused("/plan/predicted/step_s", 1, fixed_plan_document()) ==
        "/plan/predicted/step_s: expected a pointer to what the plan decides (its stages, "
        "batch_size, micro_batches, schedule), found one to its predicted (set by /points/0)");
  CHECK(refused("/plan/cluster/name", "x", fixed_plan_document()) ==
        "/plan/cluster/name: expected a pointer to what the plan decides (its stages, batch_size, "
        "micro_batches, schedule), found one to its cluster; the pointer is /cluster (set by "
        "/points/0)");
}

TEST_CASE("a value that the document does not take names the value that is to blame",
          "[planner][study]") {
  json document = study_document();
  document["axes"][0]["values"] = {1e6, "fast"};
  document["axes"][1] = {{"pointer", "/settings/batch_size"}, {"values", {8, 16}}};
  CHECK(study_refusal(document) ==
        "/cluster/network/bandwidth_bytes_per_s: expected bytes per second from 1 to 10^15, or "
        "text such as \"1Gbps\" or \"125MBps\", found \"fast\" (set by /axes/0/values/1)");
  CHECK(
      refused("/cluster/hosts/*/relative_speed", -1) ==
      "/cluster/hosts/0/relative_speed: expected a number from 1e-06 to 1000000, found -1 (set by "
      "/points/0)");
  CHECK(refused("/settings/micro_batches", 3) ==
        "/settings/micro_batches: expected a divisor of the 8 batch-norm groups in a batch, found "
        "3 (set by /points/0)");
  CHECK(refused("/cluster", "absent.json") ==
        "/cluster: expected a document or the path of one (relative to the study): absent.json: "
        "expected a file, found none (set by /points/0)");
  CHECK(refused("/model/layers/layer1/inputs", {"layer9"}) ==
        "/model/layers/1/inputs/0: expected a layer or model input, found \"layer9\", did you mean "
        "\"layer0\"? (set by /points/0)");
  CHECK_THAT(refused("/plan/stages/0/replicas/0/host", "node9", fixed_plan_document()),
             Catch::Matchers::StartsWith("/plan/stages/0/replicas/0/host: expected "));
}

TEST_CASE("a changed model carries the profile over", "[planner][study]") {
  // Layer 1 twice as wide: it has twice the operations, and so has layer 2, which reads it.
  const StudyInputs inputs = inputs_at("/model/layers/layer1/out_features", 500);
  const auto forward_s = [&](std::size_t layer) {
    return inputs.profile->layers[layer].measurements[0].forward_s;
  };
  CHECK_THAT(forward_s(0), WithinRel(1e-3, 1e-12));
  CHECK_THAT(forward_s(1), WithinRel(4e-3, 1e-12));
  CHECK_THAT(forward_s(2), WithinRel(6e-3, 1e-12));
  CHECK_THAT(forward_s(3), WithinRel(4e-3, 1e-12));
  CHECK(inputs.profile->layers[1].activation_bytes_per_sample == 2000);
}

TEST_CASE("a document as a value may be a path, and what is set in it comes after",
          "[planner][study]") {
  const TemporaryDirectory directory;
  Cluster other = worlds::hosts({1, 2, 3});
  write_file(directory.path() / "other.json", json_text(to_json(other)));
  json document = study_document();
  document.erase("axes");
  document["points"] =
      json::array({{{"/cluster/hosts/node3/relative_speed", 5}, {"/cluster", "other.json"}}});
  write_file(directory.path() / "study.json", json_text(document));
  const Study study = read_study(directory.path() / "study.json");
  other.hosts[2].relative_speed = 5;
  CHECK(StudyInputsReader(study).inputs(point_changes(study, 0), study.strategies[0]).cluster ==
        other);
}

TEST_CASE("inputs have the same key exactly when they are the same", "[planner][study]") {
  const std::string pointer = "/cluster/network/bandwidth_bytes_per_s";
  const std::string key = inputs_at(pointer, 1e6).key;
  CHECK(inputs_at(pointer, "8Mbps").key == key);
  CHECK(inputs_at(pointer, 1000000).key == key);
  CHECK(inputs_at("/cluster/network/reduction_s_per_byte", 0).key == key);
  CHECK(inputs_at(pointer, 1e6 + 1).key != key);
  CHECK(inputs_at("/cluster/hosts/0/watts", 1).key != key);
  CHECK(inputs_at("/settings/batch_size", 16).key != key);
  CHECK(inputs_at("/settings/strategy", "single").key != key);
  CHECK(inputs_at("/profile/layers/0/saved_bytes_per_sample", 1).key != key);
  const std::string of_plan = inputs_at(pointer, 1e6, fixed_plan_document()).key;
  CHECK(inputs_at("/plan/micro_batches", 4, fixed_plan_document()).key != of_plan);
  CHECK(inputs_at("/plan/micro_batches", 2, fixed_plan_document()).key == of_plan);
}

TEST_CASE("a point may set the type for the wire, and is another unit then", "[planner][study]") {
  const StudyInputs whole = inputs_at("/settings/wire_dtype", "float32");
  const StudyInputs half = inputs_at("/settings/wire_dtype", "bfloat16");
  CHECK(whole.settings.wire_dtype == WireDtype::kFloat32);
  CHECK(half.settings.wire_dtype == WireDtype::kBfloat16);
  CHECK(planner_options(half.settings).wire_dtype == WireDtype::kBfloat16);
  CHECK(half.key != whole.key);
  CHECK(refused("/settings/wire_dtype", "bf8").find(
            "expected one of float32, bfloat16 or float16, found \"bf8\"") != std::string::npos);
}
