#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <simgrid/s4u.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulator/token_buckets.h"

namespace cadastre {

/// What a message is known by at both ends: step, ranks, and then, of a transfer, its number; of a
/// reduction, the stage, which of its reductions it is, and the round.
struct MessageKey {
  int step = 0;
  int from = 0;
  int to = 0;
  int stage = -1;  ///< of a reduction; -1 for a transfer
  int number = 0;
  int round = 0;
  bool operator==(const MessageKey&) const = default;
};

/// What the network tells of a message, to whoever keeps the accounts.
struct MessageObserver {
  std::function<void(const MessageKey&, std::int64_t bytes)> on_posted;
  std::function<void(const MessageKey&)> on_arrived;
};

/// How messages go from one rank to another.
struct ConnectionWay {
  simgrid::s4u::Host* from = nullptr;
  simgrid::s4u::Host* to = nullptr;
  double latency_s = 0;
  /// Shaped links on the way, and what lets messages through there at once; null where none is.
  std::vector<std::size_t> half_links;
  TokenBuckets* buckets = nullptr;
  /// What the processors of both ends do for so many bytes while they are on the wire, not started
  /// yet; empty where they do nothing.
  std::function<std::vector<simgrid::s4u::ExecPtr>(std::int64_t bytes)> processor_work;
};

/// The connections between ranks. Each carries its messages one after the other, as a TCP
/// connection does; the connections share SimGrid's links max-min fairly, and the processors of the
/// hosts with what these compute. A message arrives `latency_s` after it left the connection, which
/// then carries the next already.
///
/// No actor stands behind a connection: SimGrid tells when a message is through, and the next is
/// put on the wire then, so that a rank has few transfers in flight, whatever it has sent.
class MessageNetwork {
 public:
  using WayBetween = std::function<ConnectionWay(int from, int to)>;

  /// One at a time in a process.
  MessageNetwork(WayBetween way_between, MessageObserver observer);
  ~MessageNetwork();
  MessageNetwork(const MessageNetwork&) = delete;
  MessageNetwork& operator=(const MessageNetwork&) = delete;

  /// What an actor sleeps on, while it waits for a message or for room: each actor has its own.
  using Bell = simgrid::s4u::SemaphorePtr;

  /// Never blocks. Returns how many messages have been sent over the connection with this one.
  std::int64_t send(const MessageKey& key, std::int64_t bytes);

  /// Blocks the calling actor, whose bell it is, until the message is there; no other may wait for
  /// the same one.
  void receive(const MessageKey& key, const Bell& bell);

  /// Blocks the calling actor, whose bell it is, until so many messages have left from one rank to
  /// the other.
  void wait_until_left(int from, int to, std::int64_t num_messages, const Bell& bell);

  [[nodiscard]] bool is_posted(const MessageKey& key) const;

  /// Forgets every message, sent or awaited; all actors must have been ended.
  void reset();

 private:
  struct KeyHash {
    std::size_t operator()(const MessageKey& key) const;
  };

  struct Arrival {
    bool posted = false;
    bool arrived = false;
    Bell awaited_by;
  };

  struct Message {
    MessageKey key;
    std::int64_t bytes = 0;
  };

  class Connection;

  Connection& connection(int from, int to);
  void arrive(const MessageKey& key);

  WayBetween way_between_;
  MessageObserver observer_;
  std::map<std::pair<int, int>, std::unique_ptr<Connection>> connections_;
  std::unordered_map<MessageKey, Arrival, KeyHash> arrivals_;  ///< sent or awaited, not received
  int epoch_ = 0;  ///< number of resets: what was under way before one arrives nowhere
};

}  // namespace cadastre
