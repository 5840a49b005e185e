#include "planner/lowering.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "planner/sample_split.h"
#include "planner/schedule.h"

namespace cadastre {

namespace {

/// The part of a crossing tensor that goes from one rank to another.
struct Piece {
  int from_rank = 0;
  int to_rank = 0;
  SampleRange samples;
  int message = 0;           ///< of the activation
  int gradient_message = 0;  ///< of what comes back
};

/// A tensor that crosses from one stage to another: the output of `layer`.
struct Crossing {
  int layer = 0;
  int from_stage = 0;
  int to_stage = 0;
  bool has_gradient = true;                ///< whether a gradient comes back
  std::vector<std::vector<Piece>> pieces;  ///< [micro-batch], by ranks
};

/// What lowering needs to know of a stage.
struct StageFacts {
  bool loads = false;   ///< reads a model input, or the labels
  bool trains = false;  ///< has parameters
  bool has_backward = false;
  std::vector<int> layers;                       ///< ascending
  int depth = 0;                                 ///< stages on the longest way to the loss
  std::vector<int> incoming;                     ///< crossings, by layer
  std::vector<int> outgoing;                     ///< crossings, by layer, then stage
  std::vector<std::vector<SampleRange>> ranges;  ///< [micro-batch][replica]
};

class Lowering {
 public:
  Lowering(const Division& division, const ModelFacts& model)
      : division_(division), model_(model), stages_(division.stages.size()) {
    number_ranks();
    gather_layers();
    find_crossings();
    cut_samples();
    cut_crossings();
  }

  Program lower() && {
    for (RankProgram& rank : program_.ranks) reserve(rank);
    if (division_.schedule == Schedule::kInterleaved)
      lower_interleaved();
    else
      for (RankProgram& rank : program_.ranks) lower_in_turn(rank);
    program_.all_reduce = division_.all_reduce;
    program_.wire_dtype = division_.wire_dtype;
    program_.averaging_period = division_.averaging_period;
    fill_buckets();
    const int root = division_.all_reduce.root_host < 0 ? -1 : root_rank();
    for (std::size_t r = 0; r < program_.ranks.size(); ++r) {
      RankProgram& rank = program_.ranks[r];
      if (!averages())
        for (const RankPart& part : rank.parts)
          if (reduces(static_cast<std::size_t>(part.stage))) cut_last_pass(rank, part.stage);
      if (static_cast<int>(r) == root)
        close_steps_of_root(rank);
      else
        for (const RankPart& part : rank.parts) close_step(rank, part);
    }
    return std::move(program_);
  }

 private:
  void number_ranks() {
    std::map<int, int> rank_of_host;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      std::vector<int>& ranks = program_.stage_ranks.emplace_back();
      const std::vector<int>& hosts = division_.stages[s].hosts;
      for (std::size_t r = 0; r < hosts.size(); ++r) {
        const auto [found, is_new] =
            rank_of_host.emplace(hosts[r], static_cast<int>(program_.ranks.size()));
        if (is_new)
          program_.ranks.push_back(
              {.host = {}, .host_index = hosts[r], .parts = {}, .instructions = {}});
        ranks.push_back(found->second);
        program_.ranks[static_cast<std::size_t>(found->second)].parts.push_back(
            {.stage = static_cast<int>(s), .replica = static_cast<int>(r)});
      }
    }
  }

  void gather_layers() {
    for (std::size_t i = 0; i < model_.num_layers(); ++i) {
      StageFacts& stage = stages_[static_cast<std::size_t>(division_.stage_of_layer[i])];
      stage.trains = stage.trains || model_.parameter_bytes[i] > 0;
      stage.has_backward = stage.has_backward || model_.has_gradient[i];
      stage.layers.push_back(static_cast<int>(i));
      stage.loads =
          stage.loads || static_cast<int>(i) == model_.output || !model_.inputs[i].empty();
    }
  }

  void find_crossings() {
    std::vector<int> readers;
    for (std::size_t i = 0; i < model_.num_layers(); ++i) {
      const int from = division_.stage_of_layer[i];
      readers.clear();
      for (const int reader : model_.read_by[i]) {
        const int stage = division_.stage_of_layer[static_cast<std::size_t>(reader)];
        if (stage != from) readers.push_back(stage);
      }
      std::sort(readers.begin(), readers.end());
      readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
      for (const int to : readers) {
        const auto number = static_cast<int>(crossings_.size());
        crossings_.push_back({.layer = static_cast<int>(i),
                              .from_stage = from,
                              .to_stage = to,
                              .has_gradient = model_.has_gradient[i] != 0,
                              .pieces = {}});
        stages_[static_cast<std::size_t>(from)].outgoing.push_back(number);
        stages_[static_cast<std::size_t>(to)].incoming.push_back(number);
      }
    }
    for (std::size_t s = stages_.size(); s-- > 0;)
      for (const int number : stages_[s].outgoing) {
        const int to = crossings_[static_cast<std::size_t>(number)].to_stage;
        stages_[s].depth =
            std::max(stages_[s].depth, stages_[static_cast<std::size_t>(to)].depth + 1);
      }
  }

