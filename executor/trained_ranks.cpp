#include "executor/trained_ranks.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "executor/checkpoint/run_checkpoints.h"
#include "executor/launch/interruption.h"
#include "executor/launch/meetings.h"
#include "executor/launch/preflight.h"
#include "executor/launch/rank_assignment.h"
#include "executor/process_setup.h"
#include "executor/timing.h"
#include "executor/training_job.h"
#include "executor/validation.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr int kWrongRequest = 2;
/// Steps over which the speed that is shown is taken.
constexpr std::int64_t kSpeedSteps = 20;
/// Enough for a standard deviation of the accuracy below a percent.
constexpr std::int64_t kMostValidationSamples = 4000;

std::vector<int> planned_cores(const CheckedRun& run) {
  std::vector<int> cores;
  for (const RankProgram& rank : run.program.ranks)
    cores.push_back(run.plan.cluster.hosts[static_cast<std::size_t>(rank.host_index)].cores);
  return cores;
}

std::vector<PlannedHost> planned_hosts(const CheckedRun& run) {
  std::vector<PlannedHost> hosts;
  for (const RankProgram& rank : run.program.ranks)
    hosts.push_back(
        {.name = rank.host,
         .address = run.plan.cluster.hosts[static_cast<std::size_t>(rank.host_index)].address});
  return hosts;
}

/// Threads where all ranks are on this machine.
std::vector<int> local_threads(const CheckedRun& run) {
  HostFacts here = host_facts();
  here.machine_cores = here.cores;
  const std::vector<int> cores = planned_cores(run);
  return rank_threads(std::vector<RankHello>(cores.size(), RankHello{.host = here}), cores);
}

std::vector<RankStart> rank_starts(const RunRequest& request, const CheckedRun& run) {
  const std::vector<PlannedHost> hosts = planned_hosts(run);
  const std::vector<int> threads =
      request.launch.hosts.empty() ? local_threads(run) : planned_cores(run);
  std::vector<RankStart> starts;
  for (std::size_t r = 0; r < hosts.size(); ++r)
    starts.push_back({.arguments = rank_arguments(request),
                      .host = hosts[r].name,
                      .name = rank_name(run.program, static_cast<int>(r)),
                      .num_threads = threads[r]});
  return starts;
}

class Training {
 public:
  Training(const RunRequest& request, const CheckedRun& run, const OnNotes& on_notes)
      : request_(request),
        run_(run),
        on_notes_(on_notes),
        environment_(started_by(request.launch)),
        num_ranks_(static_cast<int>(run.program.ranks.size())),
        checkpoints_(request, run),
        group_(request.launch, rank_starts(request, run), request_fingerprint(request)),
        coordinator_(group_.coordinator()),
        result_{.steps = RunSteps(num_ranks_, run.plan.plan.batch_size, run.schedule.total_steps()),
                .windows = std::vector<StepWindow>(run.program.ranks.size()),
                .weights = {},
                .validation = {}} {
    result_.num_training_steps = run.schedule.num_steps;
  }

  TrainedRanks train(const std::function<void(const RunProgress&)>& on_progress) && {
    try {
      assign_jobs(group_.gather());
      check_ready(coordinator_.collect("ready"));
      send_states();
    } catch (const InputError& error) {
      coordinator_.end_all(error.what(), kWrongRequest);
      throw;
    }
    result_.began_s = steady_clock_s();
    if (checkpoints_.first_step() > 0) {
      const StepHistory& history = checkpoints_.history();
      result_.steps.restore(history.losses, history.ends_s, result_.began_s);
      result_.began_s -= history.ends_s.back();
    }
    on_notes_(checkpoints_.take_notes());
    tell_all({.header = {{"type", "go"}}, .payload = {}});
    coordinator_.set_on_interrupted([this] { return hold(); });
    if (run_.num_validation_samples > 0) {
      // While the ranks get going.
      prepare_process(1);
      choice_.emplace(Validator(run_.scene, run_.plan.profile.model, kMostValidationSamples));
      if (const std::optional<Validation>& validation = checkpoints_.validation()) {
        choice_->restore(*validation, checkpoints_.best_weights());
        validated_steps_ = validation->curve.back().num_steps;
        give_verdict();
      }
    }
    coordinator_.run([&](int rank, Frame& frame) { receive(rank, frame, on_progress); },
                     [&] {
                       follow_candidates();
                       write_checkpoints();
                       on_notes_(checkpoints_.take_notes());
                     });
    coordinator_.dismiss();
    if (parts_.empty()) throw_halted();
    checkpoints_.finish();
    on_notes_(checkpoints_.take_notes());
    result_.notes = group_.notes();
    for (int rank = 0; rank < num_ranks_; ++rank)
      result_.windows[static_cast<std::size_t>(rank)].move_times(
          [&](double time_s) { return coordinator_.clock(rank).to_own_s(time_s); });
    result_.weights = merge_weights(parts_);
    if (choice_) choose_weights();
    return std::move(result_);
  }

