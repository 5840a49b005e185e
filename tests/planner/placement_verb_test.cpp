// `cadastre plan --placement-problem`, as a user meets it.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

using test::Finished;

/// Nodes of 4, 3 and 2 ms in a chain on two accelerators of 2 bytes.
const std::string kChain = R"({"maxSizePerFPGA": 2, "maxFPGAs": 2, "maxCPUs": 0,
  "nodes": [
    {"id": 1, "supportedOnFpga": 1, "cpuLatency": 9, "fpgaLatency": 4, "size": 1, "isBackwardNode": 0},
    {"id": 2, "supportedOnFpga": 1, "cpuLatency": 9, "fpgaLatency": 3, "size": 1, "isBackwardNode": 0},
    {"id": 3, "supportedOnFpga": 1, "cpuLatency": 9, "fpgaLatency": 2, "size": 1, "isBackwardNode": 0}],
  "edges": [{"sourceId": 1, "destId": 2, "cost": 0.5}, {"sourceId": 2, "destId": 3, "cost": 0.25}]})";

class ProblemDirectory {
 public:
  ProblemDirectory() { write("problem.json", kChain); }

  void write(const std::string& name, const std::string& text) const {
    write_file(directory_.path() / name, text);
  }

  [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "plan");
    return test::run_program(directory_.path(), arguments);
  }

  void check_refused(const std::vector<std::string>& arguments, const std::string& message,
                     int status) const {
    const std::vector<std::string> before = test::listing(directory_.path());
    const Finished finished = run(arguments);
    CHECK(finished.err == "error: " + message + "\n");
    CHECK(finished.out.empty());
    CHECK(finished.status == status);
    CHECK(test::listing(directory_.path()) == before);
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    return read_file(directory_.path() / name);
  }

 private:
  TemporaryDirectory directory_;
};

TEST_CASE("a placement problem is solved in place of a plan", "[planner]") {
  const ProblemDirectory directory;
  const Finished finished =
      directory.run({"--placement-problem", "problem.json", "--json", "-o", "answer.json"});
  CHECK(finished.status == 0);
  CHECK(finished.err.empty());
  CHECK(finished.out == directory.read("answer.json"));
  nlohmann::json answer = parse_json(finished.out, "answer");
  CHECK(answer.at("search_s").get<double>() >= 0);
  answer.erase("search_s");
  // 4 + 0.5 to send, and 0.5 to receive + 3 + 2; 7 + 0.25 and 0.25 + 2 would be worse.
  CHECK(answer == nlohmann::json::parse(R"({"format": "cadastre-placement/1", "max_load_ms": 5.5,
          "lower_bound_ms": 5.5, "optimality_gap": 0.0, "proven_optimal": true,
          "devices": [
            {"device": "accelerator1", "load_ms": 4.5, "compute_ms": 4.0, "transfer_ms": 0.5,
             "memory_bytes": 1.0, "num_nodes": 1},
            {"device": "accelerator2", "load_ms": 5.5, "compute_ms": 5.0, "transfer_ms": 0.5,
             "memory_bytes": 2.0, "num_nodes": 2}],
          "placement": [{"id": 1, "device": "accelerator1"}, {"id": 2, "device": "accelerator2"},
                        {"id": 3, "device": "accelerator2"}]})"));
}

TEST_CASE("a placement is shown as a table of devices and a bound", "[planner]") {
  const Finished finished = ProblemDirectory().run({"--placement-problem", "problem.json"});
  CHECK(finished.status == 0);
  CHECK(
      finished.out.starts_with("device        nodes  compute ms  transfer ms  load ms  memory MB\n"
                               "----------------------------------------------------------------\n"
                               "accelerator1      1       4.000        0.500    4.500        0.0\n"
                               "accelerator2      2       5.000        0.500    5.500        0.0\n"
                               "\n"
                               "max load 5.500000 ms, proven the least possible, found in "));
}

TEST_CASE("a placement problem that does not fit in memory says what is missing", "[planner]") {
  const ProblemDirectory directory;
  directory.write("tight.json", R"({"maxSizePerFPGA": 100, "maxFPGAs": 1, "maxCPUs": 0,
    "nodes": [{"id": 1, "supportedOnFpga": 1, "cpuLatency": 9, "fpgaLatency": 4, "size": 150,
               "isBackwardNode": 0}], "edges": []})");
  directory.check_refused({"--placement-problem", "tight.json", "-o", "answer.json"},
                          "no placement fits in memory: each accelerator lacks 50 bytes", 1);
}

TEST_CASE("a bad placement problem, or one beside other requests, is refused", "[planner]") {
  const ProblemDirectory directory;
  directory.check_refused({"--placement-problem", "none.json"},
                          "none.json: expected a file, found none", 2);
  directory.write("empty.json", "");
  directory.check_refused({"--placement-problem", "empty.json"},
                          "empty.json: expected a JSON document, found an empty file", 2);
  directory.write("cut.json", kChain.substr(0, 20));
  directory.check_refused({"--placement-problem", "cut.json"},
                          "cut.json: expected a whole JSON document, found its end at line 1, "
                          "column 21",
                          2);
  directory.write("nan.json", R"({"maxSizePerFPGA": NaN})");
  directory.check_refused({"--placement-problem", "nan.json"},
                          "nan.json: expected a JSON document, found a syntax error at line 1, "
                          "column 20",
                          2);
  directory.write("list.json", "[1]");
  directory.check_refused({"--placement-problem", "list.json"},
                          "list.json: /: expected an object, found an array of 1", 2);
  directory.check_refused({"--placement-problem", "problem.json", "--profile", "profile.json"},
                          "--profile: expected no such option together with --placement-problem, "
                          "whose file says all about costs and devices, found \"profile.json\"",
                          2);
  directory.check_refused({"--placement-problem", "problem.json", "--batch-size", "4"},
                          "--batch-size: expected no such option together with "
                          "--placement-problem, whose file says all about costs and devices, "
                          "found \"4\"",
                          2);
  directory.check_refused({"--placement-problem", "problem.json", "--time-limit", "nan"},
                          "cadastre plan: --time-limit: expected a number from 0.001 to 1000000, "
                          "found \"nan\"",
                          2);
  directory.check_refused({"--cluster", "cluster.json", "--batch-size", "4"},
                          "cadastre plan: --profile is required; `cadastre plan --help` shows an "
                          "example",
                          2);
}

}  // namespace
}  // namespace cadastre
