#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cadastre {

/// A host that fails while a run trains.
struct HostFailure {
  enum class Kind {
    kDead,    ///< its process or machine ends
    kSilent,  ///< it hangs, or is cut off
  };

  std::string host;
  double at_s = 0;  ///< since training began
  Kind kind = Kind::kDead;
  bool operator==(const HostFailure&) const = default;
};

/// "lab2@90", "lab2@1.5h", "lab2@90=frozen": the time in seconds, or with a unit. Throws InputError
/// of `--fail`.
[[nodiscard]] HostFailure host_failure_from(const std::string& text);

/// What training keeps to between two failures.
struct RehearsedPlan {
  std::string plan;                ///< "branch on a, b"
  std::vector<std::string> hosts;  ///< that it uses
  double step_s = 0;
  std::int64_t checkpoint_every = 0;  ///< steps; 0: never
  double checkpoint_s = 0;            ///< that training stands still for one
  double send_s = 0;                  ///< after which it is safe
  double reload_s = 0;                ///< of the last one, to all ranks
  bool operator==(const RehearsedPlan&) const = default;
};

/// What a failure cost.
struct RehearsedFailure {
  HostFailure failure;
  bool was_in_use = false;  ///< else nothing happened, and what follows is 0
  double noticed_s = 0;     ///< since training began
  double resumed_s = 0;
  std::int64_t num_steps = 0;     ///< that were done when it happened
  std::int64_t went_on_from = 0;  ///< steps of the checkpoint
  double lost_s = 0;              ///< of work that is done again
  RehearsedPlan then;
  bool operator==(const RehearsedFailure&) const = default;
};

struct Rehearsal {
  std::int64_t num_steps = 0;
  RehearsedPlan first;
  double undisturbed_s = 0;  ///< with checkpoints
  double total_s = 0;
  std::vector<RehearsedFailure> failures;  ///< in the order of their times
  bool operator==(const Rehearsal&) const = default;
};

/// The plan that follows the loss of hosts, all so far. Throws InputError when there is none.
using NextPlan = std::function<RehearsedPlan(const std::vector<std::string>& lost)>;

/// Trains `num_steps` steps in thought. A failure of a host in use is noticed after
/// `kDeadRankNoticedS` or `kSilentRankNoticedS`, what came of it is known after `restart_s` (the
/// ranks start, read the scene, and a plan is made) and the reload of the last checkpoint that was
/// safe; steps after that are done again. A failure meanwhile begins this anew. Failures after the
/// end, and of hosts that are not in use, change nothing.
///
/// Not modelled: what a checkpoint on its way takes from the network, and hosts that come back.
[[nodiscard]] Rehearsal rehearse(std::int64_t num_steps, const RehearsedPlan& first,
                                 std::vector<HostFailure> failures, double restart_s,
                                 const NextPlan& next);

[[nodiscard]] nlohmann::json to_json(const Rehearsal& rehearsal);
[[nodiscard]] std::string rehearsal_text(const Rehearsal& rehearsal);

}  // namespace cadastre
