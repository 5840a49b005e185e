#include "planner/cost_model.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cadastre {

namespace {

constexpr double kUnknown = -1;

struct LinkQueues {
  std::vector<double> out_free_s;  ///< when each host's outgoing link is free again
  std::vector<double> in_free_s;
};

/// The state of a replay: a clock and a place in the program for each rank, queues on the links.
class Evaluation {
 public:
  Evaluation(const Program& program, const ProgramCosts& costs, const Cluster& cluster)
      : program_(program), costs_(costs), cluster_(cluster) {
    const std::size_t num_ranks = program.ranks.size();
    clocks_s_.assign(num_ranks, 0);
    next_.assign(num_ranks, 0);
    step_.assign(num_ranks, 0);
    rank_end_s_.assign(num_ranks * kNumSteps, 0);
    arrivals_s_.assign(kNumSteps * static_cast<std::size_t>(program.num_messages), kUnknown);
    queues_.out_free_s.assign(cluster.hosts.size(), 0);
    queues_.in_free_s.assign(cluster.hosts.size(), 0);
    reduce_arrived_.assign(program.stage_ranks.size() * kNumSteps, 0);
    reduce_ready_s_.assign(program.stage_ranks.size() * kNumSteps, 0);
  }

  /// Runs to the end; `record(rank, instruction, start_s, end_s)` is called for the last step.
  template <typename Record>
  double run(const Record& record) {
    while (advance_earliest(record)) {
    }
    double step_s = 0;
    for (std::size_t r = 0; r < program_.ranks.size(); ++r)
      step_s = std::max(step_s, rank_end_s_[r * kNumSteps + 1] - rank_end_s_[r * kNumSteps]);
    return step_s;
  }

 private:
  static constexpr std::size_t kNumSteps = 2;

  /// Executes the next instruction of the rank whose clock is least among those that can go on, so
  /// that transfers enter the links' queues in order of time. False at the end.
  template <typename Record>
  bool advance_earliest(const Record& record) {
    std::size_t chosen = program_.ranks.size();
    for (std::size_t r = 0; r < program_.ranks.size(); ++r)
      if (can_go_on(r) && (chosen == program_.ranks.size() || clocks_s_[r] < clocks_s_[chosen]))
        chosen = r;
    if (chosen == program_.ranks.size()) return false;
    execute(chosen, record);
    return true;
  }

  [[nodiscard]] bool can_go_on(std::size_t rank) {
    if (step_[rank] == kNumSteps) return false;
    const RankProgram& program = program_.ranks[rank];
    if (program.instructions.empty()) return false;
    const Instruction& instruction = program.instructions[next_[rank]];
    switch (instruction.kind) {
      case InstructionKind::kReceiveActivation:
      case InstructionKind::kReceiveGradient:
        return arrival(step_[rank], instruction.message) != kUnknown;
      case InstructionKind::kReduceGradients: {
        const std::size_t slot = reduce_slot(rank);
        const std::size_t num_replicas = stage_ranks(rank).size();
        if (!announced(rank)) {
          ++reduce_arrived_[slot];
          reduce_ready_s_[slot] = std::max(reduce_ready_s_[slot], clocks_s_[rank]);
          announced_.push_back({rank, step_[rank]});
        }
        return reduce_arrived_[slot] == num_replicas;
      }
      default:
        return true;
    }
  }

  template <typename Record>
  void execute(std::size_t rank, const Record& record) {
    const Instruction& instruction = program_.ranks[rank].instructions[next_[rank]];
    const double start_s = clocks_s_[rank];
    double end_s = start_s + costs_[rank][next_[rank]];
    switch (instruction.kind) {
      case InstructionKind::kSendActivation:
      case InstructionKind::kSendGradient:
        arrival(step_[rank], instruction.message) = transfer(rank, instruction, start_s);
        break;
      case InstructionKind::kReceiveActivation:
      case InstructionKind::kReceiveGradient:
        end_s = std::max(start_s, arrival(step_[rank], instruction.message));
        break;
      case InstructionKind::kReduceGradients:
        end_s = reduce_ready_s_[reduce_slot(rank)] + ring_s(stage_ranks(rank), instruction.bytes);
        break;
      default:
        break;
    }
    clocks_s_[rank] = end_s;
    if (step_[rank] + 1 == kNumSteps) record(static_cast<int>(rank), instruction, start_s, end_s);
    if (++next_[rank] == program_.ranks[rank].instructions.size()) {
      rank_end_s_[rank * kNumSteps + step_[rank]] = end_s;
      next_[rank] = 0;
      ++step_[rank];
    }
  }