 private:
  void assign_jobs(const std::vector<RankHello>& hellos) {
    check_hellos(hellos, request_fingerprint(request_));
    if (environment_) coordinator_.renumber(assign_ranks(hellos, planned_hosts(run_)));
    std::vector<RankHello> by_rank;
    std::vector<RankNeed> needs;
    for (int rank = 0; rank < num_ranks_; ++rank) {
      by_rank.push_back(coordinator_.hello(rank));
      coordinator_.set_name(rank, rank_name(run_.program, rank));
      needs.push_back(
          {.name = coordinator_.name(rank),
           .peak_memory_bytes = run_.peak_memory_bytes[static_cast<std::size_t>(rank)]});
    }
    check_memory(by_rank, needs);
    const std::vector<int> threads = rank_threads(by_rank, planned_cores(run_));
    const std::string plan = to_json(run_.plan).dump();
    for (int rank = 0; rank < num_ranks_; ++rank)
      coordinator_.send(
          rank, to_frame(TrainingJob{.rank = rank,
                                     .num_threads = threads[static_cast<std::size_t>(rank)],
                                     .has_other_machines = on_several_machines(by_rank),
                                     .training = request_.training,
                                     .first_step = checkpoints_.first_step(),
                                     .is_given_state = checkpoints_.gives_states(),
                                     .checkpoint_every = checkpoints_.every(),
                                     .awaits_verdict = checkpoints_.validation().has_value(),
                                     .plan = plan}));
  }

  /// What the ranks go on from.
  void send_states() {
    if (!checkpoints_.gives_states()) return;
    for (int rank = 0; rank < num_ranks_; ++rank)
      for (const auto& [stage, state] : checkpoints_.states_of(rank))
        coordinator_.send(rank, resume_frame(stage, state));
  }

  /// They would train each on its own data.
  void check_ready(const std::vector<Frame>& ready) {
    const auto samples = [&](std::size_t rank) {
      return ready[rank].header.value("training_samples", "");
    };
    for (std::size_t rank = 1; rank < ready.size(); ++rank)
      if (samples(rank) != samples(0))
        throw InputError("", "",
                         "expected the same training samples on all ranks, found " + samples(0) +
                             " on " + coordinator_.name(0) + " and " + samples(rank) + " on " +
                             coordinator_.name(static_cast<int>(rank)));
    checkpoints_.check_samples(samples(0));
  }

  void receive(int rank, Frame& frame, const std::function<void(const RunProgress&)>& on_progress) {
    const std::string type = frame.type();
    if (type == "window") {
      result_.windows[static_cast<std::size_t>(rank)] = step_window_from(frame.payload);
    } else if (type == "weights") {
      parts_.push_back(weights_from(frame.payload, coordinator_.name(rank)));
    } else if (type == "checkpoint") {
      checkpoints_.add(rank, frame);
    } else if (type == "held") {
      receive_held(frame.header.at("step").get<std::int64_t>());
    } else if (type == "candidate") {
      receive_candidate(rank, frame);
    } else if (type == "steps") {
      const std::int64_t before = result_.steps.num_complete();
      for (StepReport& report : step_reports_from(frame)) {
        report.end_s = coordinator_.clock(rank).to_own_s(report.end_s);
        result_.steps.add(rank, report);
      }
      if (result_.steps.num_complete() > before) on_progress(progress());
    }
  }

  void tell_all(const Frame& frame) {
    for (int rank = 0; rank < num_ranks_; ++rank) coordinator_.send(rank, frame);
  }

  /// The ranks are to end together, at a checkpoint. Whether they can.
  bool hold() {
    if (checkpoints_.every() == 0) return false;
    on_notes_(
        {Interruption::text() + ": training ends with a checkpoint; once more ends it at once"});
    tell_all({.header = {{"type", "hold"}}, .payload = {}});
    return true;
  }

  /// A rank is held in this step. All end after that of the one that is farthest, or, where
  /// replicas average, when they next agree.
  void receive_held(std::int64_t step) {
    farthest_step_ = std::max(farthest_step_, step);
    if (++num_held_ < num_ranks_) return;
    const std::int64_t period = std::max<std::int64_t>(1, run_.plan.plan.averaging_period);
    const std::int64_t end = (farthest_step_ + period) / period * period;
    if (end < run_.schedule.num_steps) checkpoints_.halt_after(end);
    tell_all({.header = {{"type", "release"}, {"num_steps", end}}, .payload = {}});
  }

