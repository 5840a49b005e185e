// `cadastre plan`, as a user meets it.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/objective.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/random_worlds.h"
#include "tests/support/temporary_directory.h"

namespace cadastre {
namespace {

using test::Finished;

/// profile.json of two branches and cluster.json of three unequal hosts.
class PlanDirectory {
 public:
  PlanDirectory() {
    Cluster cluster = worlds::hosts({1, 1.5, 0.5});
    cluster.network = {.bandwidth_bytes_per_s = 1e7, .latency_s = 1e-4};
    for (std::size_t h = 0; h < cluster.hosts.size(); ++h) {
      cluster.hosts[h].watts = 100 + 50 * static_cast<double>(h);
      cluster.hosts[h].price_per_hour = 1 + static_cast<double>(h);
    }
    write("cluster.json", to_json(cluster));
    Profile profile = worlds::two_branches({0.004, 0.003, 0.002, 0.003, 0.0005, 0.001});
    profile.load_s_per_sample = 1e-4;
    write("profile.json", to_json(profile));
  }

  void write(const std::string& name, const nlohmann::json& document) const {
    write_file(directory_.path() / name, json_text(document));
  }

  [[nodiscard]] nlohmann::json read(const std::string& name) const {
    return parse_json(read_file(directory_.path() / name), name);
  }

  [[nodiscard]] std::filesystem::path path(const std::string& name) const {
    return directory_.path() / name;
  }

  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return test::run_program(directory_.path(), arguments);
  }

  [[nodiscard]] Finished plan(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {"plan",      "--profile",    "profile.json",
                                      "--cluster", "cluster.json", "--batch-size",
                                      "8",         "--quiet"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words);
  }

  /// What `plan --json` says.
  [[nodiscard]] nlohmann::json answer(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Finished finished = plan(arguments);
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    return parse_json(finished.out, "answer");
  }

  void check_refused(const std::vector<std::string>& arguments, const std::string& message,
                     int status = 2) const {
    INFO(message);
    const std::vector<std::string> before = test::listing(directory_.path());
    const Finished finished = plan(arguments);
    CHECK(finished.err == "error: " + message + "\n");
    CHECK(finished.out.empty());
    CHECK(finished.status == status);
    CHECK(test::listing(directory_.path()) == before);
  }

