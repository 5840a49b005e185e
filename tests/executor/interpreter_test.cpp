// Whatever the plan, ranks train as the same global batch in one process does.
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

#include "executor/network.h"
#include "executor/rank_interpreter.h"
#include "planner/lowering.h"
#include "planner/sample_split.h"
#include "tests/executor/thread_training.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using test::branch_stages;
using test::on_hosts;
using test::pipeline_stages;
using test::recomputing;
using test::ThreadTraining;
using test::with_replicas;

constexpr std::int64_t kNumSteps = 6;

/// Relative; per tensor, of the largest absolute value.
constexpr double kTolerance = 1e-5;

constexpr Schedule kSchedules[] = {Schedule::kGpipe, Schedule::kOneForwardOneBackward,
                                   Schedule::kEagerOneForwardOneBackward, Schedule::kInterleaved};

double loss_difference(const ThreadTraining& training, const ThreadTraining& reference) {
  REQUIRE(training.losses.size() == reference.losses.size());
  double worst = 0;
  for (std::size_t i = 0; i < reference.losses.size(); ++i)
    worst =
        std::max(worst, std::abs(training.losses[i] - reference.losses[i]) / reference.losses[i]);
  return worst;
}

double weight_difference(const Weights& weights, const Weights& reference) {
  REQUIRE(weights.size() == reference.size());
  double worst = 0;
  for (const auto& [name, expected] : reference) {
    const at::Tensor difference = (weights.at(name) - expected).abs().max();
    const double scale = expected.abs().max().item<double>();
    REQUIRE(scale > 0);
    // Not std::max: a NaN is the worst of all.
    if (const double found = difference.item<double>() / scale; !(found <= worst)) worst = found;
  }
  return worst;
}

/// The replicas of a stage hold the same bits of parameters and running statistics.
bool replicas_agree(const ThreadTraining& training) {
  for (const Weights& of_rank : training.rank_weights)
    for (const auto& [name, tensor] : of_rank)
      if (!tensor.equal(training.weights.at(name))) return false;
  return true;
}

/// What happened is the program, in order and without a gap.
void check_events(const PlanDocument& document, const ThreadTraining& training) {
  const Program program = lower(document.plan, document.profile.model, document.cluster);
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const std::vector<Instruction>& planned = program.ranks[r].instructions;
    const std::vector<TimelineEvent>& events = training.events[r].back();
    REQUIRE(events.size() == planned.size());
    bool is_same = true;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const TimelineEvent& event = events[i];
      is_same = is_same && event.kind == planned[i].kind && event.stage == planned[i].stage &&
                event.micro_batch == planned[i].micro_batch && event.layer == planned[i].layer &&
                event.bytes == planned[i].bytes && event.end_s >= event.start_s &&
                event.cpu_s >= 0 && event.resident_bytes > 0 &&
                (i == 0 || event.start_s == events[i - 1].end_s);
    }
    CHECK(is_same);
    if (document.plan.averaging_period > 0) continue;
    CHECK(training.sent_bytes[r] == kNumSteps * training.traffic_bytes[r]);
  }
  CHECK(std::accumulate(training.traffic_bytes.begin(), training.traffic_bytes.end(),
                        std::int64_t{0}) == traffic_bytes(program));
}

class Worlds {
 public:
  explicit Worlds(test::WithDropout dropout = test::WithDropout::kNo)
      : model_(test::training_model(dropout)),
        batches_(test::make_batches(model_, kNumSteps)),
        reference_(
            train(test::plan_document(model_, pipeline_stages(model_, {}), 1, Schedule::kGpipe))) {
    // Else a comparison would say little.
    CHECK(reference_.losses.back() < 0.8 * reference_.losses.front());
  }

  [[nodiscard]] const ModelGraph& model() const { return model_; }

  [[nodiscard]] const test::Batches& batches() const { return batches_; }

  [[nodiscard]] const ThreadTraining& reference() const { return reference_; }

  [[nodiscard]] ThreadTraining train(const PlanDocument& document) const {
    ThreadTraining training = test::train_in_threads(document, batches_);
    for (const std::string& error : training.errors) REQUIRE(error == "");
    check_events(document, training);
    CHECK(replicas_agree(training));
    return training;
  }

