#include "planner/cost_model.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <queue>
#include <tuple>

#include "planner/all_reduce_cost.h"
#include "planner/rank_waits.h"

namespace cadastre {

namespace {

constexpr std::size_t kNumSteps = 2;
constexpr double kUnknown = -1;

/// When a message was put on its way and when it has arrived.
struct Transfer {
  double posted_s = kUnknown;
  double arrived_s = kUnknown;
};

/// The reduction of a bucket in one step: how many of its ranks have started it, when the last one
/// did, and, once all have, from when to when it takes.
struct Reduction {
  std::size_t num_started = 0;
  double ready_s = 0;
  double begin_s = kUnknown;
  double end_s = kUnknown;
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
        half_link_free_s_(network.routes.num_half_links(),
                          -std::numeric_limits<double>::infinity()) {
    seconds_.ranks.resize(ranks_.size());
    first_bucket_.push_back(0);
    for (const std::vector<ReductionBucket>& buckets : program.stage_buckets)
      first_bucket_.push_back(first_bucket_.back() + buckets.size());
    reductions_.resize(kNumSteps * first_bucket_.back());
    all_reduce_.resize(program.stage_ranks.size());
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
    int awaited_stage = -1;  ///< whose reductions it stands at
    double end_s[kNumSteps] = {0, 0};
    double transport_s = 0;  ///< of its processor that its messages have still to get
    RankWaits waits;
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
          add_transport(r, instruction);
          wait(rank, end_s - rank.clock_s);
          if (seconds != nullptr)
            seconds->transfer_s +=
                end_s - std::max(rank.clock_s, std::min(transfer.posted_s, end_s));
          break;
        }
        case InstructionKind::kStartReduction: {
          const bool is_complete = start(rank, instruction);
          add_transport(r, instruction);
          const std::size_t step = rank.step;
          advance(r, end_s + hand_over_s(r), record);
          if (is_complete) let_go_on(step, instruction.stage, record);
          continue;
        }
        case InstructionKind::kReduceGradients: {
          const Reduction* const of_step = reductions_of(rank.step, instruction.stage);
          const std::size_t num_buckets = this->num_buckets(instruction.stage);
          if (num_buckets > 0) {
            if (of_step[num_buckets - 1].end_s == kUnknown) {
              rank.awaited_stage = instruction.stage;
              return;
            }
            end_s = std::max(end_s, of_step[num_buckets - 1].end_s);
          }
          // What it received in the reductions is as much as it sent.
          if (network_.transport_s_per_byte > 0)
            for (const Instruction& started : instructions)
              if (started.kind == InstructionKind::kStartReduction &&
                  started.stage == instruction.stage)
                add_transport(r, started);
          wait(rank, end_s - rank.clock_s);
          if (seconds == nullptr) break;
          if (has_part(program_.ranks[r], instruction.stage)) {
            seconds->reduction_s += end_s - rank.clock_s;
          } else {
            for (std::size_t b = 0; b < num_buckets; ++b)
              seconds->reduction_s +=
                  std::max(0.0, of_step[b].end_s - std::max(of_step[b].begin_s, rank.clock_s));
          }
          break;
        }
        default:
          if (const double compute_s = rank.waits.compute_s(costs_, r, rank.next, instruction);
              compute_s > 0) {
            end_s += compute_s + rank.transport_s;
            rank.transport_s = 0;
          }
          if (seconds != nullptr) seconds->compute_s += end_s - rank.clock_s;
          break;
      }
      advance(r, end_s, record);
    }
  }

  /// What a rank takes to hand a message over, or a bucket to be reduced.
  [[nodiscard]] double hand_over_s(std::size_t r) const {
    return network_.message_s / transport_speed(r);
  }

  /// What the messages of an instruction take of the rank's processor, beside `hand_over_s`.
  void add_transport(std::size_t r, const Instruction& instruction) {
    if (network_.transport_s_per_byte <= 0 || instruction.peer == static_cast<int>(r)) return;
    const std::int64_t bytes = instruction.kind == InstructionKind::kStartReduction
                                   ? sent_bytes(program_, r, instruction)
                                   : instruction.bytes;
    ranks_[r].transport_s +=
        network_.transport_s_per_byte * static_cast<double>(bytes) / transport_speed(r);
  }

  /// Relative, of the rank's host.
  [[nodiscard]] double transport_speed(std::size_t r) const {
    return network_.transport_speeds[static_cast<std::size_t>(program_.ranks[r].host_index)];
  }

  /// The rank waits for so long; its messages' transport has the processor meanwhile.
  static void wait(RankState& rank, double waiting_s) {
    rank.waits.wait(waiting_s);
    rank.transport_s = std::max(0.0, rank.transport_s - waiting_s);
  }

  /// Whether the rank was the last to start the bucket: then it is known when it is through.
  bool start(const RankState& rank, const Instruction& instruction) {
    const auto stage = static_cast<std::size_t>(instruction.stage);
    Reduction* const of_step = reductions_of(rank.step, instruction.stage);
    Reduction& reduction = of_step[instruction.bucket];
    reduction.ready_s = std::max(reduction.ready_s, rank.clock_s);
    if (++reduction.num_started < reducing(stage).size()) return false;
    // The bucket before it is known: every rank has started that before this.
    reduction.begin_s = reduction.ready_s;
    if (instruction.bucket > 0)
      reduction.begin_s = std::max(reduction.begin_s, of_step[instruction.bucket - 1].end_s);
    reduction.end_s = reduction.begin_s + reduction_s(stage, instruction.bytes);
    return true;
  }

  /// Those that stand at the stage's reductions, if its last bucket is through now, by their
  /// numbers.
  template <typename Record>
  void let_go_on(std::size_t step, int stage, const Record& record) {
    if (reductions_of(step, stage)[num_buckets(stage) - 1].end_s == kUnknown) return;
    for (const int peer : reducing(static_cast<std::size_t>(stage))) {
      RankState& rank = ranks_[static_cast<std::size_t>(peer)];
      if (rank.step != step || rank.awaited_stage != stage) continue;
      rank.awaited_stage = -1;
      run_ahead(static_cast<std::size_t>(peer), record);
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
    const bool is_to_itself = instruction.peer == static_cast<int>(r);
    add_transport(r, instruction);
    advance(r, rank.clock_s + (is_to_itself ? 0 : hand_over_s(r)), record);
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
    if (!way.shared) return posted_s + bytes / way.bandwidth_bytes_per_s + way.latency_s;
    double start_s = posted_s;
    network_.routes.visit_half_links(from, to, [&](std::size_t half_link) {
      start_s = std::max(start_s, half_link_free_s_[half_link]);
    });
    // Of what was idle for longer than a bucket takes to fill, the bucket is full and no more.
    double end_s =
        start_s + std::max(0.0, bytes - network_.burst_bytes) / way.bandwidth_bytes_per_s;
    network_.routes.visit_half_links(from, to, [&](std::size_t half_link) {
      const double byte_s = network_.routes.byte_s()[half_link];
      double& free_s = half_link_free_s_[half_link];
      free_s = std::max(free_s, start_s - network_.burst_bytes * byte_s) + bytes * byte_s;
      end_s = std::max(end_s, free_s);
    });
    return end_s + way.latency_s;
  }

  [[nodiscard]] const std::vector<int>& reducing(std::size_t stage) const {
    return with_root_.empty() ? program_.stage_ranks[stage] : with_root_[stage];
  }

  [[nodiscard]] double reduction_s(std::size_t stage, std::int64_t bytes) {
    std::optional<AllReduceCost>& cost = all_reduce_[stage];
    if (!cost) {
      std::vector<int> hosts;
      for (const int rank : program_.stage_ranks[stage])
        hosts.push_back(program_.ranks[static_cast<std::size_t>(rank)].host_index);
      cost.emplace(network_, program_.all_reduce, hosts);
    }
    return cost->seconds(bytes);
  }

  [[nodiscard]] std::size_t num_buckets(int stage) const {
    return program_.stage_buckets[static_cast<std::size_t>(stage)].size();
  }

  /// By bucket.
  [[nodiscard]] Reduction* reductions_of(std::size_t step, int stage) {
    return &reductions_[step * first_bucket_.back() +
                        first_bucket_[static_cast<std::size_t>(stage)]];
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
  std::vector<double> half_link_free_s_;                  ///< since when its bucket fills
  std::vector<std::size_t> first_bucket_;                 ///< [stage] of all buckets
  std::vector<Reduction> reductions_;                     ///< [step][bucket of all]
  std::vector<std::optional<AllReduceCost>> all_reduce_;  ///< [stage]
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
