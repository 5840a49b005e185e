#include "planner/program.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "planner/schedule.h"

namespace cadastre {

namespace {

/// A tensor that crosses from one stage to another: the output of `layer`.
struct Crossing {
  int layer = 0;
  int from_stage = 0;
  int to_stage = 0;
  bool has_gradient = true;  ///< whether a gradient comes back
};

/// What lowering needs to know of a stage.
struct StageFacts {
  bool loads = false;   ///< reads a model input, or the labels
  bool trains = false;  ///< has parameters
  bool has_backward = false;
  std::int64_t reduced_bytes = 0;
  int depth = 0;  ///< stages on the longest way to the loss
  std::vector<Crossing> incoming;
  std::vector<Crossing> outgoing;
  std::vector<std::vector<SampleRange>> ranges;  ///< [micro-batch][replica]
};

std::vector<StageFacts> stage_facts(const Plan& plan, const ModelGraph& model) {
  const std::size_t num_stages = plan.stages.size();
  std::vector<int> stage_of(model.layers.size(), 0);
  for (std::size_t s = 0; s < num_stages; ++s)
    for (const std::string& id : plan.stages[s].layers)
      stage_of[static_cast<std::size_t>(layer_index(model, id))] = static_cast<int>(s);

  const std::vector<std::vector<Source>> sources = layer_sources(model);
  const std::vector<bool> has_gradient = layers_with_gradient(model);
  std::vector<StageFacts> stages(num_stages);
  std::map<std::tuple<int, int>, bool> seen;  // (layer, to_stage)
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    StageFacts& stage = stages[static_cast<std::size_t>(stage_of[i])];
    const std::int64_t bytes = parameter_bytes(model, layer);
    stage.trains = stage.trains || bytes > 0;
    stage.has_backward = stage.has_backward || has_gradient[i];
    stage.reduced_bytes += reduced_bytes(model, layer);
    stage.loads = stage.loads || layer.id == model.output;
    for (const Source& source : sources[i]) {
      if (source.is_model_input) {
        stage.loads = true;
        continue;
      }
      const int from = stage_of[static_cast<std::size_t>(source.index)];
      if (from == stage_of[i] || !seen.emplace(std::tuple(source.index, stage_of[i]), true).second)
        continue;
      const Crossing crossing{.layer = source.index,
                              .from_stage = from,
                              .to_stage = stage_of[i],
                              .has_gradient = has_gradient[static_cast<std::size_t>(source.index)]};
      stage.incoming.push_back(crossing);
      stages[static_cast<std::size_t>(from)].outgoing.push_back(crossing);
    }
  }
  const auto by_layer = [](const Crossing& a, const Crossing& b) {
    return std::tie(a.layer, a.to_stage) < std::tie(b.layer, b.to_stage);
  };
  for (std::size_t s = num_stages; s-- > 0;) {
    std::sort(stages[s].incoming.begin(), stages[s].incoming.end(), by_layer);
    std::sort(stages[s].outgoing.begin(), stages[s].outgoing.end(), by_layer);
    for (const Crossing& crossing : stages[s].outgoing)
      stages[s].depth =
          std::max(stages[s].depth, stages[static_cast<std::size_t>(crossing.to_stage)].depth + 1);
  }

  const std::int64_t granularity = model.batch_norm_group_samples;
  for (const SampleRange& range :
       micro_batch_ranges(plan.batch_size, plan.micro_batches, granularity)) {
    for (std::size_t s = 0; s < num_stages; ++s) {
      std::vector<double> shares;
      for (const Replica& replica : plan.stages[s].replicas) shares.push_back(replica.share);
      std::vector<SampleRange> parts = split_samples(range.size(), shares, granularity);
      for (SampleRange& part : parts) {
        part.begin += range.begin;
        part.end += range.begin;
      }
      stages[s].ranges.push_back(std::move(parts));
    }
  }
  return stages;
}

/// Numbers the transfers: both ends ask for the same one by what it carries.
class MessageNumbers {
 public:
  int number(const Crossing& crossing, bool gradient, int micro_batch, int from_rank, int to_rank) {
    const auto key = std::tuple(crossing.layer, gradient, micro_batch, from_rank, to_rank);
    return numbers_.emplace(key, static_cast<int>(numbers_.size())).first->second;
  }

