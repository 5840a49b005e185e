#include "simulator/study/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

/// By the descriptor that holds the lock: to open and close the file once more would give it up.
std::string whole_text(int descriptor, const std::string& file) {
  std::string text;
  for (;;) {
    std::array<char, 65536> buffer;
    const ssize_t count =
        ::pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw InputError(file, "",
                       std::string("expected a readable file, found: ") + std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

StudyJournal::StudyJournal(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code error;
  if (file_.has_parent_path()) std::filesystem::create_directories(file_.parent_path(), error);
  check_can_write(file_);
  constexpr int kMode = 0644;
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor_ < 0)
    throw std::runtime_error(file_.string() + ": cannot be written: " + std::strerror(errno));
  try {
    lock();
    read();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

StudyJournal::~StudyJournal() { ::close(descriptor_); }

void StudyJournal::lock() {
  // A lock of the process: workers that are forked do not have it, and it goes with the process.
  struct flock whole {};

  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(descriptor_, F_SETLK, &whole) == 0) return;
  if (errno != EACCES && errno != EAGAIN)
    throw std::runtime_error(file_.string() + ": cannot be locked: " + std::strerror(errno));
  std::string other;
  if (::fcntl(descriptor_, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
    other = ", process " + std::to_string(whole.l_pid);
  throw InputError(file_.string(), "",
                   "expected a directory in which no other study is at work, found one" + other);
}

void StudyJournal::read() {
  const std::string text = whole_text(descriptor_, file_.string());
  std::size_t begin = 0;
  for (std::size_t line = 1; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // torn: whoever wrote it was killed
    const std::string name = file_.string() + ": line " + std::to_string(line);
    const nlohmann::json document = parse_json(text.substr(begin, end - begin), name);
    JsonObject object = JsonPlace(document, name, "").object();
    const std::string key = object.at("key").string();
    StudyOutcome outcome = study_outcome_members(object);
    object.finish();
    if (outcome.kind != StudyOutcomeKind::kFailed)
      outcomes_.insert_or_assign(key, std::move(outcome));
    begin = end + 1;
  }
  end_ = static_cast<std::int64_t>(begin);
  if (begin < text.size() && ::ftruncate(descriptor_, end_) != 0)
    throw std::runtime_error(file_.string() + ": cannot be written: " + std::strerror(errno));
}

const StudyOutcome* StudyJournal::find(const std::string& key) const {
  const auto found = outcomes_.find(key);
  return found == outcomes_.end() ? nullptr : &found->second;
}

void StudyJournal::add(const std::string& key, StudyOutcome outcome) {
  nlohmann::json document = to_json(outcome);
  document["key"] = key;
  const std::string line =
      document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = ::pwrite(descriptor_, line.data() + done, line.size() - done,
                                   end_ + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const std::string cause = std::strerror(count < 0 ? errno : ENOSPC);
      // Should that fail too, the torn line is dropped when the file is opened again.
      static_cast<void>(::ftruncate(descriptor_, end_) == 0);
      throw std::runtime_error(file_.string() + ": cannot be written: " + cause +
                               "; finished units are kept, run the study again to go on");
    }
    done += static_cast<std::size_t>(count);
  }
  end_ += static_cast<std::int64_t>(line.size());
  outcomes_.insert_or_assign(key, std::move(outcome));
}

}  // namespace cadastre
