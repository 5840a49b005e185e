#include "executor/local_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "executor/processor_binding.h"
#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

using Clock = std::chrono::steady_clock;

/// After a rank has died, how long others may take to die of the same cause and say so.
constexpr std::chrono::milliseconds kPatience{300};
constexpr int kPollMilliseconds = 50;

constexpr const char* kLauncherVariable = "CADASTRE_LAUNCHER";

volatile std::sig_atomic_t interrupted_by = 0;

extern "C" void remember_signal(int signal) { interrupted_by = signal; }

/// While it lives, SIGINT and SIGTERM are remembered instead of ending the process at once.
class SignalGuard {
 public:
  SignalGuard() {
    interrupted_by = 0;
    struct sigaction action = {};
    action.sa_handler = remember_signal;
    ::sigaction(SIGINT, &action, &old_interrupt_);
    ::sigaction(SIGTERM, &action, &old_terminate_);
  }

  ~SignalGuard() {
    ::sigaction(SIGINT, &old_interrupt_, nullptr);
    ::sigaction(SIGTERM, &old_terminate_, nullptr);
  }

  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction old_interrupt_ = {};
  struct sigaction old_terminate_ = {};
};

struct RunningRank {
  pid_t process = -1;
  int channel = -1;
  std::string unread;  ///< the beginning of a line
  std::int64_t steps_done = 0;
  std::optional<int> wait_status;
  std::optional<RankMessage> error;
};

class LocalRanks {
 public:
  explicit LocalRanks(const std::vector<RankProcess>& processes) : processes_(processes) {
    try {
      std::vector<int> num_threads;
      for (const RankProcess& process : processes) num_threads.push_back(process.num_threads);
      const std::vector<std::string> processors = processors_for_ranks(num_threads);
      for (std::size_t r = 0; r < processes.size(); ++r)
        ranks_.push_back(start(processes[r], processors[r]));
    } catch (...) {
      end_all();
      throw;
    }
  }

  ~LocalRanks() {
    end_all();
    for (const RunningRank& rank : ranks_)
      if (rank.channel >= 0) ::close(rank.channel);
  }

  LocalRanks(const LocalRanks&) = delete;
  LocalRanks& operator=(const LocalRanks&) = delete;

  void wait(const std::function<void(int, const RankMessage&)>& on_message) {
    std::optional<Clock::time_point> first_death;
    while (true) {
      read_channels(on_message);
      if (interrupted_by != 0)
        throw std::runtime_error(std::string("interrupted by ") + ::strsignal(interrupted_by) +
                                 "; the ranks were ended");
      reap();
      if (!deaths_.empty() && !first_death) first_death = Clock::now();
      if (all_ended() || (first_death && Clock::now() - *first_death > kPatience)) break;
    }
    read_channels(on_message);
    if (!deaths_.empty()) report_death();
  }

