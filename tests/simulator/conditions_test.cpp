// SimGrid allows one engine in a process, so a test case replays once; ctest runs each in a process
// of its own. Those that need more replay in processes of their own.

#include "planner/conditions.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "planner/error.h"
#include "simulator/environment.h"
#include "simulator/isolated.h"
#include "simulator/packed_plan.h"
#include "simulator/replay.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"

using namespace cadastre;

namespace {

constexpr double kBandwidth = 1e6;  // bytes per second

ReplayResult replayed(const TinyProgram& tiny, const Cluster& cluster,
                      const Conditions& conditions) {
  check_conditions(conditions, "conditions.json", tiny.program, cluster);
  return replay(tiny.program, tiny.costs, cluster,
                {.conditions = conditions, .spreads = {}, .meter_links = true, .paje_file = ""});
}

/// Replays in processes of their own.
std::vector<SimulatedPlan> replayed_apart(const TinyProgram& tiny, const Cluster& cluster,
                                          const std::vector<Conditions>& conditions) {
  std::vector<IsolatedWork> work;
  for (const Conditions& each : conditions)
    work.emplace_back([&tiny, &cluster, &each] {
      ReplayResult result = replayed(tiny, cluster, each);
      return packed({.strategy = "test",
                     .simulated_step_s = result.figures.steps.mean_s,
                     .timeline = std::move(result.timeline),
                     .figures = std::move(result.figures)});
    });
  std::vector<SimulatedPlan> plans;
  for (const IsolatedResult& result : run_isolated(work, num_usable_cores())) {
    REQUIRE(result.error.empty());
    plans.push_back(unpacked(result.output));
  }
  return plans;
}

TinyProgram computing(double seconds) {
  TinyProgram tiny({1});
  tiny.forward(0, seconds);
  return tiny;
}

/// Two ranks that exchange so many bytes each way, one way after the other.
TinyProgram ping_pong(std::int64_t bytes) {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, bytes);
  tiny.receive_activation(1, 0, bytes);
  tiny.send_gradient(1, 0, bytes);
  tiny.receive_gradient(0, 1, bytes);
  return tiny;
}

const LinkUse& use_of(const ReplayResult& result, const std::string& link) {
  const auto found = std::find_if(result.figures.links.begin(), result.figures.links.end(),
                                  [&](const LinkUse& use) { return use.link == link; });
  REQUIRE(found != result.figures.links.end());
  return *found;
}

