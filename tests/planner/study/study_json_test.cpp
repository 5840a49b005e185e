#include "planner/study/pointer.h"
#include "planner/study/study.h"
#include "tests/planner/study/study_world.h"
#include "tests/support/catch.h"

using namespace cadastre;
using documents::with;
using documents::without;
using nlohmann::json;
using worlds::study_document;
using worlds::study_refusal;

namespace {

Study read(const json& document) { return documents::reread(document, study_from_json); }

std::vector<json> values_of_axis(const json& axis) {
  return read(with(study_document(), "/axes/0", axis)).columns.at(0).values;
}

}  // namespace

TEST_CASE("a grid is the product of its axes, the last going first", "[planner][study]") {
  const json document =
      with(study_document(), "/axes/1",
           {{"pointer", "/settings/micro_batches"}, {"values", {1, 2, json::array({1, 2, 4})}}});
  const Study study = read(document);
  REQUIRE(num_points(study) == 6);
  CHECK(study.columns[1].name == "/settings/micro_batches");
  CHECK(point_values(study, 0) == std::vector<std::optional<json>>{1e6, 1});
  CHECK(point_values(study, 1) == std::vector<std::optional<json>>{1e6, 2});
  CHECK(point_values(study, 3) == std::vector<std::optional<json>>{1e7, 1});
  CHECK(point_values(study, 5) == std::vector<std::optional<json>>{1e7, json::array({1, 2, 4})});
  CHECK(study_refusal(document) == "accepted");
}

TEST_CASE("a study without points has one, its base", "[planner][study]") {
  const Study study = read(without(study_document(), "/axes"));
  CHECK(num_points(study) == 1);
  CHECK(point_changes(study, 0).empty());
}

TEST_CASE("listed points set what they name and leave the rest", "[planner][study]") {
  json document = without(study_document(), "/axes");
  document["points"] = {{{"/settings/batch_size", 4}},
                        {{"/cluster/hosts/node2/relative_speed", 0.5}, {"/settings/batch_size", 2}},
                        json::object()};
  const Study study = read(document);
  REQUIRE(num_points(study) == 3);
  REQUIRE(study.columns.size() == 2);
  CHECK(study.columns[0].name == "/settings/batch_size");
  CHECK(point_values(study, 0) == std::vector<std::optional<json>>{4, std::nullopt});
  CHECK(point_values(study, 1) == std::vector<std::optional<json>>{2, 0.5});
  CHECK(point_changes(study, 2).empty());
  CHECK(study_refusal(document) == "accepted");
}

TEST_CASE("a range gives its ends and what lies between, evenly or by equal factors",
          "[planner][study]") {
  const json pointer = "/cluster/hosts/*/relative_speed";
  CHECK(values_of_axis({{"pointer", pointer}, {"from", 1}, {"to", 2}, {"num", 5}}) ==
        std::vector<json>{1, 1.25, 1.5, 1.75, 2});
  CHECK(values_of_axis(
            {{"pointer", pointer}, {"from", 1}, {"to", 64}, {"num", 7}, {"scale", "log"}}) ==
        std::vector<json>{1, 2, 4, 8, 16, 32, 64});
  // Whole numbers that come twice are tried once.
  CHECK(values_of_axis({{"pointer", pointer},
                        {"from", 1},
                        {"to", 4},
                        {"num", 9},
                        {"scale", "log"},
                        {"whole", true}}) == std::vector<json>{1, 2, 3, 4});
  CHECK(values_of_axis({{"pointer", "/cluster/network/bandwidth_bytes_per_s"},
                        {"from", "8Mbps"},
                        {"to", "800Mbps"},
                        {"num", 3},
                        {"scale", "log"}}) == std::vector<json>{1000000, 10000000, 100000000});
}

