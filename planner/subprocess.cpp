#include "planner/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

/// Starts a program found beside this one; `actions` say where its output goes, and are destroyed.
pid_t start_sister(const std::string& program, const std::vector<std::string>& arguments,
                   posix_spawn_file_actions_t& actions) {
  const std::string path = (program_directory() / program).string();
  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(path + ": cannot be started: " + std::strerror(error));
  return child;
}

int exit_status(pid_t child, const std::string& program) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error(program + ": was lost");
  constexpr int kSignalBase = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
}

}  // namespace

int run_sister(const std::string& program, const std::vector<std::string>& arguments,
               bool quiet_output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (quiet_output)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  return exit_status(start_sister(program, arguments, actions), program);
}

SisterOutput capture_sister(const std::string& program, const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error(program + ": no pipe: " + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  try {
    child = start_sister(program, arguments, actions);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
  SisterOutput output;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t size = ::read(ends[0], buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    output.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  output.status = exit_status(child, program);
  return output;
}

void become_sister(const std::string& program, char** argv) {
  const std::string path = (program_directory() / program).string();
  ::execv(path.c_str(), argv);
  throw InputError(
      "", "", "expected the program " + path + " for this verb, found: " + std::strerror(errno));
}

}  // namespace cadastre