  void see(const PlanDocument& document) {
    const ThreadTraining training = train(document);
    worst_loss_ = std::max(worst_loss_, loss_difference(training, reference_));
    worst_weights_ =
        std::max(worst_weights_, weight_difference(training.weights, reference_.weights));
    ++num_plans_;
  }

  /// Of all that was seen.
  void check(const char* what) const {
    std::printf("%3d plans, %-36s losses differ by %.1e, weights by %.1e\n", num_plans_, what,
                worst_loss_, worst_weights_);
    CHECK(worst_loss_ <= kTolerance);
    CHECK(worst_weights_ <= kTolerance);
  }

 private:
  ModelGraph model_;
  test::Batches batches_;
  ThreadTraining reference_;
  double worst_loss_ = 0;
  double worst_weights_ = 0;
  int num_plans_ = 0;
};

struct Division {
  const char* name;
  std::vector<Stage> stages;
};

/// By the number of hosts: 1, 2, 3, 4.
std::vector<Division> divisions(const ModelGraph& model) {
  const std::vector<Stage> whole = pipeline_stages(model, {});
  const std::vector<Stage> two = pipeline_stages(model, {"image.conv2"});
  const std::vector<Stage> three = pipeline_stages(model, {"image.relu1", "image.conv2"});
  const std::vector<Stage> four =
      pipeline_stages(model, {"image.relu1", "image.norm2", "height.relu1"});
  const std::vector<Stage> branches = branch_stages(model, {"image", "height", ""});
  return {
      {"single", whole},
      {"data-parallel on 2", with_replicas(whole, {{0.25, 0.75}})},
      // Some replica has no samples in some micro-batch, or in none.
      {"data-parallel on 3", with_replicas(whole, {{0.6, 0.3, 0.1}})},
      {"data-parallel on 4", with_replicas(whole, {{0.25, 0.25, 0.25, 0.25}})},
      {"pipeline on 2", two},
      {"pipeline on 3, recomputing", recomputing(three, {0, 2})},
      {"pipeline on 4", four},
      {"branches on 2", branch_stages(model, {"height", ""})},
      {"branches on 3", branches},
      {"hybrid on 4", with_replicas(branch_stages(model, {"image", ""}), {{0.7, 0.3}, {0.5, 0.5}})},
      {"hybrid on 4, branches", with_replicas(branches, {{0.4, 0.6}, {1}, {1}})}};
}

/// Micro-batches of 12 groups: even ones, and 3, 3, 2, 2, 2.
TEST_CASE("every division under every schedule trains as one process does", "[executor]") {
  Worlds worlds;
  for (const Division& division : divisions(worlds.model()))
    for (const Schedule schedule : kSchedules)
      for (const std::int64_t micro_batches : {1, 5}) {
        INFO(division.name << ", " << micro_batches << " micro-batches, "
                           << schedule_name(schedule));
        worlds.see(test::plan_document(worlds.model(), division.stages, micro_batches, schedule));
      }
  worlds.check("every division and schedule");
}

TEST_CASE("stages that share hosts train as one process does", "[executor]") {
  Worlds worlds;
  const std::vector<Stage> branches = branch_stages(worlds.model(), {"image", "height", ""});
  const std::vector<Stage> four =
      pipeline_stages(worlds.model(), {"image.relu1", "image.norm2", "height.relu1"});
  for (const std::vector<Stage>& stages :
       {on_hosts(four, {{1}, {2}, {1}, {2}}), on_hosts(four, {{1}, {1}, {1}, {1}}),
        on_hosts(four, {{1, 2}, {3, 1, 2}, {2}, {2, 1}}),
        on_hosts(four, {{1, 2}, {2, 1}, {1, 2}, {2, 1}}),
        recomputing(on_hosts(four, {{1, 2}, {1, 2}, {1, 2}, {1, 2}}), {0, 1, 2, 3}),
        on_hosts(branches, {{1}, {2}, {1, 2}}), on_hosts(branches, {{1, 2}, {2, 3}, {3, 1}})})
    for (const std::int64_t micro_batches : {1, 4, 5})
      worlds.see(
          test::plan_document(worlds.model(), stages, micro_batches, Schedule::kInterleaved));
  worlds.check("stages that share hosts");
}

