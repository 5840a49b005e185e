#include "planner/fidelity/suite.h"

#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "tests/support/catch.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

nlohmann::json small_suite() {
  return {
      {"format", "cadastre-suite/1"},
      {"name", "small"},
      {"models", {{"chain", "models/chain.json"}}},
      {"clusters", {{"two", to_json(worlds::two_hosts())}}},
      {"groups",
       {{{"model", "chain"},
         {"cluster", "two"},
         {"batch_size", 8},
         {"plans", {{{"strategy", "single"}}, {{"strategy", "auto"}, {"micro_batches", 4}}}}}}}};
}

FidelitySuite read(const nlohmann::json& document) {
  static const std::string file = "suites/small.json";
  return suite_from_json(JsonPlace(document, file, ""));
}

TEST_CASE("a suite's models are found beside it", "[planner]") {
  const FidelitySuite suite = read(small_suite());
  CHECK(suite.models.at("chain") == "suites/models/chain.json");
  CHECK(num_points(suite) == 2);
  CHECK(group_name(suite.groups[0]) == "chain on two, batch 8");
  CHECK(plan_name(suite.groups[0].plans[1]) == "auto, 4 micro-batches");
}

TEST_CASE("a suite comes back from JSON as it was", "[planner]") {
  FidelitySuite suite = read(small_suite());
  suite.models.at("chain") = "/models/chain.json";
  suite.groups[0].plans.push_back({.strategy = "parameter-averaging", .averaging_period = 4});
  suite.method.num_steps = 7;
  suite.method.warm_up_steps = 2;
  CHECK(read(to_json(suite)) == suite);
}

TEST_CASE("what is wrong in a suite is named", "[planner]") {
  const auto refused = [](const std::string& pointer, const nlohmann::json& value,
                          const std::string& message) {
    nlohmann::json document = small_suite();
    document[nlohmann::json::json_pointer(pointer)] = value;
    CHECK_THROWS_WITH(read(document), "suites/small.json: " + message);
  };
  refused("/groups/0/model", "other", "/groups/0/model: expected one of chain, found \"other\"");
  refused("/groups/0/cluster", "three", "/groups/0/cluster: expected one of two, found \"three\"");
  refused("/groups/0/plans", nlohmann::json::array(),
          "/groups/0/plans: expected an array of at least 1, found an array of 0");
  refused("/groups/0/plans/1", {{"strategy", "single"}},
          "/groups/0/plans/1: expected each plan once in a group, found \"single\" again");
  refused("/groups/0/plans/0/averaging_period", 4,
          "/groups/0/plans/0/averaging_period: expected no averaging period of \"single\", which "
          "does not average parameters");
  refused("/method", {{"num_steps", 10}, {"warm_up_steps", 9}},
          "/method/warm_up_steps: expected at least two steps after those of the warm-up, found 9 "
          "of 10");
  refused("/method", {{"num_runs", 3}, {"most_runs", 2}},
          "/method/most_runs: expected at least \"num_runs\" (3), found 2");
}

}  // namespace
}  // namespace cadastre
