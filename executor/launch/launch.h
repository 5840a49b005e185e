#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/coordinator.h"
#include "executor/launch/interruption.h"
#include "executor/launch/launcher_environment.h"
#include "executor/launch/rank_link.h"

namespace CLI {
class App;
}

namespace cadastre {

/// How the ranks of a run or a probe come to be, as it was asked for.
struct LaunchOptions {
  bool local = false;            ///< all on this machine, whatever started this process
  std::filesystem::path hosts;   ///< file of machines to start them on by ssh; empty: no
  std::string ssh = "ssh";       ///< the program, and options if need be
  std::string remote_program;    ///< of the other machines; empty: where this one is
  std::string interface;         ///< network interface that ranks talk over; empty: see `RankPlace`
  std::string address;           ///< of this machine, for the ranks; empty: the one towards them
  std::uint16_t port = 0;        ///< of the coordinator; 0: a free one, or the launcher's
  std::filesystem::path key_file;  ///< of the run's key; empty: see `run_key`
  std::int64_t patience_s = 60;    ///< for the ranks to report
  /// Without an answer for so long, a rank is given up.
  std::int64_t frozen_after_s = Coordinator::kFrozenPatience.count();
  /// The hosts of the plan for which the lines of `hosts` are that name none, in order; empty: those
  /// of the ranks.
  std::vector<std::string> host_order;
};

void add_launch_options(CLI::App& app, LaunchOptions& options);

/// What this process was started as: one of the ranks of a launcher that people already have.
/// Nothing where `options` say that it starts the ranks itself, or no launcher did. Throws
/// InputError.
[[nodiscard]] std::optional<LauncherEnvironment> started_by(const LaunchOptions& options);

/// What a rank is to be started with.
struct RankStart {
  std::vector<std::string> arguments;  ///< of this program, without those of the coordinator
  std::string host;                    ///< the plan's name for where it is to run
  std::string name;                    ///< in errors: "rank 1 (host b, stage 2)"
  int num_threads = 1;  ///< that compute: as many processors are its own, where there are enough
};

/// The ranks of a run, started or still awaited, and their coordinator. Ends with all of them.
class RankGroup {
 public:
  /// Starts one process for each of `starts` on this machine, on others by ssh, or, where a
  /// launcher started this process, this machine's own. Throws InputError.
  RankGroup(const LaunchOptions& options, const std::vector<RankStart>& starts,
            const std::string& request);
  ~RankGroup();

  [[nodiscard]] Coordinator& coordinator() { return *coordinator_; }

  [[nodiscard]] std::vector<RankHello> gather();

  /// What a reader of the results should know of who could take part, and who was refused.
  [[nodiscard]] std::vector<std::string> notes() const;

 private:
  Interruption interruption_;
  std::string key_note_;
  std::chrono::seconds patience_;
  std::unique_ptr<ChildProcesses> children_;
  std::unique_ptr<Coordinator> coordinator_;
};

/// In a process that a launcher started and that is not number 0: becomes that rank.
[[noreturn]] void become_rank(const LaunchOptions& options, const LauncherEnvironment& environment,
                              const std::vector<std::string>& arguments, const std::string& request,
                              const std::string& problem);

/// In number 0 of a launcher's ranks, when it finds the request wrong before there is anything to
/// coordinate: tells the others.
void refuse_ranks(const LaunchOptions& options, const LauncherEnvironment& environment,
                  const std::string& why);

/// The options by which a started rank knows its coordinator.
void add_rank_launch_options(CLI::App& app, RankLaunch& launch);

/// Called first in a started rank: it dies with what started it, keeps to its processors and takes
/// the run's key. Throws InputError when there is none.
void prepare_rank(RankLaunch& launch);

}  // namespace cadastre