TEST_CASE("every all-reduce trains as one process does", "[executor]") {
  Worlds worlds;
  const std::vector<Stage> whole =
      with_replicas(pipeline_stages(worlds.model(), {}), {{0.5, 0.25, 0.25}});
  const std::vector<Stage> hybrid =
      with_replicas(branch_stages(worlds.model(), {"image", ""}), {{0.7, 0.3}, {0.25, 0.75}});
  for (int a = 0; a < static_cast<int>(all_reduce_names().size()); ++a) {
    const auto algorithm = static_cast<AllReduceAlgorithm>(a);
    // Each stage's first replica; a rank of one stage or both; a host without other work.
    const std::vector<std::string> roots = has_root(algorithm)
                                               ? std::vector<std::string>{"", "node2", "node5"}
                                               : std::vector<std::string>{""};
    for (const std::string& root : roots)
      for (const std::vector<Stage>& stages : {whole, hybrid}) {
        PlanDocument document =
            test::plan_document(worlds.model(), stages, 4, Schedule::kOneForwardOneBackward);
        document.plan.all_reduce = {.algorithm = algorithm, .root = root};
        INFO(all_reduce_name(algorithm) << " root " << root);
        worlds.see(document);
      }
  }
  worlds.check("every all-reduce");
}

TEST_CASE("all that training offers is the same however the network is divided", "[executor]") {
  const ModelGraph model = test::training_model(test::WithDropout::kYes);
  const test::Batches batches = test::make_batches(model, kNumSteps);
  test::HowToTrain how;
  // A decay that shows within six steps; two of them settle.
  how.update = {.kind = OptimizerKind::kAdamW, .learning_rate = 0.01, .weight_decay = 0.1};
  how.average_decay = 0.8;
  how.settle_steps = 2;
  how.loss.class_weights = class_weights({10, 20, 40}, {0.3, 0.3, 0.4}, 0.5);
  how.loss.focal_gamma = 1;
  how.loss.label_smoothing = 0.1;
  const auto train = [&](const std::vector<Stage>& stages, std::int64_t micro_batches,
                         std::int64_t averaging_period = 0) {
    PlanDocument document =
        test::plan_document(model, stages, micro_batches, Schedule::kOneForwardOneBackward);
    document.plan.averaging_period = averaging_period;
    ThreadTraining training = test::train_in_threads(document, batches, -1, how);
    for (const std::string& error : training.errors) REQUIRE(error == "");
    CHECK(replicas_agree(training));
    return training;
  };
  const std::vector<Stage> whole = pipeline_stages(model, {});
  const ThreadTraining reference = train(whole, 1);
  const std::vector<std::vector<Stage>> divided = {
      with_replicas(whole, {{0.7, 0.3}}), pipeline_stages(model, {"image.dropout", "height.pool1"}),
      with_replicas(branch_stages(model, {"image", ""}), {{0.4, 0.6}, {0.5, 0.5}})};
  double worst_loss = 0;
  double worst_weights = 0;
  for (const std::vector<Stage>& stages : divided) {
    const ThreadTraining training = train(stages, 4);
    worst_loss = std::max(worst_loss, loss_difference(training, reference));
    worst_weights = std::max(worst_weights, weight_difference(training.weights, reference.weights));
  }
  std::printf("AdamW, average, weights and all: losses differ by %.1e, weights by %.1e\n",
              worst_loss, worst_weights);
  CHECK(worst_loss <= kTolerance);
  CHECK(worst_weights <= kTolerance);
  // Replicas that take steps of their own agree on the average in the end.
  static_cast<void>(train(with_replicas(whole, {{0.5, 0.5}}), 2, 2));
  // And each of them does something.
  how.average_decay = 0;
  CHECK(weight_difference(train(whole, 1).weights, reference.weights) > 1e-3);
}

