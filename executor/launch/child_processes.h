#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

struct ChildProcess {
  std::vector<std::string> words;                  ///< the program and its arguments
  std::map<std::string, std::string> environment;  ///< beside what is inherited
  std::string input;         ///< what it reads from standard input, of at most 4 KiB
  bool keep_errors = false;  ///< what it writes to standard error is kept, not shown
};

/// How a child ended.
struct ChildEnd {
  int wait_status = 0;
  std::string last_error_line;  ///< of what it wrote, where that was kept

  [[nodiscard]] bool went_well() const;
  /// "was killed by signal 9 (Killed)", "ended with status 3: LAST LINE"
  [[nodiscard]] std::string text() const;
};

/// Processes that run beside this one. None outlives the object.
class ChildProcesses {
 public:
  /// Starts all, without standard output, with no other input, each in a process group of its own.
  /// Throws std::runtime_error naming the program that cannot be started; then none runs.
  explicit ChildProcesses(const std::vector<ChildProcess>& processes);
  ~ChildProcesses();
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  [[nodiscard]] std::size_t size() const { return children_.size(); }

  /// Looks who has ended since.
  void reap();

  [[nodiscard]] const std::optional<ChildEnd>& end(std::size_t child) const {
    return children_[child].end;
  }

  [[nodiscard]] bool all_ended() const;

  void kill(std::size_t child);
  void kill_all();

 private:
  struct Child {
    pid_t process = -1;
    int errors = -1;  ///< the reading end of its standard error
    std::string written;
    std::optional<ChildEnd> end;
  };

  static Child start(const ChildProcess& process);
  static void read_errors(Child& child);
  static void note_end(Child& child, int wait_status);

  std::vector<Child> children_;
};

/// The environment variable by which a child knows the process that it must not outlive.
inline constexpr const char* kParentVariable = "CADASTRE_PARENT";

/// Called first in a child: it dies with its parent. Does nothing in a process that has no
/// `kParentVariable`.
void die_with_parent();

}  // namespace cadastre
