#include "planner/cost_model.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "planner/all_reduce_cost.h"

namespace cadastre {

namespace {

constexpr std::size_t kNumSteps = 2;
constexpr double kUnknown = -1;

/// When a message was put on its way and when it has arrived.
struct Transfer {
  double posted_s = kUnknown;
  double arrived_s = kUnknown;
};

/// An all-reduce of one step: how many of its ranks have arrived, and when the last one did.
struct Reduction {
  std::size_t num_arrived = 0;
  double ready_s = 0;
};

/// The state of a replay: a clock and a place in the program for each rank, queues on the links.
///
/// Only sends depend on what other ranks did before in time: they enter the links' queues. So each
/// rank runs ahead to its next send, and the sends are carried out in order of time.
class Evaluation {
 public:
  Evaluation(const Program& program, const ProgramCosts& costs, const NetworkCosts& network)
      : program_(program),
        costs_(costs),
        network_(network),
        ranks_(program.ranks.size()),
        transfers_(kNumSteps * static_cast<std::size_t>(program.num_messages)),
        waiting_for_(transfers_.size(), -1),
        half_link_free_s_(network.routes.num_half_links(), 0),
        reductions_(kNumSteps * program.stage_ranks.size()) {
    seconds_.ranks.resize(ranks_.size());
    reduction_s_.assign(program.stage_ranks.size(), kUnknown);
    if (program.all_reduce.root_host >= 0)
      for (std::size_t s = 0; s < program.stage_ranks.size(); ++s)
        with_root_.push_back(reducing_ranks(program, static_cast<int>(s)));
  }

  /// Runs to the end; `record(rank, instruction, start_s, end_s)` is called for the last step.
  template <typename Record>
  StepSeconds run(const Record& record) {
    for (std::size_t r = 0; r < ranks_.size(); ++r) run_ahead(r, record);
    while (!sends_.empty()) {
      const std::size_t rank = sends_.top().second;
      sends_.pop();
      carry_out_send(rank, record);
      run_ahead(rank, record);
    }
    for (const RankState& rank : ranks_) {
      seconds_.step_s = std::max(seconds_.step_s, rank.end_s[1] - rank.end_s[0]);
      seconds_.first_step_s = std::max(seconds_.first_step_s, rank.end_s[0]);
    }
    return std::move(seconds_);
  }

 private:
  struct RankState {
    double clock_s = 0;
    std::size_t next = 0;  ///< instruction
    std::size_t step = 0;
    bool in_reduction = false;
    double end_s[kNumSteps] = {0, 0};
  };

  /// Executes the rank's instructions up to its next send, or to one that must wait for others.
  template <typename Record>
  void run_ahead(std::size_t r, const Record& record) {
    RankState& rank = ranks_[r];
    const std::vector<Instruction>& instructions = program_.ranks[r].instructions;
    if (instructions.empty()) return;
    while (rank.step < kNumSteps) {
      const Instruction& instruction = instructions[rank.next];
      double end_s = rank.clock_s;
      RankSeconds* const seconds = rank.step + 1 == kNumSteps ? &seconds_.ranks[r] : nullptr;
      switch (instruction.kind) {
        case InstructionKind::kSendActivation:
        case InstructionKind::kSendGradient:
          sends_.emplace(rank.clock_s, r);
          return;
        case InstructionKind::kReceiveActivation:
        case InstructionKind::kReceiveGradient: {
          const std::size_t number = transfer_number(rank.step, instruction);
          const Transfer& transfer = transfers_[number];
          if (transfer.arrived_s == kUnknown) {
            waiting_for_[number] = static_cast<int>(r);
            return;
          }
          end_s = std::max(rank.clock_s, transfer.arrived_s);
          if (seconds != nullptr)
            seconds->transfer_s +=
                end_s - std::max(rank.clock_s, std::min(transfer.posted_s, end_s));
          break;
        }
        case InstructionKind::kReduceGradients: {
          const auto stage = static_cast<std::size_t>(instruction.stage);
          const std::vector<int>& peers = reducing(stage);
          Reduction& reduction = reductions_[rank.step * program_.stage_ranks.size() + stage];
          if (!rank.in_reduction) {
            rank.in_reduction = true;
            ++reduction.num_arrived;
            reduction.ready_s = std::max(reduction.ready_s, rank.clock_s);
            if (reduction.num_arrived < peers.size()) return;
            // The last to arrive lets the others go on, by their numbers.
            for (const int peer : peers)
              if (static_cast<std::size_t>(peer) != r)
                run_ahead(static_cast<std::size_t>(peer), record);
          } else if (reduction.num_arrived < peers.size()) {
            return;
          }
          rank.in_reduction = false;
          end_s = reduction.ready_s + reduction_s(stage, instruction.bytes);
          if (seconds != nullptr)
            seconds->reduction_s +=
                end_s -
                (has_part(program_.ranks[r], instruction.stage) ? rank.clock_s : reduction.ready_s);
          break;
        }
        default:
          end_s += costs_[r][rank.next];
          if (seconds != nullptr) seconds->compute_s += costs_[r][rank.next];
          break;
      }
      advance(r, end_s, record);
    }
  }

