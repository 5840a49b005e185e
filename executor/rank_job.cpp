#include "executor/rank_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "executor/launch/rank_place.h"
#include "executor/learning_rate.h"
#include "executor/process_setup.h"
#include "executor/rank_interpreter.h"
#include "executor/step_window.h"
#include "executor/training_data.h"
#include "executor/training_job.h"
#include "executor/weights.h"
#include "planner/error.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace {

/// The model inputs (indices in the model) that a plan's stage reads, ascending.
std::vector<std::size_t> model_inputs(const Plan& plan, const ModelGraph& model, int stage) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::set<std::size_t> inputs;
  for (const int layer : stage_layers(plan, model, stage))
    for (const Source& source : sources[static_cast<std::size_t>(layer)])
      if (source.is_model_input) inputs.insert(static_cast<std::size_t>(source.index));
  return {inputs.begin(), inputs.end()};
}

bool computes(InstructionKind kind) {
  return kind == InstructionKind::kLoadMicroBatch || kind == InstructionKind::kForward ||
         kind == InstructionKind::kRecompute || kind == InstructionKind::kBackward ||
         kind == InstructionKind::kOptimizerStep;
}

double busy_seconds(const std::vector<TimelineEvent>& events) {
  double seconds = 0;
  for (const TimelineEvent& event : events)
    if (computes(event.kind)) seconds += event.end_s - event.start_s;
  return seconds;
}

std::int64_t total_sent(const Communicator& communicator) {
  const std::vector<std::int64_t> by_rank = communicator.sent_bytes();
  return std::accumulate(by_rank.begin(), by_rank.end(), std::int64_t{0});
}

}  // namespace

StepCount step_count(const TrainingSettings& training, std::int64_t num_train_samples,
                     std::int64_t batch_size) {
  std::int64_t per_epoch = num_train_samples;
  if (training.samples_per_epoch > 0) per_epoch = std::min(per_epoch, training.samples_per_epoch);
  const std::int64_t steps = per_epoch / batch_size;
  if (steps == 0)
    throw InputError("", "",
                     "expected at least a batch of " + std::to_string(batch_size) +
                         " training samples an epoch, found " + std::to_string(per_epoch));
  StepCount count{.per_epoch = steps, .total = steps * training.epochs};
  if (training.max_steps > 0) count.total = std::min(count.total, training.max_steps);
  return count;
}

void train_as_rank(const RankOptions& options, RankLink& link) {
  const TrainingJob job = training_job_from(link.wait_for("job"));
  prepare_process(job.num_threads);
  const nlohmann::json text = parse_json(job.plan, "the coordinator's plan");
  const PlanDocument document = plan_from_json(JsonPlace(text, "the coordinator's plan", ""));
  const Plan& plan = document.plan;
  const ModelGraph& model = document.profile.model;
  const Program program = lower(plan, model, document.cluster);
  const RankProgram& rank = program.ranks.at(static_cast<std::size_t>(job.rank));
  const Host& host = document.cluster.hosts[static_cast<std::size_t>(rank.host_index)];
  const std::string address =
      rank_address({.interface = options.interface,
                    .planned_host = host.name,
                    .planned_address = job.has_other_machines ? host.address : std::string(),
                    .has_other_machines = job.has_other_machines},
                   link);
  const auto seed = static_cast<std::uint64_t>(job.training.seed);

  std::map<int, std::vector<std::size_t>> inputs_of_stage;
  std::set<std::size_t> inputs;
  for (const RankPart& part : rank.parts) {
    const std::vector<std::size_t> of_stage = model_inputs(plan, model, part.stage);
    inputs.insert(of_stage.begin(), of_stage.end());
    inputs_of_stage[part.stage] = of_stage;
  }
  TrainingData training_data(read_scene(options.scene, options.rasters), model, inputs, seed,
                             plan.batch_size);
  const StepCount steps = step_count(job.training, training_data.num_samples(), plan.batch_size);
  link.send({.header = {{"type", "ready"},
                        {"address", address},
                        {"training_samples", training_data.fingerprint()}},
             .payload = {}});
  static_cast<void>(link.wait_for("go"));

  std::unique_ptr<Communicator> communicator;
  if (program.ranks.size() > 1)
    communicator = std::make_unique<Communicator>(job.rendezvous, address, job.rank,
                                                  static_cast<int>(program.ranks.size()),
                                                  std::vector<std::vector<int>>{});
  RankInterpreter interpreter(program, job.rank, model, plan, seed, communicator.get());
  StepWindow window;
  std::int64_t sent_before = 0;
  for (std::int64_t step = 0; step < steps.total; ++step) {
    training_data.start_step(step / steps.per_epoch, step % steps.per_epoch);
    StepResult result = interpreter.run_step(
        {.step = step,
         .last_step = step + 1 == steps.total,
         .sgd = {.learning_rate = learning_rate(job.training.learning_rate, step, steps.total),
                 .momentum = job.training.momentum,
                 .weight_decay = job.training.weight_decay},
         .load = [&](int stage, SampleRange samples) {
           return training_data.load(samples, inputs_of_stage.at(stage));
         }});
    const std::int64_t sent = communicator ? total_sent(*communicator) : 0;
    link.send(to_frame(StepReport{.step = step,
                                  .loss_sum = result.loss_sum,
                                  .end_s = result.end_s,
                                  .busy_s = busy_seconds(result.events),
                                  .sent_bytes = sent - sent_before}));
    sent_before = sent;
    window.traffic_bytes_per_step = result.traffic_bytes;
    window.add(step, std::move(result.events));
  }
  if (communicator) {
    communicator->flush();
    // Nobody leaves while another still waits for what it was sent.
    communicator->barrier();
  }
  link.send({.header = {{"type", "window"}}, .payload = encode(window)});
  for (const RankPart& part : rank.parts)
    if (part.replica == 0)
      link.send({.header = {{"type", "weights"}, {"stage", part.stage}},
                 .payload = weights_bytes(stage_weights(interpreter.part(part.stage).network()))});
}

}  // namespace cadastre
