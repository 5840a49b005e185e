#include "executor/launch/child_processes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "executor/launch/run_key.h"

namespace cadastre {

namespace {

constexpr std::size_t kMostKeptBytes = 1 << 16;

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (std::string& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('='));
    if (added.count(name) == 0 && name != kParentVariable && name != kKeyVariable)
      variables.push_back(text);
  }
  for (const auto& [name, value] : added) variables.push_back(name + "=" + value);
  variables.push_back(std::string(kParentVariable) + "=" + std::to_string(::getpid()));
  return variables;
}

/// The reading end of a pipe that holds `text` and has no other writer.
int open_with(const std::string& text) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("cannot open a pipe: ") + std::strerror(errno));
  // A pipe takes this much without a reader.
  const bool is_written =
      ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(ends[1]);
  if (is_written) return ends[0];
  ::close(ends[0]);
  throw std::runtime_error("cannot write to a pipe");
}

}  // namespace

bool ChildEnd::went_well() const { return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0; }

std::string ChildEnd::text() const {
  std::string text = WIFSIGNALED(wait_status)
                         ? "was killed by signal " + std::to_string(WTERMSIG(wait_status)) + " (" +
                               ::strsignal(WTERMSIG(wait_status)) + ")"
                         : "ended with status " + std::to_string(WEXITSTATUS(wait_status));
  if (!last_error_line.empty()) {
    text += ": ";
    text += last_error_line;
  }
  return text;
}

ChildProcesses::ChildProcesses(const std::vector<ChildProcess>& processes) {
  try {
    for (const ChildProcess& process : processes) children_.push_back(start(process));
  } catch (...) {
    kill_all();
    throw;
  }
}

ChildProcesses::~ChildProcesses() { kill_all(); }

ChildProcesses::Child ChildProcesses::start(const ChildProcess& process) {
  std::vector<std::string> words = process.words;
  std::vector<std::string> variables = environment_with(process.environment);
  const int input = process.input.empty() ? -1 : open_with(process.input);
  int ends[2] = {-1, -1};
  if (process.keep_errors && ::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("cannot open a pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input >= 0)
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (process.keep_errors) posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  // A key that interrupts the terminal's programs is this process's to answer.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  // What this process does about pipes that broke is not ssh's.
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  Child child;
  const int error = ::posix_spawnp(&child.process, words.front().c_str(), &actions, &attributes,
                                   pointers(words).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (input >= 0) ::close(input);
  if (process.keep_errors) {
    ::close(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child.errors = ends[0];
  }
  if (error != 0) {
    if (child.errors >= 0) ::close(child.errors);
    throw std::runtime_error(words.front() + " cannot be started: " + std::strerror(error));
  }
  return child;
}

void ChildProcesses::read_errors(Child& child) {
  char buffer[4096];
  for (ssize_t size = 0;
       child.errors >= 0 && (size = ::read(child.errors, buffer, sizeof buffer)) > 0;) {
    child.written.append(buffer, static_cast<std::size_t>(size));
    if (child.written.size() > kMostKeptBytes)
      child.written.erase(0, child.written.size() - kMostKeptBytes);
  }
}

void ChildProcesses::note_end(Child& child, int wait_status) {
  read_errors(child);
  if (child.errors >= 0) ::close(child.errors);
  child.errors = -1;
  child.end = ChildEnd{.wait_status = wait_status, .last_error_line = last_line(child.written)};
}

void ChildProcesses::reap() {
  for (Child& child : children_) {
    if (child.end) continue;
    read_errors(child);
    int status = 0;
    if (::waitpid(child.process, &status, WNOHANG) == child.process) note_end(child, status);
  }
}

bool ChildProcesses::all_ended() const {
  return std::all_of(children_.begin(), children_.end(),
                     [](const Child& child) { return child.end.has_value(); });
}

void ChildProcesses::kill(std::size_t child) {
  if (!children_[child].end) ::kill(children_[child].process, SIGKILL);
}

void ChildProcesses::kill_all() {
  for (std::size_t child = 0; child < children_.size(); ++child) kill(child);
  for (Child& child : children_) {
    int status = 0;
    while (!child.end && ::waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
    if (!child.end) note_end(child, status);
  }
}

void die_with_parent() {
  const char* parent = std::getenv(kParentVariable);
  if (parent == nullptr) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the call.
  if (std::to_string(::getppid()) != parent) std::_Exit(1);
}

}  // namespace cadastre
