#include "planner/plan.h"
#include "planner/plan_check.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

/// layer0 on node1, layer1 on node2.
json sound() { return to_json(worlds::two_stage_document()); }

std::string refused(const json& document) { return refusal_of(document, plan_from_json); }

}  // namespace

TEST_CASE("a plan goes to JSON and back unchanged", "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  CHECK(documents::reread(to_json(document), plan_from_json) == document);
  document.plan.schedule = Schedule::kOneForwardOneBackward;
  document.plan.simulated_step_s.reset();
  document.plan.predicted.fits_memory = false;
  CHECK(documents::reread(to_json(document), plan_from_json) == document);
}

TEST_CASE("the percentiles of a plan's replay go to JSON and back, both or neither", "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  CHECK(to_json(document).at("simulated") == json{{"step_s", 1.625}});
  document.plan.simulated_median_s = 1.5;
  document.plan.simulated_p95_s = 2.75;
  const json written = to_json(document);
  CHECK(written.at("simulated") == json{{"step_s", 1.625}, {"median_s", 1.5}, {"p95_s", 2.75}});
  CHECK(documents::reread(written, plan_from_json) == document);
  CHECK(refused(without(written, "/simulated/median_s")) ==
        "/simulated: expected the key \"median_s\", found none");
  CHECK(refused(without(written, "/simulated/p95_s")) ==
        "/simulated/median_s: expected no such key");
  CHECK(refused(with(written, "/simulated/median_s", 3)) ==
        "/simulated/median_s: expected a number from 0 to 2.75, found 3");
}

TEST_CASE("a plan's all-reduce goes to JSON and back, and is left out where it is a ring",
          "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  CHECK_FALSE(to_json(document).contains("all_reduce"));
  for (std::size_t a = 0; a < all_reduce_names().size(); ++a) {
    const auto algorithm = static_cast<AllReduceAlgorithm>(a);
    document.plan.all_reduce = {.algorithm = algorithm, .root = {}};
    CHECK(documents::reread(to_json(document), plan_from_json) == document);
    if (!has_root(algorithm)) continue;
    document.plan.all_reduce.root = "node2";
    CHECK(documents::reread(to_json(document), plan_from_json) == document);
  }
  CHECK(to_json(document).at("all_reduce") == json{{"algorithm", "spark-tree"}, {"root", "node2"}});
  CHECK(documents::reread(with(sound(), "/all_reduce", {{"algorithm", "ring"}}), plan_from_json) ==
        worlds::two_stage_document());
}

TEST_CASE("a plan's type for the wire goes to JSON and back, and is left out where it is float32",
          "[planner]") {
  PlanDocument document = worlds::two_stage_document();
  CHECK_FALSE(to_json(document).contains("wire_dtype"));
  for (std::size_t d = 0; d < wire_dtype_names().size(); ++d) {
    document.plan.wire_dtype = static_cast<WireDtype>(d);
    CHECK(documents::reread(to_json(document), plan_from_json) == document);
  }
  CHECK(to_json(document).at("wire_dtype") == "float16");
  CHECK(refused(with(sound(), "/wire_dtype", "bf16")) ==
        "/wire_dtype: expected one of float32, bfloat16 or float16, found \"bf16\"");
  CHECK(refused(with(sound(), "/wire_dtype", 16)).find("/wire_dtype: expected") == 0);
}

TEST_CASE("an all-reduce of a plan that means nothing is refused", "[planner]") {
  CHECK(refused(with(sound(), "/all_reduce", {{"algorithm", "rink"}})) ==
        "/all_reduce/algorithm: expected one of ring, halving-doubling, tree, hierarchical, "
        "parameter-server, spark or spark-tree, found \"rink\"");
  CHECK(refused(with(sound(), "/all_reduce", {{"algorithm", "spark"}, {"root", "node3"}})) ==
        "/all_reduce/root: expected a host of the cluster (node1, node2), found \"node3\", did you "
        "mean \"node1\"?");
  CHECK(refused(with(sound(), "/all_reduce", {{"algorithm", "tree"}, {"root", "node2"}})) ==
        "/all_reduce/root: expected no root with the all-reduce \"tree\" (one goes with "
        "parameter-server, spark, spark-tree), found \"node2\"");
  CHECK(refused(with(sound(), "/all_reduce", {{"algorithm", "spark"}, {"root", ""}})) ==
        "/all_reduce/root: expected a name of a host, found \"\"");
  CHECK(refused(with(sound(), "/all_reduce", {{"algorithm", "spark"}, {"roots", "node1"}}))
            .find("did you mean \"root\"?") != std::string::npos);
  CHECK(refused(with(sound(), "/all_reduce", "ring")) ==
        "/all_reduce: expected an object, found \"ring\"");
  CHECK(refused(with(sound(), "/all_reduce", json::object())).find("algorithm") !=
        std::string::npos);
}

