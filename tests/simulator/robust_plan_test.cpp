// Plans chosen by the 95th percentile of their simulated steps, beside those chosen without.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/replayed_plans.h"
#include "planner/robust_choice.h"
#include "simulator/simulate.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/random_worlds.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;

namespace {

Simulation replayed_here(const PlanDocument& document, const std::vector<Plan>& rivals,
                         const Conditions& conditions) {
  PlanDocument simulated = document;
  simulated.alternatives = rivals;
  return simulate(simulated, {.conditions = conditions, .meter_links = false});
}

Conditions with_seed(std::uint64_t seed, std::int64_t num_steps) {
  return {.num_steps = num_steps,
          .jitter = Jitter{.seed = seed,
                           .relative_spread = {},
                           .between_steps = StepVariation{.correlation_steps = 1}}};
}

PlannerOptions small_search(std::int64_t batch_size) {
  PlannerOptions options;
  options.batch_size = batch_size;
  options.max_search_steps = 40;
  options.time_limit_s = 60;
  return options;
}

/// What became of a problem: 95th percentiles of both plans on the steps by which they were chosen,
/// and on others.
struct Outcome {
  bool same = false;
  double plain_s = 0;
  double robust_s = 0;
  double plain_on_others_s = 0;
  double robust_on_others_s = 0;
};

/// Two to four hosts, of which at least one varies, and now and then the links.
worlds::World random_problem(std::mt19937& random) {
  const std::size_t num_hosts = 2 + random() % 3;
  worlds::World world =
      worlds::random_world(random, worlds::random_dag(random, 3 + random() % 4), num_hosts);
  std::vector<Host>& hosts = world.cluster.hosts;
  for (Host& host : hosts) {
    host.memory_bytes = 1'000'000'000;
    if (random() % 2 == 0) host.speed_spread = worlds::uniform(random, 0.1, 1.5);
  }
  hosts[random() % num_hosts].speed_spread = worlds::uniform(random, 0.3, 1.5);
  if (random() % 3 == 0) world.cluster.network.bandwidth_spread = worlds::uniform(random, 0.1, 1);
  return world;
}

Outcome outcome_of(const worlds::World& world, std::int64_t num_steps) {
  const PlannerOptions options = small_search(8);
  const PlanDocument plain = make_plan(world.profile, world.cluster, options);
  PlanDocument robust = plain;
  const Conditions conditions = robust_conditions(with_seed(1, num_steps), "", world.cluster, "");
  choose_robustly(robust, options, conditions,
                  [&](const PlanDocument& document, const std::vector<Plan>& rivals) {
                    return replayed_here(document, rivals, conditions);
                  });
  const auto p95_s = [](const SimulatedPlan& plan) { return plan.figures.steps.p95_s; };
  const Simulation here = replayed_here(plain, {robust.plan}, conditions);
  const Simulation others = replayed_here(plain, {robust.plan}, with_seed(2, num_steps));
  CHECK(robust.plan.simulated_p95_s == p95_s(here.plans.at(1)));
  return {.same = is_same_division(plain.plan, robust.plan),
          .plain_s = p95_s(here.plans.at(0)),
          .robust_s = p95_s(here.plans.at(1)),
          .plain_on_others_s = p95_s(others.plans.at(0)),
          .robust_on_others_s = p95_s(others.plans.at(1))};
}

}  // namespace

TEST_CASE(
    "a robust plan's 95th percentile is no worse than the plain plan's, and less where a "
    "host that varies had much to do",
    "[simulator][property]") {
  // Two hosts that are equally fast, of which one varies much: less on that one is better.
  worlds::World uneven{.profile = worlds::chain({0.01, 0.01, 0.01, 0.01}),
                       .cluster = worlds::two_hosts()};
  uneven.cluster.network.bandwidth_bytes_per_s = 1e9;
  uneven.cluster.hosts[1].speed_spread = 1.5;
  const Outcome clear = outcome_of(uneven, 200);
  CHECK_FALSE(clear.same);
  CHECK(clear.robust_s < 0.9 * clear.plain_s);
  CHECK(clear.robust_on_others_s < 0.9 * clear.plain_on_others_s);

  std::mt19937 random(20261129);
  for (int problem = 0; problem < 6; ++problem) {
    INFO("problem " << problem);
    const Outcome outcome = outcome_of(random_problem(random), 100);
    CHECK(outcome.robust_s <= outcome.plain_s);
  }
}

TEST_CASE("where nothing varies, the robust plan is the plain one", "[simulator]") {
  const worlds::World still{.profile = worlds::chain({0.01, 0.02, 0.01}),
                            .cluster = worlds::hosts({1, 0.5})};
  const PlannerOptions options = small_search(4);
  const PlanDocument plain = make_plan(still.profile, still.cluster, options);
  PlanDocument robust = plain;
  const Conditions conditions = with_seed(1, 100);
  choose_robustly(robust, options, conditions,
                  [&](const PlanDocument& document, const std::vector<Plan>& rivals) {
                    return replayed_here(document, rivals, conditions);
                  });
  CHECK(is_same_division(robust.plan, plain.plan));
  CHECK(robust.plan.predicted == plain.plan.predicted);
  REQUIRE(robust.plan.simulated_p95_s);
  CHECK_THAT(*robust.plan.simulated_p95_s, WithinRel(*robust.plan.simulated_median_s, 1e-6));
}

