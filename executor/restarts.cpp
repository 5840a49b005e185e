#include "executor/restarts.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "executor/launch/interruption.h"
#include "executor/launch/rank_failure.h"
#include "executor/timing.h"
#include "planner/survivors.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr std::chrono::seconds kBackAgainPatience{2};
/// A search that is cut short there is long past its best plans, and a run waits for it.
constexpr double kPlanningSeconds = 3;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class Restarts {
 public:
  Restarts(const RunRequest& request, CheckedRun run,
           const std::function<void(const RunProgress&)>& on_progress, const OnNotes& on_notes)
      : request_(request),
        on_progress_(on_progress),
        on_notes_(on_notes),
        run_(std::move(run)),
        whole_(run_.plan) {
    // Each loss leaves a host less, and one must be left.
    if (request_.replans && request_.max_restarts == 0)
      request_.max_restarts = static_cast<int>(whole_.cluster.hosts.size()) - 1;
    for (const RankProgram& rank : run_.program.ranks)
      request_.launch.host_order.push_back(rank.host);
  }

  OutlivedTraining train() && {
    while (true) {
      try {
        TrainedRanks trained = train_ranks(
            request_, run_, [&](const RunProgress& now) { follow(now); }, on_notes_);
        return {.trained = std::move(trained), .run = std::move(run_), .failures = failures_};
      } catch (const RankFailure& failure) {
        if (!may_restart()) throw;
        note({failure.rank()}, failure.what(), failure.cause());
      } catch (const RanksMissing& missing) {
        // At the first start it is the request that is wrong.
        if (failures_.empty() || !may_restart()) throw;
        note(missing.ranks(), missing.what(), "did not come back");
        // A link that is mended, a machine that boots: not all restarts are to be spent at once.
        if (!request_.replans) wait(kBackAgainPatience);
      }
      go_on();
    }
  }

 private:
  void follow(const RunProgress& now) {
    if (failed_at_s_) {
      for (RunFailure& failure : failures_)
        if (failure.went_on_from < 0) {
          failure.went_on_from = now.done - 1;
          failure.restart_s = steady_clock_s() - *failed_at_s_;
        }
      failed_at_s_.reset();
    }
    num_steps_ = now.done;
    on_progress_(now);
  }

  [[nodiscard]] bool may_restart() const {
    return num_restarts_ < request_.max_restarts && Interruption::count() == 0;
  }

  void note(const std::vector<int>& ranks, const std::string& what, const std::string& cause) {
    if (!failed_at_s_) failed_at_s_ = steady_clock_s();
    ++num_restarts_;
    on_notes_({what + ": restart " + std::to_string(num_restarts_) + " of " +
               std::to_string(request_.max_restarts)});
    for (const int rank : ranks)
      failures_.push_back({.host = run_.program.ranks[static_cast<std::size_t>(rank)].host,
                           .cause = cause,
                           .num_steps = num_steps_,
                           .went_on_from = -1,
                           .restart_s = 0,
                           .is_left_out = request_.replans});
  }

  static void wait(std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end && Interruption::count() == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  void go_on() {
    if (Interruption::count() > 0) throw std::runtime_error(Interruption::text());
    request_.resumes = true;
    if (request_.replans) replan();
  }

  /// And those hosts of the cluster for which nobody has said which machine they are.
  [[nodiscard]] std::vector<std::string> unavailable(std::vector<std::string> lost) const {
    if (request_.launch.hosts.empty()) return lost;
    const std::vector<std::string>& known = request_.launch.host_order;
    for (const Host& host : whole_.cluster.hosts)
      if (std::find(known.begin(), known.end(), host.name) == known.end())
        lost.push_back(host.name);
    return lost;
  }

  void replan() {
    std::vector<std::string> lost;
    for (const RunFailure& failure : failures_)
      if (std::find(lost.begin(), lost.end(), failure.host) == lost.end())
        lost.push_back(failure.host);
    const SurvivorPlan survivor =
        plan_without(whole_, unavailable(lost), {.time_limit_s = kPlanningSeconds});
    if (!survivor.plan)
      throw std::runtime_error("no plan is left after the loss of " + joined(lost) + ": " +
                               survivor.why_none);
    run_ = check_run(request_, *survivor.plan);
    std::vector<std::string> hosts;
    for (const RankProgram& rank : run_.program.ranks) hosts.push_back(rank.host);
    on_notes_({"goes on without " + joined(lost) + ", on " + joined(hosts) +
               ": a step is predicted to take " +
               fixed(run_.plan.plan.predicted.step_s * 1e3, 1) + " ms, " +
               fixed(whole_.plan.predicted.step_s * 1e3, 1) + " ms before"});
  }

  RunRequest request_;
  const std::function<void(const RunProgress&)>& on_progress_;
  const OnNotes& on_notes_;
  CheckedRun run_;
  const PlanDocument whole_;  ///< the plan with all hosts
  Interruption interruption_;
  std::vector<RunFailure> failures_;
  int num_restarts_ = 0;
  std::int64_t num_steps_ = 0;         ///< that were done when last heard of
  std::optional<double> failed_at_s_;  ///< until the first step after it
};

}  // namespace

OutlivedTraining train_with_restarts(const RunRequest& request, CheckedRun run,
                                     const std::function<void(const RunProgress&)>& on_progress,
                                     const OnNotes& on_notes) {
  return Restarts(request, std::move(run), on_progress, on_notes).train();
}

}  // namespace cadastre