TEST_CASE("a plan's document is flat, with the names that others read", "[planner]") {
  const json document = sound();
  CHECK(document.at("schedule") == "gpipe");
  CHECK(document.at("/stages/1/layers/0"_json_pointer) == "layer1");
  CHECK(document.at("/stages/0/replicas/0/host"_json_pointer) == "node1");
  CHECK(document.at("/stages/0/replicas/0/share"_json_pointer) == 1);
  CHECK(document.at("/predicted/step_s"_json_pointer) == 1.5);
  CHECK(document.at("/simulated/step_s"_json_pointer) == 1.625);
  CHECK_FALSE(document.at("/alternatives/0"_json_pointer).contains("format"));
}

TEST_CASE("a plan must place every layer once, in the model's order", "[planner]") {
  CHECK(
      refused(with(sound(), "/stages/1/layers/0", "layr1")) ==
      "/stages/1/layers/0: expected a layer of the model \"chain\", found \"layr1\", did you mean "
      "\"layer1\"?");
  CHECK(refused(with(sound(), "/stages/1/layers/1", "layer0")) ==
        "/stages/1/layers/1: expected each layer once, found \"layer0\" again (first at "
        "/stages/0/layers/0)");
  CHECK(refused(without(sound(), "/stages/1")) ==
        "/stages: expected every layer of the model on a stage, found none with layer1");
  CHECK(refused(with(sound(), "/stages/1/layers", json::array())) ==
        "/stages/1/layers: expected at least 1 layer, found none");
  CHECK(refused(with(sound(), "/stages", json::array())) ==
        "/stages: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(sound(), "/alternatives/0/stages/0/layers", {"layer1", "layer0"})) ==
        "/alternatives/0/stages/0/layers/1: expected layers in the model's order, found \"layer0\" "
        "after \"layer1\"");
}

TEST_CASE("a plan in which a tensor goes back is refused", "[planner]") {
  CHECK(refused(
            with(with(sound(), "/stages/0/layers/0", "layer1"), "/stages/1/layers/0", "layer0")) ==
        "/stages/0/layers/0: expected a layer that reads from its own or an earlier stage, found "
        "\"layer1\", which reads \"layer0\" of stage 1");
}

TEST_CASE("a plan's hosts are those of its cluster, each on one stage", "[planner]") {
  CHECK(refused(with(sound(), "/stages/1/replicas/0/host", "nod1")) ==
        "/stages/1/replicas/0/host: expected a host of the cluster (node1, node2), found \"nod1\", "
        "did you mean \"node1\"?");
  CHECK(refused(with(sound(), "/stages/1/replicas/0/host", "node1")) ==
        "/stages/1/replicas/0/host: expected each host once (several stages on a host "
        "need schedule \"interleaved-1f1b\"), found \"node1\" again (first at "
        "/stages/0/replicas/0/host)");
  CHECK(refused(with(sound(), "/stages/1/replicas", json::array())) ==
        "/stages/1/replicas: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(sound(), "/predicted/hosts/0/host", "node7")) ==
        "/predicted/hosts/0/host: expected a host of the cluster, found \"node7\"");
}

TEST_CASE("shares are positive and sum to 1", "[planner]") {
  CHECK(refused(with(sound(), "/stages/0/replicas/0/share", 0)) ==
        "/stages/0/replicas/0/share: expected a number > 0 and <= 1, found 0");
  CHECK(refused(with(sound(), "/stages/0/replicas/0/share", 1.5)) ==
        "/stages/0/replicas/0/share: expected a number > 0 and <= 1, found 1.5");
  CHECK(refused(with(sound(), "/alternatives/0/stages/0/replicas/0/share", 0.5)) ==
        "/alternatives/0/stages/0/replicas: expected shares that sum to 1, found 0.75");
  CHECK(refused(with(with(sound(), "/alternatives/0/stages/0/replicas/0/share", 0.333333),
                     "/alternatives/0/stages/0/replicas/1/share", 0.666667)) == "accepted");
}

