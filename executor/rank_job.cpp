#include "executor/rank_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "executor/learning_rate.h"
#include "executor/patch_batch.h"
#include "executor/process_setup.h"
#include "executor/rank_channel.h"
#include "executor/rank_interpreter.h"
#include "executor/sample_order.h"
#include "executor/scene_data.h"
#include "executor/step_window.h"
#include "executor/weights.h"
#include "planner/error.h"

namespace cadastre {

namespace {

/// The model inputs (indices in the model) that a stage reads, ascending.
std::vector<std::size_t> model_inputs(const StageNetwork& network) {
  std::vector<std::size_t> inputs;
  for (const Source& source : network.inputs())
    if (source.is_model_input) inputs.push_back(static_cast<std::size_t>(source.index));
  return inputs;
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

void run_rank(const RankJob& job) {
  prepare_process(job.num_threads);
  const PlanDocument document = read_plan(job.plan);
  const Plan& plan = document.plan;
  const ModelGraph& model = document.profile.model;
  check_executable(model, job.plan.string(), "/profile/model");
  const Program program = lower(plan, model, document.cluster);
  const RankEnvironment& environment = job.environment;
  if (environment.num_ranks != static_cast<int>(program.ranks.size()))
    throw InputError("", "",
                     "expected " + std::to_string(program.ranks.size()) +
                         " ranks, as the plan has, found WORLD_SIZE " +
                         std::to_string(environment.num_ranks));
  const RankProgram& rank = program.ranks[static_cast<std::size_t>(environment.rank)];
  const auto seed = static_cast<std::uint64_t>(job.training.seed);

  std::unique_ptr<Communicator> communicator;
  if (program.ranks.size() > 1) {
    const Host& host = document.cluster.hosts[static_cast<std::size_t>(rank.host_index)];
    const std::string address =
        host.address.empty() ? environment.rendezvous.address : host.address;
    communicator = std::make_unique<Communicator>(environment.rendezvous, address, environment.rank,
                                                  static_cast<int>(program.ranks.size()),
                                                  std::vector<std::vector<int>>{});
  }
  RankInterpreter interpreter(program, environment.rank, model, plan, seed, communicator.get());

  std::map<int, std::vector<std::size_t>> inputs_of_stage;
  std::set<std::size_t> inputs;
  for (const RankPart& part : rank.parts) {
    const std::vector<std::size_t> of_stage = model_inputs(interpreter.part(part.stage).network());
    inputs.insert(of_stage.begin(), of_stage.end());
    inputs_of_stage[part.stage] = of_stage;
  }
  const RankScene scene =
      load_rank_scene(read_scene(job.scene, job.rasters), model, std::move(inputs));
  TrainingData training_data(scene, model.inputs.size(), seed, plan.batch_size);

  const StepCount steps =
      step_count(job.training, static_cast<std::int64_t>(scene.data.train.size()), plan.batch_size);
  StepWindow window;
  for (std::int64_t step = 0; step < steps.total; ++step) {
    training_data.start_step(step / steps.per_epoch, step % steps.per_epoch);
    StepResult result = interpreter.run_step(
        {.step = step,
         .sgd = {.learning_rate = learning_rate(job.training.learning_rate, step, steps.total),
                 .momentum = job.training.momentum,
                 .weight_decay = job.training.weight_decay},
         .load = [&](int stage, SampleRange samples) {
           return training_data.load(samples, inputs_of_stage.at(stage));
         }});
    tell_launcher({.kind = RankMessage::Kind::kStep,
                   .step = step,
                   .loss_sum = result.loss_sum,
                   .end_s = result.end_s,
                   .text = {},
                   .value = 0});
    window.traffic_bytes_per_step = result.traffic_bytes;
    window.add(step, std::move(result.events));
  }
  if (communicator) {
    communicator->flush();
    // Nobody leaves while another still waits for what it was sent.
    communicator->barrier();
  }
  write_step_window(job.parts / ("rank-" + std::to_string(environment.rank) + ".json"), window);
  for (const RankPart& part : rank.parts)
    if (part.replica == 0)
      write_weights(job.parts / ("stage-" + std::to_string(part.stage) + ".pt"),
                    stage_weights(interpreter.part(part.stage).network()));
}

}  // namespace cadastre
