#include "simulator/message_network.h"

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/simix.hpp>

#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

class MessageNetwork::Connection {
 public:
  Connection(MessageNetwork& network, ConnectionWay way) : network_(network), way_(way) {}

  void send(const Message& message) {
    queue_.push_back(message);
    // SimGrid tells of the end of a transfer only where no actor has started it.
    if (!busy_) simgrid::kernel::actor::simcall_answered([this] { put_on_wire(); });
  }

  /// The message on the wire is through.
  void on_through() {
    busy_ = false;
    leave(through_);
    if (!busy_ && !queue_.empty()) put_on_wire();
  }

  void reset() {
    queue_.clear();
    busy_ = false;
    if (!transfer_) return;
    transfer_->set_data(nullptr);
    transfer_->cancel();
    transfer_ = nullptr;
  }

 private:
  void put_on_wire() {
    // An all-reduce of fewer bytes than ranks has empty messages: they take the latency.
    while (!queue_.empty()) {
      through_ = queue_.front();
      queue_.pop_front();
      if (through_.bytes > 0) break;
      leave(through_);
    }
    if (through_.bytes <= 0) return;
    busy_ = true;
    // SimGrid still holds the transfer that it has just told of.
    last_transfer_ = std::move(transfer_);
    transfer_ = s4u::Comm::sendto_init(way_.from, way_.to);
    transfer_->set_payload_size(static_cast<std::uint64_t>(through_.bytes));
    transfer_->set_data(this);
    transfer_->start();
  }

  void leave(const Message& message) {
    if (way_.latency_s <= 0) {
      network_.arrive(message.key);
      return;
    }
    simgrid::kernel::timer::Timer::set(
        s4u::Engine::get_clock() + way_.latency_s,
        [&network = network_, key = message.key, epoch = network_.epoch_] {
          if (epoch == network.epoch_) network.arrive(key);
        });
  }

  MessageNetwork& network_;
  ConnectionWay way_;
  std::deque<Message> queue_;
  Message through_;  ///< on the wire, while busy
  bool busy_ = false;
  s4u::CommPtr transfer_;
  s4u::CommPtr last_transfer_;
};

MessageNetwork::MessageNetwork(std::size_t num_ranks, WayBetween way_between,
                               MessageObserver observer)
    : way_between_(std::move(way_between)), observer_(std::move(observer)) {
  for (std::size_t r = 0; r < num_ranks; ++r) woken_.push_back(s4u::Semaphore::create(0));
  simgrid_version::on_transfer_completion([](const s4u::Comm& transfer) {
    auto* connection = transfer.get_data<Connection>();
    if (connection != nullptr) connection->on_through();
  });
}

MessageNetwork::~MessageNetwork() = default;

void MessageNetwork::send(const MessageKey& key, std::int64_t bytes) {
  arrivals_[key].posted = true;
  if (observer_.on_posted) observer_.on_posted(key, bytes);
  connection(key.from, key.to).send({.key = key, .bytes = bytes});
}

void MessageNetwork::receive(const MessageKey& key) {
  // Its place is stable: an unordered_map never moves its elements.
  Arrival& arrival = arrivals_[key];
  arrival.awaited = true;
  while (!arrival.arrived) woken_[static_cast<std::size_t>(key.to)]->acquire();
  arrivals_.erase(key);
}

bool MessageNetwork::is_posted(const MessageKey& key) const {
  const auto found = arrivals_.find(key);
  return found != arrivals_.end() && found->second.posted;
}

void MessageNetwork::reset() {
  ++epoch_;
  for (const auto& [ends, connection] : connections_) connection->reset();
  arrivals_.clear();
  for (s4u::SemaphorePtr& woken : woken_) woken = s4u::Semaphore::create(0);
}

void MessageNetwork::arrive(const MessageKey& key) {
  Arrival& arrival = arrivals_[key];
  arrival.arrived = true;
  if (observer_.on_arrived) observer_.on_arrived(key);
  if (arrival.awaited) woken_[static_cast<std::size_t>(key.to)]->release();
}

MessageNetwork::Connection& MessageNetwork::connection(int from, int to) {
  std::unique_ptr<Connection>& connection = connections_[{from, to}];
  if (!connection) connection = std::make_unique<Connection>(*this, way_between_(from, to));
  return *connection;
}

std::size_t MessageNetwork::KeyHash::operator()(const MessageKey& key) const {
  std::uint64_t hash = 0;
  for (const int part : {key.step, key.from, key.to, key.stage, key.number, key.round})
    hash = (hash ^ static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15U + (hash >> 29U);
  return hash;
}

}  // namespace cadastre
