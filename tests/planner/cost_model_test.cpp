#include "planner/cost_model.h"

#include "planner/all_reduce_cost.h"
#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/prediction.h"
#include "tests/support/catch.h"
#include "tests/support/tiny_programs.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

TEST_CASE("a single host takes forward and backward of every layer", "[planner]") {
  const Profile profile = chain({1, 2});
  const Plan plan = pipeline(profile.model, hosts({2}), {2}, 4, 1);
  const Prediction prediction = predict(plan, profile, hosts({2}));
  // 4 samples × (1 + 2) s × 3 (backward is twice forward) at twice the speed.
  CHECK_THAT(prediction.step_s, WithinRel(4 * 3 * 3 / 2.0, 1e-12));
  CHECK(prediction.traffic_bytes_per_step == 0);
  CHECK_THAT(prediction.hosts[0].waiting_s, Catch::Matchers::WithinAbs(0, 1e-12));
}

TEST_CASE("loading and the loss take something of every micro-batch, however few its samples",
          "[planner]") {
  Profile profile = chain({1, 2});
  profile.load_s_per_sample = 0.5;
  profile.load_s_per_micro_batch = 0.25;
  profile.loss_s_per_sample = 0.125;
  profile.loss_s_per_micro_batch = 2;
  const auto step_s = [&](std::int64_t micro_batches) {
    const Plan plan = pipeline(profile.model, hosts({2}), {2}, 4, micro_batches);
    return predict(plan, profile, hosts({2})).step_s;
  };
  const double of_samples_s = 4 * (3 * 3 + 0.5 + 0.125);
  CHECK_THAT(step_s(1), WithinRel((of_samples_s + 2.25) / 2, 1e-12));
  CHECK_THAT(step_s(4), WithinRel((of_samples_s + 4 * 2.25) / 2, 1e-12));
}

TEST_CASE("GPipe on equal stages with a free network has its textbook bubble", "[planner]") {
  // S stages of f forward and b backward a micro-batch take (M + S - 1) (f + b).
  for (const std::int64_t micro_batches : {1, 2, 4, 8}) {
    const Profile profile = chain({1, 1, 1});
    Cluster cluster = hosts({1, 1, 1});
    cluster.network.bandwidth_bytes_per_s = 1e18;
    for (const Schedule schedule : {Schedule::kGpipe, Schedule::kOneForwardOneBackward}) {
      const Plan plan = pipeline(profile.model, cluster, {1, 1, 1}, 8, micro_batches, schedule);
      const double f = 8.0 / static_cast<double>(micro_batches);
      const double b = 2 * f;
      CHECK_THAT(predict(plan, profile, cluster).step_s,
                 WithinRel(static_cast<double>(micro_batches + 3 - 1) * (f + b), 1e-9));
    }
  }
}

TEST_CASE("a transfer takes latency and bytes over bandwidth, each way", "[planner]") {
  const Profile profile = chain({1, 1});
  Cluster cluster = two_hosts();
  cluster.network.latency_s = 0.125;  // each of two links on the way
  const Plan plan = pipeline(profile.model, cluster, {1, 1}, 1, 1);
  // F F B B = 1 + 1 + 2 + 2; 1,000 bytes at 1 MB/s there and back.
  CHECK_THAT(predict(plan, profile, cluster).step_s, WithinRel(6 + 2 * (2 * 0.125 + 0.001), 1e-12));
}

TEST_CASE("messages on one link queue", "[planner]") {
  // Both branches finish at 1 s and send 1,000 bytes to node3 at 1 kB/s: 1 s each, one after the
  // other.
  const Profile profile = two_branches({1, 0, 1, 0, 0, 0});
  Cluster cluster = hosts({1, 1, 1});
  cluster.network.bandwidth_bytes_per_s = 1000;
  Plan plan{.strategy = "branch", .batch_size = 1};
  plan.stages = {{.layers = {"a0", "a1"}, .replicas = {{"node1", 1}}},
                 {.layers = {"b0", "b1"}, .replicas = {{"node2", 1}}},
                 {.layers = {"join", "head"}, .replicas = {{"node3", 1}}}};
  // Branch a: forward 1, transfer 1, wait for b's transfer 1, head 0, gradient back 1, backward 2;
  // branch b gets its gradient a second later.
  const Program program = lower(plan, profile.model, cluster);
  const Timeline timeline =
      evaluate(program, program_costs(program, plan, profile, cluster), cluster);
  double head_s = 0;
  double first_s = 0;
  for (const TimelineEvent& event : timeline.events) {
    if (event.rank == 2 && event.kind == InstructionKind::kForward) head_s = event.start_s;
    if (event.rank == 0 && event.kind == InstructionKind::kForward) first_s = event.start_s;
  }
  CHECK_THAT(head_s - first_s, WithinRel(3.0, 1e-9));
}

