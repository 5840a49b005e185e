#include "planner/study/measured.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;

namespace {

/// 8 steps of 4 samples in 0.5 s each; two ranks, of which the first computes 0.25 s of a step.
RunRecord run() {
  RunRecord run;
  run.strategy = "branch";
  run.batch_size = 4;
  run.measured_step_s = 0.5;
  run.traffic_bytes_per_step = 1000;
  run.steps.resize(8);
  run.training.epochs = 2;
  return run;
}

Timeline timeline() {
  Timeline timeline;
  timeline.step_s = 0.5;
  timeline.ranks = {{.host = "a", .parts = {}}, {.host = "b", .parts = {}}};
  for (const double cpu_s : {0.1, 0.15}) {
    TimelineEvent event;
    event.cpu_s = cpu_s;
    timeline.events.push_back(event);
  }
  TimelineEvent longer;
  longer.rank = 1;
  longer.cpu_s = 0.6;
  timeline.events.push_back(longer);
  return timeline;
}

PlanDocument document() {
  PlanDocument document;
  document.plan.batch_size = 4;
  document.plan.stages = {
      {.layers = {"first", "last"}, .replicas = {{.host = "a", .share = 1}}, .recompute = false}};
  HostPrediction host;
  host.host = "b";
  host.sent_bytes = 7;
  document.plan.predicted.hosts = {host};
  return document;
}

}  // namespace

TEST_CASE("a measured architecture tells each host's processor and bytes", "[planner]") {
  const MeasuredArchitecture measured = measured_architecture(run(), timeline(), document());
  REQUIRE(measured.hosts.size() == 2);
  CHECK_THAT(measured.hosts[0].processor_part, WithinRel(0.5, 1e-12));
  CHECK(measured.hosts[0].predicted_bytes == 0);
  CHECK(measured.hosts[1].processor_part == 1);  // 0.6 s of 0.5 s is the clock's
  CHECK(measured.hosts[1].predicted_bytes == 7);
  CHECK(measured.plan.stages.front().last_layer == "last");
}

TEST_CASE("an epoch takes its steps, where it was trained to its end", "[planner]") {
  const auto epoch_s = [](const RunRecord& of) {
    return measured_architecture(of, timeline(), document()).epoch_s;
  };
  RunRecord record = run();
  CHECK(epoch_s(record) == 2.0);  // 8 steps of 0.5 s for 2 epochs
  record.training.samples_per_epoch = 16;  // 4 steps
  CHECK(epoch_s(record) == 2.0);
  record.training.samples_per_epoch = 0;
  record.training.max_steps = 8;
  CHECK_FALSE(epoch_s(record).has_value());
}

TEST_CASE("what the kernel counted of a rank goes before its computing thread", "[planner]") {
  RunRecord record = run();
  for (const char* name : {"a", "b"}) {
    HostUse use;
    use.host = name;
    use.cores = 0.5;
    use.step_s = 0.5;
    use.cpu_s_per_step = name[0] == 'a' ? 0.125 : 0.3;
    use.sent_bytes_per_step = 1100;
    use.received_bytes_per_step = 60;
    record.host_use.push_back(use);
  }
  const MeasuredArchitecture measured = measured_architecture(record, timeline(), document());
  CHECK_THAT(measured.hosts[0].processor_part, WithinRel(0.5, 1e-12));  // 0.125 s of 0.25 s
  CHECK(measured.hosts[1].processor_part == 1);
  CHECK(measured.hosts[0].sent_bytes == 1100.0);
  CHECK(measured.hosts[0].received_bytes == 60.0);
  CHECK(documents::reread(to_json(measured), measured_from_json) == measured);
}

TEST_CASE("the step of averaged parameters has its part of the averaging", "[planner]") {
  RunRecord record = run();
  // Rounds of two: 0.1 s of computing, then 0.1 s and 0.8 s of averaging; the third round is slow.
  const std::vector<double> durations_s = {9, 9, 0.1, 0.9, 0.1, 0.9, 0.1, 4.9};
  double now_s = 0;
  for (std::size_t i = 0; i < durations_s.size(); ++i)
    record.steps[i].end_s = now_s += durations_s[i];
  record.measured_step_s = 0.5;
  PlanDocument averaged = document();
  averaged.plan.averaging_period = 2;
  // Means of rounds 1, 2 and 3: 0.5, 0.5 and 2.5 s.
  CHECK_THAT(measured_architecture(record, timeline(), averaged).step_s, WithinRel(0.5, 1e-12));
  record.measured_step_s = 0.1;  // the median of steps
  CHECK_THAT(measured_architecture(record, timeline(), averaged).step_s, WithinRel(0.5, 1e-12));
  averaged.plan.averaging_period = 8;  // there is no second round
  CHECK(measured_architecture(record, timeline(), averaged).step_s == 0.1);
}

TEST_CASE("hosts that the plan does not compute on count in no mean", "[planner]") {
  MeasuredArchitecture measured = measured_architecture(run(), timeline(), document());
  MeasuredHost driver;
  driver.name = "driver";
  driver.processor_part = 0.01;
  measured.hosts.push_back(driver);
  CHECK(computing_hosts(measured).size() == 1);  // the plan's stage is on "a"
  CHECK_THAT(mean_processor_part(measured), WithinRel(0.5, 1e-12));
}

TEST_CASE("a list of measured architectures is read, and tells where each was measured",
          "[planner]") {
  MeasuredArchitecture measured = measured_architecture(run(), timeline(), document());
  measured.machines = "2 hosts";
  measured.setting = "batch 4";
  CHECK(measured_name(measured) == "measured, 2 hosts, batch 4");
  measured.network = "half the width";
  CHECK(measured_name(measured) == "measured, 2 hosts, half the width, batch 4");
  const nlohmann::json list = {{"format", "cadastre-measured/1"},
                               {"measured", {to_json(measured)}}};
  const auto read = [](const nlohmann::json& document) {
    return measured_list_from_json(JsonPlace(document, "m.json", ""));
  };
  CHECK(read(list) == std::vector<MeasuredArchitecture>{measured});
  CHECK(documents::refusal_of({{"format", "cadastre-measured/1"}, {"measured", {{{"a", 1}}}}},
                              measured_list_from_json)
            .find("/measured/0: expected the key \"strategy\"") == 0);
}

TEST_CASE("a measured architecture is read as it was written", "[planner]") {
  MeasuredArchitecture measured = measured_architecture(run(), timeline(), document());
  measured.overall_accuracy = 0.9;
  measured.kappa = -0.1;
  measured.inference_s = 2;
  measured.inference_pixels = 100;
  CHECK(documents::reread(to_json(measured), measured_from_json) == measured);
  MeasuredArchitecture none;
  none.strategy = "hybrid";
  none.error = "divides nothing";
  CHECK(documents::reread(to_json(none), measured_from_json) == none);
  CHECK(measured_table({measured, none}).find("none") != std::string::npos);
}