std::string refusal(const Conditions& conditions, const TinyProgram& tiny, const Cluster& cluster) {
  try {
    check_conditions(conditions, "conditions.json", tiny.program, cluster);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a slow host computes by its profile", "[simulator]") {
  // Each step has 4 s of work. From 5 s on the host gives a quarter: the second step has 3 s of its
  // work left then, and needs 12 s for 2 s of these until 13 s, when the host recovers: 1 s more.
  const ReplayResult result = replayed(
      computing(4), star(1, kBandwidth, 0),
      {.num_steps = 1,
       .slowdowns = {{.resource = {.host = "h0"},
                      .profile = {{.at_s = 5, .factor = 0.25}, {.at_s = 13, .factor = 1}}}}});
  CHECK_THAT(result.timeline.step_s, WithinRel(1 + 8 + 1.0, 1e-6));
}

TEST_CASE("a profile of slowness repeats", "[simulator]") {
  // Of every 10 s, the host gives the whole for 6 and a half for 4: 8 s of work.
  const ReplayResult result = replayed(
      computing(8), star(1, kBandwidth, 0),
      {.num_steps = 50,
       .slowdowns = {
           {.resource = {.host = "h0"}, .profile = {{.at_s = 6, .factor = 0.5}}, .every_s = 10}}});
  CHECK_THAT(result.figures.steps.mean_s, WithinRel(10.0, 1e-6));
  CHECK_THAT(result.figures.run.run_s, WithinRel(510.0, 1e-6));
}

TEST_CASE("a slow link carries by its profile, both ways", "[simulator]") {
  // 1 MB there and back takes 2 s; from 2 s on, the link of h1 gives a half.
  const ReplayResult result = replayed(
      ping_pong(1'000'000), star(2, kBandwidth, 0),
      {.num_steps = 1,
       .slowdowns = {{.resource = {.link = "h1"}, .profile = {{.at_s = 2, .factor = 0.5}}}}});
  CHECK_THAT(result.timeline.step_s, WithinRel(4.0, 1e-6));
}

TEST_CASE("background traffic takes its fair part of a link, and no more than it has",
          "[simulator]") {
  // h0 sends to h1 what h2 also sends to: the link of h1 is shared.
  TinyProgram tiny({1, 1, 1});
  tiny.send_activation(0, 1, 3'000'000);
  tiny.receive_activation(1, 0, 3'000'000);
  tiny.send_gradient(1, 0, 1);
  tiny.receive_gradient(0, 1, 1);
  tiny.forward(2, 1);
  const auto with = [](double bytes_per_s) {
    return Conditions{
        .num_steps = 1,
        .background_traffic = {{.from = "h2", .to = "h1", .bandwidth_bytes_per_s = bytes_per_s}}};
  };
  const std::vector<SimulatedPlan> plans =
      replayed_apart(tiny, star(3, kBandwidth, 0), {Conditions{}, with(0.25e6), with(5e6)});
  CHECK_THAT(plans[0].simulated_step_s, WithinRel(3.0, 1e-5));
  CHECK_THAT(plans[1].simulated_step_s, WithinRel(3 / 0.75, 1e-5));  // it leaves three quarters
  CHECK_THAT(plans[2].simulated_step_s, WithinRel(3 / 0.5, 1e-5));   // max-min: a half each
}

TEST_CASE("background traffic ends when it should", "[simulator]") {
  // Until 2 s half the link is left: of 3 MB, 1 MB is through by then, and 2 MB take 2 s more.
  const ReplayResult result = replayed(
      ping_pong(3'000'000), star(2, kBandwidth, 0),
      {.num_steps = 1,
       .background_traffic = {
           {.from = "h0", .to = "h1", .bandwidth_bytes_per_s = 1e6, .from_s = 6, .until_s = 8}}});
  // The first step takes 6 s, the second 4 s there and 3 s back.
  CHECK_THAT(result.timeline.step_s, WithinRel(7.0, 1e-6));
}

TEST_CASE("jitter is the same for a seed and has the spread that was asked for", "[simulator]") {
  const auto with = [](std::uint64_t seed, double spread) {
    return Conditions{.num_steps = 2000, .jitter = Jitter{.seed = seed, .relative_spread = spread}};
  };
  const std::vector<SimulatedPlan> plans = replayed_apart(
      computing(1), star(1, kBandwidth, 0), {with(1, 0.2), with(1, 0.2), with(2, 0.2), with(1, 0)});
  CHECK(packed(plans[0]) == packed(plans[1]));
  CHECK(plans[0].simulated_step_s != plans[2].simulated_step_s);
  CHECK_THAT(plans[3].figures.steps.p95_s, WithinRel(1.0, 1e-9));
  // sigma = asinh(0.1) / 0.6745 = 0.148; the 5th and 95th percentiles are exp(-+1.645 sigma), the
  // mean is exp(sigma^2 / 2). With 2000 steps, a percentile is known to about 1.5 %.
  const StepStatistics& steps = plans[0].figures.steps;
  CHECK_THAT(steps.median_s, WithinRel(1.0, 0.02));
  CHECK_THAT(steps.p5_s, WithinRel(0.784, 0.03));
  CHECK_THAT(steps.p95_s, WithinRel(1.276, 0.03));
  CHECK_THAT(steps.mean_s, WithinRel(1.011, 0.02));
}

TEST_CASE("a failure costs what was not checkpointed, the outage and the restart", "[simulator]") {
  // Steps of 1 s, a checkpoint of 0.25 s after every second: 2.25 s for two steps. At 5.5 s four
  // steps are safe (4.5 s) and one second of work is not. The run is seen dead after 0.5 s and
  // starts 2 s later, at 8 s, with step 4; seven steps are left, with checkpoints after steps 5, 7
  // and 9: 7 + 0.75 s.
  const ReplayResult result = replayed(
      computing(1), star(2, kBandwidth, 0),
      {.num_steps = 10,
       .failures = {{.resource = {.host = "h0"}, .at_s = 5.5, .back_after_s = 0.25},
                    {.resource = {.host = "h1"}, .at_s = 6}},
       .recovery = {
           .checkpoint_every_steps = 2, .checkpoint_s = 0.25, .detection_s = 0.5, .restart_s = 2}});
  CHECK_THAT(result.figures.run.run_s, WithinRel(8 + 7 + 0.75, 1e-9));
  REQUIRE(result.figures.run.restarts.size() == 1);  // nothing is on h1
  const Restart& restart = result.figures.run.restarts[0];
  CHECK(restart.resource.host == "h0");
  CHECK_THAT(restart.failed_at_s, WithinRel(5.5, 1e-9));
  CHECK_THAT(restart.resumed_at_s, WithinRel(8.0, 1e-9));
  CHECK(restart.from_step == 4);
  CHECK_THAT(restart.lost_s, WithinRel(1.0, 1e-9));
  CHECK_THAT(result.figures.run.checkpoint_s, WithinRel(5 * 0.25, 1e-9));
  // The first step ended at 1 s.
  CHECK_THAT(result.figures.steps.mean_s, WithinRel((15.75 - 1) / 10, 1e-9));
}

TEST_CASE("without checkpoints a failure costs all there was, messages under way included",
          "[simulator]") {
  // A step takes 2 s. The link fails at 3 s, is back at 4 s, and three steps are done from there.
  const ReplayResult result = replayed(
      ping_pong(1'000'000), star(2, kBandwidth, 0),
      {.num_steps = 2, .failures = {{.resource = {.link = "h1"}, .at_s = 3, .back_after_s = 1}}});
  CHECK_THAT(result.figures.run.run_s, WithinRel(4.0 + 3 * 2, 1e-6));
  CHECK(result.figures.run.restarts.at(0).from_step == 0);
  // The two steps were done at 10 s, and the first had ended at 2 s.
  CHECK_THAT(result.figures.steps.mean_s, WithinRel(4.0, 1e-6));
  CHECK(result.figures.traffic ==
        std::vector<HostTraffic>{{.from = "h0", .to = "h1", .bytes = 1'000'000},
                                 {.from = "h1", .to = "h0", .bytes = 1'000'000}});
}

TEST_CASE("a failure ends reductions that are under way, too", "[simulator]") {
  // Of a step 1 s is forward, and 2 s are two rounds of 1 MB, beside 1.5 s of computing. At 5 s, in
  // the middle of the second step's reduction, a link fails; from 6 s on two steps are done.
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.forward(r, 1);
    tiny.start_reduction(r, 0, 2'000'000);
    tiny.forward(r, 1.5, 1);
    tiny.wait_for_reductions(r, 2'000'000);
  }
  const ReplayResult result = replayed(
      tiny, star(2, kBandwidth, 0),
      {.num_steps = 1, .failures = {{.resource = {.link = "h1"}, .at_s = 5, .back_after_s = 1}}});
  CHECK_THAT(result.figures.run.run_s, WithinRel(6.0 + 2 * 3, 1e-6));
  CHECK(result.figures.hosts.at(0).sent_bytes == 2'000'000);
  // Since the first step ended: 2 s that are lost, and two steps.
  CHECK_THAT(result.figures.hosts.at(0).compute_s, WithinRel(2 + 2 * 2.5, 1e-6));
}