TEST_CASE("the batch is cut at multiples of the batch-norm group", "[planner]") {
  const json grouped = with(sound(), "/profile/model/batch_norm_group_samples", 2);
  CHECK(refused(grouped) == "accepted");
  CHECK(refused(with(grouped, "/batch_size", 5)) ==
        "/batch_size: expected a multiple of 2, the model's batch_norm_group_samples, found 5");
  CHECK(refused(with(grouped, "/micro_batches", 3)) ==
        "/micro_batches: expected 1 to 2 (batch_size 4 in groups of 2), found 3");
  CHECK(refused(with(sound(), "/batch_size", 0)) ==
        "/batch_size: expected an integer from 1 to 1048576, found 0");
}

TEST_CASE("a plan whose layers are not those of its model is refused", "[planner]") {
  json document = sound();
  document["profile"] = to_json(worlds::chain({1, 1, 1}));
  CHECK(refused(document) ==
        "/stages: expected every layer of the model on a stage, found none with layer2");
  document["profile"] = to_json(worlds::two_branches({1, 1, 1, 1, 1, 1}));
  CHECK(refused(document) ==
        "/stages/0/layers/0: expected a layer of the model \"two-branch\", found \"layer0\"");
}

TEST_CASE("absurd predictions in a plan are refused", "[planner]") {
  CHECK(refused(with(sound(), "/predicted/step_s", -1)) ==
        "/predicted/step_s: expected a number >= 0, found -1");
  CHECK(refused(with(sound(), "/simulated/step_s", "1 s")) ==
        "/simulated/step_s: expected a number >= 0, found \"1 s\"");
  CHECK(refused(with(sound(), "/predicted/traffic_bytes_per_step", 0.5)) ==
        "/predicted/traffic_bytes_per_step: expected an integer >= 0, found 0.5");
  CHECK(refused(with(sound(), "/search/optimality_gap", 2)) ==
        "/search/optimality_gap: expected a number from 0 to 1, found 2");
}

TEST_CASE("an unknown key, schedule or embedded document in a plan is refused", "[planner]") {
  CHECK(refused(with(sound(), "/microbatches", 2)) ==
        "/microbatches: expected no such key, did you mean \"micro_batches\"?");
  CHECK(refused(with(sound(), "/schedule", "1F1B")) ==
        "/schedule: expected one of gpipe, 1f1b, eager-1f1b or interleaved-1f1b, found \"1F1B\"");
  CHECK(refused(with(sound(), "/cluster/hosts", json::array())) ==
        "/cluster/hosts: expected an array of at least 1, found an array of 0");
  CHECK(refused(with(sound(), "/profile/format", "cadastre-cluster/1")) ==
        "/profile/format: expected \"cadastre-profile/1\", found \"cadastre-cluster/1\"");
  CHECK(refused(with(sound(), "/alternatives/0/format", "cadastre-plan/1")) ==
        "/alternatives/0/format: expected no such key");
}

TEST_CASE("two branches may be stages side by side", "[planner]") {
  const Profile profile = worlds::two_branches({1, 1, 1, 1, 1, 1});
  const Cluster cluster = worlds::hosts({1, 1, 1});
  const auto on = [](std::vector<std::string> layers, const std::string& host) {
    return Stage{.layers = std::move(layers), .replicas = {{.host = host}}};
  };
  Plan plan{.strategy = "branch", .batch_size = 4};
  plan.stages = {on({"a0", "a1"}, "node1"), on({"b0", "b1"}, "node2"),
                 on({"join", "head"}, "node3")};
  const std::string file = "file.json";
  const json none;
  const auto refusal = [&] {
    return documents::refusal(
        [&] { check_plan(plan, profile.model, cluster, JsonPlace(none, file, "")); });
  };
  CHECK(refusal() == "accepted");
  // Not convex: b1 lies between a stage's own layers.
  plan.stages = {on({"a0", "a1", "b0", "join", "head"}, "node1"), on({"b1"}, "node2")};
  CHECK(refusal() ==
        "file.json: /stages/0/layers/3: expected a layer that reads from its own or an earlier "
        "stage, found \"join\", which reads \"b1\" of stage 1");
}
