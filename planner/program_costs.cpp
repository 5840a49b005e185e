#include "planner/program_costs.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "planner/micro_batches_in_flight.h"

namespace cadastre {

namespace {

/// What one stage takes on a host of speed 1.
class StageCosts {
 public:
  StageCosts(std::vector<std::size_t> layers, const std::vector<ReductionBucket>* buckets,
             const CostTable& table)
      : layers_(std::move(layers)), buckets_(buckets), table_(table) {
    for (const std::size_t layer : layers_) {
      parameter_bytes_ += table.parameter_bytes()[layer];
      saved_bytes_per_sample_ += table.saved_bytes_per_sample()[layer];
      inputs_.insert(table.model().inputs[layer].begin(), table.model().inputs[layer].end());
    }
  }

  [[nodiscard]] double seconds(const Instruction& instruction) {
    switch (instruction.kind) {
      case InstructionKind::kLoadMicroBatch:
        return load_s(instruction.samples.size());
      case InstructionKind::kForward:
      case InstructionKind::kRecompute:
        return pass(instruction.samples.size()).whole.forward_s;
      case InstructionKind::kBackward:
        if (instruction.bucket < 0) return pass(instruction.samples.size()).whole.backward_s;
        return pass(instruction.samples.size())
            .bucket_backward_s[static_cast<std::size_t>(instruction.bucket)];
      case InstructionKind::kOptimizerStep:
        return table_.optimizer_s_per_parameter_byte() * static_cast<double>(parameter_bytes_);
      case InstructionKind::kSendActivation:
      case InstructionKind::kReceiveActivation:
      case InstructionKind::kSendGradient:
      case InstructionKind::kReceiveGradient:
      case InstructionKind::kStartReduction:
      case InstructionKind::kReduceGradients:
        return 0;
    }
    return 0;
  }

  [[nodiscard]] std::int64_t parameter_bytes() const { return parameter_bytes_; }

  [[nodiscard]] std::int64_t saved_bytes_per_sample() const { return saved_bytes_per_sample_; }

  /// That a pass of those samples keeps for backward; of a cut backward, the bucket's part.
  [[nodiscard]] double kept_bytes(const Instruction& instruction) const {
    const auto bytes = static_cast<double>(saved_bytes_per_sample_ * instruction.samples.size());
    return instruction.bucket < 0 ? bytes : bytes / static_cast<double>(buckets_->size());
  }

 private:
  /// Of all layers, and backward of each bucket's.
  struct PassCost {
    LayerCost whole;
    std::vector<double> bucket_backward_s;
  };

  [[nodiscard]] double load_s(std::int64_t samples) const {
    double seconds = 0;
    for (const int input : inputs_) seconds += table_.load_s(input, samples);
    return seconds;
  }

  [[nodiscard]] const PassCost& pass(std::int64_t samples) {
    // Micro-batches have one or two sizes, replicas a few more.
    for (const auto& [known, cost] : by_samples_)
      if (known == samples) return cost;
    PassCost& cost = by_samples_.emplace_back(samples, PassCost{}).second;
    const std::vector<LayerCost>& costs = table_.layers(samples);
    for (const std::size_t layer : layers_) {
      cost.whole.forward_s += costs[layer].forward_s;
      cost.whole.backward_s += costs[layer].backward_s;
    }
    for (const ReductionBucket& bucket : *buckets_) {
      double& backward_s = cost.bucket_backward_s.emplace_back(0);
      for (const int layer : bucket.layers)
        backward_s += costs[static_cast<std::size_t>(layer)].backward_s;
    }
    return cost;
  }

  std::vector<std::size_t> layers_;
  const std::vector<ReductionBucket>* buckets_;
  const CostTable& table_;
  std::set<int> inputs_;  ///< of the model, that the stage reads
  std::int64_t parameter_bytes_ = 0;
  std::int64_t saved_bytes_per_sample_ = 0;
  std::vector<std::pair<std::int64_t, PassCost>> by_samples_;
};

/// What the stages' instructions take longer after waiting, at most.
class WaitCosts {
 public:
  explicit WaitCosts(const CostTable& table) : table_(table) {
    for (const std::int64_t bytes : table.parameter_bytes())
      update_s_ += table.optimizer_s_per_parameter_byte() * static_cast<double>(bytes) *
                   table.whole_ratios().update;
  }

  /// Of one that takes `seconds`: as much of what the network loses as these are of its seconds.
  [[nodiscard]] double after_waiting_s(const Instruction& instruction, double seconds) {
    if (!(seconds > 0)) return 0;
    switch (instruction.kind) {
      case InstructionKind::kForward:
      case InstructionKind::kRecompute:
        return table_.waits().forward_s * seconds / pass(instruction.samples.size()).forward_s;
      case InstructionKind::kBackward:
        return table_.waits().backward_s * seconds / pass(instruction.samples.size()).backward_s;
      case InstructionKind::kOptimizerStep:
        return table_.waits().update_s * seconds / update_s_;
      default:
        return 0;
    }
  }

