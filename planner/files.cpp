#include "planner/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) throw InputError(file.string(), "", "expected a file, found none");
  if (fs::is_directory(status))
    throw InputError(file.string(), "", "expected a file, found a directory");
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  if (!stream)
    throw InputError(file.string(), "",
                     std::string("expected a readable file, found: ") + std::strerror(errno));
  return content.str();
}

fs::path unfinished_name(const fs::path& file) {
  fs::path name = file;
  // The extension stays last: GDAL and others choose the format by it.
  name.replace_filename("." + file.stem().string() + ".unfinished-" + std::to_string(::getpid()) +
                        file.extension().string());
  return name;
}

void check_can_write(const fs::path& file) {
  const auto fail = [&](int cause) {
    throw std::runtime_error(file.string() + ": cannot be written: " + std::strerror(cause));
  };
  std::error_code error;
  if (fs::is_directory(file, error)) fail(EISDIR);
  // Missing directories are made: what counts is the last that there is.
  fs::path directory = fs::absolute(file, error).parent_path();
  while (directory.has_relative_path() &&
         fs::status(directory, error).type() == fs::file_type::not_found)
    directory = directory.parent_path();
  if (!fs::is_directory(directory, error)) fail(ENOTDIR);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) fail(errno);
}

void write_file(const fs::path& file, const std::string& content) {
  std::error_code error;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  // A device or a pipe is written to, not replaced.
  const bool replaces = !fs::exists(file, error) || fs::is_regular_file(file, error);
  if (!replaces) {
    std::ofstream straight(file, std::ios::binary);
    straight << content;
    straight.close();
    if (!straight)
      throw std::runtime_error(file.string() + ": cannot be written: " + std::strerror(errno));
    return;
  }
  const fs::path unfinished = unfinished_name(file);
  std::ofstream stream(unfinished, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  if (!stream) {
    const std::string cause = std::strerror(errno);
    fs::remove(unfinished, error);
    throw std::runtime_error(file.string() + ": cannot be written: " + cause);
  }
  fs::rename(unfinished, file, error);
  if (error) {
    const std::string cause = error.message();
    fs::remove(unfinished, error);
    throw std::runtime_error(file.string() + ": cannot be written: " + cause);
  }
}

fs::path program_directory() { return fs::read_symlink("/proc/self/exe").parent_path(); }

fs::path scenario_directory() {
  const fs::path installed =
      (program_directory() / CADASTRE_INSTALLED_SCENARIOS).lexically_normal();
  std::error_code ignored;
  return fs::is_directory(installed, ignored) ? installed : fs::path(CADASTRE_SCENARIO_DIR);
}

}  // namespace cadastre
