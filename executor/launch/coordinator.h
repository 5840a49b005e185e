#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/child_processes.h"
#include "executor/launch/clock_offset.h"
#include "executor/launch/frame.h"
#include "executor/launch/rank_hello.h"
#include "executor/launch/reception.h"
#include "executor/launch/shared_store.h"
#include "executor/launch/socket.h"
#include "executor/launch/whereabouts.h"
#include "planner/failure_detection.h"

namespace cadastre {

/// The one process of a run that knows all its ranks: they connect to it, it tells each what to do,
/// hears how they get on, and when one fails it names that one and ends the others. It keeps the
/// values by which they find each other.
///
/// Every call that waits throws when a rank fails: InputError where the request or a host is wrong
/// (the rank said so, or cannot take part), RanksMissing where it never came, NotMet where it found
/// something else in the place of another, else RankFailure, with one line that names the rank, its
/// host, the cause and where it was seen last. By then all ranks know the line and are ending.
///
/// A rank that dies is noticed within a second: its connection closes, or its process ends. One
/// that does not answer any more (it hangs, or cannot be reached) is given up after
/// `kFrozenPatience`, unless something else is set.
class Coordinator {
 public:
  static constexpr std::chrono::seconds kFrozenPatience{static_cast<int>(kSilentRankNoticedS)};

  Coordinator(Reception reception, int num_ranks);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  [[nodiscard]] std::uint16_t port() const { return reception_.port(); }

  /// `children[i]` is the process of rank `i`, or what started it; may be fewer than there are
  /// ranks. It must outlive this.
  void watch(ChildProcesses& children) { children_ = &children; }

  /// Work that is left to others when a rank is lost: asked at each loss, with its cause. Where it
  /// answers yes, the rank counts as done and the others go on without it; a rank that was asked for
  /// something wrong is still the end of all.
  using OnLost = std::function<bool(int rank, const std::string& cause)>;

  void set_on_lost(OnLost on_lost) { on_lost_ = std::move(on_lost); }

  /// After how long a rank that does not answer is given up.
  void set_frozen_patience(std::chrono::seconds patience) { frozen_patience_ = patience; }

  /// Asked at the first interruption, by a signal: whether all will end by themselves, soon. At the
  /// second, or where it says no, all are ended and std::runtime_error thrown.
  void set_on_interrupted(std::function<bool()> on_interrupted) {
    on_interrupted_ = std::move(on_interrupted);
  }

  /// Ranks are said to have failed after so many frames of this type, and what these stand for;
  /// steps, where it is not set.
  void count_by(std::string type, std::string what);

  /// By number; how errors call a rank before it has said where it is.
  void set_name(int rank, std::string name);

  /// Waits until every rank has reported; by the launcher's numbers.
  [[nodiscard]] std::vector<RankHello> gather(std::chrono::seconds patience);

  /// From here on a rank goes by `rank_of_number[number]`, a permutation, in all calls; names too
  /// move.
  void renumber(const std::vector<int>& rank_of_number);

  void send(int rank, const Frame& frame);

  /// Waits until every rank has sent a frame of this type; in their order.
  [[nodiscard]] std::vector<Frame> collect(const std::string& type);

  /// Waits until every rank is done, and hands over whatever else they send. Calls `meanwhile` many
  /// times a second.
  void run(const std::function<void(int rank, Frame& frame)>& on_frame,
           const std::function<void()>& meanwhile = {});

  /// Lets the ranks go, once all are done.
  void dismiss();

  /// Tells all ranks why nothing comes of it; for errors that the caller found. `status`: the exit
  /// status that they end with.
  void end_all(const std::string& why, int status);

  /// Waits for all ranks but number 0 to report, and tells each why nothing comes of it.
  void refuse(const std::string& why, int status, std::chrono::seconds patience);

  [[nodiscard]] const RankHello& hello(int rank) const;
  /// The address of this process as the rank sees it.
  [[nodiscard]] std::string own_address(int rank) const;
  /// The rank's clock, where it is on another machine.
  [[nodiscard]] const ClockOffset& clock(int rank) const;
  [[nodiscard]] const std::string& name(int rank) const;

  /// Who was refused as it is none of this run's ranks, and why.
  [[nodiscard]] std::vector<std::string> refusals() const { return reception_.notes(); }

 private:
  using Clock = std::chrono::steady_clock;

  struct Peer {
    Socket socket;
    FrameReader reader{1 << 20};
    std::optional<RankHello> hello;
    ClockOffset clock;
    std::string name;
    std::optional<Frame> error;
    bool is_done = false;
    bool is_lost = false;      ///< its connection closed
    bool is_written_off = false;  ///< lost, and nobody waits for it
    std::optional<Clock::time_point> failed_at;  ///< set where others may do without it
    int unanswered_pings = 0;
    std::int64_t num_counted = 0;
    Whereabouts where;  ///< as it said last
    int child = -1;
  };

  using OnFrame = std::function<void(std::size_t rank, Frame& frame)>;

  void pump(const OnFrame& on_frame);
  void receive_ranks();
  void introduce(ProvenRank& proven);
  void read_peer(std::size_t rank, const OnFrame& on_frame);
  void handle(std::size_t rank, Frame& frame, const OnFrame& on_frame);
  void ping();
  void heed_interruptions();
  void look_for_failures();
  void write_off(Peer& peer);
  [[nodiscard]] bool may_be_spared(std::size_t rank);
  [[nodiscard]] bool has_failed(const Peer& peer) const;
  [[nodiscard]] const ChildEnd* child_end(const Peer& peer) const;
  [[nodiscard]] int innocence(const Peer& peer) const;
  [[nodiscard]] std::string cause_of(const Peer& peer) const;
  [[nodiscard]] std::string place_of(const Peer& culprit) const;
  [[noreturn]] void fail();
  [[noreturn]] void fail_missing(std::chrono::seconds patience);

  Reception reception_;
  StoreDesk store_desk_;
  HostFacts own_;
  ChildProcesses* children_ = nullptr;
  OnLost on_lost_;
  std::function<bool()> on_interrupted_;
  int num_interruptions_ = 0;  ///< that were heeded
  std::chrono::seconds frozen_patience_ = kFrozenPatience;
  std::string counted_type_ = "step";
  std::string counted_ = "steps";
  std::vector<Peer> peers_;
  std::optional<Clock::time_point> first_failure_;
  Clock::time_point last_ping_;
};

}  // namespace cadastre
