#include "tests/executor/thread_training.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <memory>
#include <stdexcept>

#include "planner/lowering.h"
#include "tests/executor/ranks.h"
#include "tests/executor/training_world.h"

namespace cadastre::test {

Batches make_batches(const ModelGraph& model, std::int64_t num_steps) {
  constexpr std::int64_t kNumClasses = 3;
  torch::manual_seed(3);
  Batches batches;
  for (std::int64_t step = 0; step < num_steps; ++step) {
    const at::Tensor classes = torch::randint(kNumClasses, {kBatchSize}, at::kLong);
    std::vector<at::Tensor>& inputs = batches.inputs.emplace_back();
    for (const ModelInput& input : model.inputs) {
      std::vector<std::int64_t> shape = {kBatchSize};
      shape.insert(shape.end(), input.shape.begin(), input.shape.end());
      inputs.push_back(torch::randn(shape) +
                       (classes - 1).to(at::kFloat).view({kBatchSize, 1, 1, 1}));
    }
    batches.class_indices.push_back(classes);
  }
  return batches;
}

LoadedSamples load_samples(const Batches& batches, std::int64_t step, SampleRange samples) {
  const auto index = static_cast<std::size_t>(step);
  LoadedSamples loaded;
  for (const at::Tensor& input : batches.inputs[index])
    loaded.inputs.push_back(input.narrow(0, samples.begin, samples.size()));
  loaded.class_indices = batches.class_indices[index].narrow(0, samples.begin, samples.size());
  return loaded;
}

ThreadTraining train_in_threads(const PlanDocument& document, const Batches& batches,
                                int failing_rank, const HowToTrain& how) {
  at::set_num_threads(1);
  const ModelGraph& model = document.profile.model;
  const Program program = lower(document.plan, model, document.cluster);
  const std::size_t num_ranks = program.ranks.size();
  const auto num_steps = static_cast<std::int64_t>(batches.inputs.size());
  ThreadTraining training;
  std::vector<std::vector<double>> loss_sums(num_ranks);
  training.rank_weights.resize(num_ranks);
  training.events.resize(num_ranks);
  training.sent_bytes.resize(num_ranks);
  training.traffic_bytes.resize(num_ranks);
  training.errors.resize(num_ranks);

  const auto train = [&](int rank, Communicator* communicator) {
    const auto r = static_cast<std::size_t>(rank);
    RankInterpreter interpreter(program, rank, model, document.plan, kTrainingSeed, communicator);
    interpreter.set_loss(how.loss);
    const std::int64_t num_training_steps = num_steps - how.settle_steps;
    const auto swap_with_averages = [&] {
      for (const RankPart& part : program.ranks[r].parts)
        interpreter.part(part.stage).swap_with_average();
    };
    for (std::int64_t step = 0; step < num_steps; ++step) {
      if (step == num_training_steps) swap_with_averages();
      StepResult result = interpreter.run_step(
          {.step = step,
           .last_step = step + 1 == num_steps || step + 1 == num_training_steps,
           .update = how.update,
           .average_decay = how.average_decay,
           .settle_step = step < num_training_steps ? -1 : step - num_training_steps,
           .load = [&](int /*stage*/, SampleRange samples) {
             if (rank == failing_rank && step == 2) throw std::runtime_error("no such sample");
             return load_samples(batches, step, samples);
           }});
      loss_sums[r].push_back(result.loss_sum);
      training.events[r].push_back(std::move(result.events));
      training.traffic_bytes[r] = result.traffic_bytes;
    }
    if (communicator != nullptr) {
      communicator->flush();
      for (const std::int64_t bytes : communicator->sent_bytes()) training.sent_bytes[r] += bytes;
      communicator->barrier();
    }
    if (num_training_steps == num_steps) swap_with_averages();
    std::vector<Weights> parts;
    for (const RankPart& part : program.ranks[r].parts)
      parts.push_back(stage_weights(interpreter.part(part.stage).network()));
    training.rank_weights[r] = merge_weights(parts);
  };
  const auto try_to_train = [&](int rank, Communicator* communicator) {
    try {
      train(rank, communicator);
    } catch (const std::exception& error) {
      training.errors[static_cast<std::size_t>(rank)] = error.what();
    }
  };
  if (num_ranks == 1)
    try_to_train(0, nullptr);
  else
    as_ranks(static_cast<int>(num_ranks), {},
             [&](int rank, Communicator& communicator) { try_to_train(rank, &communicator); });

  for (const std::string& error : training.errors)
    if (!error.empty()) return training;
  for (std::size_t step = 0; step < batches.inputs.size(); ++step) {
    double sum = 0;
    for (const std::vector<double>& of_rank : loss_sums) sum += of_rank[step];
    training.losses.push_back(sum / static_cast<double>(document.plan.batch_size));
  }
  for (std::size_t r = num_ranks; r-- > 0;)
    for (const auto& [name, tensor] : training.rank_weights[r]) training.weights[name] = tensor;
  return training;
}

}  // namespace cadastre::test
