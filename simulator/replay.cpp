#include "simulator/replay.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "simulator/platform.h"
#include "simulator/program_check.h"
#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

constexpr std::size_t kNumSteps = 2;

/// Lets the receiver of one message wait for it, whichever of the two comes first.
struct Arrival {
  s4u::SemaphorePtr left_connection = s4u::Semaphore::create(0);
  double at_s = 0;  ///< known once the message left the connection

  void wait() {
    left_connection->acquire();
    s4u::this_actor::sleep_until(at_s);
  }
};

/// The messages from one rank to another: carried in order, one at a time, by an actor of its own.
class Connection {
 public:
  Connection(s4u::Host* from, s4u::Host* to, double latency_s)
      : from_(from), to_(to), latency_s_(latency_s) {
    simgrid_version::add_actor("connection", from, [this] { carry(); })->daemonize();
  }

  void send(std::int64_t bytes, std::shared_ptr<Arrival> arrival) {
    queue_.push_back({bytes, std::move(arrival)});
    queued_->release();
  }

 private:
  struct Message {
    std::int64_t bytes = 0;
    std::shared_ptr<Arrival> arrival;
  };

  void carry() {
    while (true) {
      queued_->acquire();
      const Message message = std::move(queue_.front());
      queue_.pop_front();
      // A ring all-reduce of fewer bytes than ranks has empty messages: they take the latency.
      if (message.bytes > 0)
        s4u::Comm::sendto(from_, to_, static_cast<std::uint64_t>(message.bytes));
      message.arrival->at_s = s4u::Engine::get_clock() + latency_s_;
      message.arrival->left_connection->release();
    }
  }

  s4u::Host* from_;
  s4u::Host* to_;
  double latency_s_;
  std::deque<Message> queue_;
  s4u::SemaphorePtr queued_ = s4u::Semaphore::create(0);
};

/// What a message is known by at both ends: step, from, to; then, of a transfer, -1, its number and
/// 0; of a ring all-reduce, the stage, which of its reductions it is, and the round.
using MessageKey = std::array<int, 6>;

class Replay {
 public:
  Replay(const Program& program, const ProgramCosts& costs, const Cluster& cluster)
      : program_(program),
        costs_(costs),
        cluster_(cluster),
        engine_("cadastre"),
        events_(program.ranks.size()),
        rank_end_s_(program.ranks.size()) {
    configure_simgrid(cluster);
    hosts_ = build_platform(engine_, cluster);
    for (std::size_t r = 0; r < program.ranks.size(); ++r)
      simgrid_version::add_actor("rank", host(r), [this, r] { run_rank(r); });
  }

  Timeline run() {
    engine_.run();
    if (num_finished_ != program_.ranks.size())
      throw std::logic_error("the simulation ended before its ranks");
    Timeline timeline = timeline_of(program_, "simulated");
    for (const std::array<double, kNumSteps>& ends_s : rank_end_s_)
      timeline.step_s = std::max(timeline.step_s, ends_s[kNumSteps - 1] - ends_s[kNumSteps - 2]);
    for (const std::vector<TimelineEvent>& events : events_)
      timeline.events.insert(timeline.events.end(), events.begin(), events.end());
    normalize(timeline);
    return timeline;
  }

 private:
  void run_rank(std::size_t r) {
    const std::vector<Instruction>& instructions = program_.ranks[r].instructions;
    for (std::size_t step = 0; step < kNumSteps; ++step) {
      std::map<int, int> num_reductions;  // by stage
      for (std::size_t i = 0; i < instructions.size(); ++i) {
        const Instruction& instruction = instructions[i];
        const double start_s = s4u::Engine::get_clock();
        switch (instruction.kind) {
          case InstructionKind::kSendActivation:
          case InstructionKind::kSendGradient:
            // Between two stages of one rank, nothing moves: the receive comes later in its
            // program.
            if (!is_to_itself(r, instruction))
              send(transfer_key(step, r, instruction), instruction.bytes);
            break;
          case InstructionKind::kReceiveActivation:
          case InstructionKind::kReceiveGradient:
            if (!is_to_itself(r, instruction)) receive(transfer_key(step, r, instruction));
            break;
          case InstructionKind::kReduceGradients:
            reduce(step, r, instruction, num_reductions[instruction.stage]++);
            break;
          case InstructionKind::kLoadMicroBatch:
          case InstructionKind::kForward:
          case InstructionKind::kRecompute:
          case InstructionKind::kBackward:
          case InstructionKind::kOptimizerStep:
            if (costs_[r][i] > 0) s4u::this_actor::execute(costs_[r][i] * host(r)->get_speed());
            break;
        }
        if (step + 1 == kNumSteps)
          events_[r].push_back(
              event_of(static_cast<int>(r), instruction, start_s, s4u::Engine::get_clock()));
      }
      rank_end_s_[r][step] = s4u::Engine::get_clock();
    }
    ++num_finished_;
  }

