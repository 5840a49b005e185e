#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "executor/launch/frame.h"
#include "executor/launch/socket.h"
#include "executor/launch/whereabouts.h"

namespace cadastre {

/// What a process that becomes a rank was told by what started it.
struct RankLaunch {
  std::string coordinator_address;
  std::uint16_t coordinator_port = 0;
  int number = 0;
  int num_ranks = 1;
  std::string key;              ///< as `RunKey`
  bool key_from_input = false;  ///< that is where it comes from
  std::string request;          ///< as `RankHello::request`
  std::string problem;          ///< as `RankHello::problem`
  bool speaks = false;  ///< it prints what went wrong; otherwise the coordinator does for it
  std::chrono::seconds patience{60};
  std::chrono::seconds frozen_after{20};  ///< the coordinator's for its ranks
};

/// A rank's connection to the coordinator. A thread of its own listens: it answers pings, and ends
/// the process when the coordinator says so or is lost, whatever the rank computes meanwhile.
class RankLink {
 public:
  /// Connects, has the coordinator prove the run's key, proves it and says hello. Throws
  /// std::runtime_error when there is no coordinator, or something else.
  explicit RankLink(const RankLaunch& launch);
  ~RankLink() = delete;  // the process ends with it
  RankLink(const RankLink&) = delete;
  RankLink& operator=(const RankLink&) = delete;

  /// Waits for the coordinator to send a frame of this type.
  [[nodiscard]] Frame wait_for(const std::string& type);

  /// Frames of this type go to `on_frame` from now on, in the thread that listens, those first that
  /// have come already. An empty one ends it, and waits for one that is being called.
  void hand_over(const std::string& type, std::function<void(const Frame&)> on_frame);

  /// `where` says where in its work the rank is, in the thread that listens: the coordinator asks
  /// for it several times a second, and names it where a rank fails. An empty one leaves it where
  /// it was.
  void set_whereabouts(std::function<Whereabouts()> where);

  void send(const Frame& frame);

  /// The same of a frame in two parts.
  void send(const nlohmann::json& header, std::string_view payload);

  /// This machine's address by which the coordinator is reached.
  [[nodiscard]] const std::string& own_address() const { return own_address_; }

  [[nodiscard]] const RankLaunch& launch() const { return launch_; }

  /// Ends the process, as `take_part` says.
  [[noreturn]] void end_done();
  [[noreturn]] void end_failed(const std::string& kind, const std::string& text, int status);

 private:
  void listen();
  void add_whereabouts(Frame& frame);
  void handle(Frame& frame);
  [[noreturn]] void end_process(const std::string& text, int status) const;

  RankLaunch launch_;
  FrameReader reader_;
  Socket socket_;
  std::string own_address_;
  std::mutex sending_;
  std::mutex receiving_;
  std::condition_variable received_;
  std::deque<Frame> frames_;
  std::map<std::string, std::function<void(const Frame&)>> receivers_;  ///< by type
  std::function<Whereabouts()> where_;
  Whereabouts last_whereabouts_;
  bool is_dismissed_ = false;
  std::thread listener_;
};

/// Connects to the coordinator, does `work`, and ends the process: with status 0 once all ranks are
/// done, with 2 and one line when the request or a host of the run was wrong, with 1 and one line
/// when it failed or another rank did.
[[noreturn]] void take_part(const RankLaunch& launch, const std::function<void(RankLink&)>& work);

}  // namespace cadastre
