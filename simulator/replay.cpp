#include "simulator/replay.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "planner/rank_waits.h"
#include "simulator/communicating_pairs.h"
#include "simulator/energy_meter.h"
#include "simulator/environment.h"
#include "simulator/jitter.h"
#include "simulator/link_meter.h"
#include "simulator/message_network.h"
#include "simulator/paje_trace.h"
#include "simulator/platform.h"
#include "simulator/processors.h"
#include "simulator/program_check.h"
#include "simulator/rank_account.h"
#include "simulator/reductions.h"
#include "simulator/simgrid_version.h"
#include "simulator/step_factors.h"
#include "simulator/step_statistics.h"
#include "simulator/supervisor.h"
#include "simulator/token_buckets.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

double now_s() { return s4u::Engine::get_clock(); }

using Bell = MessageNetwork::Bell;

/// A message that an actor is blocked on, while it is.
struct Awaited {
  std::optional<MessageKey> key;
  bool on_network = false;
};

/// What is known of a rank beside its program.
struct RankState {
  std::vector<double> end_s;  ///< [step]
  RankAccount account;
  Bell bell;
  std::vector<Awaited> awaited;  ///< [0] by its own actor, [1 + stage] by that of its reductions
  /// Which of these its own actor waits for, if it waits.
  std::optional<std::size_t> blocked_on;
  std::optional<JitterSequence> jitter;
  RankWaits waits;
  int step = 0;                 ///< that it is at
  std::int64_t sent_bytes = 0;  ///< in the last step, as the next two
  std::int64_t received_bytes = 0;
  std::vector<TimelineEvent> events;
  RankDivision division;      ///< of the measured steps
  double energy_begin_j = 0;  ///< taken by when they began, and by when they ended
  double energy_end_j = 0;
  double checkpoint_s = 0;
  s4u::ActorPtr actor;
  bool finished = false;
};

