#pragma once

#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace cadastre::test {

/// The running processes that have `text` on their command line: with a test's own directory, what
/// that test left behind. Zombies have no command line any more.
[[nodiscard]] inline std::vector<pid_t> processes_that_name(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    const std::string words((std::istreambuf_iterator<char>(stream)), {});
    if (words.find(text) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace cadastre::test