 private:
  TemporaryDirectory directory_;
};

/// The objective's value of one of the plans of an answer.
double value_of(const nlohmann::json& plan, Objective objective) {
  const Prediction predicted{
      .step_s = plan.at("step_s").get<double>(),
      .traffic_bytes_per_step = plan.at("traffic_bytes_per_step").get<std::int64_t>(),
      .peak_memory_bytes = plan.at("peak_memory_bytes").get<std::int64_t>(),
      .fits_memory = plan.at("fits_memory").get<bool>(),
      .latency_s = plan.at("latency_s").get<double>(),
      .inference_samples_per_s = plan.at("inference_samples_per_s").get<double>(),
      .energy_j_per_step = plan.at("energy_j_per_step").get<double>(),
      .price_per_step = plan.at("price_per_step").get<double>(),
  };
  return objective_value(predicted, objective, 8);
}

Objective objective_named(const std::string& name) {
  const auto& names = objective_names();
  return static_cast<Objective>(std::find(names.begin(), names.end(), name) - names.begin());
}

TEST_CASE("no baseline is better in the objective that is asked for", "[planner]") {
  const PlanDirectory directory;
  for (const std::string& name : objective_names()) {
    INFO(name);
    const Objective objective = objective_named(name);
    const nlohmann::json answer =
        directory.answer({"--objective", name, "-o", "plan.json", "--time-limit", "5"});
    CHECK(answer.at("objective") == name);
    const auto value = answer.at("value").get<double>();
    CHECK_THAT(value, WithinRel(value_of(answer, objective), 1e-12));
    for (const nlohmann::json& other : answer.at("strategies"))
      if (other.at("fits_memory").get<bool>() && other.at("strategy") != "parameter-averaging")
        CHECK(minimised(objective, value) <=
              minimised(objective, value_of(other, objective)) * (1 + 1e-9));
    const double bound = minimised(objective, answer.at("bound").get<double>());
    const double least = minimised(objective, value);
    CHECK(bound <= least * (1 + 1e-12));
    CHECK_THAT(answer.at("optimality_gap").get<double>(),
               Catch::Matchers::WithinAbs(least > 0 ? 1 - bound / least : 0, 1e-9));
    CHECK(directory.run({"validate", "plan.json"}).status == 0);
  }
}

TEST_CASE("a plan keeps the limits, or the answer says which are missed", "[planner]") {
  const PlanDirectory directory;
  for (const auto& [option, limit, objective, most] :
       std::vector<std::tuple<std::string, std::string, std::string, double>>{
           {"--max-step-time", "300ms", "energy", 0.3},
           {"--max-latency", "12ms", "step-time", 0.012},
           {"--max-traffic", "3000", "step-time", 3000},
           {"--max-memory", "3.5MB", "step-time", 3.5e6},
           {"--max-energy", "5", "step-time", 5},
           {"--max-cost", "20", "step-time", 20},
           {"--min-throughput", "130", "traffic", 130}}) {
    INFO(option);
    const nlohmann::json answer = directory.answer({option, limit, "--objective", objective});
    const std::string name = option == "--max-step-time"    ? "step-time"
                             : option == "--min-throughput" ? "throughput"
                                                            : option.substr(6);
    const Objective limited = objective_named(name);
    CHECK(minimised(limited, value_of(answer, limited)) <= minimised(limited, most));
  }
  CHECK(directory.plan({"--max-memory", "2000000000"}).status == 0);
  const Finished finished = directory.plan({"--max-step-time", "1us", "-o", "plan.json"});
  CHECK(finished.status == 1);
  CHECK(finished.err.starts_with(
      "error: no plan was found that keeps every limit: one that fits in memory has step-time "));
  CHECK(finished.err.ends_with(" s, limit 1e-06\n"));
  CHECK_FALSE(std::filesystem::exists(directory.path("plan.json")));
  const Finished tight = directory.plan({"--max-memory", "1", "-o", "plan.json"});
  CHECK(tight.status == 1);
  CHECK(
      tight.err.starts_with("error: no plan was found that fits in memory: the one that comes "
                            "nearest lacks "));
  CHECK_FALSE(std::filesystem::exists(directory.path("plan.json")));
}

TEST_CASE("the plan that misses the limits least is named", "[planner]") {
  const PlanDirectory directory;
  const nlohmann::json best = directory.answer({"--time-limit", "60"});
  CHECK(best.at("proven_optimal") == true);
  const Finished finished = directory.plan({"--max-step-time", "1us"});
  CHECK(finished.err ==
        "error: no plan was found that keeps every limit: one that fits in memory "
        "has step-time " +
            nlohmann::json(best.at("step_s")).dump() + " s, limit 1e-06\n");
}

TEST_CASE("of the plans of a front none is better in both objectives than another", "[planner]") {
  const PlanDirectory directory;
  for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
           {"step-time", "energy"}, {"throughput", "memory"}, {"traffic", "step-time"}}) {
    INFO(first << "," << second);
    const nlohmann::json front = directory.answer({"--pareto", first + "," + second}).at("front");
    REQUIRE(front.size() > 1);
    const Objective a = objective_named(first);
    const Objective b = objective_named(second);
    for (std::size_t i = 1; i < front.size(); ++i) {
      CHECK(minimised(a, value_of(front[i], a)) > minimised(a, value_of(front[i - 1], a)));
      CHECK(minimised(b, value_of(front[i], b)) < minimised(b, value_of(front[i - 1], b)));
    }
  }
}