class Replay {
 public:
  Replay(const Program& program, const ProgramCosts& costs, const Cluster& cluster,
         const ReplayOptions& options)
      : program_(program),
        costs_(costs),
        cluster_(cluster),
        options_(options),
        last_step_(static_cast<int>(options.conditions.num_steps)),
        routes_(cluster),
        engine_("cadastre"),
        energy_meter_(cluster),
        processors_(cluster, platform_),
        ranks_(program.ranks.size()),
        supervisor_(options.conditions, program, cluster,
                    {.end = [this] { end_ranks(); },
                     .start = [this](int first_step) { start_ranks(first_step); }}) {
    configure_simgrid(cluster);
    if (!options.paje_file.empty()) trace_to(options.paje_file);
    if (options.meter_links) link_meter_.emplace();
    platform_ = build_platform(engine_, cluster, routes_, communicating_pairs(program),
                               background_flows(options.conditions, cluster));
    apply_conditions(options.conditions, cluster, routes_, platform_);
    const std::optional<Jitter>& jitter = options.conditions.jitter;
    if (jitter && jitter->between_steps)
      step_factors_.emplace(*jitter, step_spreads(cluster, routes_, *jitter->between_steps),
                            cluster, routes_, platform_, ranks_.size());
    if (cluster.network.burst_bytes > 0)
      buckets_.emplace(routes_.byte_s(), cluster.network.burst_bytes);
    network_.emplace(
        [this](int from, int to) { return way_between(from, to); },
        MessageObserver{.on_posted = [this](const MessageKey& key,
                                            std::int64_t bytes) { on_posted(key, bytes); },
                        .on_arrived = [this](const MessageKey& key) { on_arrived(key); }});
    reductions_.emplace(
        program, cluster.network.reduction_s_per_byte, *network_,
        Reductions::Actions{
            .host = [this](std::size_t r) { return host(r); },
            .receive = [this](const MessageKey& key, const Bell& bell) { receive(key, bell); },
            .compute = [this](std::size_t r, double seconds) { compute(r, seconds); }});
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      ranks_[r].awaited.resize(1 + program.stage_ranks.size());
      ranks_[r].end_s.resize(static_cast<std::size_t>(last_step_) + 1);
      if (options.conditions.jitter)
        ranks_[r].jitter.emplace(options.conditions.jitter->seed, static_cast<int>(r));
    }
    start_ranks(0);
    supervisor_.start(platform_.hosts.front());
  }

  ReplayResult run() {
    engine_.run();
    if (!all_finished()) throw std::logic_error("the simulation ended before its ranks");
    ReplayResult result{.timeline = timeline_of(program_, "simulated")};
    std::vector<std::vector<double>> ends_s;
    for (const RankState& rank : ranks_) {
      ends_s.push_back(rank.end_s);
      result.timeline.events.insert(result.timeline.events.end(), rank.events.begin(),
                                    rank.events.end());
    }
    result.figures.steps = step_statistics(ends_s);
    result.timeline.step_s = last_step_s();
    add_hosts(result.figures);
    for (const auto& [ends, bytes] : traffic_)
      result.figures.traffic.push_back(
          {.from = host_name(ends.first), .to = host_name(ends.second), .bytes = bytes});
    add_run(result.figures.run);
    if (link_meter_) {
      result.figures.links = link_meter_->uses(result.figures.run.run_s - result.timeline.step_s,
                                               result.figures.run.run_s);
    }
    normalize(result.timeline);
    return result;
  }

 private:
  void start_ranks(int first_step) {
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      ranks_[r].bell = s4u::Semaphore::create(0);
      ranks_[r].actor = simgrid_version::add_actor(
          "rank" + std::to_string(r), host(r), [this, r, first_step] { run_rank(r, first_step); });
    }
  }

  void run_rank(std::size_t r, int first_step) {
    RankState& rank = ranks_[r];
    const std::vector<Instruction>& instructions = program_.ranks[r].instructions;
    for (int step = first_step; step <= last_step_; ++step) {
      rank.step = step;
      if (step_factors_) step_factors_->begin_step(step);
      if (step == last_step_) begin_last_step();
      for (std::size_t i = 0; i < instructions.size(); ++i) {
        const Instruction& instruction = instructions[i];
        const double start_s = now_s();
        switch (instruction.kind) {
          case InstructionKind::kSendActivation:
          case InstructionKind::kSendGradient:
            // Between two stages of one rank, nothing moves: the receive comes later in its
            // program.
            if (!is_to_itself(r, instruction)) {
              network_->send(transfer_key(step, r, instruction), instruction.bytes);
              hand_over(r);
            }
            break;
          case InstructionKind::kReceiveActivation:
          case InstructionKind::kReceiveGradient:
            if (!is_to_itself(r, instruction)) {
              rank.blocked_on = 0;
              receive(transfer_key(step, r, instruction), rank.bell);
              rank.blocked_on.reset();
              rank.waits.wait(now_s() - start_s);
            }
            break;
          case InstructionKind::kStartReduction:
            reductions_->start(step, r, instruction);
            hand_over(r);
            break;
          case InstructionKind::kReduceGradients:
            rank.blocked_on = 1 + static_cast<std::size_t>(instruction.stage);
            account_for_awaited(rank);
            reductions_->wait(r, instruction.stage, rank.bell);
            rank.blocked_on.reset();
            account_for_awaited(rank);
            rank.waits.wait(now_s() - start_s);
            break;
          case InstructionKind::kLoadMicroBatch:
          case InstructionKind::kForward:
          case InstructionKind::kRecompute:
          case InstructionKind::kBackward:
          case InstructionKind::kOptimizerStep:
            compute(r, rank.waits.compute_s(costs_, r, i, instruction) * jitter_factor(r, i),
                    options_.memory_traffic.empty() ? 0 : options_.memory_traffic[r][i]);
            break;
        }
        if (step == last_step_)
          rank.events.push_back(event_of(static_cast<int>(r), instruction, start_s, now_s()));
      }
      write_checkpoint(r, step);
      end_step(r, step);
    }
    rank.finished = true;
    if (all_finished()) supervisor_.on_run_ended();
  }

  void begin_last_step() {
    if (!link_meter_ || last_step_has_begun_) return;
    last_step_has_begun_ = true;
    link_meter_->start(routes_, platform_, now_s() / last_step_);
  }

  void end_step(std::size_t r, int step) {
    RankState& rank = ranks_[r];
    // Where the first step is done again after a failure, the measured ones began before.
    if (step == 0 && rank.account.is_open()) return;
    rank.end_s[static_cast<std::size_t>(step)] = now_s();
    if (step == 0) {
      rank.account.open(now_s());
      rank.energy_begin_j = energy_meter_.consumed_j(host(r));
    }
    // A rank that ended before a failure does so again.
    if (step == last_step_) {
      rank.division = rank.account.division_by(now_s());
      rank.energy_end_j = energy_meter_.consumed_j(host(r));
    }
  }

  void compute(std::size_t r, double seconds, double memory_bytes = 0) {
    if (!(seconds > 0)) return;
    if (step_factors_)
      seconds /= step_factors_->of_host(program_.ranks[r].host_index, ranks_[r].step);
    ranks_[r].account.compute(now_s(), 1);
    processors_.compute(program_.ranks[r].host_index, seconds, memory_bytes);
    ranks_[r].account.compute(now_s(), -1);
  }

  [[nodiscard]] double jitter_factor(std::size_t r, std::size_t i) {
    if (!ranks_[r].jitter) return 1;
    const std::optional<double>& spread = options_.conditions.jitter->relative_spread;
    if (!spread && options_.spreads.empty()) return 1;
    return ranks_[r].jitter->next(spread ? *spread : options_.spreads[r][i]);
  }

  /// For the rank's own actor, and for those of its reductions.
  void receive(const MessageKey& key, const Bell& bell) {
    RankState& rank = ranks_[static_cast<std::size_t>(key.to)];
    Awaited& awaited = awaited_like(rank, key);
    awaited = {.key = key, .on_network = network_->is_posted(key)};
    account_for_awaited(rank);
    network_->receive(key, bell);
    awaited = {};
    account_for_awaited(rank);
  }

  /// Where the rank notes what it awaits: a message has a stage where it is of a reduction.
  static Awaited& awaited_like(RankState& rank, const MessageKey& key) {
    return rank.awaited[static_cast<std::size_t>(key.stage + 1)];
  }

  static void account_for_awaited(RankState& rank) {
    rank.account.awaited_on_network(
        now_s(), rank.blocked_on.has_value() && rank.awaited[*rank.blocked_on].on_network);
  }

  void on_posted(const MessageKey& key, std::int64_t bytes) {
    RankState& from = ranks_[static_cast<std::size_t>(key.from)];
    RankState& to = ranks_[static_cast<std::size_t>(key.to)];
    from.account.sent_on_network(now_s(), 1);
    if (Awaited& awaited = awaited_like(to, key); awaited.key == key) {
      awaited.on_network = true;
      account_for_awaited(to);
    }
    if (key.step != last_step_) return;
    from.sent_bytes += bytes;
    to.received_bytes += bytes;
    if (bytes > 0) traffic_[{host_of(key.from), host_of(key.to)}] += bytes;
  }

  void on_arrived(const MessageKey& key) {
    ranks_[static_cast<std::size_t>(key.from)].account.sent_on_network(now_s(), -1);
  }

  void write_checkpoint(std::size_t r, int step) {
    const Recovery& recovery = options_.conditions.recovery;
    if (recovery.checkpoint_every_steps == 0 || (step + 1) % recovery.checkpoint_every_steps != 0)
      return;
    if (recovery.checkpoint_s > 0) {
      s4u::this_actor::sleep_for(recovery.checkpoint_s);
      ranks_[r].checkpoint_s += recovery.checkpoint_s;
    }
    supervisor_.on_checkpoint(step);
  }

  void end_ranks() {
    for (RankState& rank : ranks_) {
      if (!rank.finished) rank.actor->kill();
      rank.account.reset(now_s());
      rank.awaited.assign(rank.awaited.size(), {});
      rank.blocked_on.reset();
      rank.finished = false;
      rank.events.clear();
      rank.waits = {};
      rank.sent_bytes = rank.received_bytes = 0;
    }
    reductions_->end();
    network_->reset();
    if (buckets_) buckets_->reset();
    traffic_.clear();
    last_step_has_begun_ = false;
    if (step_factors_) step_factors_->restart();
  }

  [[nodiscard]] bool all_finished() const {
    return std::all_of(ranks_.begin(), ranks_.end(),
                       [](const RankState& rank) { return rank.finished; });
  }

  void add_hosts(SimulationFigures& figures) const {
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      const RankState& rank = ranks_[r];
      const RankDivision& division = rank.division;
      figures.hosts.push_back({.host = program_.ranks[r].host,
                               .compute_s = division.compute_s / last_step_,
                               .receiving_s = division.receiving_s / last_step_,
                               .sending_s = division.sending_s / last_step_,
                               .waiting_s = division.waiting_s / last_step_,
                               .sent_bytes = rank.sent_bytes,
                               .received_bytes = rank.received_bytes,
                               .energy_j = energy_j(r),
                               .memory = {}});
    }
  }

  [[nodiscard]] double last_step_s() const {
    double longest_s = 0;
    for (const RankState& rank : ranks_)
      longest_s = std::max(longest_s, *(rank.end_s.end() - 1) - *(rank.end_s.end() - 2));
    return longest_s;
  }

  /// In a step. A host that shares a machine computes there, out of sight of SimGrid's plugin.
  [[nodiscard]] double energy_j(std::size_t r) const {
    const RankState& rank = ranks_[r];
    const Host& on = cluster_.hosts[static_cast<std::size_t>(host_of(static_cast<int>(r)))];
    if (on.machine.empty()) return (rank.energy_end_j - rank.energy_begin_j) / last_step_;
    return (idle_watts(on) * (rank.end_s.back() - rank.end_s.front()) +
            (on.watts - idle_watts(on)) * rank.division.compute_s) /
           last_step_;
  }

  void add_run(SimulatedRun& run) const {
    for (const RankState& rank : ranks_) {
      run.run_s = std::max(run.run_s, rank.end_s.back());
      run.checkpoint_s = std::max(run.checkpoint_s, rank.checkpoint_s);
    }
    run.restarts = supervisor_.restarts();
  }

  /// A message that is on its way, or a bucket that is being reduced.
  void hand_over(std::size_t r) {
    compute(r, cluster_.network.message_s / transport_speed(host_of(static_cast<int>(r))));
  }

  static bool is_to_itself(std::size_t r, const Instruction& instruction) {
    return instruction.peer == static_cast<int>(r);
  }

  static MessageKey transfer_key(int step, std::size_t r, const Instruction& instruction) {
    const bool sends = is_send(instruction.kind);
    const int self = static_cast<int>(r);
    return {.step = step,
            .from = sends ? self : instruction.peer,
            .to = sends ? instruction.peer : self,
            .number = instruction.message};
  }

  [[nodiscard]] ConnectionWay way_between(int from, int to) {
    ConnectionWay way{.from = host(static_cast<std::size_t>(from)),
                      .to = host(static_cast<std::size_t>(to)),
                      .latency_s = routes_.way(host_of(from), host_of(to)).latency_s,
                      .half_links = {},
                      .processor_work = transport_of(host_of(from), host_of(to))};
    if (!buckets_) return way;
    routes_.visit_half_links(host_of(from), host_of(to),
                             [&](std::size_t half_link) { way.half_links.push_back(half_link); });
    // A cable between two hosts has none.
    if (!way.half_links.empty()) way.buckets = &*buckets_;
    return way;
  }

  [[nodiscard]] std::function<std::vector<s4u::ExecPtr>(std::int64_t)> transport_of(int from,
                                                                                    int to) const {
    const double s_per_byte = cluster_.network.transport_s_per_byte;
    if (!(s_per_byte > 0)) return {};
    return [this, from, to, s_per_byte](std::int64_t bytes) -> std::vector<s4u::ExecPtr> {
      const double seconds = s_per_byte * static_cast<double>(bytes);
      return {processors_.work_beside(from, seconds / transport_speed(from)),
              processors_.work_beside(to, seconds / transport_speed(to))};
    };
  }

  [[nodiscard]] int host_of(int rank) const {
    return program_.ranks[static_cast<std::size_t>(rank)].host_index;
  }

  /// Relative.
  [[nodiscard]] double transport_speed(int host) const {
    return cadastre::transport_speed(cluster_.hosts[static_cast<std::size_t>(host)]);
  }

  [[nodiscard]] const std::string& host_name(int host) const {
    return cluster_.hosts[static_cast<std::size_t>(host)].name;
  }

  [[nodiscard]] s4u::Host* host(std::size_t rank) const {
    return platform_.hosts[static_cast<std::size_t>(program_.ranks[rank].host_index)];
  }

  const Program& program_;
  const ProgramCosts& costs_;
  const Cluster& cluster_;
  const ReplayOptions& options_;
  int last_step_;  ///< the step before the first that is measured has number 0
  Routes routes_;
  s4u::Engine engine_;
  EnergyMeter energy_meter_;
  std::optional<LinkMeter> link_meter_;
  std::optional<StepFactors> step_factors_;
  Platform platform_;
  Processors processors_;
  std::optional<TokenBuckets> buckets_;  ///< of shaped links
  std::optional<MessageNetwork> network_;
  std::vector<RankState> ranks_;
  std::map<std::pair<int, int>, std::int64_t> traffic_;  ///< of the last step, by hosts
  bool last_step_has_begun_ = false;
  std::optional<Reductions> reductions_;
  Supervisor supervisor_;
};

}  // namespace

ReplayResult replay(const Program& program, const ProgramCosts& costs, const Cluster& cluster,
                    const ReplayOptions& options) {
  check_platform(cluster);
  check_replay(program, costs, cluster.hosts.size());
  static bool used = false;
  if (used) throw std::logic_error("replay was called twice in one process");
  used = true;
  return Replay(program, costs, cluster, options).run();
}

}  // namespace cadastre