TEST_CASE("what is wrong with a study itself is told with its place", "[planner][study]") {
  const json sound = study_document();
  CHECK(study_refusal(sound) == "accepted");
  const auto refused = [&](const std::string& pointer, const json& value) {
    return study_refusal(with(sound, pointer, value));
  };
  CHECK(study_refusal(without(sound, "/base/cluster")) ==
        "/base: expected the key \"cluster\", found none");
  CHECK(study_refusal(without(sound, "/base/profile")) ==
        "/base: expected one of the keys \"profile\", \"model\" (with \"device\") or \"plan\", "
        "found none");
  CHECK(refused("/base/model", {}) == "/base/model: expected no such key beside \"profile\"");
  CHECK(refused("/base/clutser", {}) ==
        "/base/clutser: expected no such key, did you mean \"cluster\"?");
  CHECK(refused("/base/cluster", "absent.json") ==
        "/base/cluster: expected a document or the path of one (relative to the study): "
        "absent.json: expected a file, found none");
  CHECK(refused("/base/cluster/hosts/1/relative_speed", 0) ==
        "/base/cluster/hosts/1/relative_speed: expected a number from 1e-06 to 1000000, found 0");
  CHECK(refused("/base/settings/batch_size", 0) ==
        "/base/settings/batch_size: expected an integer from 1 to 1048576, found 0");
  CHECK(refused("/base/settings/strategy", "pipelin") ==
        "/base/settings/strategy: expected one of auto, single, data-parallel, "
        "parameter-averaging, branch, fusion-apart, hybrid, pipeline, equal-compute, pipedream or "
        "greedy, found "
        "\"pipelin\"");
  CHECK(refused("/base/settings/batchsize", 0) ==
        "/base/settings/batchsize: expected no such key, did you mean \"batch_size\"?");
  CHECK(refused("/base/settings/objective", "cost") ==
        "/base/settings/objective: expected another objective, or hosts with price_per_hour > 0, "
        "found 0 of host \"node1\"");
  CHECK(refused("/points", json::array({json::object()})) ==
        "/points: expected no such key beside \"axes\"");
  CHECK(refused("/axes", json::array()) ==
        "/axes: expected an array of at least 1, found an array of 0");
  CHECK(refused("/axes/0/pointer", "cluster/hosts") ==
        "/axes/0/pointer: expected a JSON pointer such as "
        "\"/cluster/network/bandwidth_bytes_per_s\", found \"cluster/hosts\"");
  CHECK(refused("/axes/0/pointer", "/cluter/name") ==
        "/axes/0/pointer: expected a pointer into a document of the base (/model, /device, "
        "/profile, /cluster, /conditions, /plan, /settings), found \"/cluter/name\", did you mean "
        "\"cluster\"?");
  CHECK(refused("/axes/0/pointer", "/cluster/a~2b") ==
        "/axes/0/pointer: expected a JSON pointer, in which ~ is written ~0, found "
        "\"/cluster/a~2b\"");
  CHECK(refused("/axes/0/values", json::array()) ==
        "/axes/0/values: expected an array of at least 1, found an array of 0");
  CHECK(refused("/axes/0/values", {1e6, 1e6}) ==
        "/axes/0/values/1: expected a value that the axis does not have yet, found 1000000.0");
  CHECK(refused("/axes/0/name", "strategy") ==
        "/axes/0/name: expected a name that no other column has, found \"strategy\"");
  CHECK(refused("/axes/1", sound["axes"][0]) ==
        "/axes/1/name: expected a name or pointer used once, found \"bandwidth\" again");
  CHECK(refused("/axes/0", {{"pointer", "/settings/batch_size"}}) ==
        "/axes/0: expected the key \"values\", or \"from\", \"to\" and \"num\", found none");
  CHECK(refused("/axes/0",
                {{"pointer", "/settings/batch_size"}, {"from", 4}, {"to", 4}, {"num", 3}}) ==
        "/axes/0/to: expected more than \"from\", 4, found 4");
  CHECK(refused("/axes/0", {{"pointer", "/cluster/network/latency_s"},
                            {"from", 0},
                            {"to", 1},
                            {"num", 3},
                            {"scale", "log"}}) ==
        "/axes/0/from: expected a number > 0 on a logarithmic scale, found 0");
  CHECK(refused("/axes/0",
                {{"pointer", "/settings/batch_size"}, {"from", 1}, {"to", 4}, {"num", 1}}) ==
        "/axes/0/num: expected an integer from 2 to 100000, found 1");
  CHECK(refused("/strategies", {"pipeline", "data-paralel"}) ==
        "/strategies/1: expected a strategy (auto, single, data-parallel, parameter-averaging, "
        "branch, fusion-apart, hybrid, pipeline, equal-compute, pipedream, greedy), found "
        "\"data-paralel\", did you "
        "mean \"data-parallel\"?");
  CHECK(refused("/strategies", {"auto", "auto"}) ==
        "/strategies/1: expected a strategy named once, found \"auto\"");
  CHECK(study_refusal(
            with(with(sound, "/axes/0", {{"pointer", "/settings/strategy"}, {"values", {"auto"}}}),
                 "/strategies", {"auto"})) ==
        "/strategies: expected no such key beside points that set /settings/strategy");
}

