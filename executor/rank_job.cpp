#include "executor/rank_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "executor/checkpoint/checkpoint_frames.h"
#include "executor/host_counts.h"
#include "executor/launch/host_facts.h"
#include "executor/launch/link_store.h"
#include "executor/launch/rank_place.h"
#include "executor/learning_rate.h"
#include "executor/load_ahead.h"
#include "executor/process_setup.h"
#include "executor/rank_interpreter.h"
#include "executor/rank_position.h"
#include "executor/step_gate.h"
#include "executor/step_reporter.h"
#include "executor/step_window.h"
#include "executor/timing.h"
#include "executor/training_data.h"
#include "executor/training_job.h"
#include "executor/training_schedule.h"
#include "executor/weights.h"
#include "planner/error.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/program_check.h"
#include "planner/sample_split.h"

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

/// Whether there is something in a step of rank `number` that others may keep it waiting for.
bool waits_for_others(const RankProgram& rank, int number) {
  return std::any_of(rank.instructions.begin(), rank.instructions.end(),
                     [&](const Instruction& instruction) {
                       return instruction.kind == InstructionKind::kReduceGradients ||
                              (is_receive(instruction.kind) && instruction.peer != number);
                     });
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

/// A rank's training, from its first step to its weights.
class RankTraining {
 public:
  RankTraining(const TrainingJob& job, const Plan& plan, const Program& program,
               const ModelGraph& model, TrainingData& data, Communicator* communicator,
               RankLink& link)
      : job_(job),
        plan_(plan),
        model_(model),
        training_(job.training),
        rank_(program.ranks.at(static_cast<std::size_t>(job.rank))),
        data_(data),
        communicator_(communicator),
        link_(link),
        schedule_(training_schedule(job.training, data.num_samples(),
                                    data.num_validation_samples(), plan.batch_size,
                                    plan.averaging_period)),
        gate_(job.first_step),
        interpreter_(program, job.rank, model, plan, static_cast<std::uint64_t>(training_.seed),
                     communicator) {
    round_steps_ = std::max<std::int64_t>(1, plan.averaging_period);
    for (const RankPart& part : rank_.parts)
      inputs_of_stage_[part.stage] = model_inputs(plan, model, part.stage);
    const int output = layer_index(model, model.output);
    for (const RankPart& part : rank_.parts) {
      const std::vector<int> layers = stage_layers(plan, model, part.stage);
      if (std::find(layers.begin(), layers.end(), output) != layers.end())
        interpreter_.set_loss(data.loss());
    }
    if (job.is_given_state) resume();
    interpreter_.set_position(&position_);
    link.set_whereabouts([this] { return whereabouts(); });
    link.hand_over("hold", [this](const Frame&) {
      link_.send({.header = {{"type", "held"}, {"step", gate_.hold()}}, .payload = {}});
    });
    link.hand_over("release", [this](const Frame& frame) {
      gate_.release_until(frame.header.at("num_steps").get<std::int64_t>());
    });
  }

  ~RankTraining() {
    for (const char* type : {"hold", "release"}) link_.hand_over(type, {});
    link_.set_whereabouts({});
  }

  RankTraining(const RankTraining&) = delete;
  RankTraining& operator=(const RankTraining&) = delete;

  enum class End { kTrained, kHalted };

  [[nodiscard]] End train() {
    std::int64_t step = job_.first_step;
    bool has_candidate = job_.awaits_verdict;
    std::optional<CheckpointSender> checkpoints;
    if (job_.checkpoint_every > 0) checkpoints.emplace(link_);
    load_from(step, schedule_.num_steps, TrainingData::Variation::kVaried);
    for (; step < schedule_.num_steps; ++step) {
      run(step, -1);
      const bool ends = gate_.ends_after(step + 1) && step + 1 < schedule_.num_steps;
      const bool is_kept = checkpoints && step + 1 < schedule_.num_steps &&
                           (ends || (step + 1) % job_.checkpoint_every == 0);
      const bool is_validated = schedule_.validates_after(step + 1);
      if (is_kept || is_validated || ends) reporter_.send();
      if (is_kept) send_checkpoint(step + 1, *checkpoints);
      if (is_validated) {
        if (has_candidate && link_.wait_for("verdict").header.value("stop", false)) {
          ++step;
          break;
        }
        send_candidates(step + 1);
        has_candidate = true;
      }
      if (ends) {
        if (checkpoints) checkpoints->finish();
        ahead_.reset();
        return End::kHalted;
      }
    }
    if (checkpoints) checkpoints->finish();
    swap_with_averages();
    load_from(step, step + schedule_.settle_steps, TrainingData::Variation::kAsTheyAre);
    for (std::int64_t i = 0; i < schedule_.settle_steps; ++i) run(step + i, i);
    reporter_.send();
    ahead_.reset();
    return End::kTrained;
  }

  /// At the end of training: the weights that came out.
  void send_weights() { send_weights("weights", 0); }

  [[nodiscard]] const StepWindow& window() const { return window_; }

 private:
  [[nodiscard]] Whereabouts whereabouts() const {
    const auto [step, index] = position_.get();
    if (index < 0) return {};
    const Instruction& instruction = rank_.instructions[static_cast<std::size_t>(index)];
    Whereabouts where;
    where.step = step;
    where.instruction =
        instruction_text(instruction) + " of stage " + std::to_string(instruction.stage);
    if (is_receive(instruction.kind)) where.waits_for = instruction.peer;
    return where;
  }

  void run(std::int64_t step, std::int64_t settle_step) {
    StepContext context;
    context.step = step;
    context.last_step = step + 1 == schedule_.num_steps ||
                        (settle_step >= 0 && settle_step + 1 == schedule_.settle_steps);
    context.update = {
        .kind = training_.optimizer,
        .learning_rate = learning_rate(training_.learning_rate, step, schedule_.num_steps),
        .momentum = training_.momentum,
        .weight_decay = training_.weight_decay};
    context.average_decay = training_.average_decay;
    context.settle_step = settle_step;
    context.load = [&](int stage, SampleRange samples) {
      const PlannedLoad planned{.stage = stage, .samples = samples};
      return ahead_ ? ahead_->take(step, planned) : load(step, planned);
    };
    StepResult result = interpreter_.run_step(context);
    const std::int64_t sent = communicator_ != nullptr ? total_sent(*communicator_) : 0;
    reporter_.add({.step = step,
                   .loss_sum = result.loss_sum,
                   .end_s = result.end_s,
                   .busy_s = busy_seconds(result.events),
                   .sent_bytes = sent - sent_before_});
    sent_before_ = sent;
    window_.traffic_bytes_per_step = result.traffic_bytes;
    window_.add(step, std::move(result.events));
    if (settle_step < 0) count(step + 1);
  }

  /// What the host did since the first step of this start, when so many rounds of steps have gone
  /// by. What an averaging sends may still be under way when its step ends: the step after it has
  /// ended, too. Not after every step: to ask the kernel takes as long as a small layer.
  void count(std::int64_t steps_done) {
    if (steps_done % round_steps_ != 1 % round_steps_) return;
    constexpr double kIntervalSeconds = 0.25;
    const double now_s = steady_clock_s();
    const bool is_last = steps_done + round_steps_ > schedule_.num_steps;
    const bool is_second = window_.use.num_steps == 0;
    if (counted_from_ && !is_second && !is_last && now_s - counted_s_ < kIntervalSeconds) return;
    counted_s_ = now_s;
    const HostCounts now = host_counts();
    if (!counted_from_) {
      counted_from_ = steps_done;
      counts_before_ = now;
      counted_from_s_ = now_s;
      return;
    }
    window_.use = {.num_steps = steps_done - *counted_from_,
                   .seconds = now_s - counted_from_s_,
                   .counts = difference(now, counts_before_),
                   .cores = cores_};
  }

  /// What the steps from here on load, ahead where that pays.
  void load_from(std::int64_t first_step, std::int64_t end_step,
                 TrainingData::Variation variation) {
    ahead_.reset();  // the data are for one thread at a time
    variation_ = variation;
    // Where the rank has one processor, or never waits for another rank, one more thread would only
    // take turns with those that compute, which wait for each other.
    if (job_.num_threads > 1 && waits_for_others(rank_, job_.rank))
      ahead_.emplace(planned_loads(rank_), first_step, end_step,
                     [this](std::int64_t step, const PlannedLoad& planned) {
                       return load(step, planned);
                     });
  }

  [[nodiscard]] LoadedSamples load(std::int64_t step, const PlannedLoad& planned) {
    return data_.load(step, planned.samples, inputs_of_stage_.at(planned.stage), variation_);
  }

  void swap_with_averages() {
    for (const RankPart& part : rank_.parts) interpreter_.part(part.stage).swap_with_average();
  }

  /// The parts take on what the coordinator sends of a checkpoint or an imported model.
  void resume() {
    for (std::size_t i = 0; i < rank_.parts.size(); ++i) {
      const auto [stage, state] = resume_from(link_.wait_for("resume"));
      restore(interpreter_.part(stage), state, training_.optimizer, training_.average_decay > 0,
              job_.first_step, "the coordinator's checkpoint");
    }
    interpreter_.begin_at(job_.first_step);
  }

  /// Replicas that reduce their gradients hold the same; those that average keep what their own
  /// optimizers remember.
  void send_checkpoint(std::int64_t num_steps, CheckpointSender& checkpoints) {
    for (const RankPart& part : rank_.parts) {
      if (part.replica > 0 && plan_.averaging_period == 0) continue;
      CheckpointPart described;
      if (plan_.averaging_period > 0) {
        described.replica = part.replica;
        described.num_replicas =
            static_cast<int>(plan_.stages[static_cast<std::size_t>(part.stage)].replicas.size());
      }
      for (const int layer : stage_layers(plan_, model_, part.stage))
        described.layers.push_back(model_.layers[static_cast<std::size_t>(layer)].id);
      checkpoints.send(num_steps, described, training_state(interpreter_.part(part.stage)),
                       part.replica == 0);
    }
  }

  void send_candidates(std::int64_t num_steps) {
    swap_with_averages();
    send_weights("candidate", num_steps);
    swap_with_averages();
  }

  void send_weights(const char* type, std::int64_t num_steps) {
    for (const RankPart& part : rank_.parts)
      if (part.replica == 0)
        link_.send(
            {.header = {{"type", type}, {"stage", part.stage}, {"num_steps", num_steps}},
             .payload = weights_bytes(stage_weights(interpreter_.part(part.stage).network()))});
  }

  const TrainingJob& job_;
  const Plan& plan_;
  const ModelGraph& model_;
  const TrainingSettings& training_;
  const RankProgram& rank_;
  TrainingData& data_;
  Communicator* communicator_;
  RankLink& link_;
  TrainingSchedule schedule_;
  RankPosition position_;
  StepGate gate_;
  std::map<int, std::vector<std::size_t>> inputs_of_stage_;
  RankInterpreter interpreter_;
  StepWindow window_;
  std::int64_t sent_before_ = 0;
  StepReporter reporter_{link_};
  double cores_ = usable_processors(host_facts());
  std::int64_t round_steps_ = 1;  ///< between two averagings
  HostCounts counts_before_;      ///< at the end of the first step of this start
  std::optional<std::int64_t> counted_from_;
  double counted_from_s_ = 0;
  double counted_s_ = 0;  ///< when it counted last
  TrainingData::Variation variation_ = TrainingData::Variation::kVaried;
  std::optional<LoadAhead> ahead_;  // the last: its thread uses the others
};

}  // namespace

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

  std::set<std::size_t> inputs;
  for (const RankPart& part : rank.parts) {
    const std::vector<std::size_t> of_stage = model_inputs(plan, model, part.stage);
    inputs.insert(of_stage.begin(), of_stage.end());
  }
  TrainingData training_data(read_scene(options.scene, options.rasters), model, inputs,
                             job.training, plan.batch_size);
  link.send({.header = {{"type", "ready"},
                        {"address", address},
                        {"training_samples", training_data.fingerprint()}},
             .payload = {}});
  static_cast<void>(link.wait_for("go"));

  LinkStore store(link);
  std::unique_ptr<Communicator> communicator;
  if (program.ranks.size() > 1)
    communicator = std::make_unique<Communicator>(store.place(), address, job.rank,
                                                  static_cast<int>(program.ranks.size()),
                                                  std::vector<std::vector<int>>{});
  RankTraining training(job, plan, program, model, training_data, communicator.get(), link);
  const RankTraining::End end = training.train();
  if (communicator) {
    communicator->flush();
    // Nobody leaves while another still waits for what it was sent.
    communicator->barrier();
  }
  if (end == RankTraining::End::kHalted) return;
  link.send({.header = {{"type", "window"}}, .payload = encode(training.window())});
  training.send_weights();
}

}  // namespace cadastre