TEST_CASE("the explanation says the numbers of the answer, and no zeros", "[planner]") {
  const PlanDirectory directory;
  const nlohmann::json answer = directory.answer({"--explain"});
  std::string text;
  for (const nlohmann::json& sentence : answer.at("explanation"))
    text += sentence.get<std::string>() + "\n";
  INFO(text);
  double busiest_s = 0;
  std::string busiest;
  for (const nlohmann::json& host : answer.at("hosts")) {
    const double busy_s = host.at("compute_s").get<double>() + host.at("reduction_s").get<double>();
    if (busy_s <= busiest_s) continue;
    busiest_s = busy_s;
    busiest = host.at("host").get<std::string>();
  }
  CHECK(text.find("on " + busiest + ": it computes for ") != std::string::npos);
  CHECK(text.find(std::to_string(answer.at("micro_batches").get<int>()) + " micro-batch") !=
        std::string::npos);
  CHECK(text.find("batchses") == std::string::npos);
  CHECK(text.find(" 0.00 ") == std::string::npos);
  CHECK(text.find("nan") == std::string::npos);
}

TEST_CASE("every all-reduce gives a plan that says so, in every form of the answer", "[planner]") {
  const PlanDirectory directory;
  double ring_s = 0;
  for (const std::string& name : all_reduce_names()) {
    INFO(name);
    const nlohmann::json answer = directory.answer(
        {"--strategy", "data-parallel", "--all-reduce", name, "--explain", "-o", "plan.json"});
    CHECK(directory.run({"validate", "plan.json"}).status == 0);
    const std::string text = answer.at("explanation").dump();
    const nlohmann::json plan = directory.read("plan.json");
    if (name == "ring") {
      ring_s = answer.at("step_s").get<double>();
      CHECK_FALSE(plan.contains("all_reduce"));
      CHECK_FALSE(answer.contains("all_reduce"));
    } else {
      CHECK(plan.at("all_reduce").at("algorithm") == name);
      CHECK(answer.at("all_reduce").at("algorithm") == name);
      CHECK(text.find("gradients reduced by " + name) != std::string::npos);
      for (const nlohmann::json& alternative : plan.at("alternatives"))
        CHECK(alternative.at("all_reduce").at("algorithm") == name);
    }
    // Three hosts' ring moves less over each link than any of the others.
    CHECK(answer.at("step_s").get<double>() >= ring_s * (1 - 1e-9));
  }
}

TEST_CASE("a type for the wire halves the traffic of any plan, which says so", "[planner]") {
  const PlanDirectory directory;
  const auto traffic = [](const nlohmann::json& answer) {
    return answer.at("traffic_bytes_per_step").get<std::int64_t>();
  };
  for (const std::string strategy : {"data-parallel", "pipeline"}) {
    INFO(strategy);
    const nlohmann::json whole = directory.answer({"--strategy", strategy, "-o", "plan.json"});
    CHECK_FALSE(whole.contains("wire_dtype"));
    for (const auto& [given, name] : std::map<std::string, std::string>{
             {"bf16", "bfloat16"}, {"bfloat16", "bfloat16"}, {"fp16", "float16"}}) {
      const nlohmann::json answer = directory.answer(
          {"--strategy", strategy, "--wire-dtype", given, "--explain", "-o", "plan.json"});
      CHECK(directory.run({"validate", "plan.json"}).status == 0);
      CHECK(answer.at("wire_dtype") == name);
      CHECK(directory.read("plan.json").at("wire_dtype") == name);
      for (const nlohmann::json& other : directory.read("plan.json").at("alternatives"))
        CHECK(other.at("wire_dtype") == name);
      CHECK(answer.at("explanation").dump().find(name + " between hosts") != std::string::npos);
      // Not by much less where pieces of a reduction are cut at multiples of 8 bytes.
      CHECK(std::abs(2 * traffic(answer) - traffic(whole)) <= traffic(whole) / 100);
      CHECK(answer.at("step_s").get<double>() <= whole.at("step_s").get<double>());
    }
  }
  directory.check_refused({"--wire-dtype", "bf8"},
                          "--wire-dtype: expected float32, bfloat16 or float16, found \"bf8\"");
}

