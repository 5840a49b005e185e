#include "planner/fidelity/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "planner/files.h"

namespace cadastre {

namespace {

volatile std::sig_atomic_t signal_that_came = 0;

void note_signal(int number) { signal_that_came = number; }

struct sigaction action_before[2];
constexpr int kSignals[2] = {SIGINT, SIGTERM};

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? static_cast<std::size_t>(-1) : begin));
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

pid_t start(const std::vector<std::string>& words, const std::filesystem::path& log,
            const std::vector<std::string>& environment) {
  std::filesystem::create_directories(log.parent_path());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr mode_t kMode = 0644;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, kMode);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<std::string> own_words = words;
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    bool is_replaced = false;
    for (const std::string& added : environment)
      is_replaced |= added.compare(0, added.find('=') + 1, text, 0, text.find('=') + 1) == 0;
    if (!is_replaced) variables.push_back(text);
  }
  variables.insert(variables.end(), environment.begin(), environment.end());
  const std::vector<char*> argv = pointers(own_words);
  const std::vector<char*> envp = pointers(variables);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, argv.front(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::runtime_error(words.front() + ": cannot be started: " + std::strerror(error));
  return child;
}

}  // namespace

Interruptible::Interruptible() {
  signal_that_came = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;  // without SA_RESTART: waiting ends
  for (int i = 0; i < 2; ++i) ::sigaction(kSignals[i], &action, &action_before[i]);
}

Interruptible::~Interruptible() {
  for (int i = 0; i < 2; ++i) ::sigaction(kSignals[i], &action_before[i], nullptr);
}

bool Interruptible::interrupted() { return signal_that_came != 0; }

void stop_if_interrupted() {
  if (Interruptible::interrupted())
    throw std::runtime_error(
        "interrupted; what was measured is kept, and the same command goes on "
        "from there");
}

BackgroundCommand::BackgroundCommand(const std::vector<std::string>& words,
                                     const std::filesystem::path& log)
    : child_(start(words, log, {})), name_(words.front()), log_(log) {}

void BackgroundCommand::check_runs() const {
  siginfo_t ended = {};
  const int failed =
      ::waitid(P_PID, static_cast<id_t>(child_), &ended, WEXITED | WNOHANG | WNOWAIT);
  if (failed == 0 && ended.si_pid == 0) return;
  throw std::runtime_error(name_ + " ended by itself: " + last_line(read_file(log_)));
}

BackgroundCommand::~BackgroundCommand() {
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

CommandResult run_command(const std::vector<std::string>& words, const std::filesystem::path& log,
                          const std::vector<std::string>& environment) {
  const pid_t child = start(words, log, environment);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error(words.front() + ": was lost");
    if (Interruptible::interrupted()) ::kill(child, SIGTERM);
  }
  constexpr int kSignalBase = 128;
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status),
          .last_line = last_line(read_file(log))};
}

void check_was_done(const CommandResult& done, const std::string& verb) {
  if (done.status != 0)
    throw std::runtime_error("cadastre " + verb + " ended with status " +
                             std::to_string(done.status) + ": " + done.last_line);
}

void run_verb(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  std::vector<std::string> words = {program_directory() / "cadastre"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const CommandResult done = run_command(words, log);
  stop_if_interrupted();
  check_was_done(done, arguments.front());
}

}  // namespace cadastre
