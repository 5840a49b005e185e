#include "executor/rank_interpreter.h"

#include <algorithm>
#include <set>

namespace cadastre {

namespace {

/// Receives that are under way while the rank computes: enough to hide the network, few enough to
/// keep the buffers small.
constexpr int kReceivesAhead = 4;

constexpr bool is_gradient(InstructionKind kind) {
  return kind == InstructionKind::kSendGradient || kind == InstructionKind::kReceiveGradient;
}

at::Tensor rows(const at::Tensor& tensor, SampleRange samples, SampleRange of) {
  return tensor.narrow(0, samples.begin - of.begin, samples.size());
}

}  // namespace

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
      self_(rank),
      rank_(program.ranks[static_cast<std::size_t>(rank)]),
      model_(model),
      communicator_(communicator),
      wire_(scalar_type(program.wire_dtype)) {
  std::set<int> recomputed;
  for (const Instruction& instruction : rank_.instructions) {
    if (instruction.kind == InstructionKind::kRecompute) recomputed.insert(instruction.stage);
    if (instruction.kind == InstructionKind::kForward)
      slices_[{instruction.stage, instruction.micro_batch}] = instruction.samples;
  }
  for (const RankPart& part : rank_.parts)
    parts_.emplace(part.stage,
                   StagePart(model, stage_layers(plan, model, part.stage), seed, plan.batch_size,
                             recomputed.contains(part.stage) ? Kept::kInputs : Kept::kActivations));
  for (std::size_t s = 0; s < program.stage_buckets.size(); ++s) {
    const auto stage = static_cast<int>(s);
    const std::vector<int> ranks = reducing_ranks(program, stage);
    if (program.stage_buckets[s].empty() ||
        std::find(ranks.begin(), ranks.end(), self_) == ranks.end())
      continue;
    const auto part = parts_.find(stage);
    reductions_.emplace(
        std::piecewise_construct, std::forward_as_tuple(stage),
        std::forward_as_tuple(program, self_, stage, part == parts_.end() ? nullptr : &part->second,
                              *communicator_));
  }
  for (const Instruction& instruction : rank_.instructions)
    traffic_bytes_ += sent_bytes(program, static_cast<std::size_t>(self_), instruction);
  note_messages();
  note_last_uses();
  note_samples(plan.batch_size);
}

void RankInterpreter::note_samples(std::int64_t batch_size) {
  for (const auto& [stage, part] : parts_) sample_parts_[stage] = 0;
  for (const auto& [slice, samples] : slices_)
    sample_parts_.at(slice.first) +=
        static_cast<double>(samples.size()) / static_cast<double>(batch_size);
}

void RankInterpreter::note_messages() {
  messages_.resize(static_cast<std::size_t>(program_.num_messages));
  for (const RankProgram& rank : program_.ranks)
    for (const Instruction& instruction : rank.instructions) {
      if (!is_send(instruction.kind) && !is_receive(instruction.kind)) continue;
      MessageEnds& ends = messages_[static_cast<std::size_t>(instruction.message)];
      (is_send(instruction.kind) ? ends.from_stage : ends.to_stage) = instruction.stage;
    }
}

void RankInterpreter::note_last_uses() {
  const std::size_t num_instructions = rank_.instructions.size();
  ends_forward_.assign(num_instructions, 0);
  ends_micro_batch_.assign(num_instructions, 0);
  std::set<std::pair<int, int>> forward_ended;
  std::set<std::pair<int, int>> ended;
  for (std::size_t i = num_instructions; i-- > 0;) {
    const Instruction& instruction = rank_.instructions[i];
    if (instruction.micro_batch < 0) continue;
    const std::pair slice(instruction.stage, instruction.micro_batch);
    ends_micro_batch_[i] = ended.insert(slice).second;
    if (instruction.kind == InstructionKind::kForward ||
        instruction.kind == InstructionKind::kSendActivation)
      ends_forward_[i] = forward_ended.insert(slice).second;
  }
}

StepResult RankInterpreter::run_step(const StepContext& context) {
  StepResult result;
  result.events.reserve(rank_.instructions.size());
  result.traffic_bytes = traffic_bytes_;
  receive_numbers_.assign(rank_.instructions.size(), -1);
  received_.resize(rank_.instructions.size());
  next_to_post_ = 0;
  MeterReading start = meter_.read();
  for (std::size_t i = 0; i < rank_.instructions.size(); ++i) {
    const Instruction& instruction = rank_.instructions[i];
    if (is_left_out(instruction, context)) continue;
    if (position_ != nullptr) position_->set(context.step, i);
    if (passed_.empty()) {
      post_receives_from(i);
      execute(i, context);
    }
    if (ends_micro_batch_[i])
      parts_.at(instruction.stage).forget(instruction.micro_batch);
    else if (ends_forward_[i])
      parts_.at(instruction.stage).outputs_sent(instruction.micro_batch);
    MeterReading end;
    if (passed_.empty()) {
      end = meter_.read();
    } else {
      end = passed_.front();
      passed_.pop_front();
    }
    TimelineEvent event = event_of(self_, instruction, start.time_s, end.time_s);
    event.cpu_s = end.cpu_s - start.cpu_s;
    event.resident_bytes = end.resident_bytes;
    result.events.push_back(event);
    start = end;
  }
  if (communicator_ != nullptr) communicator_->finish_sends();
  for (auto& [stage, part] : parts_) result.loss_sum += part.take_loss_sum();
  result.end_s = meter_.read().time_s;
  return result;
}

bool RankInterpreter::is_left_out(const Instruction& instruction,
                                  const StepContext& context) const {
  return is_reduction(instruction.kind) && program_.averaging_period > 0 && !context.last_step &&
         (context.step + 1) % program_.averaging_period != 0;
}

void RankInterpreter::execute(std::size_t index, const StepContext& context) {
  const Instruction& instruction = rank_.instructions[index];
  switch (instruction.kind) {
    case InstructionKind::kLoadMicroBatch:
      parts_.at(instruction.stage)
          .load(instruction.micro_batch, context.load(instruction.stage, instruction.samples));
      break;
    case InstructionKind::kForward:
      forward(instruction, context);
      break;
    case InstructionKind::kRecompute:
      parts_.at(instruction.stage).recompute(instruction.micro_batch);
      break;
    case InstructionKind::kBackward:
      backward(instruction);
      break;
    case InstructionKind::kSendActivation:
    case InstructionKind::kSendGradient:
      send(instruction);
      break;
    case InstructionKind::kReceiveActivation:
    case InstructionKind::kReceiveGradient:
      if (is_from_network(instruction)) receive(index);
      break;
    case InstructionKind::kStartReduction:
      start_reduction(instruction);
      break;
    case InstructionKind::kReduceGradients:
      reductions_.at(instruction.stage).wait();
      if (program_.averaging_period > 0) average_weights(instruction.stage, context);
      break;
    case InstructionKind::kOptimizerStep:
      optimizer_step(instruction, context);
      break;
  }
}

void RankInterpreter::forward(const Instruction& instruction, const StepContext& context) {
  parts_.at(instruction.stage)
      .forward(instruction.micro_batch, context.step, instruction.samples, [&](int layer) {
        return take_activation(instruction.stage, layer, instruction.micro_batch);
      });
}

void RankInterpreter::backward(const Instruction& instruction) {
  if (instruction.bucket < 0)
    run_backward(instruction);
  else  // the first part, and with it all others
    reductions_.at(instruction.stage)
        .run_last_backward([&] { run_backward(instruction); },
                           [&] { passed_.push_back(meter_.read()); });
}

void RankInterpreter::run_backward(const Instruction& instruction) {
  parts_.at(instruction.stage).backward(instruction.micro_batch, [&](int layer) {
    return take_gradient(instruction.stage, layer, instruction.micro_batch);
  });
}

void RankInterpreter::start_reduction(const Instruction& instruction) {
  const auto part = parts_.find(instruction.stage);
  if (program_.averaging_period > 0 && part != parts_.end())
    part->second.network().flat_state().mul_(sample_parts_.at(instruction.stage));
  reductions_.at(instruction.stage).start(instruction.bucket);
}

void RankInterpreter::optimizer_step(const Instruction& instruction, const StepContext& context) {
  if (context.settle_step >= 0)
    return parts_.at(instruction.stage).settle(context.settle_step);
  UpdateSettings settings = context.update;
  const double sample_part = sample_parts_.at(instruction.stage);
  // Losses are divided by the samples of the global batch.
  if (program_.averaging_period > 0 && sample_part > 0) settings.gradient_scale = 1 / sample_part;
  parts_.at(instruction.stage).optimizer_step(settings);
  // Replicas that take steps of their own do not agree before they have averaged.
  if (program_.averaging_period == 0 || !reductions_.contains(instruction.stage))
    average_weights(instruction.stage, context);
}

void RankInterpreter::average_weights(int stage, const StepContext& context) {
  const auto part = parts_.find(stage);
  if (part == parts_.end() || context.average_decay == 0 || context.settle_step >= 0) return;
  std::int64_t& num_averaged = num_averaged_[stage];
  part->second.average_weights(context.average_decay, context.step + 1 - num_averaged);
  num_averaged = context.step + 1;
}

void RankInterpreter::begin_at(std::int64_t num_steps) {
  for (const auto& [stage, part] : parts_) num_averaged_[stage] = num_steps;
}

void RankInterpreter::set_loss(const ClassLoss& loss) {
  for (auto& [stage, part] : parts_) part.set_loss(loss);
}

at::Tensor RankInterpreter::take_activation(int stage, int layer, int micro_batch) {
  const auto found = arrivals_.lower_bound({false, stage, layer, micro_batch, 0});
  at::Tensor tensor = std::move(found->second);
  arrivals_.erase(found);
  return tensor;
}

at::Tensor RankInterpreter::take_gradient(int stage, int layer, int micro_batch) {
  // A tensor that several stages read gets the sum of their gradients, in the stages' order.
  const auto begin = arrivals_.lower_bound({true, stage, layer, micro_batch, 0});
  const auto end = arrivals_.lower_bound({true, stage, layer, micro_batch + 1, 0});
  at::Tensor sum;
  for (auto found = begin; found != end; ++found)
    sum = sum.defined() ? sum + found->second : found->second;
  arrivals_.erase(begin, end);
  return sum;
}

void RankInterpreter::send(const Instruction& instruction) {
  const StagePart& part = parts_.at(instruction.stage);
  const at::Tensor whole = is_gradient(instruction.kind)
                               ? part.input_gradient(instruction.layer, instruction.micro_batch)
                               : part.output(instruction.layer, instruction.micro_batch);
  const SampleRange slice = slices_.at({instruction.stage, instruction.micro_batch});
  const at::Tensor piece = rows(whole, instruction.samples, slice).contiguous();
  if (instruction.peer == self_)
    hand_over(instruction, piece);
  else
    communicator_->send(piece.to(wire_), instruction.peer, instruction.message);
}

void RankInterpreter::receive(std::size_t index) {
  communicator_->wait(receive_numbers_[index]);
  if (!received_[index].defined()) return;
  const Instruction& instruction = rank_.instructions[index];
  const SampleRange slice = slices_.at({instruction.stage, instruction.micro_batch});
  rows(arrival(arrival_key(instruction)), instruction.samples, slice).copy_(received_[index]);
  received_[index].reset();
}

void RankInterpreter::hand_over(const Instruction& instruction, const at::Tensor& piece) {
  const ArrivalKey key = arrival_key(instruction);
  const SampleRange slice = slices_.at(
      {messages_[static_cast<std::size_t>(instruction.message)].to_stage, instruction.micro_batch});
  if (instruction.samples == slice)
    arrivals_[key] = piece;
  else
    rows(arrival(key), instruction.samples, slice).copy_(piece);
}

bool RankInterpreter::is_from_network(const Instruction& instruction) const {
  return is_receive(instruction.kind) && instruction.peer != self_;
}

RankInterpreter::ArrivalKey RankInterpreter::arrival_key(const Instruction& instruction) const {
  const MessageEnds& ends = messages_[static_cast<std::size_t>(instruction.message)];
  return {is_gradient(instruction.kind), ends.to_stage, instruction.layer, instruction.micro_batch,
          ends.from_stage};
}

at::Tensor& RankInterpreter::arrival(const ArrivalKey& key) {
  at::Tensor& tensor = arrivals_[key];
  if (tensor.defined()) return tensor;
  const auto& [gradient, stage, layer, micro_batch, from] = key;
  std::vector<std::int64_t> shape = {slices_.at({stage, micro_batch}).size()};
  const Shape& sample = model_.layers[static_cast<std::size_t>(layer)].output_shape;
  shape.insert(shape.end(), sample.begin(), sample.end());
  return tensor = at::empty(shape);
}

void RankInterpreter::post_receives_from(std::size_t index) {
  next_to_post_ = std::max(next_to_post_, index);
  int under_way = 0;
  for (std::size_t i = index; i < next_to_post_; ++i)
    if (is_from_network(rank_.instructions[i])) ++under_way;
  for (; next_to_post_ < rank_.instructions.size() && under_way < kReceivesAhead; ++next_to_post_) {
    if (!is_from_network(rank_.instructions[next_to_post_])) continue;
    post_receive(next_to_post_);
    ++under_way;
  }
}

void RankInterpreter::post_receive(std::size_t index) {
  const Instruction& instruction = rank_.instructions[index];
  const SampleRange slice = slices_.at({instruction.stage, instruction.micro_batch});
  at::Tensor place = rows(arrival(arrival_key(instruction)), instruction.samples, slice);
  if (wire_ != place.scalar_type())
    received_[index] = place = at::empty(place.sizes(), place.options().dtype(wire_));
  receive_numbers_[index] =
      communicator_->post_receive(place, instruction.peer, instruction.message);
}

}  // namespace cadastre