TEST_CASE("what is wrong with a question is told with its place", "[planner][study]") {
  const json question = {{"pointer", "/cluster/network/bandwidth_bytes_per_s"},
                         {"from", "1Mbps"},
                         {"to", "1Gbps"},
                         {"between", {"pipeline", "data-parallel"}}};
  const json sound = with(study_document(), "/break_even", json::array({question}));
  CHECK(study_refusal(sound) == "accepted");
  const auto refused = [&](const std::string& pointer, const json& value) {
    return study_refusal(with(sound, pointer, value));
  };
  CHECK(refused("/break_even/0/between", {"pipeline"}) ==
        "/break_even/0/between: expected two strategies, found 1");
  CHECK(study_refusal(without(sound, "/break_even/0/between")) ==
        "/break_even/0: expected the key \"between\" (two strategies) or \"threshold\", found "
        "none");
  CHECK(refused("/break_even/0/metric", "step_z") ==
        "/break_even/0/metric: expected a figure of a study (step_s, throughput, traffic, memory, "
        "energy, cost and 17 more), found \"step_z\", did you mean \"step_s\"?");
  CHECK(refused("/break_even/0/tolerance", 0) ==
        "/break_even/0/tolerance: expected a number from 1e-09 to 0.5, found 0");
  CHECK(refused("/break_even/0/from", "1Mb") ==
        "/break_even/0/from: expected bytes per second from 1 to 10^15, or text such as "
        "\"1Gbps\" or \"125MBps\", found \"1Mb\"");
  CHECK(refused("/sensitivity", {{"change", 1}}) ==
        "/sensitivity/change: expected a number from 0.0001 to 0.9, found 1");
  CHECK(refused("/goal", {{"max_step_s", 1}}) ==
        "/goal: expected the key \"minimize\" or \"maximize\", found none");
  CHECK(refused("/goal", {{"minimize", "throughput"}}) ==
        "/goal/minimize: expected a figure of which less is better, found "
        "\"throughput_samples_per_s\"");
  CHECK_THAT(refused("/goal", {{"maxx_step_s", 1}, {"minimize", "cost"}}),
             Catch::Matchers::EndsWith("found \"maxx_step_s\", did you mean \"max_step_s\"?"));
}

TEST_CASE("a study says what to train on real machines", "[planner][study]") {
  const json document = with(study_document(), "/measure",
                             {{"strategies", {"pipeline", "data-parallel"}},
                              {"batch_size", 8},
                              {"training", {{"samples_per_epoch", 100}, {"learning_rate", 0.5}}}});
  const Study study = read(document);
  REQUIRE(study.measure.has_value());
  CHECK(study.measure->strategies == std::vector<std::string>{"pipeline", "data-parallel"});
  // The options of `run`, sorted by their names.
  CHECK(study.measure->training ==
        std::vector<std::pair<std::string, std::string>>{{"learning-rate", "0.5"},
                                                         {"samples-per-epoch", "100"}});
  CHECK_FALSE(study.judges_claims);
  CHECK(read(with(document, "/claims", true)).judges_claims);
  CHECK(study_refusal(with(document, "/measure/training/epochs", json::array({1}))) ==
        "/measure/training/epochs: expected a number or a text, as the option --epochs of run "
        "takes, found an array of 1");
  CHECK(study_refusal(with(document, "/measure/strategies/0", "pipelin")).find(
            "did you mean \"pipeline\"?") != std::string::npos);
  CHECK(study_refusal(without(document, "/measure/batch_size")) ==
        "/measure: expected the key \"batch_size\", found none");
}