  /// Puts a message on the links at `posted_s` and returns when it has arrived.
  double transfer(std::size_t rank, const Instruction& instruction, double posted_s) {
    const int from = program_.ranks[rank].host_index;
    const int to = program_.ranks[static_cast<std::size_t>(instruction.peer)].host_index;
    if (from == to) return posted_s;
    const Route route = route_between(cluster_, from, to);
    const double wire_s = static_cast<double>(instruction.bytes) / route.bandwidth_bytes_per_s;
    if (route.direct) return posted_s + wire_s + route.latency_s;
    double& out_free_s = queues_.out_free_s[static_cast<std::size_t>(from)];
    double& in_free_s = queues_.in_free_s[static_cast<std::size_t>(to)];
    const double start_s = std::max({posted_s, out_free_s, in_free_s});
    out_free_s = in_free_s = start_s + wire_s;
    return start_s + wire_s + route.latency_s;
  }

  [[nodiscard]] double ring_s(const std::vector<int>& ranks, std::int64_t bytes) const {
    std::vector<int> hosts;
    for (const int rank : ranks)
      hosts.push_back(program_.ranks[static_cast<std::size_t>(rank)].host_index);
    return ring_seconds(cluster_, hosts, bytes);
  }

  [[nodiscard]] double& arrival(std::size_t step, int message) {
    return arrivals_s_[step * static_cast<std::size_t>(program_.num_messages) +
                       static_cast<std::size_t>(message)];
  }

  [[nodiscard]] const std::vector<int>& stage_ranks(std::size_t rank) const {
    return program_.stage_ranks[static_cast<std::size_t>(program_.ranks[rank].stage)];
  }

  [[nodiscard]] std::size_t reduce_slot(std::size_t rank) const {
    return static_cast<std::size_t>(program_.ranks[rank].stage) * kNumSteps + step_[rank];
  }

  [[nodiscard]] bool announced(std::size_t rank) const {
    return std::find(announced_.begin(), announced_.end(), std::pair(rank, step_[rank])) !=
           announced_.end();
  }

  const Program& program_;
  const ProgramCosts& costs_;
  const Cluster& cluster_;
  std::vector<double> clocks_s_;
  std::vector<std::size_t> next_;  ///< instruction
  std::vector<std::size_t> step_;
  std::vector<double> rank_end_s_;  ///< [rank][step]
  std::vector<double> arrivals_s_;  ///< [step][message]
  LinkQueues queues_;
  std::vector<std::size_t> reduce_arrived_;  ///< [stage][step]
  std::vector<double> reduce_ready_s_;
  std::vector<std::pair<std::size_t, std::size_t>> announced_;  ///< (rank, step) in a reduction
};

struct StageSize {
  std::vector<std::size_t> layers;
  std::int64_t parameter_bytes = 0;
  std::int64_t saved_bytes_per_sample = 0;
};

std::vector<StageSize> stage_sizes(const Plan& plan, const Profile& profile) {
  std::vector<StageSize> sizes;
  for (const Stage& stage : plan.stages) {
    StageSize size;
    for (const std::string& id : stage.layers) {
      const auto index = static_cast<std::size_t>(layer_index(profile.model, id));
      size.layers.push_back(index);
      size.parameter_bytes += profile.layers[index].parameter_bytes;
      size.saved_bytes_per_sample += profile.layers[index].saved_bytes_per_sample;
    }
    sizes.push_back(std::move(size));
  }
  return sizes;
}

bool holds_loss(const Stage& stage, const ModelGraph& model) {
  return std::find(stage.layers.begin(), stage.layers.end(), model.output) != stage.layers.end();
}

}  // namespace

