#include "simulator/message_network.h"

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/simix.hpp>

#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

class MessageNetwork::Connection {
 public:
  Connection(MessageNetwork& network, ConnectionWay way) : network_(network), way_(way) {}

  std::int64_t send(const Message& message) {
    const std::int64_t number = ++num_sent_;
    queue_.push_back(message);
    // SimGrid tells of the end of a transfer only where no actor has started it.
    if (!busy_) simgrid::kernel::actor::simcall_answered([this] { put_next_on_wire(); });
    return number;
  }

  /// One of the activities of the message on the wire has ended.
  void on_part_through() {
    if (--num_parts_left_ > 0) return;
    busy_ = false;
    leave_links();
    leave(through_);
    put_next_on_wire();
  }

  /// Whether so many have left; if not, the bell rings when one more has.
  bool have_left(std::int64_t num_messages, const Bell& bell) {
    if (num_left_ >= num_messages) return true;
    awaited_by_.push_back(bell);
    return false;
  }

  void reset() {
    queue_.clear();
    awaited_by_.clear();
    busy_ = false;
    num_sent_ = num_left_ = 0;
    for (const s4u::ExecPtr& work : work_) {
      work->set_data(nullptr);
      work->cancel();
    }
    work_.clear();
    if (!transfer_) return;
    transfer_->set_data(nullptr);
    transfer_->cancel();
    transfer_ = nullptr;
  }

 private:
  /// Several of a rank's actors may have sent at the same moment: the first is at work then.
  void put_next_on_wire() {
    if (!busy_ && !queue_.empty()) put_on_wire();
  }

  void put_on_wire() {
    // Some go at once, and take the latency alone: what the links let through, and the empty
    // messages that an all-reduce of fewer bytes than ranks has.
    while (!queue_.empty()) {
      through_ = queue_.front();
      queue_.pop_front();
      if (start()) return;
      leave(through_);
    }
  }

  /// Of the message whose turn it is, whatever takes time; false where nothing does.
  bool start() {
    if (through_.bytes <= 0) return false;
    const std::int64_t to_transfer = through_.bytes - enter_links();
    // SimGrid still holds those that it has just told of, however many go at once after them.
    if (transfer_) last_transfer_ = std::exchange(transfer_, nullptr);
    if (!work_.empty()) last_work_ = std::exchange(work_, {});
    if (way_.processor_work) work_ = way_.processor_work(through_.bytes);
    num_parts_left_ = (to_transfer > 0 ? 1 : 0) + work_.size();
    if (num_parts_left_ == 0) {
      leave_links();
      return false;
    }
    busy_ = true;
    for (const s4u::ExecPtr& work : work_) {
      work->set_data(this);
      work->start();
    }
    if (to_transfer > 0) {
      transfer_ = s4u::Comm::sendto_init(way_.from, way_.to);
      transfer_->set_payload_size(static_cast<std::uint64_t>(to_transfer));
      transfer_->set_data(this);
      transfer_->start();
    }
    return true;
  }

  /// Bytes that pass at once.
  std::int64_t enter_links() {
    if (way_.buckets == nullptr) return 0;
    return static_cast<std::int64_t>(way_.buckets->enter(
        way_.half_links, static_cast<double>(through_.bytes), s4u::Engine::get_clock()));
  }

  void leave_links() {
    if (way_.buckets != nullptr) way_.buckets->leave(way_.half_links, s4u::Engine::get_clock());
  }

  void leave(const Message& message) {
    ++num_left_;
    for (const Bell& bell : awaited_by_) bell->release();
    awaited_by_.clear();
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
  std::int64_t num_sent_ = 0;
  std::int64_t num_left_ = 0;
  std::vector<Bell> awaited_by_;  ///< until the next has left
  s4u::CommPtr transfer_;
  s4u::CommPtr last_transfer_;
  std::vector<s4u::ExecPtr> work_;  ///< of processors, for the message on the wire
  std::vector<s4u::ExecPtr> last_work_;
  std::size_t num_parts_left_ = 0;  ///< that have not ended: the transfer, and what is in `work_`
};

MessageNetwork::MessageNetwork(WayBetween way_between, MessageObserver observer)
    : way_between_(std::move(way_between)), observer_(std::move(observer)) {
  const auto tell = [](const auto& activity) {
    auto* connection = activity.template get_data<Connection>();
    if (connection != nullptr) connection->on_part_through();
  };
  simgrid_version::on_transfer_completion([tell](const s4u::Comm& transfer) { tell(transfer); });
  simgrid_version::on_execution_completion([tell](const s4u::Exec& work) { tell(work); });
}

MessageNetwork::~MessageNetwork() = default;

std::int64_t MessageNetwork::send(const MessageKey& key, std::int64_t bytes) {
  arrivals_[key].posted = true;
  if (observer_.on_posted) observer_.on_posted(key, bytes);
  return connection(key.from, key.to).send({.key = key, .bytes = bytes});
}

void MessageNetwork::receive(const MessageKey& key, const Bell& bell) {
  // Its place is stable: an unordered_map never moves its elements.
  Arrival& arrival = arrivals_[key];
  arrival.awaited_by = bell;
  while (!arrival.arrived) bell->acquire();
  arrivals_.erase(key);
}

void MessageNetwork::wait_until_left(int from, int to, std::int64_t num_messages,
                                     const Bell& bell) {
  Connection& of_messages = connection(from, to);
  while (!of_messages.have_left(num_messages, bell)) bell->acquire();
}

bool MessageNetwork::is_posted(const MessageKey& key) const {
  const auto found = arrivals_.find(key);
  return found != arrivals_.end() && found->second.posted;
}

void MessageNetwork::reset() {
  ++epoch_;
  for (const auto& [ends, connection] : connections_) connection->reset();
  arrivals_.clear();
}

void MessageNetwork::arrive(const MessageKey& key) {
  Arrival& arrival = arrivals_[key];
  arrival.arrived = true;
  if (observer_.on_arrived) observer_.on_arrived(key);
  if (arrival.awaited_by) arrival.awaited_by->release();
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
