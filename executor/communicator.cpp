#include "executor/communicator.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <unordered_map>
#include <utility>

#include "executor/asked_store.h"
#include "executor/launch/handshake.h"
#include "executor/launch/listening_sockets.h"
#include "executor/message_threads.h"
#include "executor/timing.h"

namespace cadastre {

namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

constexpr std::chrono::minutes kRendezvousTimeout{2};
constexpr std::chrono::minutes kMessageTimeout{30};
/// From when both ends of a connection are there. Longer than a rank that hangs is waited for: that
/// one is to be named.
constexpr std::chrono::seconds kProofTimeout{30};
/// A meeting that fails later than that would again: ranks cannot reach each other.
constexpr double kSoonS = 45;
constexpr std::int64_t kNumProofBytes = 64;  // in hexadecimal
constexpr const char* kMeetingKey = "cadastre meeting";

/// Gloo writes to a peer that has hung up, which by default ends the process without a word.
void keep_running_when_a_peer_hangs_up() {
  struct sigaction current = {};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL)
    std::signal(SIGPIPE, SIG_IGN);
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_group(const c10::intrusive_ptr<c10d::Store>& store,
                                                      const std::string& name,
                                                      const std::string& interface_address,
                                                      int rank, int size, MessageThreads& threads) {
  auto options = c10d::ProcessGroupGloo::Options::create(kMessageTimeout);
  threads.add_started_by([&] {
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(interface_address));
  });
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
template <typename Action>
auto named_failure(const std::string& what, const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    throw PeerLostError(what + ": " + first_line(error.what()));
  }
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

at::Tensor proof_tensor() { return at::empty({kNumProofBytes}, at::kByte); }

/// Gloo believes whoever connects to its port and names a number that it counts up from 0: of two
/// that do, the first. So each rank says to each, over the connection that came of it, what only
/// the run's ranks can know at this meeting.
void prove_to_each_other(c10d::ProcessGroupGloo& group, const std::string& name, int rank, int size,
                         const std::string& key, const std::string& meeting) {
  constexpr int kTag = 0;
  const auto proof = [&](int from, int to) {
    std::string text = "cadastre pair|";
    text += meeting + "|" + name + "|";
    text += std::to_string(from) + "|" + std::to_string(to);
    return message_authentication_code(key, text);
  };
  std::vector<at::Tensor> proofs;
  std::vector<at::Tensor> received;
  std::vector<Work> sends;
  std::vector<Work> receives;
  for (int peer = 0; peer < size; ++peer) {
    at::Tensor& sent = proofs.emplace_back(proof_tensor());
    at::Tensor& taken = received.emplace_back(proof_tensor());
    if (peer == rank) {
      sends.emplace_back();
      receives.emplace_back();
      continue;
    }
    const std::string text = proof(rank, peer);
    std::copy(text.begin(), text.end(), sent.data_ptr<std::uint8_t>());
    std::vector<at::Tensor> one = {taken};
    receives.push_back(group.recv(one, peer, kTag));
    one = {sent};
    sends.push_back(group.send(one, peer, kTag));
  }
  for (int peer = 0; peer < size; ++peer) {
    if (peer == rank) continue;
    const auto p = static_cast<std::size_t>(peer);
    const bool has_come = receives[p]->wait(kProofTimeout);
    const std::uint8_t* const bytes = received[p].data_ptr<std::uint8_t>();
    if (!has_come ||
        !are_equal_in_constant_time(std::string(bytes, bytes + kNumProofBytes), proof(peer, rank)))
      throw std::runtime_error("something else connected in the place of rank " +
                               std::to_string(peer));
  }
  for (const Work& send : sends)
    if (send) send->wait(kProofTimeout);
}

}  // namespace

struct Communicator::State {
  struct Message {
    Work work;
    int peer = 0;
  };

  int rank = 0;
  MessageThreads threads;
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
  const MessageThreads::Held held(threads);
  return {.work = named_failure("cannot send to rank " + std::to_string(peer),
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

Communicator::Communicator(const MeetingPlace& place, const std::string& interface_address,
                           int rank, int num_ranks, const std::vector<std::vector<int>>& groups)
    : state_(std::make_unique<State>()) {
  state_->rank = rank;
  state_->sent_bytes.resize(static_cast<std::size_t>(num_ranks));
  keep_running_when_a_peer_hangs_up();
  const Stopwatch stopwatch;
  try {
    const std::vector<int> before = listening_sockets();
    const auto store = c10::make_intrusive<AskedStore>(place.ask, kRendezvousTimeout);
    if (rank == 0) store->set(kMeetingKey, bytes_of(random_digits()));
    const std::vector<std::uint8_t> bytes = store->get(kMeetingKey);
    const std::string meeting(bytes.begin(), bytes.end());
    const auto meet = [&](const std::string& name, int own_rank, std::size_t size) {
      auto group = gloo_group(store, name, interface_address, own_rank, static_cast<int>(size),
                              state_->threads);
      prove_to_each_other(*group, name, own_rank, static_cast<int>(size), place.key, meeting);
      return group;
    };
    state_->world = meet("world", rank, static_cast<std::size_t>(num_ranks));
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto member = std::find(groups[g].begin(), groups[g].end(), rank);
      if (member == groups[g].end()) {
        state_->groups.emplace_back();
        continue;
      }
      state_->groups.push_back(meet("group" + std::to_string(g),
                                    static_cast<int>(member - groups[g].begin()),
                                    groups[g].size()));
    }
    // Nobody closes his ports while another is still on his way to them.
    prove_to_each_other(*state_->world, "all", rank, num_ranks, place.key, meeting);
    for (const int listening : listening_sockets())
      if (!std::binary_search(before.begin(), before.end(), listening) &&
          !refuse_connections(listening))
        std::fprintf(stderr, "note: this kernel keeps the ports of rank %d open to strangers\n",
                     rank);
  } catch (const std::exception& error) {
    const std::string what = "cannot meet the other ranks: " + first_line(error.what());
    if (stopwatch.seconds() < kSoonS) throw NotMetError(what);
    throw PeerLostError(what);
  }
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
  const MessageThreads::Held held(state_->threads);
  return state_->add(
      {.work = named_failure("cannot receive from rank " + std::to_string(peer),
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
  named_failure("lost a replica in the reduction of gradients", [&] {
    std::vector<Work> works;
    for (at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> one = {tensor};
      works.push_back(state_->groups[group]->allreduce(one));
    }
    for (const Work& work : works) work->wait();
  });
}

void Communicator::barrier() {
  named_failure("lost a rank at a barrier", [&] { state_->world->barrier()->wait(); });
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