ProgramCosts program_costs(const Program& program, const Plan& plan, const Profile& profile,
                           const Cluster& cluster) {
  const std::vector<StageSize> sizes = stage_sizes(plan, profile);
  // Each model input costs its part of the loading, by its number of elements.
  double input_elements = 0;
  for (const ModelInput& input : profile.model.inputs)
    input_elements += static_cast<double>(num_elements(input.shape));
  const std::vector<std::vector<Source>> sources = layer_sources(profile.model);
  const std::vector<bool> has_gradient = layers_with_gradient(profile.model);

  ProgramCosts costs;
  for (const RankProgram& rank : program.ranks) {
    const StageSize& size = sizes[static_cast<std::size_t>(rank.stage)];
    const bool loss = holds_loss(plan.stages[static_cast<std::size_t>(rank.stage)], profile.model);
    std::vector<bool> reads(profile.model.inputs.size(), false);
    for (const std::size_t layer : size.layers)
      for (const Source& source : sources[layer])
        if (source.is_model_input) reads[static_cast<std::size_t>(source.index)] = true;
    double loaded_elements = 0;
    for (std::size_t i = 0; i < reads.size(); ++i)
      if (reads[i])
        loaded_elements += static_cast<double>(num_elements(profile.model.inputs[i].shape));
    const double load_s_per_sample = profile.load_s_per_sample * loaded_elements / input_elements;
    const double speed = cluster.hosts[static_cast<std::size_t>(rank.host_index)].relative_speed;

    // Micro-batches have one or two sizes: look each up once.
    std::vector<std::pair<std::int64_t, LayerCost>> by_size;
    const auto stage_cost = [&](std::int64_t samples) {
      for (const auto& [known, cost] : by_size)
        if (known == samples) return cost;
      LayerCost sum;
      for (const std::size_t layer : size.layers) {
        const LayerCost cost = layer_cost(profile.layers[layer], samples);
        sum.forward_s += cost.forward_s;
        if (has_gradient[layer]) sum.backward_s += cost.backward_s;
      }
      if (loss) sum.forward_s += profile.loss_s_per_sample * static_cast<double>(samples);
      by_size.emplace_back(samples, sum);
      return sum;
    };

    std::vector<double>& seconds = costs.emplace_back();
    for (const Instruction& instruction : rank.instructions) {
      double cost_s = 0;
      switch (instruction.kind) {
        case InstructionKind::kLoadMicroBatch:
          cost_s = load_s_per_sample * static_cast<double>(instruction.samples.size());
          break;
        case InstructionKind::kForward:
          cost_s = stage_cost(instruction.samples.size()).forward_s;
          break;
        case InstructionKind::kBackward:
          cost_s = stage_cost(instruction.samples.size()).backward_s;
          break;
        case InstructionKind::kOptimizerStep:
          cost_s =
              profile.optimizer_s_per_parameter_byte * static_cast<double>(size.parameter_bytes);
          break;
        default:
          break;
      }
      seconds.push_back(cost_s / speed);
    }
  }
  return costs;
}

double ring_seconds(const Cluster& cluster, const std::vector<int>& hosts, std::int64_t bytes) {
  const std::size_t n = hosts.size();
  if (n < 2) return 0;
  double slowest_s = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Route route = route_between(cluster, hosts[i], hosts[(i + 1) % n]);
    const double chunk_bytes = static_cast<double>(bytes) / static_cast<double>(n);
    slowest_s = std::max(slowest_s, route.latency_s + chunk_bytes / route.bandwidth_bytes_per_s);
  }
  return 2 * static_cast<double>(n - 1) * slowest_s;
}