  /// Once all ranks have ended: the checkpoint that they ended for is written.
  [[noreturn]] void throw_halted() {
    while (checkpoints_.next_step() != RunCheckpoints::kNever) {
      follow_candidates();
      write_checkpoints();
      if (Interruption::count() > 1) throw std::runtime_error(Interruption::text());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    checkpoints_.finish();
    on_notes_(checkpoints_.take_notes());
    std::string why =
        Interruption::text() + " after " + std::to_string(result_.steps.num_complete()) + " steps";
    if (!checkpoints_.newest().empty())
      why += ": go on with --resume from " + checkpoints_.newest().string();
    throw std::runtime_error(why);
  }

  /// A candidate of which one stage more has come.
  void receive_candidate(int rank, const Frame& frame) {
    const auto num_steps = frame.header.at("num_steps").get<std::int64_t>();
    candidates_[num_steps].push_back(weights_from(frame.payload, coordinator_.name(rank)));
  }

  void follow_candidates() {
    if (!choice_) return;
    if (choice_->take_ended()) give_verdict();
    if (choice_->is_busy() || candidates_.empty()) return;
    const auto next = candidates_.begin();
    // A checkpoint holds the best weights of those before it.
    if (next->first > checkpoints_.next_step()) return;
    if (next->second.size() < run_.plan.plan.stages.size()) return;
    validated_steps_ = next->first;
    choice_->start(next->first, merge_weights(next->second));
    candidates_.erase(next);
  }

  void write_checkpoints() {
    const std::int64_t next = checkpoints_.next_step();
    if (!checkpoints_.is_complete(next) || result_.steps.num_complete() < next) return;
    const std::int64_t every = run_.schedule.validate_every;
    const std::int64_t last_candidate = every > 0 ? next / every * every : 0;
    if (choice_ && last_candidate > 0 &&
        (choice_->validation().curve.empty() ||
         choice_->validation().curve.back().num_steps < last_candidate))
      return;
    const std::vector<double> ends_s = result_.steps.ends_s();
    StepHistory history;
    for (std::int64_t i = 0; i < next; ++i) {
      history.losses.push_back(result_.steps.loss(i));
      history.ends_s.push_back(ends_s[static_cast<std::size_t>(i)] - result_.began_s);
    }
    if (choice_ && last_candidate > 0)
      checkpoints_.write(history, &choice_->validation(), &choice_->best_weights());
    else
      checkpoints_.write(history, nullptr, nullptr);
  }

  /// On the candidate that was validated last. The ranks ask for it when they have another one:
  /// the last candidate's verdict is nobody's.
  void give_verdict() {
    const std::int64_t next = validated_steps_ + run_.schedule.validate_every;
    if (result_.end != RunEnd::kSteps || !run_.schedule.validates_after(next)) return;
    const std::int64_t patience = request_.training.patience;
    const bool stop = patience > 0 && choice_->num_since_best() >= patience;
    if (stop) {
      result_.end = RunEnd::kPatience;
      result_.num_training_steps = next;
      result_.steps.end_after(next + run_.schedule.settle_steps);
    }
    tell_all({.header = {{"type", "verdict"}, {"stop", stop}}, .payload = {}});
  }

  /// The weights of the last steps are the last candidate.
  void choose_weights() {
    choice_->wait();
    choice_->use_threads(host_facts().cores);
    // What is left of candidates was not waited for by any rank.
    for (auto& [num_steps, parts] : candidates_) {
      choice_->start(num_steps, merge_weights(parts));
      choice_->wait();
    }
    choice_->start(result_.num_training_steps, result_.weights);
    choice_->wait();
    result_.validation = choice_->validation();
    result_.weights = choice_->best_weights();
  }

  [[nodiscard]] RunProgress progress() const {
    const RunSteps& steps = result_.steps;
    const std::int64_t last = steps.num_complete() - 1;
    const std::int64_t first = std::max<std::int64_t>(0, last - kSpeedSteps);
    const double seconds =
        steps.end_s(last) - (last > first ? steps.end_s(first) : result_.began_s);
    const auto slowest = static_cast<std::size_t>(steps.slowest_rank(last));
    return {.part = RunProgress::Part::kTraining,
            .done = last + 1,
            .total = steps.num_steps(),
            .loss = steps.loss(last),
            .samples_per_s = static_cast<double>(std::max<std::int64_t>(1, last - first) *
                                                 run_.plan.plan.batch_size) /
                             std::max(seconds, 1e-9),
            .traffic_bytes = steps.sent_bytes(last),
            .slowest_host = num_ranks_ > 1 ? run_.program.ranks[slowest].host : std::string(),
            .validation_kappa = last_kappa()};
  }

  [[nodiscard]] std::optional<double> last_kappa() const {
    if (!choice_ || choice_->validation().curve.empty()) return std::nullopt;
    return choice_->validation().curve.back().kappa;
  }

  const RunRequest& request_;
  const CheckedRun& run_;
  const OnNotes& on_notes_;
  std::optional<LauncherEnvironment> environment_;
  int num_ranks_;
  RunCheckpoints checkpoints_;
  RankGroup group_;
  Coordinator& coordinator_;
  TrainedRanks result_;
  std::vector<Weights> parts_;
  std::map<std::int64_t, std::vector<Weights>> candidates_;  ///< by steps, of the stages so far
  std::int64_t validated_steps_ = 0;                         ///< of the last candidate
  int num_held_ = 0;
  std::int64_t farthest_step_ = 0;  ///< in which a rank was held
  std::optional<CandidateChoice> choice_;
};

}  // namespace

TrainedRanks train_ranks(const RunRequest& request, const CheckedRun& run,
                         const std::function<void(const RunProgress&)>& on_progress,
                         const OnNotes& on_notes) {
  return until_ranks_meet(
      request.launch, [&](const std::string& note) { on_notes({note}); },
      [&] { return Training(request, run, on_notes).train(on_progress); });
}

}  // namespace cadastre