TEST_CASE("a reduction over n replicas takes 2 (n - 1) rounds of an n-th", "[planner]") {
  const Profile profile = chain({1});
  const Cluster cluster = hosts({1, 1, 1, 1});
  const Plan plan = data_parallel(profile.model, cluster, {0.25, 0.25, 0.25, 0.25}, 4);
  // 250,000 bytes at 1 MB/s: 6 rounds of 0.0625 s, after 1 s forward and 2 s backward.
  CHECK_THAT(predict(plan, profile, cluster).step_s, WithinRel(3 + 6 * 0.0625, 1e-12));
  CHECK_THAT(ring_seconds(NetworkCosts(cluster), {0, 1, 2, 3}, 250000),
             WithinRel(6 * 0.0625, 1e-12));
  // With as long again in the rank that receives.
  Cluster busy = cluster;
  busy.network.reduction_s_per_byte = 1e-6;
  CHECK_THAT(ring_seconds(NetworkCosts(busy), {0, 1, 2, 3}, 250000), WithinRel(6 * 0.125, 1e-12));
}

TEST_CASE("messages of one round of an all-reduce share the links they cross", "[planner]") {
  // 1 MB/s a host, uplinks of 0.5 MB/s: in the first round of a tree over nodes 1 to 4, in the zone
  // and outside it in turns, both messages leave the zone.
  Cluster cluster = hosts({1, 1, 1, 1});
  cluster.network.zones = {{.name = "zone",
                            .hosts = {"node2", "node4"},
                            .bandwidth_bytes_per_s = 5e5,
                            .latency_s = 0.125}};
  const NetworkCosts network(cluster);
  const AllReduce tree{.algorithm = AllReduceAlgorithm::kTree, .root = {}};
  // 1 MB: 2 over the uplink in the first round and in the last, 1 between nodes 3 and 1 otherwise.
  CHECK_THAT(AllReduceCost(network, divided(tree, cluster), {0, 1, 2, 3}).seconds(1'000'000),
             WithinRel(2 * (4 + 0.125) + 2 * 1, 1e-12));
  // A cable is shared with nobody.
  cluster.network.direct_links = {
      {.from = "node3", .to = "node4", .bandwidth_bytes_per_s = 1e6, .latency_s = 0}};
  CHECK_THAT(
      AllReduceCost(NetworkCosts(cluster), divided(tree, cluster), {0, 1, 2, 3}).seconds(1'000'000),
      WithinRel(2 * (2 + 0.125) + 2 * 1, 1e-12));
  // With few bytes, the longest latency counts; with many, the slowest link.
  CHECK_THAT(AllReduceCost(NetworkCosts(cluster), divided(tree, cluster), {0, 1, 2, 3}).seconds(1),
             WithinRel(2 * (2e-6 + 0.125) + 2 * 1e-6, 1e-12));
}