 private:
  static RunningRank start(const RankProcess& process, const std::string& processors) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw std::runtime_error(std::string("cannot open a pipe: ") + std::strerror(errno));
    std::vector<std::string> words = {(program_directory() / "cadastre-executor").string()};
    words.insert(words.end(), process.arguments.begin(), process.arguments.end());
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string text = *variable;
      if (!process.environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
    }
    for (const auto& [key, value] : process.environment) variables.push_back(key + "=" + value);
    variables.push_back(std::string(kLauncherVariable) + "=" + std::to_string(::getpid()));
    variables.push_back(std::string(kProcessorsVariable) + "=" + processors);
    const auto pointers = [](std::vector<std::string>& strings) {
      std::vector<char*> list;
      for (std::string& text : strings) list.push_back(text.data());
      list.push_back(nullptr);
      return list;
    };

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], kRankChannel);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    RunningRank rank;
    const int error = ::posix_spawn(&rank.process, words.front().c_str(), &actions, nullptr,
                                    pointers(words).data(), pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    rank.channel = ends[0];
    if (error != 0) {
      ::close(rank.channel);
      throw std::runtime_error(process.name + " cannot be started: " + std::strerror(error));
    }
    return rank;
  }

  /// Waits for what the ranks say, at most `kPollMilliseconds`.
  void read_channels(const std::function<void(int, const RankMessage&)>& on_message) {
    std::vector<pollfd> polled;
    std::vector<std::size_t> owners;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      if (ranks_[r].channel < 0) continue;
      polled.push_back({.fd = ranks_[r].channel, .events = POLLIN, .revents = 0});
      owners.push_back(r);
    }
    if (::poll(polled.data(), polled.size(), kPollMilliseconds) <= 0) return;
    for (std::size_t p = 0; p < polled.size(); ++p) {
      if (polled[p].revents == 0) continue;
      RunningRank& rank = ranks_[owners[p]];
      char buffer[4096];
      const ssize_t size = ::read(rank.channel, buffer, sizeof buffer);
      if (size <= 0) {
        if (size < 0 && errno == EINTR) continue;
        ::close(rank.channel);
        rank.channel = -1;
        continue;
      }
      rank.unread.append(buffer, static_cast<std::size_t>(size));
      handle_lines(owners[p], on_message);
    }
  }

  void handle_lines(std::size_t index,
                    const std::function<void(int, const RankMessage&)>& on_message) {
    RunningRank& rank = ranks_[index];
    std::size_t end = 0;
    while ((end = rank.unread.find('\n')) != std::string::npos) {
      const std::optional<RankMessage> message = decode(rank.unread.substr(0, end));
      rank.unread.erase(0, end + 1);
      if (!message) continue;
      if (message->kind != RankMessage::Kind::kStep && message->kind != RankMessage::Kind::kValue) {
        rank.error = message;
        continue;
      }
      if (message->kind == RankMessage::Kind::kStep) rank.steps_done = message->step + 1;
      on_message(static_cast<int>(index), *message);
    }
  }

  void reap() {
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      RunningRank& rank = ranks_[r];
      if (rank.wait_status) continue;
      int status = 0;
      if (::waitpid(rank.process, &status, WNOHANG) != rank.process) continue;
      rank.wait_status = status;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) deaths_.push_back(r);
    }
  }

  [[nodiscard]] bool all_ended() const {
    return std::all_of(ranks_.begin(), ranks_.end(), [](const RunningRank& rank) {
      return rank.wait_status && rank.channel < 0;
    });
  }

  void end_all() {
    for (const RunningRank& rank : ranks_)
      if (!rank.wait_status && rank.process > 0) ::kill(rank.process, SIGKILL);
    for (RunningRank& rank : ranks_) {
      int status = 0;
      while (!rank.wait_status && rank.process > 0 && ::waitpid(rank.process, &status, 0) < 0 &&
             errno == EINTR) {
      }
    }
  }

  /// How surely a dead rank is the cause: one that was killed or found a fault of its own is; one
  /// that lost its connection to another is not.
  [[nodiscard]] int innocence(std::size_t index) const {
    const RunningRank& rank = ranks_[index];
    if (rank.error && rank.error->kind == RankMessage::Kind::kInputError) return 0;
    if (WIFSIGNALED(*rank.wait_status)) return 1;
    if (!rank.error || rank.error->kind == RankMessage::Kind::kError) return 2;
    return 3;
  }

  [[noreturn]] void report_death() const {
    const std::size_t culprit = *std::min_element(
        deaths_.begin(), deaths_.end(),
        [&](std::size_t a, std::size_t b) { return innocence(a) < innocence(b); });
    const RunningRank& rank = ranks_[culprit];
    if (innocence(culprit) == 0) throw InputError("", "", rank.error->text);
    const int status = *rank.wait_status;
    std::string how;
    if (WIFSIGNALED(status))
      how = std::string("was killed by signal ") + std::to_string(WTERMSIG(status)) + " (" +
            ::strsignal(WTERMSIG(status)) + ")";
    else if (rank.error)
      how = "failed: " + rank.error->text;
    else
      how = "ended with status " + std::to_string(WEXITSTATUS(status));
    throw std::runtime_error(processes_[culprit].name + " " + how + ", after " +
                             std::to_string(rank.steps_done) +
                             " steps; the other ranks were ended");
  }

  const std::vector<RankProcess>& processes_;
  std::vector<RunningRank> ranks_;
  std::vector<std::size_t> deaths_;  ///< of ranks that did not end well, in order
};

}  // namespace

void run_local_ranks(const std::vector<RankProcess>& processes,
                     const std::function<void(int rank, const RankMessage&)>& on_message) {
  const SignalGuard guard;
  LocalRanks ranks(processes);
  ranks.wait(on_message);
}

void become_rank() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The launcher may have died before the call.
  const char* launcher = std::getenv(kLauncherVariable);
  if (launcher != nullptr && std::to_string(::getppid()) != launcher) std::_Exit(1);
  bind_to_given_processors();
}

}  // namespace cadastre
