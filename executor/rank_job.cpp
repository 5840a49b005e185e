#include "executor/rank_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <numeric>
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

/// Gives the interpreter its samples: the training pixels of a scene in the epoch's order.
class TrainingData {
 public:
  TrainingData(const SceneData& scene, const PatchSize& patch, const std::vector<int>& inputs,
               std::size_t num_model_inputs, std::uint64_t seed, std::int64_t batch_size)
      : scene_(scene),
        patch_(patch),
        inputs_(inputs),
        num_model_inputs_(num_model_inputs),
        seed_(seed),
        batch_size_(batch_size) {}

  void start_step(std::int64_t epoch, std::int64_t step_of_epoch) {
    if (epoch != epoch_) {
      order_ = sample_order(seed_, epoch, static_cast<std::int64_t>(scene_.train.size()));
      epoch_ = epoch;
    }
    first_ = step_of_epoch * batch_size_;
  }

  [[nodiscard]] LoadedSamples load(SampleRange samples) const {
    std::vector<Pixel> pixels;
    LoadedSamples loaded;
    loaded.class_indices = at::empty({samples.size()}, at::kLong);
    auto* classes = loaded.class_indices.data_ptr<std::int64_t>();
    for (std::int64_t i = samples.begin; i < samples.end; ++i) {
      const Sample& sample =
          scene_.train[static_cast<std::size_t>(order_[static_cast<std::size_t>(first_ + i)])];
      pixels.push_back({.row = sample.row, .column = sample.column});
      *classes++ = sample.class_index;
    }
    // New tensors each time: those of other micro-batches are still in use.
    std::vector<at::Tensor> batch;
    gather_patches(scene_, patch_, pixels.data(), samples.size(), batch);
    loaded.inputs.resize(num_model_inputs_);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      loaded.inputs[static_cast<std::size_t>(inputs_[i])] = batch[i];
    return loaded;
  }

 private:
  const SceneData& scene_;
  const PatchSize& patch_;
  const std::vector<int>& inputs_;
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
                                                  reduction_groups(program));
  }
  RankInterpreter interpreter(program, environment.rank, model, plan, seed, communicator.get());

  // Only the modalities that this stage reads are loaded; patch sizes are a matter of all of them.
  const Scene scene = read_scene(job.scene, job.rasters);
  const PatchSize all_patches = patch_size(scene, model.inputs);
  PatchSize patches{.reference_pixels = all_patches.reference_pixels, .scales = {}};
  std::vector<ModelInput> inputs;
  std::vector<int> input_indices;
  for (const Source& source : interpreter.network().inputs()) {
    if (!source.is_model_input) continue;
    inputs.push_back(model.inputs[static_cast<std::size_t>(source.index)]);
    input_indices.push_back(source.index);
    patches.scales.push_back(all_patches.scales[static_cast<std::size_t>(source.index)]);
  }
  const SceneData data = load_scene(scene, inputs);
  TrainingData training_data(data, patches, input_indices, model.inputs.size(), seed,
                             plan.batch_size);

  const StepCount steps =
      step_count(job.training, static_cast<std::int64_t>(data.train.size()), plan.batch_size);
  StepWindow window;
  for (std::int64_t step = 0; step < steps.total; ++step) {
    training_data.start_step(step / steps.per_epoch, step % steps.per_epoch);
    StepResult result = interpreter.run_step(
        {.step = step,
         .sgd = {.learning_rate = learning_rate(job.training.learning_rate, step, steps.total),
                 .momentum = job.training.momentum,
                 .weight_decay = job.training.weight_decay},
         .load = [&](SampleRange samples) { return training_data.load(samples); }});
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
  if (rank.replica == 0)
    write_weights(job.parts / ("stage-" + std::to_string(rank.stage) + ".pt"),
                  stage_weights(interpreter.network()));
}

}  // namespace cadastre