TEST_CASE("dropout is the same however the network is divided", "[executor]") {
  Worlds worlds(test::WithDropout::kYes);
  const std::vector<Stage> whole = pipeline_stages(worlds.model(), {});
  const std::vector<Stage> three =
      pipeline_stages(worlds.model(), {"image.dropout", "height.pool1"});
  worlds.see(
      test::plan_document(worlds.model(), with_replicas(whole, {{0.7, 0.3}}), 1, Schedule::kGpipe));
  worlds.see(test::plan_document(worlds.model(), three, 4, Schedule::kOneForwardOneBackward));
  worlds.see(test::plan_document(worlds.model(),
                                 recomputing(on_hosts(three, {{1}, {2}, {1}}), {0, 1, 2}), 4,
                                 Schedule::kInterleaved));
  worlds.check("with dropout");
  // And it does drop: without it the first loss is another.
  const Worlds without;
  CHECK(std::abs(without.reference().losses[0] / worlds.reference().losses[0] - 1) > 1e-3);
}

TEST_CASE("a rounded wire halves the traffic and trains nearly the same", "[executor]") {
  const Worlds worlds;
  const std::vector<Stage> stages =
      with_replicas(branch_stages(worlds.model(), {"image", ""}), {{0.7, 0.3}, {0.25, 0.75}});
  PlanDocument document =
      test::plan_document(worlds.model(), stages, 2, Schedule::kOneForwardOneBackward);
  const ThreadTraining exact = worlds.train(document);
  // A unit in the last place of each, over six steps.
  const std::map<WireDtype, double> kTolerances = {{WireDtype::kBfloat16, 5e-2},
                                                   {WireDtype::kFloat16, 5e-3}};
  for (const auto& [dtype, tolerance] : kTolerances) {
    document.plan.wire_dtype = dtype;
    const ThreadTraining rounded = worlds.train(document);
    const double loss = loss_difference(rounded, worlds.reference());
    const double weights = weight_difference(rounded.weights, worlds.reference().weights);
    std::printf("%s on the wire: losses differ by %.1e, weights by %.1e\n",
                wire_dtype_name(dtype).c_str(), loss, weights);
    CHECK(loss <= tolerance);
    CHECK(weights <= tolerance);
    CHECK(weights > kTolerance);
    // All but the sums of batch statistics.
    CHECK(10 * rounded.sent_bytes[0] < 6 * exact.sent_bytes[0]);
  }
}

TEST_CASE("the same seed gives the same bits, whoever is faster", "[executor]") {
  const Worlds worlds(test::WithDropout::kYes);
  PlanDocument document = test::plan_document(
      worlds.model(),
      with_replicas(branch_stages(worlds.model(), {"image", ""}), {{0.4, 0.3, 0.3}, {0.5, 0.5}}), 4,
      Schedule::kOneForwardOneBackward);
  for (const AllReduceAlgorithm algorithm :
       {AllReduceAlgorithm::kRing, AllReduceAlgorithm::kParameterServer}) {
    document.plan.all_reduce.algorithm = algorithm;
    const ThreadTraining first = worlds.train(document);
    const ThreadTraining second = worlds.train(document);
    CHECK(first.losses == second.losses);
    CHECK(weight_difference(first.weights, second.weights) == 0);
  }
}

/// Local steps of replicas of the whole network, and averaging, written plainly.
Weights averaged_plainly(const PlanDocument& document, const test::Batches& batches,
                         std::vector<double>& losses) {
  const Program program = lower(document.plan, document.profile.model, document.cluster);

  struct Replica {
    StageNetwork network;
    std::vector<SampleRange> slices;
    std::vector<at::Tensor> velocities;
    double num_samples = 0;
  };

  std::vector<Replica> replicas;
  for (const RankProgram& rank : program.ranks) {
    if (rank.parts.empty()) continue;
    Replica& replica = replicas.emplace_back(
        Replica{.network = whole_network(document.profile.model, test::kTrainingSeed)});
    for (const Instruction& instruction : rank.instructions)
      if (instruction.kind == InstructionKind::kForward) {
        replica.slices.push_back(instruction.samples);
        replica.num_samples += static_cast<double>(instruction.samples.size());
      }
    for (const NamedTensor& parameter : replica.network.parameters())
      replica.velocities.push_back(at::zeros_like(parameter.tensor));
  }
  const at::NoGradGuard no_gradients;
  for (std::int64_t step = 0; step < kNumSteps; ++step) {
    double loss_sum = 0;
    for (Replica& replica : replicas) {
      for (const SampleRange slice : replica.slices) {
        const at::AutoGradMode with_gradients(true);
        const LoadedSamples samples = test::load_samples(batches, step, slice);
        const at::Tensor loss = cross_entropy_sum(
            replica.network
                .forward(samples.inputs,
                         {.seed = test::kTrainingSeed, .step = step, .samples = slice})
                .front(),
            samples.class_indices);
        (loss / replica.num_samples).backward();
        loss_sum += loss.item<double>();
      }
      replica.network.update_running_statistics();
      for (std::size_t p = 0; p < replica.velocities.size(); ++p) {
        at::Tensor parameter = replica.network.parameters()[p].tensor;
        at::Tensor& velocity = replica.velocities[p];
        const bool decays = parameter.dim() > 1;
        velocity = test::kTrainingSgd.momentum * velocity + parameter.grad() +
                   (decays ? test::kTrainingSgd.weight_decay : 0) * parameter;
        parameter -= test::kTrainingSgd.learning_rate * velocity;
      }
      replica.network.zero_gradients();
    }
    losses.push_back(loss_sum / static_cast<double>(document.plan.batch_size));
    if ((step + 1) % document.plan.averaging_period != 0 && step + 1 < kNumSteps) continue;
    at::Tensor mean = at::zeros_like(replicas.front().network.flat_state());
    for (Replica& replica : replicas)
      mean += replica.network.flat_state() * replica.num_samples /
              static_cast<double>(document.plan.batch_size);
    for (Replica& replica : replicas) replica.network.flat_state().copy_(mean);
  }
  return stage_weights(replicas.front().network);
}

