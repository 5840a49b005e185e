#include "simulator/paje_trace.h"

#include <cstddef>
#include <fstream>
#include <simgrid/s4u.hpp>
#include <stdexcept>
#include <system_error>

#include "planner/files.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// SimGrid's numbers of PajeCreateContainer and PajeDestroyContainer; a whole trace destroys all
/// that it creates.
bool is_whole(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::size_t num_created = 0;
  std::size_t num_destroyed = 0;
  bool ends_a_line = false;
  for (std::string line; std::getline(stream, line);) {
    ends_a_line = !stream.eof();
    num_created += line.starts_with("6 ") ? 1 : 0;
    num_destroyed += line.starts_with("7 ") ? 1 : 0;
  }
  return ends_a_line && num_created > 0 && num_created == num_destroyed;
}

}  // namespace

void trace_to(const std::string& file) {
  using simgrid::s4u::Engine;
  // Not what actors do (tracing/actor): SimGrid ends the process on a transfer that no actor has
  // started, as the replay's are.
  Engine::set_config("tracing:yes");
  Engine::set_config("tracing/filename:" + file);
  Engine::set_config("tracing/platform:yes");
  Engine::set_config("tracing/uncategorized:yes");
  Engine::set_config("tracing/precision:9");
}

PajeFile::PajeFile(const fs::path& file) : file_(file), unfinished_(unfinished_name(file)) {
  std::error_code ignored;
  if (file_.has_parent_path()) fs::create_directories(file_.parent_path(), ignored);
}

PajeFile::~PajeFile() {
  std::error_code ignored;
  fs::remove(unfinished_, ignored);
}

void PajeFile::finish() {
  if (!is_whole(unfinished_))
    throw std::runtime_error(
        file_.string() + ": cannot be written: SimGrid's trace is not whole (is the disk full?)");
  std::error_code error;
  fs::rename(unfinished_, file_, error);
  if (error) throw std::runtime_error(file_.string() + ": cannot be written: " + error.message());
}

}  // namespace cadastre
