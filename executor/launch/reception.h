#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/frame.h"
#include "executor/launch/handshake.h"
#include "executor/launch/rank_hello.h"
#include "executor/launch/refusal_log.h"
#include "executor/launch/socket.h"

namespace cadastre {

/// Bounds on what those who have not proved the key can make a coordinator do.
struct ReceptionLimits {
  std::size_t most_strangers = 64;  ///< at once; of the address that has most of them the oldest go
  std::chrono::milliseconds patience{10000};  ///< for one to prove the key and say hello
};

/// A rank that has proved that it has the run's key, and said who it is.
struct ProvenRank {
  Socket socket;
  FrameReader reader{0};  ///< what came after its hello
  std::string address;
  RankHello hello;
};

/// The door of a run: takes whoever connects, and lets in those who prove its key. Others are
/// refused and noted. Before the proof no frame of more than 4 KiB is taken.
class Reception {
 public:
  /// `listeners`: sockets that listen, one at least.
  Reception(std::vector<Socket> listeners, std::string key, ReceptionLimits limits = {});

  [[nodiscard]] std::uint16_t port() const { return local_port(listeners_.front()); }

  /// What to wait for.
  void add_to(std::vector<pollfd>& polled) const;

  /// Hears those who are there, without waiting; returns those who are through.
  [[nodiscard]] std::vector<ProvenRank> receive();

  /// For what is refused later.
  void note_refusal(const std::string& address, const std::string& why) { log_.add(address, why); }

  [[nodiscard]] std::vector<std::string> notes() const { return log_.notes(); }

 private:
  using Clock = std::chrono::steady_clock;

  struct Stranger {
    Socket socket;
    FrameReader reader{0};
    std::string address;
    Clock::time_point since;
    std::optional<Challenge> challenge;  ///< once it has knocked
    bool is_proven = false;
    std::optional<RankHello> hello;
  };

  void accept_all();
  void make_room();
  bool hear(Stranger& stranger);
  void take(Stranger& stranger, const Frame& frame);

  std::vector<Socket> listeners_;
  std::string key_;
  ReceptionLimits limits_;
  std::vector<Stranger> strangers_;  ///< by the time at which they came
  RefusalLog log_;
};

}  // namespace cadastre
