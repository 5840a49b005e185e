#include "simulator/isolated.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace cadastre {

namespace {

constexpr int kWorkDone = 0;
constexpr int kWorkThrew = 3;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}

  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  ~FileDescriptor() { close(); }

  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

  [[nodiscard]] int get() const { return number_; }

  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("cannot make a pipe");
  return {.read_end = FileDescriptor(ends[0]), .write_end = FileDescriptor(ends[1])};
}

bool write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

/// The life of the forked process: never returns into the program it is a copy of.
[[noreturn]] void work_in_child(const IsolatedWork& work, pid_t parent, int output, int messages) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kWorkThrew);  // it died before the line above
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // A test framework may have put handlers there that would run its own report in this copy.
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGINT})
    ::signal(signal, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);  // belongs to the program's own result
  ::dup2(messages, STDERR_FILENO);
  int status = kWorkDone;
  try {
    if (!write_all(output, work())) status = kWorkThrew;
  } catch (const std::exception& error) {
    write_all(messages, error.what());
    status = kWorkThrew;
  } catch (...) {
    write_all(messages, "unknown error");
    status = kWorkThrew;
  }
  // Not exit(): buffers, destructors and exit handlers are the parent's.
  ::_exit(status);
}

std::string first_line(const std::string& text) {
  const std::size_t begin = text.find_first_not_of("\r\n\t ");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

/// A running worker; ends it when dropped.
class Worker {
 public:
  Worker(const IsolatedWork& work, std::size_t index) : index_(index) {
    Pipe output = make_pipe();
    Pipe messages = make_pipe();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) fail("cannot start a process for a simulation");
    if (pid_ == 0) work_in_child(work, parent, output.write_end.get(), messages.write_end.get());
    output_ = std::move(output.read_end);
    messages_ = std::move(messages.read_end);
  }

  Worker(Worker&& other) noexcept
      : index_(other.index_),
        pid_(std::exchange(other.pid_, -1)),
        output_(std::move(other.output_)),
        messages_(std::move(other.messages_)),
        output_text_(std::move(other.output_text_)),
        messages_text_(std::move(other.messages_text_)) {}

  Worker& operator=(Worker&& other) noexcept {
    std::swap(index_, other.index_);
    std::swap(pid_, other.pid_);
    std::swap(output_, other.output_);
    std::swap(messages_, other.messages_);
    std::swap(output_text_, other.output_text_);
    std::swap(messages_text_, other.messages_text_);
    return *this;
  }

  ~Worker() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    reap();
  }

  [[nodiscard]] std::size_t index() const { return index_; }

  [[nodiscard]] bool ended() const { return !output_.is_open() && !messages_.is_open(); }

  [[nodiscard]] std::array<pollfd, 2> polled() const {
    return {pollfd{.fd = output_.get(), .events = POLLIN, .revents = 0},
            pollfd{.fd = messages_.get(), .events = POLLIN, .revents = 0}};
  }

  void read_ready(const pollfd* polled) {
    if (polled[0].revents != 0) read_some(output_, output_text_);
    if (polled[1].revents != 0) read_some(messages_, messages_text_);
  }

  /// To be called once, when it ended.
  IsolatedResult result() {
    const int status = reap();
    if (WIFEXITED(status) && WEXITSTATUS(status) == kWorkDone)
      return {.output = std::move(output_text_), .error = ""};
    const std::string said = first_line(messages_text_);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kWorkThrew && !said.empty())
      return {.output = "", .error = said};
    std::string error = WIFSIGNALED(status)
                            ? std::string("ended by signal ") + std::to_string(WTERMSIG(status)) +
                                  " (" + ::strsignal(WTERMSIG(status)) + ")"
                            : "ended with status " + std::to_string(WEXITSTATUS(status));
    if (!said.empty()) error += ": " + said;
    return {.output = "", .error = std::move(error)};
  }

 private:
  static void read_some(FileDescriptor& file, std::string& text) {
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count > 0)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      file.close();
  }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  std::size_t index_;
  pid_t pid_ = -1;
  FileDescriptor output_;
  FileDescriptor messages_;
  std::string output_text_;
  std::string messages_text_;
};

/// Waits until some worker wrote or ended, and reads it.
void wait_and_read(std::vector<Worker>& workers) {
  std::vector<pollfd> polled;
  for (const Worker& worker : workers)
    for (const pollfd& entry : worker.polled()) polled.push_back(entry);  // fd -1 is passed over
  if (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno == EINTR) return;
    fail("cannot wait for the simulations");
  }
  for (std::size_t i = 0; i < workers.size(); ++i) workers[i].read_ready(&polled[2 * i]);
}

}  // namespace

struct IsolatedWorkers::Running {
  std::vector<Worker> workers;
};

IsolatedWorkers::IsolatedWorkers() : running_(std::make_unique<Running>()) {}

IsolatedWorkers::~IsolatedWorkers() = default;

void IsolatedWorkers::start(const IsolatedWork& work, std::size_t number) {
  running_->workers.emplace_back(work, number);
}

std::size_t IsolatedWorkers::num_running() const { return running_->workers.size(); }

IsolatedWorkers::Finished IsolatedWorkers::wait() {
  std::vector<Worker>& workers = running_->workers;
  for (;;) {
    const auto ended = std::find_if(workers.begin(), workers.end(),
                                    [](const Worker& worker) { return worker.ended(); });
    if (ended != workers.end()) {
      Finished finished{.number = ended->index(), .result = ended->result()};
      workers.erase(ended);
      return finished;
    }
    wait_and_read(workers);
  }
}

std::vector<IsolatedResult> run_isolated(const std::vector<IsolatedWork>& work,
                                         std::size_t max_at_once,
                                         const std::function<void(std::size_t)>& on_finished) {
  std::vector<IsolatedResult> results(work.size());
  IsolatedWorkers workers;
  std::size_t num_started = 0;
  while (num_started < work.size() || workers.num_running() > 0) {
    while (num_started < work.size() &&
           workers.num_running() < std::max<std::size_t>(1, max_at_once)) {
      workers.start(work[num_started], num_started);
      ++num_started;
    }
    IsolatedWorkers::Finished finished = workers.wait();
    results[finished.number] = std::move(finished.result);
    if (on_finished) on_finished(finished.number);
  }
  return results;
}

std::size_t num_usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&cores)));
}

}  // namespace cadastre
