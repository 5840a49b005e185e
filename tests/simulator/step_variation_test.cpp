// Whole steps that vary: hosts and links that are slower for a step or several.

#include <string>
#include <vector>

#include "planner/error.h"
#include "simulator/environment.h"
#include "simulator/factor_sequence.h"
#include "simulator/isolated.h"
#include "simulator/packed_plan.h"
#include "simulator/replay.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

// Of a spread of 0.5: sigma = asinh(0.25) / 0.6745 = 0.3669, of which the 95th percentile is
// exp(1.645 sigma).
constexpr double kSpread = 0.5;
constexpr double kSlowest = 1.8286;

struct Case {
  TinyProgram tiny;
  Cluster cluster;
  Conditions conditions;
};

/// Replays each in a process of its own.
std::vector<SimulatedPlan> replayed(const std::vector<Case>& cases) {
  std::vector<IsolatedWork> work;
  for (const Case& each : cases)
    work.emplace_back([&each] {
      check_conditions(each.conditions, "conditions.json", each.tiny.program, each.cluster);
      ReplayResult result = replay(each.tiny.program, each.tiny.costs, each.cluster,
                                   {.conditions = each.conditions,
                                    .spreads = {},
                                    .memory_traffic = {},
                                    .meter_links = true,
                                    .paje_file = ""});
      return packed({.strategy = "test",
                     .simulated_step_s = result.figures.steps.mean_s,
                     .timeline = std::move(result.timeline),
                     .figures = std::move(result.figures)});
    });
  std::vector<SimulatedPlan> plans;
  for (const IsolatedResult& result : run_isolated(work, num_usable_cores())) {
    REQUIRE(result.error == "");
    plans.push_back(unpacked(result.output));
  }
  return plans;
}

Conditions varying(double correlation_steps, std::uint64_t seed = 1) {
  return {.num_steps = 2000,
          .jitter = Jitter{.seed = seed,
                           .relative_spread = 0,
                           .between_steps = StepVariation{.correlation_steps = correlation_steps}}};
}

Cluster with_varying_host(const std::string& name) {
  Cluster cluster = star(2, 1e6, 0);
  cluster.hosts[static_cast<std::size_t>(host_index(cluster, name))].speed_spread = kSpread;
  return cluster;
}

/// A step of so many passes that take a second together, on the rank.
TinyProgram computing(int rank, int num_passes) {
  TinyProgram tiny({1, 1});
  for (int i = 0; i < num_passes; ++i) tiny.forward(rank, 1.0 / num_passes, i);
  return tiny;
}

/// A megabyte there and back: a second each at the links' bandwidth.
TinyProgram ping_pong() {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  return tiny;
}

