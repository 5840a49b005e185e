#include "executor/stage_reducer.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "executor/thread_turns.h"

namespace cadastre {

struct StageReducer::State {
  Communicator& communicator;
  std::vector<TensorAllReduce> buckets;
  std::mutex mutex;  ///< of all below
  std::condition_variable changed;
  std::deque<std::size_t> started;  ///< the first is being reduced
  std::optional<std::string> failure;
  bool is_over = false;
  std::thread thread;

  void work();
};

void StageReducer::State::work() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return is_over || (!started.empty() && !failure); });
    if (is_over) return;
    TensorAllReduce& bucket = buckets[started.front()];
    lock.unlock();
    std::optional<std::string> lost;
    try {
      bucket.run(communicator);
    } catch (const std::exception& error) {
      lost = error.what();
      // The computing thread may wait for a message that will not come any more.
      communicator.abort(error.what());
    }
    lock.lock();
    started.pop_front();
    failure = std::move(lost);
    if (started.empty() || failure) changed.notify_all();
  }
}

StageReducer::StageReducer(Communicator& communicator, std::vector<TensorAllReduce> buckets)
    : state_(new State{.communicator = communicator, .buckets = std::move(buckets)}) {
  state_->thread = std::thread([state = state_.get()] {
    come_first_here();
    state->work();
  });
}

StageReducer::~StageReducer() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->is_over = true;
    if (!state_->started.empty()) state_->communicator.abort("a reduction was broken off");
  }
  state_->changed.notify_all();
  state_->thread.join();
}

void StageReducer::start(std::size_t bucket) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->started.push_back(bucket);
  }
  state_->changed.notify_all();
}

void StageReducer::wait() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->started.empty() || state_->failure; });
  if (state_->failure) throw PeerLostError(*state_->failure);
}

}  // namespace cadastre