TEST_CASE("a parameter server may be a host without layers", "[planner]") {
  const PlanDirectory directory;
  // It is slow, and the network is fast: the others share the work, and it serves.
  nlohmann::json cluster = directory.read("cluster.json");
  cluster["hosts"].push_back(cluster.at("/hosts/0"_json_pointer));
  cluster["hosts"].back()["name"] = "driver";
  cluster["hosts"].back()["relative_speed"] = 1e-3;
  cluster["network"]["bandwidth_bytes_per_s"] = 1e9;
  directory.write("cluster.json", cluster);
  const nlohmann::json answer =
      directory.answer({"--all-reduce", "spark", "--root", "driver", "--explain", "--strategy",
                        "auto", "--max-step-time", "1s", "-o", "plan.json"});
  const nlohmann::json plan = directory.read("plan.json");
  CHECK(plan.at("all_reduce").at("root") == "driver");
  // Some plan of the document reduces, and its driver sends the sum to each replica.
  bool found = false;
  const auto look_at = [&](const nlohmann::json& one) {
    const nlohmann::json& stages = one.at("stages");
    const nlohmann::json& hosts = one.at("/predicted/hosts"_json_pointer);
    if (hosts.back().at("host") != "driver" || hosts.back().at("compute_s") != 0) return;
    std::int64_t sent = 0;
    for (const nlohmann::json& stage : stages)
      for (const nlohmann::json& replica : stage.at("replicas"))
        CHECK(replica.at("host") != "driver");
    for (std::size_t h = 0; h + 1 < hosts.size(); ++h)
      sent += hosts[h].at("sent_bytes").get<std::int64_t>();
    CHECK(hosts.back().at("sent_bytes").get<std::int64_t>() > 0);
    CHECK(hosts.back().at("peak_memory_bytes").get<std::int64_t>() > 0);
    CHECK(one.at("/predicted/traffic_bytes_per_step"_json_pointer).get<std::int64_t>() ==
          sent + hosts.back().at("sent_bytes").get<std::int64_t>());
    found = true;
  };
  look_at(plan);
  for (const char* list : {"alternatives", "runners_up"})
    for (const nlohmann::json& one : plan.at(list)) look_at(one);
  CHECK(found);
  CHECK(answer.at("explanation").dump().find("stages  on") == std::string::npos);
}

TEST_CASE("the same request gives the same plan", "[planner]") {
  const PlanDirectory directory;
  for (const char* name : {"one.json", "two.json"})
    static_cast<void>(directory.answer({"--micro-batches", "4,2,4", "-o", name}));
  CHECK(directory.read("one.json").at("stages") == directory.read("two.json").at("stages"));
  CHECK(directory.read("one.json").at("predicted") == directory.read("two.json").at("predicted"));
}

