#include "tests/command_line/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "planner/files.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"

namespace cadastre::test {

namespace fs = std::filesystem;

RunningProgram::RunningProgram(const fs::path& directory,
                               const std::vector<std::string>& arguments) {
  std::string pattern = (fs::temp_directory_path() / "cadastre-output-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  output_ = pattern;
  std::vector<std::string> words = {(binary_directory() / "cadastre").string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::string out = output_ / "out";
  const std::string err = output_ / "err";

  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("cannot fork");
  if (process_ > 0) return;
  // The child: only calls that are safe after a fork.
  constexpr int kCannotStart = 127;
  constexpr int kMode = 0600;
  if (::chdir(directory.c_str()) != 0) ::_exit(kCannotStart);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_CREAT | O_WRONLY, kMode), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_CREAT | O_WRONLY | O_APPEND, kMode), STDERR_FILENO);
  ::execv(pointers.front(), pointers.data());
  ::_exit(kCannotStart);
}

RunningProgram::~RunningProgram() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(output_, ignored);
}

std::string RunningProgram::err() const {
  return fs::exists(output_ / "err") ? read_file(output_ / "err") : std::string();
}

Finished RunningProgram::wait(std::chrono::seconds hang_guard) {
  int status = 0;
  const bool ended =
      becomes_true([&] { return ::waitpid(process_, &status, WNOHANG) == process_; }, hang_guard);
  INFO(err());
  REQUIRE(ended);
  process_ = -1;
  constexpr int kKilled = 128;
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : kKilled + WTERMSIG(status),
          .out = read_file(output_ / "out"),
          .err = read_file(output_ / "err")};
}

Finished run_program(const fs::path& directory, const std::vector<std::string>& arguments) {
  return RunningProgram(directory, arguments).wait();
}

std::vector<std::string> listing(const fs::path& directory) {
  std::vector<std::string> entries;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    entries.push_back(
        entry.path().string() + " " +
        (entry.is_regular_file() ? std::to_string(entry.file_size()) : std::string("directory")) +
        " " + std::to_string(entry.last_write_time().time_since_epoch().count()));
  std::sort(entries.begin(), entries.end());
  return entries;
}

void sleep_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

}  // namespace cadastre::test
