#include "executor/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)), is_new_(!fs::exists(path_)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!error && ::access(path_.c_str(), W_OK) != 0)
    error = std::make_error_code(std::errc::permission_denied);
  if (error)
    throw InputError(path_.string(), "",
                     "expected a directory that can be written, found: " + error.message());
  // Some file systems have no locks for directories: then nothing is known of other runs.
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw InputError(path_.string(), "", "expected a directory without a run under way, found one");
  }
}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) ::close(lock_);
  std::error_code ignored;
  // Refused by the file system while anything is in it.
  if (is_new_) fs::remove(path_, ignored);
}

}  // namespace cadastre