TEST_CASE("requests that cannot be met are refused before the search", "[planner]") {
  const PlanDirectory directory;
  const std::string durations =
      ": expected seconds from 0 to 3600, or text such as \"50us\" or \"0.1ms\", found ";
  directory.check_refused({"--max-step-time", "5mss"}, "--max-step-time" + durations + "\"5mss\"");
  directory.check_refused({"--max-latency", "nan"}, "--max-latency" + durations + "\"nan\"");
  directory.check_refused({"--max-latency", ""}, "--max-latency" + durations + "\"\"");
  directory.check_refused({"--max-memory", "2.5"},
                          "--max-memory: expected an integer >= 1, found 2.5");
  directory.check_refused({"--objective", "latencie"},
                          "--objective: expected step-time, latency, throughput, traffic, memory, "
                          "energy or cost, found \"latencie\", did you mean \"latency\"?");
  directory.check_refused({"--all-reduce", "rings"},
                          "--all-reduce: expected ring, halving-doubling, tree, hierarchical, "
                          "parameter-server, spark or spark-tree, found \"rings\", did you mean "
                          "\"ring\"?");
  directory.check_refused({"--root", "node1"},
                          "--root: expected no root with the all-reduce \"ring\" (one goes with "
                          "parameter-server, spark, spark-tree), found \"node1\"");
  directory.check_refused({"--all-reduce", "spark", "--root", "nod1"},
                          "--root: expected a host of the cluster (node1, node2, node3), found "
                          "\"nod1\", did you mean \"node1\"?");
  directory.check_refused({"--pareto", "cost"}, "--pareto: expected two objectives, found 1");
  directory.check_refused({"--pareto", "cost,cost"},
                          "--pareto: expected two different objectives, found \"cost\" twice");
  directory.check_refused({"--pareto", "cost,latency", "--explain"},
                          "--explain: expected no such option together with --pareto");
  directory.check_refused({"--validate", "2", "--objective", "traffic"},
                          "--validate: expected the objective step-time, which the simulator "
                          "measures, found \"traffic\"");
  directory.check_refused({"--validate", "2", "--strategy", "single"},
                          "--validate: expected the strategy auto, as another plan may be chosen, "
                          "found \"single\"");
  directory.check_refused({"--robust", "--objective", "traffic"},
                          "--robust: expected the objective step-time, which the simulator "
                          "measures, found \"traffic\"");
  directory.check_refused({"--robust", "--strategy", "single"},
                          "--robust: expected the strategy auto, as another plan may be chosen, "
                          "found \"single\"");
  directory.check_refused({"--robust", "--validate", "2"},
                          "--validate: expected no such option together with --robust, which "
                          "replays plans, too");
  directory.check_refused({"--pareto", "cost,latency", "--robust"},
                          "--robust: expected no such option together with --pareto");
  directory.check_refused({"--conditions", "conditions.json"},
                          "--conditions: expected --robust beside it, which replays plans under "
                          "them");
  directory.check_refused({"-o", "profile.json/plan.json"},
                          "profile.json/plan.json: cannot be written: Not a directory", 1);
  directory.check_refused({"-o", "."}, ".: cannot be written: Is a directory", 1);
}

TEST_CASE("costs that are all zero give a plan, and no throughput", "[planner]") {
  const PlanDirectory directory;
  directory.write("profile.json", to_json(worlds::chain({0, 0, 0})));
  const nlohmann::json answer = directory.answer({"--explain", "-o", "plan.json"});
  CHECK(answer.at("step_s") == 0);
  CHECK(answer.at("optimality_gap") == 0);
  CHECK(answer.dump().find("nan") == std::string::npos);
  CHECK(directory.run({"validate", "plan.json"}).status == 0);
  directory.check_refused({"--objective", "throughput"},
                          "profile.json: /layers: expected a layer that takes time, to plan for "
                          "throughput, found none");
}

TEST_CASE("costs from a picosecond to a billion seconds keep bounds and values in order",
          "[planner]") {
  const PlanDirectory directory;
  directory.write("profile.json", to_json(worlds::chain({1e-12, 5e8, 1e-3, 1e4, 1e-9})));
  const nlohmann::json answer = directory.answer({"--time-limit", "5"});
  const auto value = answer.at("value").get<double>();
  CHECK(answer.at("bound").get<double>() <= value);
  CHECK(answer.at("optimality_gap") >= 0);
  CHECK(answer.at("optimality_gap") <= 1);
  for (const nlohmann::json& other : answer.at("strategies"))
    if (other.at("strategy") != "parameter-averaging")
      CHECK(value <= other.at("step_s").get<double>() * (1 + 1e-9));
}

}  // namespace
}  // namespace cadastre