TEST_CASE("`plan --robust` says and explains what it chose, and by what", "[simulator]") {
  const TemporaryDirectory directory;
  const auto write = [&](const std::string& name, const nlohmann::json& document) {
    write_file(directory.path() / name, json_text(document));
  };
  const auto plan = [&](std::vector<std::string> words) {
    std::vector<std::string> arguments = {"plan",      "--profile",    "profile.json",
                                          "--cluster", "cluster.json", "--batch-size",
                                          "8",         "--quiet",      "--robust"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return test::run_program(directory.path(), arguments);
  };
  Cluster cluster = worlds::two_hosts();
  cluster.network.bandwidth_bytes_per_s = 1e9;
  write("profile.json", to_json(worlds::chain({0.01, 0.01, 0.01, 0.01})));
  write("cluster.json", to_json(cluster));
  const test::Finished still = plan({"-o", "plan.json"});
  CHECK(still.status == 2);
  CHECK(still.err.find("error: cluster.json: /hosts: expected a host or link that varies") == 0);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "plan.json"));

  // The cluster says it, or conditions do.
  write("conditions.json",
        to_json(Conditions{
            .jitter = Jitter{
                .between_steps = StepVariation{
                    .correlation_steps = 1,
                    .spreads = {{.resource = {.host = "node2", .link = {}}, .spread = 1.5}}}}}));
  const test::Finished stated = plan({"--conditions", "conditions.json", "--json"});
  INFO(stated.err);
  REQUIRE(stated.status == 0);
  cluster.hosts[1].speed_spread = 1.5;
  write("cluster.json", to_json(cluster));
  const test::Finished finished = plan({"--explain", "--json", "-o", "plan.json"});
  INFO(finished.err);
  REQUIRE(finished.status == 0);
  const nlohmann::json answer = parse_json(finished.out, "answer");
  const auto p95_s = answer.at("simulated_p95_s").get<double>();
  CHECK(parse_json(stated.out, "answer").at("simulated_p95_s") == p95_s);
  CHECK(answer.at("simulated_median_s") < p95_s);
  for (const nlohmann::json& other : answer.at("strategies"))
    if (other.contains("simulated_p95_s")) CHECK(p95_s <= other.at("simulated_p95_s"));
  const nlohmann::json& plain = answer.at("runners_up").at(0);
  CHECK(plain.at("step_s") < answer.at("step_s"));
  CHECK(plain.at("simulated_p95_s") > p95_s);
  const std::string explanation = answer.at("explanation").dump();
  CHECK(explanation.find("It is chosen for its 95th percentile") != std::string::npos);
  CHECK(explanation.find("node2, whose speed varies by 150 %, computes for") != std::string::npos);

  const PlanDocument written = read_plan(directory.path() / "plan.json");
  CHECK(written.plan.simulated_p95_s == p95_s);
  CHECK(test::run_program(directory.path(), {"validate", "plan.json", "conditions.json"}).status ==
        0);
  const test::Finished table = plan({});
  CHECK(table.out.find("median ms") != std::string::npos);
  CHECK(table.out.find("p95 ms") != std::string::npos);
}

TEST_CASE("how much robust plans gain on 200 random problems", "[simulator][!benchmark]") {
  std::mt19937 random(1);
  int num_better = 0;
  int num_better_on_others = 0;
  int num_worse_on_others = 0;
  double log_ratio = 0;
  double log_ratio_on_others = 0;
  double least = 1;
  constexpr int kProblems = 200;
  for (int problem = 0; problem < kProblems; ++problem) {
    const Outcome outcome = outcome_of(random_problem(random), 400);
    CHECK(outcome.robust_s <= outcome.plain_s);
    if (outcome.robust_s < outcome.plain_s) ++num_better;
    if (outcome.robust_on_others_s < outcome.plain_on_others_s) ++num_better_on_others;
    if (outcome.robust_on_others_s > outcome.plain_on_others_s) ++num_worse_on_others;
    log_ratio += std::log(outcome.robust_s / outcome.plain_s);
    log_ratio_on_others += std::log(outcome.robust_on_others_s / outcome.plain_on_others_s);
    least = std::min(least, outcome.robust_on_others_s / outcome.plain_on_others_s);
  }
  std::printf(
      "95th percentile of the robust plan over the plain plan's, %d problems, 400 steps:\n"
      "  on the steps it was chosen by: better in %d, geometric mean %.3f\n"
      "  on other steps: better in %d, worse in %d, geometric mean %.3f, least %.3f\n",
      kProblems, num_better, std::exp(log_ratio / kProblems), num_better_on_others,
      num_worse_on_others, std::exp(log_ratio_on_others / kProblems), least);
}
