#include "executor/rank_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "executor/launch/rank_hello.h"
#include "executor/launch/rank_place.h"
#include "executor/learning_rate.h"
#include "executor/patch_batch.h"
#include "executor/process_setup.h"
#include "executor/rank_interpreter.h"
#include "executor/sample_order.h"
#include "executor/scene_data.h"
#include "executor/step_window.h"
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

/// Differs where ranks would train on other samples.
std::string sample_fingerprint(const std::vector<Sample>& samples) {
  std::string text;
  text.reserve(samples.size() * 12);
  for (const Sample& sample : samples)
    for (const std::int64_t number :
         {std::int64_t{sample.row}, std::int64_t{sample.column}, std::int64_t{sample.class_index}})
      for (int shift = 0; shift < 32; shift += 8)
        text.push_back(static_cast<char>((number >> shift) & 0xff));
  return std::to_string(samples.size()) + " samples, " + fingerprint(text);
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

/// What a rank loads of a scene: the modalities that its stages read. Patch sizes are a matter of
/// all of them.
struct RankScene {
  SceneData data;
  PatchSize patch;                  ///< scales as the data's modalities
  std::vector<std::size_t> inputs;  ///< model inputs, as the data's modalities
};

RankScene load_rank_scene(const Scene& scene, const ModelGraph& model,
                          std::set<std::size_t> inputs) {
  const PatchSize all_patches = patch_size(scene, model.inputs);
  RankScene loaded{.data = {},
                   .patch = {.reference_pixels = all_patches.reference_pixels, .scales = {}},
                   .inputs = {inputs.begin(), inputs.end()}};
  std::vector<ModelInput> modalities;
  for (const std::size_t input : loaded.inputs) {
    modalities.push_back(model.inputs[input]);
    loaded.patch.scales.push_back(all_patches.scales[input]);
  }
  loaded.data = load_scene(scene, modalities);
  return loaded;
}

/// Gives the interpreter its samples: the training pixels of a scene in the epoch's order.
class TrainingData {
 public:
  TrainingData(const RankScene& scene, std::size_t num_model_inputs, std::uint64_t seed,
               std::int64_t batch_size)
      : scene_(scene), num_model_inputs_(num_model_inputs), seed_(seed), batch_size_(batch_size) {}

  void start_step(std::int64_t epoch, std::int64_t step_of_epoch) {
    if (epoch != epoch_) {
      order_ = sample_order(seed_, epoch, static_cast<std::int64_t>(scene_.data.train.size()));
      epoch_ = epoch;
    }
    first_ = step_of_epoch * batch_size_;
  }

  /// `inputs`: of the model, those that are wanted.
  [[nodiscard]] LoadedSamples load(SampleRange samples,
                                   const std::vector<std::size_t>& inputs) const {
    std::vector<Pixel> pixels;
    LoadedSamples loaded;
    loaded.class_indices = at::empty({samples.size()}, at::kLong);
    auto* classes = loaded.class_indices.data_ptr<std::int64_t>();
    for (std::int64_t i = samples.begin; i < samples.end; ++i) {
      const Sample& sample =
          scene_.data.train[static_cast<std::size_t>(order_[static_cast<std::size_t>(first_ + i)])];
      pixels.push_back({.row = sample.row, .column = sample.column});
      *classes++ = sample.class_index;
    }
    // New tensors each time: those of other micro-batches are still in use.
    loaded.inputs.resize(num_model_inputs_);
    for (const std::size_t input : inputs) {
      const auto modality = static_cast<std::size_t>(
          std::find(scene_.inputs.begin(), scene_.inputs.end(), input) - scene_.inputs.begin());
      gather_patches(scene_.data, scene_.patch, modality, pixels.data(), samples.size(),
                     loaded.inputs[input]);
    }
    return loaded;
  }

 private:
  const RankScene& scene_;
  std::size_t num_model_inputs_;
  std::uint64_t seed_;
  std::int64_t batch_size_;
  std::int64_t epoch_ = -1;
  std::int64_t first_ = 0;
  std::vector<std::int32_t> order_;
};

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
  const RankScene scene =
      load_rank_scene(read_scene(options.scene, options.rasters), model, std::move(inputs));
  TrainingData training_data(scene, model.inputs.size(), seed, plan.batch_size);
  const StepCount steps =
      step_count(job.training, static_cast<std::int64_t>(scene.data.train.size()), plan.batch_size);
  link.send({.header = {{"type", "ready"},
                        {"address", address},
                        {"training_samples", sample_fingerprint(scene.data.train)}},
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
