#include "planner/placement/placement_problem.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using namespace cadastre::documents;

namespace {

/// Two forward nodes and the backward node of the second, written as the authors do.
nlohmann::json sound() {
  return nlohmann::json::parse(R"({
    "maxSizePerFPGA": 17185374208.0, "maxFPGAs": 2, "maxCPUs": 1,
    "nodes": [
      {"id": 7, "name": "first", "supportedOnFpga": 1, "cpuLatency": 30, "fpgaLatency": 3.0,
       "size": 100.0, "isBackwardNode": 0},
      {"id": 3, "supportedOnFpga": false, "cpuLatency": 20.5, "fpgaLatency": 2, "size": 50,
       "isBackwardNode": false, "colorClass": 4},
      {"id": 5, "supportedOnFpga": true, "cpuLatency": 10, "fpgaLatency": 1, "size": 25,
       "isBackwardNode": true, "colorClass": 4}],
    "edges": [
      {"sourceId": 7, "destId": 3, "cost": 0.25, "size": 12.0},
      {"sourceId": 7, "destId": 5, "cost": 0.25},
      {"sourceId": 3, "destId": 5, "cost": 0.5}]})");
}

std::string refusal_of_problem(const nlohmann::json& document) {
  return refusal_of(document, placement_problem_from_json);
}

std::string refusal_with(const std::string& pointer, const nlohmann::json& value) {
  return refusal_of_problem(with(sound(), pointer, value));
}

}  // namespace

TEST_CASE("a placement problem is read with the authors' spelling of flags and numbers",
          "[planner]") {
  const PlacementProblem problem = reread(sound(), placement_problem_from_json);
  CHECK(problem == PlacementProblem{.num_accelerators = 2,
                                    .num_cpus = 1,
                                    .accelerator_bytes = 17185374208.0,
                                    .nodes = {{.id = 7,
                                               .accelerator_ms = 3,
                                               .cpu_ms = 30,
                                               .size_bytes = 100,
                                               .transfer_ms = 0.25},
                                              {.id = 3,
                                               .accelerator_ms = 2,
                                               .cpu_ms = 20.5,
                                               .size_bytes = 50,
                                               .transfer_ms = 0.5,
                                               .runs_on_accelerator = false,
                                               .color = 4},
                                              {.id = 5,
                                               .accelerator_ms = 1,
                                               .cpu_ms = 10,
                                               .size_bytes = 25,
                                               .is_backward = true,
                                               .color = 4}},
                                    .edges = {{0, 1}, {0, 2}, {1, 2}}});
  CHECK(reread(to_json(problem), placement_problem_from_json) == problem);
}

TEST_CASE("a placement problem with a wrong field is refused", "[planner]") {
  CHECK(refusal_of_problem(nlohmann::json::array()) ==
        "/: expected an object, found an array of 0");
  CHECK(refusal_with("/maxFPGAs", 1.5) ==
        "/maxFPGAs: expected an integer from 0 to 1073741824, found 1.5");
  CHECK(refusal_with("/maxCPUs", -1) ==
        "/maxCPUs: expected an integer from 0 to 1073741824, found -1");
  CHECK(refusal_with("/maxSizePerFPGA", "16GB") ==
        "/maxSizePerFPGA: expected a number from 0 to 1e+18, found \"16GB\"");
  CHECK(refusal_with("/nodes", nlohmann::json::array()) ==
        "/nodes: expected an array of at least 1, found an array of 0");
  CHECK(refusal_with("/nodes/0/fpgaLatency", -1) ==
        "/nodes/0/fpgaLatency: expected a number from 0 to 1e+15, found -1");
  CHECK(refusal_with("/nodes/0/cpuLatency", nullptr) ==
        "/nodes/0/cpuLatency: expected a number from 0 to 1e+15, found null");
  CHECK(refusal_with("/nodes/1/isBackwardNode", 2) ==
        "/nodes/1/isBackwardNode: expected true, false, 1 or 0, found 2");
  CHECK(refusal_with("/nodes/1/supportedOnFpga", "yes") ==
        "/nodes/1/supportedOnFpga: expected true, false, 1 or 0, found \"yes\"");
  CHECK(refusal_with("/nodes/1/colorClass", "red") ==
        "/nodes/1/colorClass: expected an integer, found \"red\"");
  CHECK(refusal_with("/edges/2/cost", 1e300) ==
        "/edges/2/cost: expected a number from 0 to 1e+15, found 1e+300");
  for (const std::string pointer : {"/maxFPGAs", "/maxCPUs", "/maxSizePerFPGA", "/nodes", "/edges"})
    CHECK(refusal_of_problem(without(sound(), pointer)) ==
          "/: expected the key \"" + pointer.substr(1) + "\", found none");
  for (const std::string key :
       {"id", "fpgaLatency", "cpuLatency", "size", "isBackwardNode", "supportedOnFpga"})
    CHECK(refusal_of_problem(without(sound(), "/nodes/2/" + key)) ==
          "/nodes/2: expected the key \"" + key + "\", found none");
  for (const std::string key : {"sourceId", "destId", "cost"})
    CHECK(refusal_of_problem(without(sound(), "/edges/1/" + key)) ==
          "/edges/1: expected the key \"" + key + "\", found none");
}

TEST_CASE("a placement problem whose parts do not go together is refused", "[planner]") {
  CHECK(refusal_with("/nodes/2/id", 7) ==
        "/nodes/2/id: expected an id used once, found 7 again (first at /nodes/0/id)");
  CHECK(refusal_with("/edges/0/destId", 8) ==
        "/edges/0/destId: expected the id of a node, found 8");
  CHECK(refusal_with("/edges/0/sourceId", 3) ==
        "/edges/0/destId: expected another node than the edge comes from, found 3");
  CHECK(refusal_with("/edges/1/cost", 0.75) ==
        "/edges/1/cost: expected the cost of /edges/0, which comes from the same node (0.25), "
        "found 0.75");
  CHECK(refusal_with("/edges/3", {{"sourceId", 5}, {"destId", 7}, {"cost", 1}}) ==
        "/edges/3/destId: expected a backward node, as the edge comes from one, found 7");
}

TEST_CASE("edges in a circle are refused, whatever they join", "[planner]") {
  CHECK(refusal_with("/edges/3", {{"sourceId", 3}, {"destId", 7}, {"cost", 0.5}}) ==
        "/edges/3: expected edges without a cycle, found one through the nodes 3, 7");
  nlohmann::json backward = sound();
  backward["nodes"].push_back(backward["nodes"][2]);
  backward["nodes"][3]["id"] = 6;
  backward["edges"].push_back({{"sourceId", 5}, {"destId", 6}, {"cost", 1}});
  CHECK(refusal_of_problem(backward) == "accepted");
  backward["edges"].push_back({{"sourceId", 6}, {"destId", 5}, {"cost", 1}});
  CHECK(refusal_of_problem(backward) ==
        "/edges/4: expected edges without a cycle, found one through the nodes 6, 5");
}

TEST_CASE("a placement problem needs a device for every node", "[planner]") {
  nlohmann::json document = with(sound(), "/maxCPUs", 0);
  CHECK(refusal_of_problem(document) ==
        "/nodes/1/supportedOnFpga: expected a node that accelerators support, as there is no CPU, "
        "found node 3 that only a CPU can run");
  document["maxFPGAs"] = 0;
  CHECK(refusal_of_problem(document) ==
        "/maxFPGAs: expected at least one device, found 0 and no CPU");
  CHECK(refusal_with("/maxFPGAs", 0) == "accepted");
}