  /// In round k of the reduce-scatter rank i sends chunk i - k to the next rank, in round k of the
  /// all-gather chunk i + 1 - k.
  void reduce(std::size_t step, std::size_t r, const Instruction& instruction, int reduction) {
    const std::int64_t bytes = instruction.bytes;
    const std::vector<int>& ring =
        program_.stage_ranks[static_cast<std::size_t>(instruction.stage)];
    const auto n = static_cast<std::int64_t>(ring.size());
    const auto self = static_cast<std::int64_t>(
        std::find(ring.begin(), ring.end(), static_cast<int>(r)) - ring.begin());
    const auto at = [&](std::int64_t place) { return ring[static_cast<std::size_t>(place % n)]; };
    const auto chunk_bytes = [&](std::int64_t chunk) {
      const std::int64_t c = (chunk + 2 * n) % n;
      return (c + 1) * bytes / n - c * bytes / n;
    };
    for (std::int64_t round = 0; round < 2 * (n - 1); ++round) {
      const bool scatter = round < n - 1;
      const std::int64_t chunk = scatter ? self - round : self + 1 - (round - (n - 1));
      const auto key = [&](int from, int to) {
        return MessageKey{static_cast<int>(step), from,      to,
                          instruction.stage,      reduction, static_cast<int>(round)};
      };
      send(key(at(self), at(self + 1)), chunk_bytes(chunk));
      receive(key(at(self + n - 1), at(self)));
      const double handling_s =
          cluster_.network.reduction_s_per_byte * static_cast<double>(chunk_bytes(chunk - 1));
      if (handling_s > 0) s4u::this_actor::execute(handling_s * host(r)->get_speed());
    }
  }

  static bool is_to_itself(std::size_t r, const Instruction& instruction) {
    return instruction.peer == static_cast<int>(r);
  }

  static MessageKey transfer_key(std::size_t step, std::size_t r, const Instruction& instruction) {
    const bool sends = is_send(instruction.kind);
    const int self = static_cast<int>(r);
    return {static_cast<int>(step),
            sends ? self : instruction.peer,
            sends ? instruction.peer : self,
            -1,
            instruction.message,
            0};
  }

  void send(const MessageKey& key, std::int64_t bytes) {
    connection(key[1], key[2]).send(bytes, arrival(key));
  }

  void receive(const MessageKey& key) {
    // Kept alive here: the map is changed by others while this actor waits.
    const std::shared_ptr<Arrival> awaited = arrival(key);
    awaited->wait();
    arrivals_.erase(key);
  }

  std::shared_ptr<Arrival> arrival(const MessageKey& key) {
    std::shared_ptr<Arrival>& arrival = arrivals_[key];
    if (!arrival) arrival = std::make_shared<Arrival>();
    return arrival;
  }

  Connection& connection(int from, int to) {
    std::unique_ptr<Connection>& connection = connections_[{from, to}];
    if (!connection) {
      const double latency_s =
          route_between(cluster_, program_.ranks[static_cast<std::size_t>(from)].host_index,
                        program_.ranks[static_cast<std::size_t>(to)].host_index)
              .latency_s;
      connection = std::make_unique<Connection>(host(static_cast<std::size_t>(from)),
                                                host(static_cast<std::size_t>(to)), latency_s);
    }
    return *connection;
  }

  [[nodiscard]] s4u::Host* host(std::size_t rank) const {
    return hosts_[static_cast<std::size_t>(program_.ranks[rank].host_index)];
  }

  const Program& program_;
  const ProgramCosts& costs_;
  const Cluster& cluster_;
  s4u::Engine engine_;
  std::vector<s4u::Host*> hosts_;
  std::map<std::pair<int, int>, std::unique_ptr<Connection>> connections_;
  std::map<MessageKey, std::shared_ptr<Arrival>> arrivals_;  ///< sent or awaited, not yet received
  std::vector<std::vector<TimelineEvent>> events_;           ///< [rank], of the last step
  std::vector<std::array<double, kNumSteps>> rank_end_s_;
  std::size_t num_finished_ = 0;
};

}  // namespace

Timeline replay(const Program& program, const ProgramCosts& costs, const Cluster& cluster) {
  check_platform(cluster);
  check_program(program, costs, cluster.hosts.size());
  static bool used = false;
  if (used) throw std::logic_error("replay was called twice in one process");
  used = true;
  return Replay(program, costs, cluster).run();
}

}  // namespace cadastre