  template <typename Record>
  void carry_out_send(std::size_t r, const Record& record) {
    const RankState& rank = ranks_[r];
    const Instruction& instruction = program_.ranks[r].instructions[rank.next];
    const std::size_t number = transfer_number(rank.step, instruction);
    transfers_[number] = {.posted_s = rank.clock_s,
                          .arrived_s = transfer(r, instruction, rank.clock_s)};
    const int receiver = waiting_for_[number];
    advance(r, rank.clock_s, record);
    if (receiver >= 0) run_ahead(static_cast<std::size_t>(receiver), record);
  }

  template <typename Record>
  void advance(std::size_t r, double end_s, const Record& record) {
    RankState& rank = ranks_[r];
    const std::vector<Instruction>& instructions = program_.ranks[r].instructions;
    if (rank.step + 1 == kNumSteps)
      record(static_cast<int>(r), instructions[rank.next], rank.clock_s, end_s);
    rank.clock_s = end_s;
    if (++rank.next < instructions.size()) return;
    rank.end_s[rank.step++] = end_s;
    rank.next = 0;
  }

  /// Puts a message on the links at `posted_s` and returns when it has arrived.
  double transfer(std::size_t rank, const Instruction& instruction, double posted_s) {
    const int from = program_.ranks[rank].host_index;
    const int to = program_.ranks[static_cast<std::size_t>(instruction.peer)].host_index;
    if (from == to) return posted_s;
    const Way& way = network_.routes.way(from, to);
    const auto bytes = static_cast<double>(instruction.bytes);
    double start_s = posted_s;
    if (way.shared) {
      network_.routes.visit_half_links(from, to, [&](std::size_t half_link) {
        start_s = std::max(start_s, half_link_free_s_[half_link]);
      });
      network_.routes.visit_half_links(from, to, [&](std::size_t half_link) {
        half_link_free_s_[half_link] = start_s + bytes * network_.routes.byte_s()[half_link];
      });
    }
    return start_s + bytes / way.bandwidth_bytes_per_s + way.latency_s;
  }

  [[nodiscard]] const std::vector<int>& reducing(std::size_t stage) const {
    return with_root_.empty() ? program_.stage_ranks[stage] : with_root_[stage];
  }

  [[nodiscard]] double reduction_s(std::size_t stage, std::int64_t bytes) {
    if (reduction_s_[stage] == kUnknown) {
      std::vector<int> hosts;
      for (const int rank : program_.stage_ranks[stage])
        hosts.push_back(program_.ranks[static_cast<std::size_t>(rank)].host_index);
      reduction_s_[stage] = AllReduceCost(network_, program_.all_reduce, hosts).seconds(bytes);
    }
    return reduction_s_[stage];
  }

  [[nodiscard]] std::size_t transfer_number(std::size_t step,
                                            const Instruction& instruction) const {
    return step * static_cast<std::size_t>(program_.num_messages) +
           static_cast<std::size_t>(instruction.message);
  }

  const Program& program_;
  const ProgramCosts& costs_;
  const NetworkCosts& network_;
  std::vector<RankState> ranks_;
  std::vector<Transfer> transfers_;  ///< [step][message]
  std::vector<int> waiting_for_;     ///< [step][message] the rank that stands at its receive, or -1
  std::vector<double> half_link_free_s_;
  std::vector<Reduction> reductions_;  ///< [step][stage]
  std::vector<double> reduction_s_;    ///< [stage]
  /// [stage] the ranks that reduce together, where a server or driver is among them.
  std::vector<std::vector<int>> with_root_;
  StepSeconds seconds_;
  /// Ranks that stand at a send, earliest first, ties by number.
  std::priority_queue<std::pair<double, std::size_t>, std::vector<std::pair<double, std::size_t>>,
                      std::greater<>>
      sends_;
};

}  // namespace

double ring_seconds(const NetworkCosts& network, const std::vector<int>& hosts,
                    std::int64_t bytes) {
  const std::size_t n = hosts.size();
  if (n < 2) return 0;
  const double chunk_bytes = static_cast<double>(bytes) / static_cast<double>(n);
  double slowest_s = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Way& way = network.routes.way(hosts[i], hosts[(i + 1) % n]);
    const double byte_s = 1 / way.bandwidth_bytes_per_s + network.reduction_s_per_byte;
    slowest_s = std::max(slowest_s, way.latency_s + chunk_bytes * byte_s);
  }
  return 2 * static_cast<double>(n - 1) * slowest_s;
}

Timeline evaluate(const Program& program, const ProgramCosts& costs, const Cluster& cluster) {
  Timeline timeline = timeline_of(program, "predicted");
  timeline.step_s =
      Evaluation(program, costs, NetworkCosts(cluster))
          .run([&](int rank, const Instruction& instruction, double start_s, double end_s) {
            timeline.events.push_back(event_of(rank, instruction, start_s, end_s));
          })
          .step_s;
  normalize(timeline);
  return timeline;
}

StepSeconds step_seconds(const Program& program, const ProgramCosts& costs,
                         const NetworkCosts& network) {
  return Evaluation(program, costs, network).run([](int, const Instruction&, double, double) {});
}

}  // namespace cadastre