TEST_CASE("a failure during an outage puts the restart off", "[simulator]") {
  const ReplayResult result =
      replayed(computing(1), star(1, kBandwidth, 0),
               {.num_steps = 1,
                .failures = {{.resource = {.host = "h0"}, .at_s = 1.5, .back_after_s = 2},
                             {.resource = {.host = "h0"}, .at_s = 3, .back_after_s = 4}},
                .recovery = {.restart_s = 1}});
  // Back at 7 s, running at 8 s, two steps from there.
  CHECK_THAT(result.figures.run.run_s, WithinRel(10.0, 1e-9));
  REQUIRE(result.figures.run.restarts.size() == 2);
  CHECK(result.figures.run.restarts[1].lost_s == 0);
}

TEST_CASE("a failure after some ranks have ended the run makes them end it again", "[simulator]") {
  // Steps of 1 s and of 3 s: h0 has done its two at 2 s. At 5 s h1 fails, and at 6 s both begin
  // again.
  Cluster cluster = star(2, kBandwidth, 0);
  cluster.hosts[0].watts = 50;
  cluster.hosts[0].idle_watts = 10;
  TinyProgram tiny({1, 1});
  tiny.forward(0, 1);
  tiny.forward(1, 3);
  const ReplayResult result = replayed(
      tiny, cluster,
      {.num_steps = 1, .failures = {{.resource = {.host = "h1"}, .at_s = 5, .back_after_s = 1}}});
  CHECK_THAT(result.figures.run.run_s, WithinRel(12.0, 1e-9));
  // From the end of its first step at 1 s to the end of its last at 8 s, it computes 1 + 2 s.
  const SimulatedHost& host = result.figures.hosts.at(0);
  CHECK_THAT(host.compute_s, WithinRel(3.0, 1e-9));
  CHECK_THAT(host.waiting_s, WithinRel(4.0, 1e-9));
  CHECK_THAT(host.energy_j, WithinRel(3 * 50 + 4 * 10.0, 1e-6));
}

