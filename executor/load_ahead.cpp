#include "executor/load_ahead.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "executor/process_setup.h"

namespace cadastre {

struct LoadAhead::State {
  std::vector<PlannedLoad> loads;
  std::int64_t first_step = 0;
  std::int64_t end_step = 0;
  Load load;
  std::mutex mutex;  ///< of all below
  std::condition_variable changed;
  std::deque<LoadedSamples> ready;
  std::int64_t num_taken = 0;
  std::exception_ptr failure;
  bool is_over = false;
  std::thread thread;

  void work();
};

void LoadAhead::State::work() {
  use_one_thread_here();
  const auto num_loads = static_cast<std::int64_t>(loads.size());
  for (std::int64_t next = 0; next < (end_step - first_step) * num_loads; ++next) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return is_over || next - num_taken < num_loads; });
      if (is_over) return;
    }
    try {
      LoadedSamples loaded =
          load(first_step + next / num_loads, loads[static_cast<std::size_t>(next % num_loads)]);
      const std::scoped_lock lock(mutex);
      ready.push_back(std::move(loaded));
    } catch (...) {
      const std::scoped_lock lock(mutex);
      failure = std::current_exception();
      is_over = true;
    }
    changed.notify_all();
  }
}

LoadAhead::LoadAhead(std::vector<PlannedLoad> loads, std::int64_t first_step, std::int64_t end_step,
                     Load load)
    : state_(new State) {
  state_->loads = std::move(loads);
  state_->first_step = first_step;
  state_->end_step = end_step;
  state_->load = std::move(load);
  if (!state_->loads.empty())
    state_->thread = std::thread([state = state_.get()] { state->work(); });
}

LoadAhead::~LoadAhead() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->is_over = true;
  }
  state_->changed.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

LoadedSamples LoadAhead::take(std::int64_t step, const PlannedLoad& load) {
  std::unique_lock lock(state_->mutex);
  const auto num_loads = static_cast<std::int64_t>(state_->loads.size());
  const std::int64_t number = state_->num_taken;
  if (state_->first_step + number / num_loads != step ||
      !(state_->loads[static_cast<std::size_t>(number % num_loads)] == load))
    throw std::logic_error("a load that the program does not have next");
  state_->changed.wait(lock, [&] { return !state_->ready.empty() || state_->failure; });
  if (state_->ready.empty()) std::rethrow_exception(state_->failure);
  LoadedSamples loaded = std::move(state_->ready.front());
  state_->ready.pop_front();
  ++state_->num_taken;
  lock.unlock();
  state_->changed.notify_all();
  return loaded;
}

std::vector<PlannedLoad> planned_loads(const RankProgram& rank) {
  std::vector<PlannedLoad> loads;
  for (const Instruction& instruction : rank.instructions)
    if (instruction.kind == InstructionKind::kLoadMicroBatch)
      loads.push_back({.stage = instruction.stage, .samples = instruction.samples});
  return loads;
}

}  // namespace cadastre
