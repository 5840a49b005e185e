#include "executor/launch/run_key.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "executor/launch/handshake.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr std::size_t kFewestLetters = 16;
constexpr std::size_t kMostLetters = 1024;
constexpr const char* kHowToMake = "; `openssl rand -hex 16` makes a good one";

/// `text` without the white space around it, where that can be a key.
std::string checked_key(const std::string& text, const std::string& file,
                        const std::string& place) {
  constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  const std::string key = begin == std::string::npos
                              ? std::string()
                              : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
  const bool is_word = std::all_of(key.begin(), key.end(),
                                   [](char letter) { return letter > ' ' && letter <= '~'; });
  if (key.size() >= kFewestLetters && key.size() <= kMostLetters && is_word) return key;
  std::string message = "expected a key of " + std::to_string(kFewestLetters) + " to " +
                        std::to_string(kMostLetters) + " letters without spaces in ";
  message += place;
  message += ", found ";
  message += is_word ? std::to_string(key.size()) + " letters" : std::string("others");
  message += kHowToMake;
  throw InputError(file, "", message);
}

std::string key_of_file(const std::filesystem::path& path) {
  const std::string file = path.string();
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0)
    throw InputError(file, "", std::string("cannot be read: ") + std::strerror(errno));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%03o", static_cast<unsigned>(status.st_mode) & 0777U);
    throw InputError(file, "",
                     "expected a key that only its owner can read, found mode " +
                         std::string(mode) + "; chmod 600 it, and take another key");
  }
  std::ifstream stream(path);
  std::ostringstream text;
  if (!S_ISREG(status.st_mode) || !(text << stream.rdbuf()))
    throw InputError(file, "", "expected a file with a key, found nothing that can be read");
  return checked_key(text.str(), file, "the file");
}

}  // namespace

RunKey run_key(const std::filesystem::path& key_file,
               const std::optional<LauncherEnvironment>& environment) {
  std::string key;
  if (!key_file.empty()) key = key_of_file(key_file);
  if (!environment) return {.key = key.empty() ? random_digits() : key, .note = {}};
  if (const char* const given = std::getenv(kKeyVariable); key.empty() && given != nullptr)
    key = checked_key(given, "", std::string("the environment variable ") + kKeyVariable);
  if (key.empty()) key = environment->secret;
  RunKey found;
  if (key.empty()) {
    found.note = environment->launcher;
    found.note +=
        " gave the ranks no secret: whoever reaches their ports and knows the job could join the "
        "run; set ";
    found.note += kKeyVariable;
    found.note += " or --key-file";
  }
  // Two runs of one key are not of one another.
  found.key = key;
  found.key += ' ';
  found.key += environment->token;
  return found;
}

std::string key_from_environment() {
  char* const given = std::getenv(kKeyVariable);
  if (given == nullptr)
    throw InputError("", "",
                     std::string("expected the run's key in the environment variable ") +
                         kKeyVariable + ", found none; `cadastre run` starts its ranks itself");
  std::string key = given;
  // The variable's place is what /proc shows of the environment.
  std::memset(given, '0', key.size());
  ::unsetenv(kKeyVariable);
  return key;
}

std::string key_from_input(int descriptor, std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + patience;
  const auto fail = [](const char* found) {
    throw InputError("", "",
                     std::string("expected the run's key on standard input, found ") + found +
                         "; --ssh must pass it on");
  };
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd polled = {.fd = descriptor, .events = POLLIN, .revents = 0};
    if (left.count() <= 0) fail("nothing in time");
    if (::poll(&polled, 1, static_cast<int>(left.count())) <= 0) continue;
    char buffer[256];
    const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) fail("its end");
    line.append(buffer, static_cast<std::size_t>(size));
    if (line.size() > 2 * kMostLetters) fail("something else");
  }
  return line.substr(0, line.find('\n'));
}

}  // namespace cadastre