TEST_CASE("what arrives before its receiver begins the step is counted", "[simulator]") {
  // h0 sends the message of the last step at 2 s, h1 ends the step before at 4 s.
  TinyProgram tiny({1, 1});
  tiny.forward(0, 1);
  tiny.send_activation(0, 1, 1000);
  tiny.receive_activation(1, 0, 1000);
  tiny.forward(1, 3);
  const ReplayResult result = replayed(tiny, star(2, kBandwidth, 0), {.num_steps = 1});
  CHECK(result.figures.hosts.at(0).sent_bytes == 1000);
  CHECK(result.figures.hosts.at(1).received_bytes == 1000);
}

TEST_CASE("a host's step is divided into computing, receiving, sending and waiting",
          "[simulator]") {
  // h0 computes 1 s and sends 2 MB (2 s); h1 waits 1 s, receives 2 s, computes 3 s and answers with
  // 1 MB (1 s), for which h0 waits. h0 meanwhile: 2 s with its message under way, 3 s with nothing
  // on the network, 1 s receiving. A step takes 7 s, in the last of which h1 sends.
  TinyProgram tiny({1, 1});
  tiny.forward(0, 1);
  tiny.send_activation(0, 1, 2'000'000);
  tiny.receive_activation(1, 0, 2'000'000);
  tiny.forward(1, 3);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  const ReplayResult result = replayed(tiny, star(2, kBandwidth, 0), {.num_steps = 3});
  const SimulatedHost& first = result.figures.hosts.at(0);
  const SimulatedHost& second = result.figures.hosts.at(1);
  CHECK_THAT(first.compute_s, WithinRel(1.0, 1e-6));
  CHECK_THAT(first.sending_s, WithinRel(2.0, 1e-6));
  CHECK_THAT(first.waiting_s, WithinRel(3.0, 1e-6));
  CHECK_THAT(first.receiving_s, WithinRel(1.0, 1e-6));
  CHECK_THAT(second.compute_s, WithinRel(3.0, 1e-6));
  CHECK_THAT(second.receiving_s, WithinRel(2.0, 1e-6));
  CHECK_THAT(second.sending_s, WithinRel(1.0, 1e-6));
  CHECK_THAT(second.waiting_s, WithinRel(1.0, 1e-6));
  CHECK(first.sent_bytes == 2'000'000);
  CHECK(first.received_bytes == 1'000'000);
  CHECK_THAT(use_of(result, "h0.up").bytes, WithinRel(2e6, 1e-6));
  CHECK_THAT(use_of(result, "h1.down").bytes, WithinRel(2e6, 1e-6));
  CHECK_THAT(use_of(result, "h1.up").bytes, WithinRel(1e6, 1e-6));
  // By hundredths of 7 s: the message fills the link from 1 s to 3 s.
  const std::vector<double>& use = use_of(result, "h0.up").utilisation;
  REQUIRE(use.size() == 100);
  CHECK_THAT(std::accumulate(use.begin(), use.end(), 0.0) * 0.07, WithinRel(2.0, 1e-5));
  CHECK(use[10] < 1e-6);
  CHECK_THAT(use[20], WithinRel(1.0, 1e-5));
  CHECK(use[60] < 1e-6);
}

