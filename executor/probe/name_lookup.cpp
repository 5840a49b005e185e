#include "executor/probe/name_lookup.h"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "executor/launch/socket.h"

namespace cadastre {

struct NameLookup::State {
  std::mutex mutex;
  std::condition_variable is_through;
  bool done = false;
  std::vector<LoopbackName> found;
};

NameLookup::NameLookup(const std::vector<std::string>& names) : state_(std::make_shared<State>()) {
  std::thread([state = state_, names] {
    for (const std::string& name : names) {
      try {
        const std::string address = resolve(name).front();
        const std::lock_guard lock(state->mutex);
        if (address != name && is_loopback(address))
          state->found.push_back({.name = name, .address = address});
      } catch (const std::runtime_error&) {
        // A name that this machine does not know leads nobody astray.
      }
    }
    const std::lock_guard lock(state->mutex);
    state->done = true;
    state->is_through.notify_all();
  }).detach();
}

std::vector<LoopbackName> NameLookup::loopback_names(std::chrono::milliseconds patience) const {
  std::unique_lock lock(state_->mutex);
  state_->is_through.wait_for(lock, patience, [this] { return state_->done; });
  return state_->found;
}

}  // namespace cadastre
