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

}  // namespace

double ring_seconds(const Cluster& cluster, const std::vector<int>& hosts, std::int64_t bytes) {
  const std::size_t n = hosts.size();
  if (n < 2) return 0;
  double slowest_s = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Route route = route_between(cluster, hosts[i], hosts[(i + 1) % n]);
    const double chunk_bytes = static_cast<double>(bytes) / static_cast<double>(n);
    const double byte_s = 1 / route.bandwidth_bytes_per_s + cluster.network.reduction_s_per_byte;
    slowest_s = std::max(slowest_s, route.latency_s + chunk_bytes * byte_s);
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

}  // namespace cadastre