TEST_CASE("parameters are averaged by the same all-reduce as gradients are reduced", "[planner]") {
  const Profile profile = chain({1});
  const Cluster cluster = hosts({1, 1, 1, 1, 1});
  Plan plan = data_parallel(profile.model, cluster, {0.25, 0.25, 0.25, 0.25}, 4);
  plan.all_reduce = {.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node5"};
  // 250,000 bytes of each of four there, and back, at 1 MB/s.
  CHECK_THAT(predict(plan, profile, cluster).step_s, WithinRel(3 + 2 * 1, 1e-12));
  CHECK(predict(plan, profile, cluster).traffic_bytes_per_step == 2 * 4 * 250'000);
  plan.averaging_period = 10;
  CHECK_THAT(predict(plan, profile, cluster).step_s, WithinRel(3 + 2 * 0.1, 1e-12));
  const Prediction prediction = predict(plan, profile, cluster);
  REQUIRE(prediction.hosts.size() == 5);
  // The server works while it serves, not while it waits, and holds a sum of all parameters.
  CHECK(prediction.hosts[4].host == "node5");
  CHECK_THAT(prediction.hosts[4].reduction_s, WithinRel(0.2, 1e-9));
  CHECK(prediction.hosts[4].peak_memory_bytes == 250'000);
  CHECK(prediction.hosts[4].sent_bytes == 4 * 25'000);
}

TEST_CASE("transport is done while a rank waits, or slows what it computes", "[planner]") {
  TinyProgram tiny({1, 1});
  tiny.send_activation(0, 1, 1'000'000);
  tiny.forward(0, 4);
  tiny.receive_activation(1, 0, 1'000'000);
  tiny.send_gradient(1, 0, 1);
  tiny.receive_gradient(0, 1, 1);
  Cluster cluster = star(2, 1e6, 0.25);
  CHECK_THAT(evaluate(tiny.program, tiny.costs, cluster).step_s, WithinRel(4.0, 1e-6));
  cluster.network.message_s = 0.25;
  cluster.network.transport_s_per_byte = 1e-6;
  const Timeline timeline = evaluate(tiny.program, tiny.costs, cluster);
  // The sender: 0.25 s to hand over, 4 s to compute, 1 s for the message. The receiver waits
  // anyway, 1 s and the latency of two links.
  CHECK_THAT(timeline.step_s, WithinRel(5.25, 1e-6));
  // On a host whose messages cost half, 0.125 s and 0.5 s.
  cluster.hosts[0].transport_speed = 2;
  CHECK_THAT(evaluate(tiny.program, tiny.costs, cluster).step_s, WithinRel(4.625, 1e-6));
}

TEST_CASE("what reductions move slows what their ranks compute next", "[planner]") {
  TinyProgram tiny({2});
  for (const int r : {0, 1}) {
    tiny.start_reduction(r, 0, 1'000'000);
    tiny.forward(r, 10);
    tiny.wait_for_reductions(r, 1'000'000);
  }
  Cluster cluster = star(2, 1e6, 0);
  CHECK_THAT(evaluate(tiny.program, tiny.costs, cluster).step_s, WithinRel(10, 1e-9));
  cluster.network.transport_s_per_byte = 1e-6;
  // 1 s for the 1 MB that each sends, and 1 s, in the step after it, for what it received.
  CHECK_THAT(evaluate(tiny.program, tiny.costs, cluster).step_s, WithinRel(12, 1e-9));
  cluster.network.message_s = 0.25;  // to hand it over
  CHECK_THAT(evaluate(tiny.program, tiny.costs, cluster).step_s, WithinRel(12.25, 1e-9));
}

TEST_CASE("buckets are reduced beside the backward pass, one after the other", "[planner]") {
  // Of 12 MiB, an eighth is 1.5 MiB: each layer of 4 MiB is a bucket. One sample each: forward
  // until 3 s, backward of the last layer until 5 s, of the others until 7 s and 9 s.
  const Profile profile = profile_of(wide_chain_model(3), {1, 1, 1});
  Cluster cluster = two_hosts();
  constexpr double kMebibyte = 1024 * 1024;
  const auto predicted = [&](double mebibytes_per_s, WireDtype wire_dtype) {
    cluster.network.bandwidth_bytes_per_s = mebibytes_per_s * kMebibyte;
    Plan plan = data_parallel(profile.model, cluster, {0.5, 0.5}, 2);
    plan.wire_dtype = wire_dtype;
    return predict(plan, profile, cluster);
  };
  // A ring of two sends a half twice: 4 MiB at 4 MiB/s take 1 s, of which the last alone is left.
  Prediction prediction = predicted(4, WireDtype::kFloat32);
  CHECK_THAT(prediction.step_s, WithinRel(9 + 1.0, 1e-9));
  CHECK_THAT(prediction.hosts[0].reduction_s, WithinRel(1.0, 1e-9));
  CHECK_THAT(prediction.hosts[0].compute_s, WithinRel(9.0, 1e-9));
  CHECK(prediction.hosts[0].sent_bytes == 3 * 4 * 1024 * 1024);
  // At 1 MiB/s they take 4 s, from 5 s on without a pause.
  prediction = predicted(1, WireDtype::kFloat32);
  CHECK_THAT(prediction.step_s, WithinRel(5 + 3 * 4.0, 1e-9));
  CHECK_THAT(prediction.hosts[0].reduction_s, WithinRel(17 - 9.0, 1e-9));
  // Half as many bytes: 2 s each.
  prediction = predicted(1, WireDtype::kBfloat16);
  CHECK_THAT(prediction.step_s, WithinRel(9 + 2.0, 1e-9));
  CHECK(prediction.hosts[0].sent_bytes == 3 * 2 * 1024 * 1024);
}

TEST_CASE("a slower replica holds each bucket up until it has its part", "[planner]") {
  // Forward and backward as above on one, twice as long on the other: it starts its buckets at 10,
  // 14 and 18 s.
  const Profile profile = profile_of(wide_chain_model(3), {1, 1, 1});
  Cluster cluster = hosts({1, 0.5});
  cluster.network.bandwidth_bytes_per_s = 4.0 * 1024 * 1024;
  const Prediction prediction =
      predict(data_parallel(profile.model, cluster, {0.5, 0.5}, 2), profile, cluster);
  CHECK_THAT(prediction.step_s, WithinRel(18 + 1.0, 1e-9));
  CHECK_THAT(prediction.hosts[0].reduction_s, WithinRel(19 - 9.0, 1e-9));
  CHECK_THAT(prediction.hosts[1].reduction_s, WithinRel(1.0, 1e-9));
}

TEST_CASE("a server's own work does not hold up the reductions that it serves", "[planner]") {
  // The server has the first layer, 30 s a sample, of which it gets the gradient last; the others
  // share the second layer: 4 MiB from each at once, and back.
  const Profile profile = profile_of(wide_chain_model(2), {30, 1});
  Cluster cluster = hosts({1, 1, 1});
  cluster.network.bandwidth_bytes_per_s = 4.0 * 1024 * 1024;
  Plan plan{.strategy = "hybrid", .batch_size = 2};
  plan.stages = {{.layers = {"layer0"}, .replicas = {{"node1", 1}}},
                 {.layers = {"layer1"}, .replicas = {{"node2", 0.5}, {"node3", 0.5}}}};
  plan.all_reduce = {.algorithm = AllReduceAlgorithm::kParameterServer, .root = "node1"};
  // 180 s of its own, and 3 s of the others', whose reduction of 2 x (1 + 1) s goes on while it
  // computes backward. Of the two samples of 4 KiB the second leaves after the first; each comes
  // back 3 s after it came, and the second is there 3 transfers after the server's forward pass.
  const double sample_s = 4096 / cluster.network.bandwidth_bytes_per_s;
  const Prediction prediction = predict(plan, profile, cluster);
  CHECK_THAT(prediction.step_s, WithinRel(180 + 3 + 3 * sample_s, 1e-9));
  // A sum of 4 MiB beside three times its parameters, what it saved and received of 2 samples.
  CHECK(prediction.hosts[0].peak_memory_bytes == (3 + 1) * 4 * 1024 * 1024 + 2 * 4096);
}

TEST_CASE("a type for the wire halves what crosses between hosts, and no memory", "[planner]") {
  const Profile profile = chain({1, 1});
  const Cluster cluster = two_hosts();
  Plan plan = pipeline(profile.model, cluster, {1, 1}, 4, 2);
  const Prediction whole = predict(plan, profile, cluster);
  plan.wire_dtype = WireDtype::kFloat16;
  const Prediction half = predict(plan, profile, cluster);
  CHECK(half.traffic_bytes_per_step * 2 == whole.traffic_bytes_per_step);
  CHECK(half.peak_memory_bytes == whole.peak_memory_bytes);
  // Micro-batches of 2 samples: 2 ms there and back for the first and the last, 1 ms in half.
  CHECK_THAT(whole.step_s - half.step_s, WithinRel(2 * 1e-3, 1e-9));
}

TEST_CASE("the pieces of a cut pass take as long as the whole, and hold its memory to the end",
          "[planner]") {
  const Profile profile = profile_of(wide_chain_model(4), {1, 2, 3, 4});
  const Cluster cluster = two_hosts();
  const Plan plan = data_parallel(profile.model, cluster, {0.75, 0.25}, 8, 2);
  const Program program = lower(plan, profile.model, cluster);
  const ProgramCosts costs = program_costs(program, plan, profile, cluster);
  const std::vector<RankMemory> memory = program_memory(program, plan, profile, cluster);
  for (std::size_t r = 0; r < 2; ++r) {
    double cut_s = 0;
    double whole_s = 0;
    std::size_t num_pieces = 0;
    for (std::size_t i = 0; i < costs.seconds[r].size(); ++i) {
      const Instruction& instruction = program.ranks[r].instructions[i];
      if (instruction.kind != InstructionKind::kBackward) continue;
      (instruction.bucket < 0 ? whole_s : cut_s) += costs.seconds[r][i];
      const bool last = instruction.bucket < 0 || instruction.bucket == 3;
      CHECK((memory[r].instructions[i].after_bytes < memory[r].instructions[i].during_bytes) ==
            last);
      if (instruction.bucket >= 0) ++num_pieces;
    }
    CHECK(num_pieces == 4);
    CHECK_THAT(cut_s, WithinRel(whole_s, 1e-12));
  }
}

TEST_CASE("a server without memory for the sum makes the plan one that does not fit", "[planner]") {
  const Profile profile = chain({1});
  Cluster cluster = hosts({1, 1, 1});
  Plan plan = data_parallel(profile.model, cluster, {0.5, 0.5}, 4);
  plan.all_reduce = {.algorithm = AllReduceAlgorithm::kSpark, .root = "node3"};
  cluster.hosts[2].memory_bytes = 250'000;
  CHECK(predict(plan, profile, cluster).fits_memory);
  cluster.hosts[2].memory_bytes -= 1;
  CHECK_FALSE(predict(plan, profile, cluster).fits_memory);
}

TEST_CASE("interleaving divides the bubble by the number of stages on a host",
          "[planner][property]") {
  for (const int num_hosts : {2, 3, 4})
    for (const int stages_per_host : {1, 2, 3})
      for (const int rounds : {1, 2, 4}) {
        INFO(num_hosts << " hosts, " << stages_per_host << " stages on each, " << rounds
                       << " rounds");
        const int num_stages = num_hosts * stages_per_host;
        const int micro_batches = rounds * num_hosts;
        const Profile profile = chain(std::vector<double>(static_cast<std::size_t>(num_stages), 1));
        Cluster cluster = hosts(std::vector<double>(static_cast<std::size_t>(num_hosts), 1));
        cluster.network.bandwidth_bytes_per_s = 1e15;
        Plan plan{.strategy = "dealt out",
                  .batch_size = micro_batches,
                  .micro_batches = micro_batches,
                  .schedule = Schedule::kInterleaved};
        for (int s = 0; s < num_stages; ++s)
          plan.stages.push_back(
              {.layers = {profile.model.layers[static_cast<std::size_t>(s)].id},
               .replicas = {{.host = cluster.hosts[static_cast<std::size_t>(s % num_hosts)].name,
                             .share = 1}}});
        // A pass of a stage takes 1 s forward and 2 s backward; each host waits (hosts - 1) of them
        // (Narayanan et al. 2021, section 2.2).
        CHECK_THAT(predict(plan, profile, cluster).step_s,
                   WithinRel(micro_batches * stages_per_host * 3.0 + (num_hosts - 1) * 3.0, 1e-9));
      }
}

TEST_CASE("GPipe holds every micro-batch's activations, 1F1B as many as stages are left",
          "[planner]") {
  const Profile profile = chain({1, 1});
  const auto peak = [&](Schedule schedule) {
    const Plan plan = pipeline(profile.model, two_hosts(), {1, 1}, 8, 8, schedule);
    return peak_memory_bytes(lower(plan, profile.model, two_hosts()), plan, profile, two_hosts());
  };
  // 250,000 bytes of parameters three times; 1,000 bytes saved by each micro-batch of one sample;
  // the second stage also holds the 1,000 bytes it received.
  CHECK(peak(Schedule::kGpipe) == std::vector<std::int64_t>{750000 + 8 * 1000, 750000 + 8 * 2000});
  CHECK(peak(Schedule::kOneForwardOneBackward) ==
        std::vector<std::int64_t>{750000 + 2 * 1000, 750000 + 1 * 2000});
}

TEST_CASE("the optimizer's state is counted in memory and in the time of a step", "[planner]") {
  Profile profile = chain({1, 1});
  profile.optimizer_s_per_parameter_byte = 1e-6;
  Plan plan = pipeline(profile.model, two_hosts(), {1, 1}, 8, 8);
  const Prediction sgd = predict(plan, profile, two_hosts());
  plan.optimizer.kind = OptimizerKind::kAdamW;
  const Prediction adamw = predict(plan, profile, two_hosts());
  plan.optimizer.averages_weights = true;
  const Prediction averaged = predict(plan, profile, two_hosts());
  // 250,000 bytes of parameters on each host, once more of them, and again.
  CHECK(adamw.peak_memory_bytes - sgd.peak_memory_bytes == 250'000);
  CHECK(averaged.peak_memory_bytes - adamw.peak_memory_bytes == 250'000);
  // 0.25 s of SGD, which reads and writes 6 tensors; AdamW 8, the average 3.
  CHECK_THAT(adamw.step_s - sgd.step_s, WithinRel(0.25 * 2 / 6, 1e-9));
  CHECK_THAT(averaged.step_s - adamw.step_s, WithinRel(0.25 * 3 / 6, 1e-9));
  // What was measured of them counts instead.
  profile.adamw_s_per_parameter_byte = 3e-6;
  profile.average_s_per_parameter_byte = 0.5e-6;
  CHECK_THAT(predict(plan, profile, two_hosts()).step_s - sgd.step_s,
             WithinRel(0.25 * (3 - 1 + 0.5), 1e-9));
}

TEST_CASE("a plan that needs more memory than a host has does not fit", "[planner]") {
  const Profile profile = chain({1, 1});
  Cluster cluster = two_hosts();
  const Plan plan = pipeline(profile.model, cluster, {1, 1}, 8, 8);
  cluster.hosts[1].memory_bytes = 750000 + 8 * 2000;
  CHECK(predict(plan, profile, cluster).fits_memory);
  cluster.hosts[1].memory_bytes -= 1;
  CHECK_FALSE(predict(plan, profile, cluster).fits_memory);
}

TEST_CASE("events of a rank follow each other without overlap", "[planner][property]") {
  const Profile profile = two_branches({1, 2, 3, 1, 0.5, 1});
  const Cluster cluster = hosts({1, 0.5, 2});
  Plan plan{.strategy = "any", .batch_size = 8, .micro_batches = 4};
  plan.stages = {
      {.layers = {"a0", "a1"}, .replicas = {{"node1", 1}}},
      {.layers = {"b0", "b1", "join", "head"}, .replicas = {{"node2", 0.25}, {"node3", 0.75}}}};
  const Program program = lower(plan, profile.model, cluster);
  const Timeline timeline =
      evaluate(program, program_costs(program, plan, profile, cluster), cluster);
  CHECK(timeline.events.size() == program.ranks[0].instructions.size() +
                                      program.ranks[1].instructions.size() +
                                      program.ranks[2].instructions.size());
  for (std::size_t e = 1; e < timeline.events.size(); ++e) {
    if (timeline.events[e].rank != timeline.events[e - 1].rank) continue;
    CHECK(timeline.events[e].start_s >= timeline.events[e - 1].end_s - 1e-9);
  }
}
