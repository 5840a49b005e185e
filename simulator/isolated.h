#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cadastre {

/// What became of a piece of isolated work: its output, or why there is none.
struct IsolatedResult {
  std::string output;
  std::string error;  ///< empty when the work was done
  bool operator==(const IsolatedResult&) const = default;
};

/// Work that may end the process it runs in, as SimGrid's assertions do. Returns bytes.
using IsolatedWork = std::function<std::string()>;

/// Pieces of isolated work that are started as one goes, and whose results are taken as they come:
/// for work of which there is more than may be held at once. Each runs in a forked process of its
/// own; an exception, a signal or an abort in it becomes its `error`, in one line with what it
/// wrote to standard error. No process outlives this object or this program. The caller must have
/// no other threads.
class IsolatedWorkers {
 public:
  struct Finished {
    std::size_t number = 0;
    IsolatedResult result;
  };

  IsolatedWorkers();
  ~IsolatedWorkers();
  IsolatedWorkers(const IsolatedWorkers&) = delete;
  IsolatedWorkers& operator=(const IsolatedWorkers&) = delete;

  /// `number` is what `wait` calls it by. Throws std::system_error when no process can be started.
  void start(const IsolatedWork& work, std::size_t number);

  [[nodiscard]] std::size_t num_running() const;

  /// Waits until one has ended, of which there must be one at least.
  [[nodiscard]] Finished wait();

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

/// Runs each piece of work in a forked process of its own, up to `max_at_once` (>= 1) at a time,
/// and returns the results in the order of `work`. An exception, a signal or an abort in one
/// becomes its `error`, in one line with what it wrote to standard error, and leaves the others
/// alone. `on_finished(i)` is called here when work i has ended. No process outlives this call or
/// this program. Throws std::system_error when no process can be started. The caller must have no
/// other threads.
[[nodiscard]] std::vector<IsolatedResult> run_isolated(
    const std::vector<IsolatedWork>& work, std::size_t max_at_once,
    const std::function<void(std::size_t)>& on_finished = {});

/// The processor cores this process may use, >= 1.
[[nodiscard]] std::size_t num_usable_cores();

}  // namespace cadastre
