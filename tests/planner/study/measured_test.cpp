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
  CHECK_THAT(mean_processor_part(measured), WithinRel(0.75, 1e-12));
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