Timeline evaluate(const Program& program, const ProgramCosts& costs, const Cluster& cluster) {
  Timeline timeline = timeline_of(program, "predicted");
  timeline.step_s =
      Evaluation(program, costs, cluster)
          .run([&](int rank, const Instruction& instruction, double start_s, double end_s) {
            timeline.events.push_back({.rank = rank,
                                       .kind = instruction.kind,
                                       .micro_batch = instruction.micro_batch,
                                       .layer = instruction.layer,
                                       .peer = instruction.peer,
                                       .start_s = start_s,
                                       .end_s = end_s,
                                       .bytes = instruction.bytes});
          });
  normalize(timeline);
  return timeline;
}

double step_seconds(const Program& program, const ProgramCosts& costs, const Cluster& cluster) {
  return Evaluation(program, costs, cluster).run([](int, const Instruction&, double, double) {});
}

std::vector<std::int64_t> peak_memory_bytes(const Program& program, const Plan& plan,
                                            const Profile& profile) {
  constexpr std::int64_t kCopiesOfParameters = 3;  // parameters, gradients, momentum
  const std::vector<StageSize> sizes = stage_sizes(plan, profile);
  std::vector<std::int64_t> peaks;
  for (const RankProgram& rank : program.ranks) {
    const StageSize& size = sizes[static_cast<std::size_t>(rank.stage)];
    std::vector<std::int64_t> held(static_cast<std::size_t>(plan.micro_batches), 0);
    std::int64_t now = kCopiesOfParameters * size.parameter_bytes;
    std::int64_t peak = now;
    for (const Instruction& instruction : rank.instructions) {
      std::int64_t grown = 0;
      switch (instruction.kind) {
        case InstructionKind::kReceiveActivation:
          grown = instruction.bytes;
          break;
        case InstructionKind::kForward:
          grown = size.saved_bytes_per_sample * instruction.samples.size();
          break;
        case InstructionKind::kBackward:
          grown = -held[static_cast<std::size_t>(instruction.micro_batch)];
          break;
        default:
          continue;
      }
      held[static_cast<std::size_t>(instruction.micro_batch)] += grown;
      now += grown;
      peak = std::max(peak, now);
    }
    peaks.push_back(peak);
  }
  return peaks;
}

Prediction predict(const Plan& plan, const Profile& profile, const Cluster& cluster) {
  const Program program = lower(plan, profile.model, cluster);
  const Timeline timeline =
      evaluate(program, program_costs(program, plan, profile, cluster), cluster);
  Prediction prediction;
  prediction.step_s = timeline.step_s;
  prediction.traffic_bytes_per_step = traffic_bytes(program);
  const std::vector<std::int64_t> peaks = peak_memory_bytes(program, plan, profile);
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const RankProgram& rank = program.ranks[r];
    HostPrediction host{.host = rank.host, .peak_memory_bytes = peaks[r]};
    for (const TimelineEvent& event : timeline.events) {
      if (event.rank != static_cast<int>(r)) continue;
      const double duration_s = event.end_s - event.start_s;
      switch (event.kind) {
        case InstructionKind::kReceiveActivation:
        case InstructionKind::kReceiveGradient:
          break;  // waiting is what is left of the step
        case InstructionKind::kSendActivation:
        case InstructionKind::kSendGradient:
          host.sent_bytes += event.bytes;
          break;
        case InstructionKind::kReduceGradients:
          host.reduction_s += duration_s;
          host.sent_bytes += ring_bytes_per_rank(
              event.bytes, program.stage_ranks[static_cast<std::size_t>(rank.stage)].size());
          break;
        default:
          host.compute_s += duration_s;
      }
    }
    host.waiting_s = std::max(0.0, prediction.step_s - host.compute_s - host.reduction_s);
    prediction.peak_memory_bytes = std::max(prediction.peak_memory_bytes, peaks[r]);
    const std::int64_t memory_bytes =
        cluster.hosts[static_cast<std::size_t>(rank.host_index)].memory_bytes;
    if (peaks[r] > memory_bytes) prediction.fits_memory = false;
    prediction.hosts.push_back(host);
  }
  return prediction;
}

}  // namespace cadastre