  void cut_samples() {
    const std::vector<SampleRange> micro_batches =
        micro_batch_ranges(division_.batch_size, division_.micro_batches, model_.granularity);
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      // Micro-batches have one or two sizes: each is split once.
      std::map<std::int64_t, std::vector<SampleRange>> splits;
      for (const SampleRange& range : micro_batches) {
        const auto [split, is_new] = splits.try_emplace(range.size());
        if (is_new)
          split->second =
              split_samples(range.size(), division_.stages[s].shares, model_.granularity);
        std::vector<SampleRange>& parts = stages_[s].ranges.emplace_back(split->second);
        for (SampleRange& part : parts) {
          part.begin += range.begin;
          part.end += range.begin;
        }
      }
    }
  }

  /// Ranks exchange just the samples that they share.
  void cut_crossings() {
    for (Crossing& crossing : crossings_) {
      const auto from = static_cast<std::size_t>(crossing.from_stage);
      const auto to = static_cast<std::size_t>(crossing.to_stage);
      for (std::size_t m = 0; m < stages_[from].ranges.size(); ++m) {
        std::vector<Piece>& pieces = crossing.pieces.emplace_back();
        for (std::size_t a = 0; a < program_.stage_ranks[from].size(); ++a) {
          for (std::size_t b = 0; b < program_.stage_ranks[to].size(); ++b) {
            const SampleRange& sent = stages_[from].ranges[m][a];
            const SampleRange& read = stages_[to].ranges[m][b];
            const SampleRange shared{.begin = std::max(sent.begin, read.begin),
                                     .end = std::min(sent.end, read.end)};
            if (shared.size() <= 0) continue;
            Piece& piece = pieces.emplace_back(Piece{.from_rank = program_.stage_ranks[from][a],
                                                     .to_rank = program_.stage_ranks[to][b],
                                                     .samples = shared});
            piece.message = program_.num_messages++;
            if (crossing.has_gradient) piece.gradient_message = program_.num_messages++;
          }
        }
      }
    }
  }

  /// Enough for all instructions of a rank, unless replicas exchange tensors piece by piece.
  void reserve(RankProgram& rank) const {
    std::size_t num_instructions = 0;
    for (const RankPart& part : rank.parts) {
      const StageFacts& stage = stages_[static_cast<std::size_t>(part.stage)];
      constexpr std::size_t kWithoutTransfers = 4;
      num_instructions +=
          static_cast<std::size_t>(division_.micro_batches) *
          (kWithoutTransfers + 2 * stage.incoming.size() + 2 * stage.outgoing.size());
    }
    rank.instructions.reserve(num_instructions + 2 * rank.parts.size());
  }

  /// A rank of one stage.
  void lower_in_turn(RankProgram& rank) {
    const RankPart& part = rank.parts.front();
    for (const Pass& pass :
         stage_passes(division_.schedule, static_cast<int>(division_.micro_batches),
                      stages_[static_cast<std::size_t>(part.stage)].depth))
      lower_pass(rank, part, pass);
  }