std::string refusal(const Cluster& cluster, const StepVariation& variation,
                    std::vector<Slowdown> slowdowns = {}) {
  const Conditions conditions{.jitter = Jitter{.between_steps = variation},
                              .background_traffic = {},
                              .slowdowns = std::move(slowdowns)};
  try {
    check_conditions(conditions, "conditions.json", ping_pong().program, cluster);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("factors last for a geometric number of steps, around a median of 1", "[simulator]") {
  FactorSequence factors(1, "host a", 0.5, 10);
  constexpr int kSteps = 20000;
  int num_changes = 0;
  int num_faster = 0;
  for (int step = 1; step < kSteps; ++step) {
    if (factors.at(step) != factors.at(step - 1)) ++num_changes;
    if (factors.at(step) > 1) ++num_faster;
  }
  // 2000 draws: three standard deviations of their number are 130, of the share above 1 3.4 %, and
  // a third of that more as draws last unequally long.
  CHECK(num_changes > 1870);
  CHECK(num_changes < 2130);
  CHECK(num_faster > 0.45 * kSteps);
  CHECK(num_faster < 0.55 * kSteps);
  FactorSequence again(1, "host a", 0.5, 10);
  CHECK(again.at(kSteps - 1) == factors.at(kSteps - 1));
  CHECK(FactorSequence(1, "host b", 0.5, 10).at(0) != factors.at(0));
  CHECK(FactorSequence(2, "host a", 0.5, 10).at(0) != factors.at(0));
}

TEST_CASE("a host that varies more has the same good and bad steps", "[simulator]") {
  FactorSequence little(1, "host a", 0.1, 3);
  FactorSequence much(1, "host a", 1, 3);
  for (int step = 0; step < 100; ++step) {
    CHECK((little.at(step) > 1) == (much.at(step) > 1));
    CHECK(std::abs(std::log(little.at(step))) < std::abs(std::log(much.at(step))));
  }
}

TEST_CASE("what varies between steps does not average out within one", "[simulator]") {
  Conditions within = varying(1);
  within.jitter = Jitter{.seed = 1, .relative_spread = kSpread};
  const std::vector<SimulatedPlan> plans =
      replayed({{computing(0, 1), with_varying_host("h0"), varying(1)},
                {computing(0, 25), with_varying_host("h0"), varying(1)},
                {computing(0, 25), with_varying_host("h0"), within},
                {computing(0, 25), with_varying_host("h1"), varying(1)}});
  // With 2000 steps, a percentile is known to about 4 %.
  for (const std::size_t i : {0U, 1U}) {
    CHECK_THAT(plans[i].figures.steps.median_s, WithinRel(1.0, 0.04));
    CHECK_THAT(plans[i].figures.steps.p95_s, WithinRel(kSlowest, 0.08));
    CHECK_THAT(plans[i].figures.steps.p5_s, WithinRel(1 / kSlowest, 0.08));
  }
  // A fifth of the spread, around the mean exp(sigma^2 / 2) = 1.07.
  CHECK(plans[2].figures.steps.p95_s < 1.25);
  CHECK_THAT(plans[3].figures.steps.p95_s, WithinRel(1.0, 1e-9));  // on another host
}

TEST_CASE("a link that varies holds messages up, or lets the next link do so", "[simulator]") {
  Cluster one = star(2, 1e6, 0);
  one.hosts[0].bandwidth_spread = kSpread;
  Cluster both = star(2, 1e6, 0);
  both.network.bandwidth_spread = kSpread;
  Conditions stated = varying(1);
  stated.jitter->between_steps->spreads = {
      {.resource = {.host = {}, .link = "h0"}, .spread = kSpread}};
  const std::vector<SimulatedPlan> plans = replayed({{ping_pong(), one, varying(1)},
                                                     {ping_pong(), both, varying(1)},
                                                     {ping_pong(), star(2, 1e6, 0), stated}});
  // Half of the steps h0's link is the narrower one.
  CHECK_THAT(plans[0].figures.steps.p5_s, WithinRel(2.0, 1e-6));
  CHECK_THAT(plans[0].figures.steps.median_s, WithinRel(2.0, 0.04));
  CHECK_THAT(plans[0].figures.steps.p95_s, WithinRel(2 * kSlowest, 0.08));
  // The narrower of two: 5 % are left where each leaves 1 - sqrt(0.95) = 2.53 %, which is 1.955
  // sigma; half where each leaves 29.3 %, 0.545 sigma.
  CHECK_THAT(plans[1].figures.steps.median_s, WithinRel(2 * 1.2213, 0.04));
  CHECK_THAT(plans[1].figures.steps.p95_s, WithinRel(2 * 2.0489, 0.08));
  CHECK(plans[2].figures.steps == plans[0].figures.steps);
}

TEST_CASE("the same steps are bad on a host, whatever the rank and the plan", "[simulator]") {
  // The same host by name, second in the one cluster, first in the other.
  Cluster swapped = star(2, 1e6, 0);
  std::swap(swapped.hosts[0], swapped.hosts[1]);
  for (Host& host : swapped.hosts)
    if (host.name == "h1") host.speed_spread = kSpread;
  TinyProgram first = computing(0, 1);
  std::swap(first.program.ranks[0].host, first.program.ranks[1].host);
  const std::vector<SimulatedPlan> plans =
      replayed({{computing(1, 1), with_varying_host("h1"), varying(4)},
                {std::move(first), swapped, varying(4)},
                {computing(1, 1), with_varying_host("h1"), varying(4, 2)}});
  CHECK(plans[0].figures.steps == plans[1].figures.steps);
  CHECK(plans[0].figures.steps != plans[2].figures.steps);
}

TEST_CASE("a cluster's spreads mean nothing where conditions do not ask for them", "[simulator]") {
  Cluster cluster = with_varying_host("h0");
  cluster.network.bandwidth_spread = kSpread;
  Conditions none = varying(1);
  none.num_steps = 20;
  none.jitter->between_steps.reset();
  const std::vector<SimulatedPlan> plans = replayed({{ping_pong(), cluster, none}});
  CHECK_THAT(plans[0].figures.steps.p95_s, WithinRel(2.0, 1e-6));
}

TEST_CASE("spreads of what is not there, or is slowed down, too, are refused", "[simulator]") {
  const Cluster cluster = star(2, 1e6, 0);
  const auto host = [](const std::string& name) {
    return ResourceSpread{.resource = {.host = name, .link = {}}, .spread = 1};
  };
  const auto link = [](const std::string& name) {
    return ResourceSpread{.resource = {.host = {}, .link = name}, .spread = 1};
  };
  CHECK(refusal(cluster, {.spreads = {host("h0"), link("h0"), link("h1.up")}}) == "accepted");
  CHECK(refusal(cluster, {.spreads = {host("h3")}}) ==
        "conditions.json: /jitter/between_steps/spreads/0/host: expected a host of the cluster "
        "(h0, h1), found \"h3\", did you mean \"h0\"?");
  CHECK(refusal(cluster, {.spreads = {host("h0"), host("h0")}}) ==
        "conditions.json: /jitter/between_steps/spreads/1: expected one spread of host \"h0\", "
        "found a second (first at /jitter/between_steps/spreads/0)");
  CHECK(refusal(cluster, {.spreads = {link("h1"), link("h1.up")}}) ==
        "conditions.json: /jitter/between_steps/spreads/1: expected one spread of link \"h1.up\", "
        "found a second (first at /jitter/between_steps/spreads/0)");
  const Slowdown slow{.resource = {.host = {}, .link = "h1"},
                      .profile = {{.at_s = 0, .factor = 0.5}},
                      .every_s = {}};
  CHECK(refusal(cluster, {.spreads = {link("h0")}}, {slow}) == "accepted");
  CHECK(refusal(cluster, {.spreads = {link("h1")}}, {slow}) ==
        "conditions.json: /slowdowns/0/link: expected no slowdown of a link that varies between "
        "steps, found \"h1\": give it the spread 0 in /jitter/between_steps/spreads");
}
