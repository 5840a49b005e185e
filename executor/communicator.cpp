#include "executor/communicator.h"

#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unordered_map>
#include <utility>

namespace cadastre {

namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

constexpr std::chrono::minutes kRendezvousTimeout{2};
constexpr std::chrono::minutes kMessageTimeout{30};

c10d::TCPStoreOptions store_options() {
  c10d::TCPStoreOptions options;
  options.timeout = kRendezvousTimeout;
  options.waitWorkers = false;
#if TORCH_VERSION_MAJOR >= 2
  options.useLibUV = false;  // Debian's build has none and would throw
#endif
  return options;
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_group(const c10::intrusive_ptr<c10d::Store>& store,
                                                      const std::string& name,
                                                      const std::string& interface_address,
                                                      int rank, int size) {
  auto options = c10d::ProcessGroupGloo::Options::create(kMessageTimeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(interface_address));
  options->threads = 2;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>(name, store), rank, size, options);
}

std::string first_line(std::string text) {
  const std::size_t end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  return text;
}

/// LibTorch and Gloo report a lost peer by exceptions of several kinds, with long texts.
template <typename Error, typename Action>
auto named_failure(const std::string& what, const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    throw Error(what + ": " + first_line(error.what()));
  }
}

}  // namespace

struct RendezvousServer::State {
  std::string address;
  c10::intrusive_ptr<c10d::TCPStore> store;
};

RendezvousServer::RendezvousServer(const std::string& address) : state_(std::make_unique<State>()) {
  c10d::TCPStoreOptions options = store_options();
  options.isServer = true;
  options.port = 0;
  state_->address = address;
  state_->store = named_failure<std::runtime_error>("cannot open a rendezvous on " + address, [&] {
    return c10::make_intrusive<c10d::TCPStore>(address, options);
  });
}

RendezvousServer::~RendezvousServer() = default;

Rendezvous RendezvousServer::rendezvous() const {
  return {.address = state_->address, .port = state_->store->getPort()};
}

struct Communicator::State {
  struct Message {
    Work work;
    int peer = 0;
  };

  int rank = 0;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> world;
  std::vector<c10::intrusive_ptr<c10d::ProcessGroupGloo>> groups;  ///< null where not a member
  std::vector<Message> sends;                                      ///< of this round
  std::vector<Message> sends_before;                               ///< of the round before

  mutable std::mutex mutex;                    ///< of all below
  std::unordered_map<int, Message> messages;   ///< that are waited for by number
  std::unordered_map<c10d::Work*, int> waits;  ///< that a thread is in: to peers
  int next_message = 0;
  std::optional<std::string> abort_reason;
  std::vector<std::int64_t> sent_bytes;  ///< by rank

  Message start_send(const at::Tensor& tensor, int peer, int tag);
  int add(Message message);
  void wait(const Message& message);
};

Communicator::State::Message Communicator::State::start_send(const at::Tensor& tensor, int peer,
                                                             int tag) {
  {
    const std::scoped_lock lock(mutex);
    if (abort_reason) throw PeerLostError(*abort_reason);
    sent_bytes[static_cast<std::size_t>(peer)] += static_cast<std::int64_t>(tensor.nbytes());
  }
  std::vector<at::Tensor> tensors = {tensor};
  return {.work = named_failure<PeerLostError>("cannot send to rank " + std::to_string(peer),
                                               [&] { return world->send(tensors, peer, tag); }),
          .peer = peer};
}

int Communicator::State::add(Message message) {
  const std::scoped_lock lock(mutex);
  messages.emplace(next_message, std::move(message));
  return next_message++;
}

void Communicator::State::wait(const Message& message) {
  {
    const std::scoped_lock lock(mutex);
    if (abort_reason) throw PeerLostError(*abort_reason);
    waits.emplace(message.work.get(), message.peer);
  }
  bool arrived = false;
  std::string failure;
  try {
    arrived = message.work->wait();
  } catch (const std::exception& error) {
    failure = first_line(error.what());
  }
  const std::scoped_lock lock(mutex);
  waits.erase(message.work.get());
  if (arrived) return;
  if (abort_reason) throw PeerLostError(*abort_reason);
  std::string what = "lost rank ";
  what += std::to_string(message.peer);
  what += ": ";
  what += failure;
  throw PeerLostError(what);
}

Communicator::Communicator(const Rendezvous& rendezvous, const std::string& interface_address,
                           int rank, int num_ranks, const std::vector<std::vector<int>>& groups)
    : state_(std::make_unique<State>()) {
  state_->rank = rank;
  state_->sent_bytes.resize(static_cast<std::size_t>(num_ranks));
  named_failure<PeerLostError>(
      "cannot meet the other ranks at " + rendezvous.address + ":" +
          std::to_string(rendezvous.port),
      [&] {
        c10d::TCPStoreOptions options = store_options();
        options.port = rendezvous.port;
        state_->store = c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options);
        state_->world = gloo_group(state_->store, "world", interface_address, rank, num_ranks);
        for (std::size_t g = 0; g < groups.size(); ++g) {
          const auto member = std::find(groups[g].begin(), groups[g].end(), rank);
          if (member == groups[g].end()) {
            state_->groups.emplace_back();
            continue;
          }
          state_->groups.push_back(gloo_group(
              state_->store, "group" + std::to_string(g), interface_address,
              static_cast<int>(member - groups[g].begin()), static_cast<int>(groups[g].size())));
        }
      });
}

Communicator::~Communicator() = default;

void Communicator::send(const at::Tensor& tensor, int peer, int tag) {
  state_->sends.push_back(state_->start_send(tensor, peer, tag));
}

int Communicator::post_send(const at::Tensor& tensor, int peer, int tag) {
  return state_->add(state_->start_send(tensor, peer, tag));
}

int Communicator::post_receive(const at::Tensor& tensor, int peer, int tag) {
  std::vector<at::Tensor> tensors = {tensor};
  return state_->add({.work = named_failure<PeerLostError>(
                          "cannot receive from rank " + std::to_string(peer),
                          [&] { return state_->world->recv(tensors, peer, tag); }),
                      .peer = peer});
}

void Communicator::wait(int message) {
  State::Message waited;
  {
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->messages.find(message);
    waited = std::move(found->second);
    state_->messages.erase(found);
  }
  state_->wait(waited);
}

void Communicator::abort(const std::string& reason) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->abort_reason) return;
  state_->abort_reason = reason;
  for (const auto& [work, peer] : state_->waits) work->abort();
}

void Communicator::all_reduce(std::vector<at::Tensor> tensors, std::size_t group) {
  named_failure<PeerLostError>("lost a replica in the reduction of gradients", [&] {
    std::vector<Work> works;
    for (at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one = {tensor};
      works.push_back(state_->groups[group]->allreduce(one));
    }
    for (const Work& work : works) work->wait();
  });
}

void Communicator::barrier() {
  named_failure<PeerLostError>("lost a rank at a barrier",
                               [&] { state_->world->barrier()->wait(); });
}

void Communicator::finish_sends() {
  for (const State::Message& message : state_->sends_before) state_->wait(message);
  state_->sends_before = std::move(state_->sends);
  state_->sends.clear();
}

void Communicator::flush() {
  finish_sends();
  finish_sends();
}

std::vector<std::int64_t> Communicator::sent_bytes() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->sent_bytes;
}

}  // namespace cadastre