  void lower_interleaved() {
    std::vector<ScheduledStage> scheduled;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      ScheduledStage& stage = scheduled.emplace_back();
      stage.depth = stages_[s].depth;
      const DividedStage& divided = division_.stages[s];
      if (divided.forward_s + divided.backward_s > 0) {
        stage.forward_s = divided.forward_s;
        stage.backward_s = divided.backward_s;
      }
      if (divided.recompute) stage.backward_s += stage.forward_s;
      stage.ranks = program_.stage_ranks[s];
      for (const int number : stages_[s].outgoing)
        stage.successors.push_back(crossings_[static_cast<std::size_t>(number)].to_stage);
      std::sort(stage.successors.begin(), stage.successors.end());
      stage.successors.erase(std::unique(stage.successors.begin(), stage.successors.end()),
                             stage.successors.end());
    }
    const std::vector<std::vector<StagePass>> orders =
        interleaved_passes(scheduled, static_cast<int>(program_.ranks.size()),
                           static_cast<int>(division_.micro_batches));
    for (std::size_t r = 0; r < orders.size(); ++r) {
      RankProgram& rank = program_.ranks[r];
      for (const StagePass& stage_pass : orders[r])
        lower_pass(rank,
                   *std::find_if(rank.parts.begin(), rank.parts.end(),
                                 [&](const RankPart& p) { return p.stage == stage_pass.stage; }),
                   stage_pass.pass);
    }
  }

  void lower_pass(RankProgram& rank, const RankPart& part, const Pass& pass) {
    const StageFacts& stage = stages_[static_cast<std::size_t>(part.stage)];
    const SampleRange samples = stage.ranges[static_cast<std::size_t>(pass.micro_batch)]
                                            [static_cast<std::size_t>(part.replica)];
    if (samples.size() == 0) return;
    if (pass.forward)
      lower_forward(rank, part.stage, pass.micro_batch, samples);
    else if (stage.has_backward)
      lower_backward(rank, part.stage, pass.micro_batch, samples);
  }

  void lower_forward(RankProgram& rank, int stage_number, int micro_batch, SampleRange samples) {
    const StageFacts& stage = stages_[static_cast<std::size_t>(stage_number)];
    const auto add = [&](InstructionKind kind) {
      rank.instructions.push_back(
          {.kind = kind, .stage = stage_number, .micro_batch = micro_batch, .samples = samples});
    };
    if (stage.loads) add(InstructionKind::kLoadMicroBatch);
    for (const int number : stage.incoming)
      transfer(rank, InstructionKind::kReceiveActivation, stage_number, number, micro_batch);
    add(InstructionKind::kForward);
    for (const int number : stage.outgoing)
      transfer(rank, InstructionKind::kSendActivation, stage_number, number, micro_batch);
  }

  void lower_backward(RankProgram& rank, int stage_number, int micro_batch, SampleRange samples) {
    const StageFacts& stage = stages_[static_cast<std::size_t>(stage_number)];
    const auto add = [&](InstructionKind kind) {
      rank.instructions.push_back(
          {.kind = kind, .stage = stage_number, .micro_batch = micro_batch, .samples = samples});
    };
    // Before the gradients are waited for: it needs none of them.
    if (division_.stages[static_cast<std::size_t>(stage_number)].recompute)
      add(InstructionKind::kRecompute);
    for (const int number : stage.outgoing)
      if (crossings_[static_cast<std::size_t>(number)].has_gradient)
        transfer(rank, InstructionKind::kReceiveGradient, stage_number, number, micro_batch);
    add(InstructionKind::kBackward);
    for (const int number : stage.incoming)
      if (crossings_[static_cast<std::size_t>(number)].has_gradient)
        transfer(rank, InstructionKind::kSendGradient, stage_number, number, micro_batch);
  }

  /// One instruction for each rank of the other stage that has samples of ours.
  void transfer(RankProgram& rank, InstructionKind kind, int stage, int number, int micro_batch) {
    const bool gradient =
        kind == InstructionKind::kSendGradient || kind == InstructionKind::kReceiveGradient;
    const Crossing& crossing = crossings_[static_cast<std::size_t>(number)];
    const int self = static_cast<int>(&rank - program_.ranks.data());
    const std::int64_t bytes_per_sample =
        model_.activation_bytes[static_cast<std::size_t>(crossing.layer)];
    for (const Piece& piece : crossing.pieces[static_cast<std::size_t>(micro_batch)]) {
      const bool from_here = stage == crossing.from_stage;
      if ((from_here ? piece.from_rank : piece.to_rank) != self) continue;
      rank.instructions.push_back(
          {.kind = kind,
           .stage = stage,
           .micro_batch = micro_batch,
           .samples = piece.samples,
           .layer = crossing.layer,
           .peer = from_here ? piece.to_rank : piece.from_rank,
           .message = gradient ? piece.gradient_message : piece.message,
           .bytes = wire_bytes(
               bytes_per_sample * piece.samples.size(),
               piece.from_rank == piece.to_rank ? WireDtype::kFloat32 : division_.wire_dtype)});
    }
  }

  [[nodiscard]] bool reduces(std::size_t stage) const {
    return stages_[stage].trains && program_.stage_ranks[stage].size() > 1;
  }

  /// The rank of the reductions' server or driver, made where its host has none yet; -1 where
  /// nothing is reduced.
  int root_rank() {
    const int host = division_.all_reduce.root_host;
    for (std::size_t r = 0; r < program_.ranks.size(); ++r)
      if (program_.ranks[r].host_index == host) return static_cast<int>(r);
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (!reduces(s)) continue;
      program_.ranks.push_back({.host = {}, .host_index = host, .parts = {}, .instructions = {}});
      return static_cast<int>(program_.ranks.size()) - 1;
    }
    return -1;
  }

  void fill_buckets() {
    program_.stage_buckets.resize(stages_.size());
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (!reduces(s)) continue;
      if (averages())
        program_.stage_buckets[s] = {
            averaging_bucket(stages_[s].layers, model_, division_.wire_dtype)};
      else
        program_.stage_buckets[s] =
            gradient_buckets(stages_[s].layers, model_, division_.wire_dtype);
    }
  }

  /// All ranks wait for the stages' reductions in the stages' order, so none waits for ever.
  void close_steps_of_root(RankProgram& rank) {
    std::size_t next_part = 0;
    std::vector<Instruction> served;
    for (int s = 0; s < static_cast<int>(stages_.size()); ++s) {
      if (next_part < rank.parts.size() && rank.parts[next_part].stage == s) {
        close_step(rank, rank.parts[next_part++]);
      } else if (reduces(static_cast<std::size_t>(s))) {
        start_reductions(served, s);
        rank.instructions.push_back(wait_for_reductions(s));
      }
    }
    rank.instructions.insert(rank.instructions.begin(), served.begin(), served.end());
  }

  [[nodiscard]] bool averages() const { return division_.averaging_period > 0; }

  [[nodiscard]] std::int64_t bytes_in_step(const ReductionBucket& bucket) const {
    return bucket.bytes / std::max<std::int64_t>(1, division_.averaging_period);
  }

  void start_reduction(std::vector<Instruction>& instructions, int stage, int bucket) const {
    instructions.push_back({.kind = InstructionKind::kStartReduction,
                            .stage = stage,
                            .samples = {},
                            .bytes = bytes_in_step(program_.stage_buckets[static_cast<std::size_t>(
                                stage)][static_cast<std::size_t>(bucket)]),
                            .bucket = bucket});
  }

  void start_reductions(std::vector<Instruction>& instructions, int stage) const {
    const auto num_buckets =
        static_cast<int>(program_.stage_buckets[static_cast<std::size_t>(stage)].size());
    for (int b = 0; b < num_buckets; ++b) start_reduction(instructions, stage, b);
  }

  [[nodiscard]] Instruction wait_for_reductions(int stage) const {
    Instruction wait{.kind = InstructionKind::kReduceGradients, .stage = stage, .samples = {}};
    for (const ReductionBucket& bucket : program_.stage_buckets[static_cast<std::size_t>(stage)])
      wait.bytes += bytes_in_step(bucket);
    return wait;
  }

  /// Cuts the rank's last backward pass of the stage into buckets, whose reductions start as soon
  /// as they are complete.
  void cut_last_pass(RankProgram& rank, int stage) const {
    std::vector<Instruction>& instructions = rank.instructions;
    const auto pass =
        std::find_if(instructions.rbegin(), instructions.rend(), [&](const Instruction& i) {
          return i.kind == InstructionKind::kBackward && i.stage == stage;
        });
    if (pass == instructions.rend()) {
      start_reductions(instructions, stage);
      return;
    }
    const std::vector<ReductionBucket>& buckets =
        program_.stage_buckets[static_cast<std::size_t>(stage)];
    std::vector<Instruction> cut;
    for (int b = 0; b < static_cast<int>(buckets.size()); ++b) {
      if (!buckets[static_cast<std::size_t>(b)].layers.empty()) {
        cut.push_back(*pass);
        cut.back().bucket = b;
      }
      start_reduction(cut, stage, b);
    }
    const auto place = instructions.erase(std::prev(pass.base()));
    instructions.insert(place, cut.begin(), cut.end());
  }

  void close_step(RankProgram& rank, const RankPart& part) {
    const StageFacts& stage = stages_[static_cast<std::size_t>(part.stage)];
    if (!stage.trains) return;
    const bool replicated = reduces(static_cast<std::size_t>(part.stage));
    if (replicated && !averages()) rank.instructions.push_back(wait_for_reductions(part.stage));
    rank.instructions.push_back(
        {.kind = InstructionKind::kOptimizerStep, .stage = part.stage, .samples = {}});
    if (!replicated || !averages()) return;
    start_reductions(rank.instructions, part.stage);
    rank.instructions.push_back(wait_for_reductions(part.stage));
  }

  const Division& division_;
  const ModelFacts& model_;
  std::vector<StageFacts> stages_;
  std::vector<Crossing> crossings_;  ///< by layer, then reading stage
  Program program_;
};

}  // namespace

Program lower(const Plan& plan, const ModelGraph& model, const Cluster& cluster) {
  Program program = lower(division_of(plan, model, cluster), model_facts(model));
  for (RankProgram& rank : program.ranks)
    rank.host = cluster.hosts[static_cast<std::size_t>(rank.host_index)].name;
  return program;
}

Program lower(const Division& division, const ModelFacts& model) {
  return Lowering(division, model).lower();
}

}  // namespace cadastre