TEST_CASE("a host takes its watts while it computes and its idle watts else", "[simulator]") {
  TinyProgram tiny({1, 1});
  tiny.forward(0, 1);
  tiny.send_activation(0, 1, 1'000'000);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.forward(1, 2);
  tiny.send_gradient(1, 0, 1'000'000);
  tiny.receive_gradient(0, 1, 1'000'000);
  Cluster cluster = star(2, kBandwidth, 0);
  cluster.hosts[0].watts = 100;
  cluster.hosts[0].idle_watts = 40;
  cluster.hosts[1].watts = 70;  // all the time
  const ReplayResult result = replayed(tiny, cluster, {.num_steps = 4});
  // 5 s a step, of which the first host computes 1.
  CHECK_THAT(result.figures.hosts[0].energy_j, WithinRel(1 * 100 + 4 * 40.0, 1e-6));
  CHECK_THAT(result.figures.hosts[1].energy_j, WithinRel(5 * 70.0, 1e-6));
}

TEST_CASE("a second slowdown of a link's direction is refused", "[simulator]") {
  const TinyProgram tiny = ping_pong(10);
  const Cluster cluster = star(2, kBandwidth, 0);
  const auto of = [](const std::string& link) {
    return Slowdown{.resource = {.link = link}, .profile = {{.at_s = 0, .factor = 0.5}}};
  };
  CHECK(refusal({.slowdowns = {of("h0"), of("h0.up")}}, tiny, cluster) ==
        "conditions.json: /slowdowns/1: expected one slowdown of link \"h0.up\", found a second "
        "(first at /slowdowns/0)");
  CHECK(refusal({.slowdowns = {of("h0.down"), of("h0.up"), of("h1")}}, tiny, cluster).empty());
}

TEST_CASE("conditions that name what the cluster has not are refused where they are",
          "[simulator]") {
  const TinyProgram tiny = ping_pong(10);
  const Cluster cluster = star(3, kBandwidth, 0);
  CHECK(refusal({.slowdowns = {{.resource = {.host = "h7"}, .profile = {{}}}}}, tiny, cluster) ==
        "conditions.json: /slowdowns/0/host: expected a host of the cluster (h0, h1, h2), found "
        "\"h7\", did you mean \"h0\"?");
  CHECK(refusal({.failures = {{.resource = {.link = "switch"}, .at_s = 1}}}, tiny, cluster) ==
        "conditions.json: /failures/0/link: expected a link of the cluster (h0, h1, h2), found "
        "\"switch\"");
  CHECK(
      refusal({.background_traffic = {{.from = "h0", .to = "nowhere", .bandwidth_bytes_per_s = 1}}},
              tiny, cluster) ==
      "conditions.json: /background_traffic/0/to: expected a host of the cluster (h0, h1, h2), "
      "found \"nowhere\"");
  CHECK(
      refusal({.failures = {{.resource = {.host = "h2"}, .at_s = 1},
                            {.resource = {.host = "h1"}, .at_s = 1}}},
              tiny, cluster) ==
      "conditions.json: /failures/1: expected \"back_after_s\", as the plan needs host \"h1\" and "
      "could never end, found a failure for ever");
  CHECK(refusal({.failures = {{.resource = {.link = "h2"}, .at_s = 1}}}, tiny, cluster).empty());
  CHECK(
      refusal({.failures = {{.resource = {.link = "h0"}, .at_s = 1}}}, tiny, cluster) ==
      "conditions.json: /failures/0: expected \"back_after_s\", as the plan needs link \"h0\" and "
      "could never end, found a failure for ever");
}
