#include "executor/probe/probe_job.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

/// As it comes out of a connection.
Frame sent(const Frame& frame) {
  FrameReader reader(1 << 20);
  reader.add(encode(frame));
  return *reader.next();
}

TEST_CASE("a probe's job reaches the rank unchanged", "[executor]") {
  ProbeJob job;
  job.rank = 2;
  job.num_threads = 8;
  job.compute_s = 30;
  job.has_other_machines = true;
  job.one_is_alone_first = true;
  job.rounds = {{{0, 1}, {2, 3}}, {{0, 3}}};
  job.names = {"node3", "node1"};
  job.model = "{\"a\": 1}";
  const ProbeJob got = probe_job_from(sent(to_frame(job)));
  CHECK(got.rank == 2);
  CHECK(got.num_threads == 8);
  CHECK(got.compute_s == 30);
  CHECK(got.has_other_machines);
  CHECK(got.one_is_alone_first);
  CHECK(got.rounds == job.rounds);
  CHECK(got.names == job.names);
  CHECK(got.model == job.model);
}

TEST_CASE("what a rank measured reaches the coordinator unchanged", "[executor]") {
  ProbeReport report;
  report.address = "10.0.0.3";
  report.pass = {.median_s = 0.25, .spread_s = 0.125};
  report.pass_alone = {.median_s = 0.5, .spread_s = 0.0625};
  report.wall_minus_steady_clock_s = 1e9 + 0.25;
  report.num_samples = 32;
  report.loopback_names = {{.name = "node3", .address = "127.0.1.1"}};
  CHECK_FALSE(probe_report_from(sent(to_frame(report))).speed_spread);
  CHECK_FALSE(probe_report_from(sent(to_frame(report))).load);
  report.speed_spread = 0.375;
  report.load = {.pass_s = 0.01,
                 .message_s = 1e-4,
                 .transport_s_per_byte = 2e-9,
                 .reduction_bytes = 4096,
                 .reduction_s = 0.5};
  const ProbeReport got = probe_report_from(sent(to_frame(report)));
  CHECK(got.address == report.address);
  CHECK(got.pass.median_s == 0.25);
  CHECK(got.pass.spread_s == 0.125);
  CHECK(got.pass_alone.median_s == 0.5);
  CHECK(got.wall_minus_steady_clock_s == 1e9 + 0.25);
  CHECK(got.num_samples == 32);
  CHECK(got.speed_spread == 0.375);
  CHECK(got.loopback_names == report.loopback_names);
  CHECK(got.load == report.load);

  const ProbedWay way = probed_way_from(sent(to_frame(ProbedWay{.from = 1,
                                                                .to = 2,
                                                                .latency_s = 0.5,
                                                                .bandwidth_bytes_per_s = 3,
                                                                .burst_bytes = 1000,
                                                                .spread = 0.25})));
  CHECK(way.from == 1);
  CHECK(way.to == 2);
  CHECK(way.latency_s == 0.5);
  CHECK(way.bandwidth_bytes_per_s == 3);
  CHECK(way.burst_bytes == 1000);
  CHECK(way.spread == 0.25);

  const ProbedReduction reduction = probed_reduction_from(
      sent(to_frame(ProbedReduction{.bytes = 4096, .time = {.median_s = 0.5, .spread_s = 0.25}})));
  CHECK(reduction.bytes == 4096);
  CHECK(reduction.time.median_s == 0.5);
  CHECK(reduction.time.spread_s == 0.25);
}

TEST_CASE("a frame that is none of a probe is refused", "[executor]") {
  const Frame other{.header = {{"type", "job"}, {"rank", "two"}}, .payload = {}};
  CHECK_THROWS_AS(probe_job_from(other), FrameError);
  CHECK_THROWS_AS(probe_report_from(other), FrameError);
  CHECK_THROWS_AS(probed_way_from(other), FrameError);
  CHECK_THROWS_AS(probed_reduction_from(other), FrameError);
}

}  // namespace
}  // namespace cadastre