  [[nodiscard]] int count() const { return static_cast<int>(numbers_.size()); }

 private:
  std::map<std::tuple<int, bool, int, int, int>, int> numbers_;
};

class Lowering {
 public:
  Lowering(const Plan& plan, const ModelGraph& model, const Cluster& cluster)
      : plan_(plan), model_(model), stages_(stage_facts(plan, model)) {
    for (std::size_t s = 0; s < plan.stages.size(); ++s) {
      program_.stage_ranks.emplace_back();
      for (std::size_t r = 0; r < plan.stages[s].replicas.size(); ++r) {
        const std::string& host = plan.stages[s].replicas[r].host;
        program_.stage_ranks.back().push_back(static_cast<int>(program_.ranks.size()));
        program_.ranks.push_back({.host = host,
                                  .host_index = host_index(cluster, host),
                                  .stage = static_cast<int>(s),
                                  .replica = static_cast<int>(r),
                                  .instructions = {}});
      }
    }
  }

  Program lower() && {
    for (RankProgram& rank : program_.ranks) lower_rank(rank);
    program_.num_messages = messages_.count();
    return std::move(program_);
  }

 private:
  void lower_rank(RankProgram& rank) {
    const StageFacts& stage = stages_[static_cast<std::size_t>(rank.stage)];
    for (const Pass& pass :
         stage_passes(plan_.schedule, static_cast<int>(plan_.micro_batches), stage.depth)) {
      const SampleRange samples = range_of(rank.stage, rank.replica, pass.micro_batch);
      if (samples.size() == 0) continue;
      if (pass.forward)
        lower_forward(rank, stage, pass.micro_batch, samples);
      else if (stage.has_backward)
        lower_backward(rank, stage, pass.micro_batch, samples);
    }
    if (!stage.trains) return;
    if (program_.stage_ranks[static_cast<std::size_t>(rank.stage)].size() > 1)
      rank.instructions.push_back(
          {.kind = InstructionKind::kReduceGradients, .samples = {}, .bytes = stage.reduced_bytes});
    rank.instructions.push_back({.kind = InstructionKind::kOptimizerStep, .samples = {}});
  }

  void lower_forward(RankProgram& rank, const StageFacts& stage, int micro_batch,
                     SampleRange samples) {
    if (stage.loads)
      rank.instructions.push_back({.kind = InstructionKind::kLoadMicroBatch,
                                   .micro_batch = micro_batch,
                                   .samples = samples});
    for (const Crossing& crossing : stage.incoming)
      transfer(rank, InstructionKind::kReceiveActivation, crossing, micro_batch, samples);
    rank.instructions.push_back(
        {.kind = InstructionKind::kForward, .micro_batch = micro_batch, .samples = samples});
    for (const Crossing& crossing : stage.outgoing)
      transfer(rank, InstructionKind::kSendActivation, crossing, micro_batch, samples);
  }

  void lower_backward(RankProgram& rank, const StageFacts& stage, int micro_batch,
                      SampleRange samples) {
    for (const Crossing& crossing : stage.outgoing)
      if (crossing.has_gradient)
        transfer(rank, InstructionKind::kReceiveGradient, crossing, micro_batch, samples);
    rank.instructions.push_back(
        {.kind = InstructionKind::kBackward, .micro_batch = micro_batch, .samples = samples});
    for (const Crossing& crossing : stage.incoming)
      if (crossing.has_gradient)
        transfer(rank, InstructionKind::kSendGradient, crossing, micro_batch, samples);
  }