 private:
  /// Through the whole network.
  [[nodiscard]] const LayerCost& pass(std::int64_t samples) {
    for (const auto& [known, cost] : by_samples_)
      if (known == samples) return cost;
    LayerCost& whole = by_samples_.emplace_back(samples, LayerCost{}).second;
    for (const LayerCost& layer : table_.layers(samples)) {
      whole.forward_s += layer.forward_s;
      whole.backward_s += layer.backward_s;
    }
    whole.forward_s *= table_.whole_ratios().forward;
    whole.backward_s *= table_.whole_ratios().backward;
    return whole;
  }

  const CostTable& table_;
  double update_s_ = 0;
  std::vector<std::pair<std::int64_t, LayerCost>> by_samples_;
};

/// What a rank's instructions take, to what they take at least: by what else the rank holds.
class RankRatios {
 public:
  RankRatios(const RankProgram& rank, const std::vector<StageCosts>& stages, const CostTable& table)
      : table_(table) {
    std::vector<bool> held(stages.size());
    for (const Instruction& instruction : rank.instructions) {
      most_samples_ = std::max(most_samples_, instruction.samples.size());
      const auto stage = static_cast<std::size_t>(instruction.stage);
      if (held[stage]) continue;
      held[stage] = true;
      parameter_bytes_ += stages[stage].parameter_bytes();
      saved_bytes_per_sample_ += stages[stage].saved_bytes_per_sample();
    }
  }

  [[nodiscard]] double of(const Instruction& instruction) const {
    switch (instruction.kind) {
      case InstructionKind::kForward:
      case InstructionKind::kRecompute:
        return at(instruction.samples.size()).forward;
      case InstructionKind::kBackward:
        return at(instruction.samples.size()).backward;
      case InstructionKind::kOptimizerStep:
        return at(most_samples_).update;
      default:
        return 1;
    }
  }

 private:
  [[nodiscard]] PartRatios at(std::int64_t samples) const {
    return table_.part_ratios(parameter_bytes_, saved_bytes_per_sample_, samples);
  }

  const CostTable& table_;
  std::int64_t parameter_bytes_ = 0;
  std::int64_t saved_bytes_per_sample_ = 0;
  std::int64_t most_samples_ = 0;
};

}  // namespace

ProgramCosts program_costs(const Program& program, const Division& division, const CostTable& table,
                           const Cluster& cluster) {
  std::vector<std::vector<std::size_t>> layers(division.stages.size());
  for (std::size_t i = 0; i < division.stage_of_layer.size(); ++i)
    layers[static_cast<std::size_t>(division.stage_of_layer[i])].push_back(i);
  std::vector<StageCosts> stages;
  for (std::size_t s = 0; s < layers.size(); ++s)
    stages.emplace_back(std::move(layers[s]), &program.stage_buckets[s], table);

  ProgramCosts costs;
  std::optional<WaitCosts> wait_costs;
  if (table.waits() != WaitEffect{}) wait_costs.emplace(table);
  costs.wait_constant_s = table.waits().time_constant_s;
  for (const RankProgram& rank : program.ranks) {
    const double speed = cluster.hosts[static_cast<std::size_t>(rank.host_index)].relative_speed;
    const RankRatios ratios(rank, stages, table);
    std::vector<double>& seconds = costs.seconds.emplace_back();
    seconds.reserve(rank.instructions.size());
    for (const Instruction& instruction : rank.instructions)
      seconds.push_back(stages[static_cast<std::size_t>(instruction.stage)].seconds(instruction) *
                        ratios.of(instruction) / speed);
    if (wait_costs) {
      std::vector<double>& after_waiting_s = costs.after_waiting_s.emplace_back();
      after_waiting_s.reserve(seconds.size());
      for (std::size_t i = 0; i < seconds.size(); ++i)
        after_waiting_s.push_back(wait_costs->after_waiting_s(rank.instructions[i], seconds[i]));
    }
    if (table.caches() == CacheEffect{}) continue;
    MicroBatchesInFlight in_flight(rank, stages.size());
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      const Instruction& instruction = rank.instructions[i];
      const double kept_bytes =
          stages[static_cast<std::size_t>(instruction.stage)].kept_bytes(instruction);
      seconds[i] *= backward_ratio(table.caches(), in_flight.bytes_beside(instruction, kept_bytes));
    }
  }
  return costs;
}

ProgramCosts program_costs(const Program& program, const Plan& plan, const Profile& profile,
                           const Cluster& cluster) {
  return program_costs(program, division_of(plan, profile.model, cluster),
                       CostTable(profile, Purpose::kTraining, plan.optimizer), cluster);
}

}  // namespace cadastre
