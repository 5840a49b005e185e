#include "executor/rank_interpreter.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "executor/rank_channel.h"

namespace cadastre {

namespace {

/// Receives that are under way while the rank computes: enough to hide the network, few enough to
/// keep the buffers small.
constexpr int kReceivesAhead = 4;

bool is_receive(InstructionKind kind) {
  return kind == InstructionKind::kReceiveActivation || kind == InstructionKind::kReceiveGradient;
}

at::Tensor rows(const at::Tensor& tensor, SampleRange samples, SampleRange of) {
  return tensor.narrow(0, samples.begin - of.begin, samples.size());
}

}  // namespace

std::vector<std::vector<int>> reduction_groups(const Program& program) {
  std::vector<std::vector<int>> groups;
  for (const std::vector<int>& ranks : program.stage_ranks)
    if (ranks.size() > 1) groups.push_back(ranks);
  return groups;
}

std::vector<int> stage_layers(const Plan& plan, const ModelGraph& model, int stage) {
  std::vector<int> layers;
  for (const std::string& id : plan.stages[static_cast<std::size_t>(stage)].layers)
    layers.push_back(layer_index(model, id));
  std::sort(layers.begin(), layers.end());
  return layers;
}

RankInterpreter::RankInterpreter(const Program& program, int rank, const ModelGraph& model,
                                 const Plan& plan, std::uint64_t seed, Communicator* communicator)
    : program_(program),
      rank_(program.ranks[static_cast<std::size_t>(rank)]),
      model_(model),
      batch_size_(plan.batch_size),
      seed_(seed),
      communicator_(communicator),
      network_(model, stage_layers(plan, model, rank_.stage), seed),
      velocity_(at::zeros_like(network_.flat_parameters())),
      has_gradient_(layers_with_gradient(model)),
      stage_of_layer_(model.layers.size(), 0) {
  for (std::size_t s = 0; s < plan.stages.size(); ++s)
    for (const int layer : stage_layers(plan, model, static_cast<int>(s)))
      stage_of_layer_[static_cast<std::size_t>(layer)] = static_cast<int>(s);
  const std::vector<int>& outputs = network_.outputs();
  const auto scores = std::find(outputs.begin(), outputs.end(), layer_index(model, model.output));
  if (scores != outputs.end()) loss_output_ = static_cast<int>(scores - outputs.begin());
  for (const Instruction& instruction : rank_.instructions)
    if (instruction.kind == InstructionKind::kForward)
      slices_[instruction.micro_batch] = instruction.samples;
  for (int stage = 0; stage < rank_.stage; ++stage)
    if (program.stage_ranks[static_cast<std::size_t>(stage)].size() > 1) ++group_;
}

StepResult RankInterpreter::run_step(const StepContext& context) {
  StepResult result;
  loss_sum_ = 0;
  receive_numbers_.assign(rank_.instructions.size(), -1);
  next_to_post_ = 0;
  for (std::size_t i = 0; i < rank_.instructions.size(); ++i) {
    const Instruction& instruction = rank_.instructions[i];
    const double start_s = steady_clock_s();
    post_receives_from(i);
    if (is_receive(instruction.kind))
      wait_for(i);
    else
      execute(instruction, context);
    result.events.push_back({.rank = program_.stage_ranks[static_cast<std::size_t>(rank_.stage)]
                                                         [static_cast<std::size_t>(rank_.replica)],
                             .kind = instruction.kind,
                             .micro_batch = instruction.micro_batch,
                             .layer = instruction.layer,
                             .peer = instruction.peer,
                             .start_s = start_s,
                             .end_s = steady_clock_s(),
                             .bytes = instruction.bytes});
    if (instruction.kind == InstructionKind::kSendActivation ||
        instruction.kind == InstructionKind::kSendGradient)
      result.traffic_bytes += instruction.bytes;
    if (instruction.kind == InstructionKind::kReduceGradients)
      result.traffic_bytes += ring_bytes_per_rank(
          instruction.bytes, program_.stage_ranks[static_cast<std::size_t>(rank_.stage)].size());
  }
  micro_batches_.clear();
  if (communicator_ != nullptr) communicator_->finish_sends();
  result.loss_sum = loss_sum_;
  result.end_s = steady_clock_s();
  return result;
}

void RankInterpreter::execute(const Instruction& instruction, const StepContext& context) {
  switch (instruction.kind) {
    case InstructionKind::kLoadMicroBatch:
      micro_batches_[instruction.micro_batch].loaded = context.load(instruction.samples);
      return;
    case InstructionKind::kForward:
      return forward(instruction, context);
    case InstructionKind::kBackward:
      return backward(instruction);
    case InstructionKind::kSendActivation:
      return send_activation(instruction);
    case InstructionKind::kSendGradient:
      return send_gradient(instruction);
    case InstructionKind::kReduceGradients:
      return reduce_gradients();
    case InstructionKind::kOptimizerStep:
      return optimizer_step(context);
    case InstructionKind::kReceiveActivation:
    case InstructionKind::kReceiveGradient:
      return;  // `wait_for`
  }
}

void RankInterpreter::forward(const Instruction& instruction, const StepContext& context) {
  MicroBatch& micro_batch = micro_batches_[instruction.micro_batch];
  micro_batch.samples = instruction.samples;
  micro_batch.inputs.clear();
  for (const Source& source : network_.inputs()) {
    if (source.is_model_input) {
      micro_batch.inputs.push_back(
          micro_batch.loaded.inputs[static_cast<std::size_t>(source.index)]);
      continue;
    }
    at::Tensor activation = take_activation(source.index, instruction.micro_batch);
    if (has_gradient_[static_cast<std::size_t>(source.index)]) activation.requires_grad_(true);
    micro_batch.inputs.push_back(std::move(activation));
  }
  micro_batch.outputs = network_.forward(micro_batch.inputs, {.mode = ForwardMode::kTraining,
                                                              .seed = seed_,
                                                              .step = context.step,
                                                              .samples = instruction.samples});
  if (loss_output_ >= 0) compute_loss(micro_batch);
}

void RankInterpreter::compute_loss(MicroBatch& micro_batch) {
  // A leaf of its own: the gradient of the scores is one of the roots of `backward`.
  at::Tensor scores =
      micro_batch.outputs[static_cast<std::size_t>(loss_output_)].detach().requires_grad_(true);
  const at::Tensor loss = cross_entropy_sum(scores, micro_batch.loaded.class_indices);
  torch::autograd::backward({loss / static_cast<double>(batch_size_)}, {});
  micro_batch.loss_gradient = scores.grad();
  loss_sum_ += loss.item<double>();
}

void RankInterpreter::backward(const Instruction& instruction) {
  MicroBatch& micro_batch = micro_batches_[instruction.micro_batch];
  std::vector<at::Tensor> gradients(micro_batch.outputs.size());
  if (loss_output_ >= 0)
    gradients[static_cast<std::size_t>(loss_output_)] = micro_batch.loss_gradient;
  for (std::size_t o = 0; o < gradients.size(); ++o) {
    const int layer = network_.outputs()[o];
    // A tensor that several stages read gets the sum of their gradients, in the stages' order.
    auto arrival = arrivals_.lower_bound({true, layer, instruction.micro_batch, 0});
    while (arrival != arrivals_.end() && std::get<0>(arrival->first) &&
           std::get<1>(arrival->first) == layer &&
           std::get<2>(arrival->first) == instruction.micro_batch) {
      const at::Tensor& gradient = arrival->second.tensor;
      gradients[o] = gradients[o].defined() ? gradients[o] + gradient : gradient;
      arrival = arrivals_.erase(arrival);
    }
  }
  network_.backward(micro_batch.outputs, gradients);
  micro_batch.outputs.clear();
}

at::Tensor RankInterpreter::take_activation(int layer, int micro_batch) {
  const auto found =
      arrivals_.find({false, layer, micro_batch, stage_of_layer_[static_cast<std::size_t>(layer)]});
  at::Tensor tensor = std::move(found->second.tensor);
  arrivals_.erase(found);
  return tensor;
}

void RankInterpreter::send_activation(const Instruction& instruction) {
  const MicroBatch& micro_batch = micro_batches_[instruction.micro_batch];
  const std::vector<int>& outputs = network_.outputs();
  const auto position = std::find(outputs.begin(), outputs.end(), instruction.layer);
  const at::Tensor& output =
      micro_batch.outputs[static_cast<std::size_t>(position - outputs.begin())];
  communicator_->send(rows(output.detach(), instruction.samples, micro_batch.samples).contiguous(),
                      instruction.peer, instruction.message);
}

void RankInterpreter::send_gradient(const Instruction& instruction) {
  MicroBatch& micro_batch = micro_batches_[instruction.micro_batch];
  const std::vector<Source>& inputs = network_.inputs();
  const auto position = std::find(inputs.begin(), inputs.end(),
                                  Source{.is_model_input = false, .index = instruction.layer});
  const at::Tensor& input = micro_batch.inputs[static_cast<std::size_t>(position - inputs.begin())];
  // A tensor that the loss does not depend on through this stage has none.
  const at::Tensor gradient = input.grad().defined() ? input.grad() : at::zeros_like(input);
  communicator_->send(rows(gradient, instruction.samples, micro_batch.samples).contiguous(),
                      instruction.peer, instruction.message);
}

void RankInterpreter::reduce_gradients() {
  std::vector<at::Tensor> tensors = {network_.gradients()};
  if (network_.pending_statistics().numel() > 0) tensors.push_back(network_.pending_statistics());
  communicator_->all_reduce(std::move(tensors), group_);
}

void RankInterpreter::optimizer_step(const StepContext& context) {
  network_.update_running_statistics();
  sgd_step(network_.flat_parameters(), network_.gradients(), velocity_, context.sgd);
  network_.zero_gradients();
}

RankInterpreter::ArrivalKey RankInterpreter::arrival_key(const Instruction& instruction) const {
  const RankProgram& peer = program_.ranks[static_cast<std::size_t>(instruction.peer)];
  return {instruction.kind == InstructionKind::kReceiveGradient, instruction.layer,
          instruction.micro_batch, peer.stage};
}

void RankInterpreter::post_receives_from(std::size_t instruction) {
  next_to_post_ = std::max(next_to_post_, instruction);
  int under_way = 0;
  for (std::size_t i = instruction; i < next_to_post_; ++i)
    if (is_receive(rank_.instructions[i].kind)) ++under_way;
  for (; next_to_post_ < rank_.instructions.size() && under_way < kReceivesAhead; ++next_to_post_) {
    if (!is_receive(rank_.instructions[next_to_post_].kind)) continue;
    post_receive(next_to_post_);
    ++under_way;
  }
}

void RankInterpreter::post_receive(std::size_t instruction) {
  const Instruction& what = rank_.instructions[instruction];
  const SampleRange slice = slices_.at(what.micro_batch);
  Arrival& arrival = arrivals_[arrival_key(what)];
  if (!arrival.tensor.defined()) {
    std::vector<std::int64_t> shape = {slice.size()};
    const Shape& sample = model_.layers[static_cast<std::size_t>(what.layer)].output_shape;
    shape.insert(shape.end(), sample.begin(), sample.end());
    arrival.tensor = at::empty(shape);
  }
  receive_numbers_[instruction] = communicator_->post_receive(
      rows(arrival.tensor, what.samples, slice), what.peer, what.message);
}

void RankInterpreter::wait_for(std::size_t instruction) {
  communicator_->wait(receive_numbers_[instruction]);
}

}  // namespace cadastre