  /// One instruction for each replica of the other stage that has samples of ours.
  void transfer(RankProgram& rank, InstructionKind kind, const Crossing& crossing, int micro_batch,
                SampleRange samples) {
    const bool gradient =
        kind == InstructionKind::kSendGradient || kind == InstructionKind::kReceiveGradient;
    const bool sends =
        kind == InstructionKind::kSendActivation || kind == InstructionKind::kSendGradient;
    const int peer_stage =
        rank.stage == crossing.from_stage ? crossing.to_stage : crossing.from_stage;
    const std::vector<int>& peers = program_.stage_ranks[static_cast<std::size_t>(peer_stage)];
    const int self = program_.stage_ranks[static_cast<std::size_t>(rank.stage)]
                                         [static_cast<std::size_t>(rank.replica)];
    const Layer& layer = model_.layers[static_cast<std::size_t>(crossing.layer)];
    for (std::size_t r = 0; r < peers.size(); ++r) {
      const SampleRange theirs = range_of(peer_stage, static_cast<int>(r), micro_batch);
      const SampleRange shared{.begin = std::max(samples.begin, theirs.begin),
                               .end = std::min(samples.end, theirs.end)};
      if (shared.size() <= 0) continue;
      const int peer = peers[r];
      rank.instructions.push_back(
          {.kind = kind,
           .micro_batch = micro_batch,
           .samples = shared,
           .layer = crossing.layer,
           .peer = peer,
           .message = messages_.number(crossing, gradient, micro_batch, sends ? self : peer,
                                       sends ? peer : self),
           .bytes = num_elements(layer.output_shape) * kBytesPerElement * shared.size()});
    }
  }

  [[nodiscard]] SampleRange range_of(int stage, int replica, int micro_batch) const {
    return stages_[static_cast<std::size_t>(stage)]
        .ranges[static_cast<std::size_t>(micro_batch)][static_cast<std::size_t>(replica)];
  }

  const Plan& plan_;
  const ModelGraph& model_;
  std::vector<StageFacts> stages_;
  MessageNumbers messages_;
  Program program_;
};

}  // namespace

const std::vector<std::string>& instruction_names() {
  static const std::vector<std::string> names = {
      "load_micro_batch", "forward",          "send_activation",  "receive_activation", "backward",
      "send_gradient",    "receive_gradient", "reduce_gradients", "optimizer_step"};
  return names;
}

const std::string& instruction_name(InstructionKind kind) {
  return instruction_names()[static_cast<std::size_t>(kind)];
}

std::int64_t reduced_bytes(const ModelGraph& model, const Layer& layer) {
  const std::int64_t bytes = parameter_bytes(model, layer);
  if (!std::holds_alternative<BatchNorm2d>(layer.operation)) return bytes;
  // Weight and bias hold 2C float32; the sums of means and variances and their count 2C + 1
  // float64.
  constexpr std::int64_t kBytesPerSum = 8;
  const std::int64_t num_sums = bytes / kBytesPerElement + 1;
  return bytes + num_sums * kBytesPerSum;
}

std::vector<bool> layers_with_gradient(const ModelGraph& model) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  std::vector<bool> needed(model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    needed[i] = parameter_bytes(model, model.layers[i]) > 0;
    for (const Source& source : sources[i])
      if (!source.is_model_input && needed[static_cast<std::size_t>(source.index)])
        needed[i] = true;
  }
  return needed;
}

Program lower(const Plan& plan, const ModelGraph& model, const Cluster& cluster) {
  return Lowering(plan, model, cluster).lower();
}

std::int64_t ring_bytes_per_rank(std::int64_t bytes, std::size_t num_ranks) {
  const auto n = static_cast<std::int64_t>(num_ranks);
  return n < 2 ? 0 : 2 * (n - 1) * bytes / n;
}

std::int64_t traffic_bytes(const Program& program) {
  std::int64_t bytes = 0;
  for (const RankProgram& rank : program.ranks) {
    for (const Instruction& instruction : rank.instructions) {
      if (instruction.kind == InstructionKind::kSendActivation ||
          instruction.kind == InstructionKind::kSendGradient)
        bytes += instruction.bytes;
      if (instruction.kind == InstructionKind::kReduceGradients)
        bytes += ring_bytes_per_rank(
            instruction.bytes, program.stage_ranks[static_cast<std::size_t>(rank.stage)].size());
    }
  }
  return bytes;
}

}  // namespace cadastre