TEST_CASE("averaging parameters equals local steps written plainly", "[executor]") {
  const Worlds worlds;
  for (const std::int64_t period : {1, 2, 4})
    for (const std::vector<double>& shares :
         {std::vector<double>{0.5, 0.5}, std::vector<double>{0.5, 0.25, 0.25}})
      for (const char* root : {"", "node5"}) {
        PlanDocument document = test::plan_document(
            worlds.model(), with_replicas(pipeline_stages(worlds.model(), {}), {shares}), 2,
            Schedule::kGpipe);
        document.plan.averaging_period = period;
        if (*root != '\0')
          document.plan.all_reduce = {.algorithm = AllReduceAlgorithm::kSpark, .root = root};
        const ThreadTraining training = worlds.train(document);
        ThreadTraining plain;
        plain.weights = averaged_plainly(document, worlds.batches(), plain.losses);
        CHECK(loss_difference(training, plain) <= kTolerance);
        CHECK(weight_difference(training.weights, plain.weights) <= kTolerance);
        // Averaged after every step it is what reducing gradients comes to, otherwise not.
        const double moved = weight_difference(training.weights, worlds.reference().weights);
        CHECK((period == 1 ? moved <= kTolerance : moved > 1e-3));
        // Steps in between reduce nothing, and say so.
        for (std::int64_t step = 0; step < kNumSteps; ++step) {
          const bool averages = (step + 1) % period == 0 || step + 1 == kNumSteps;
          const std::vector<TimelineEvent>& events =
              training.events[0][static_cast<std::size_t>(step)];
          CHECK(std::any_of(events.begin(), events.end(), [](const TimelineEvent& event) {
                  return event.kind == InstructionKind::kReduceGradients;
                }) == averages);
        }
      }
}

TEST_CASE("when a rank fails, every other one says so and none waits for ever", "[executor]") {
  const ModelGraph model = test::training_model();
  const test::Batches batches = test::make_batches(model, kNumSteps);
  const std::vector<Stage> whole = pipeline_stages(model, {});
  for (const std::vector<Stage>& stages :
       {with_replicas(whole, {{0.5, 0.25, 0.25}}),
        with_replicas(branch_stages(model, {"image", "height", ""}), {{0.5, 0.5}, {1}, {1}})})
    for (const int failing : {0, 1, 2}) {
      const ThreadTraining training = test::train_in_threads(
          test::plan_document(model, stages, 2, Schedule::kOneForwardOneBackward), batches,
          failing);
      for (std::size_t rank = 0; rank < training.errors.size(); ++rank) {
        INFO(training.errors[rank]);
        if (static_cast<int>(rank) == failing)
          CHECK(training.errors[rank] == "no such sample");
        else
          CHECK(training.errors[rank].find("rank ") != std::string::npos);
      }
    }
}

}  // namespace
}  // namespace cadastre
