#include "executor/launch/coordinator.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "executor/launch/interruption.h"
#include "executor/launch/rank_failure.h"
#include "executor/timing.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr int kPollMilliseconds = 50;
/// Each is answered with where the rank is.
constexpr std::chrono::milliseconds kPingInterval{250};
constexpr std::chrono::seconds kEndPatience{10};
/// After a rank has failed, how long others may take to fail of the same cause and say so.
constexpr std::chrono::milliseconds kFailurePatience{400};
/// Round trips at once, for a first idea of the clocks.
constexpr int kFirstPings = 8;
constexpr std::size_t kMostFrameBytes = std::size_t{1} << 34;
constexpr int kWrongRequest = 2;
constexpr int kFailed = 1;

Frame ping_frame() {
  return {.header = {{"type", "ping"}, {"sent_s", steady_clock_s()}}, .payload = {}};
}

enum class Arrival { kBytes, kNothing, kEnd };

/// Reads what has come, without waiting.
Arrival read_from(const Socket& socket, FrameReader& reader) {
  static thread_local std::vector<char> buffer(1 << 18);
  const ssize_t size = ::recv(socket.descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) {
    reader.add({buffer.data(), static_cast<std::size_t>(size)});
    return Arrival::kBytes;
  }
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return Arrival::kNothing;
  return Arrival::kEnd;
}

}  // namespace

Coordinator::Coordinator(Reception reception, int num_ranks)
    : reception_(std::move(reception)), own_(host_facts()), last_ping_(Clock::now()) {
  for (int rank = 0; rank < num_ranks; ++rank) {
    Peer& peer = peers_.emplace_back();
    peer.name = "rank " + std::to_string(rank);
    peer.child = rank;
  }
}

void Coordinator::set_name(int rank, std::string name) {
  peers_[static_cast<std::size_t>(rank)].name = std::move(name);
}

void Coordinator::count_by(std::string type, std::string what) {
  counted_type_ = std::move(type);
  counted_ = std::move(what);
}

const RankHello& Coordinator::hello(int rank) const {
  return *peers_[static_cast<std::size_t>(rank)].hello;
}

std::string Coordinator::own_address(int rank) const {
  return local_address(peers_[static_cast<std::size_t>(rank)].socket);
}

const ClockOffset& Coordinator::clock(int rank) const {
  return peers_[static_cast<std::size_t>(rank)].clock;
}

const std::string& Coordinator::name(int rank) const {
  return peers_[static_cast<std::size_t>(rank)].name;
}

std::vector<RankHello> Coordinator::gather(std::chrono::seconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  const auto has_reported = [](const Peer& peer) { return peer.hello.has_value(); };
  // One that has reported that it cannot take part is a failure, which `pump` throws in its time.
  while (first_failure_ || !std::all_of(peers_.begin(), peers_.end(), has_reported)) {
    pump({});
    if (Clock::now() > deadline && !first_failure_) fail_missing(patience);
  }
  std::vector<RankHello> hellos;
  for (const Peer& peer : peers_) hellos.push_back(*peer.hello);
  return hellos;
}

void Coordinator::renumber(const std::vector<int>& rank_of_number) {
  std::vector<Peer> by_rank(peers_.size());
  for (std::size_t number = 0; number < peers_.size(); ++number)
    by_rank[static_cast<std::size_t>(rank_of_number[number])] = std::move(peers_[number]);
  peers_ = std::move(by_rank);
}

void Coordinator::send(int rank, const Frame& frame) {
  Peer& peer = peers_[static_cast<std::size_t>(rank)];
  if (peer.is_written_off) return;
  try {
    send_all(peer.socket, encode(frame));
  } catch (const std::runtime_error&) {
    peer.is_lost = true;  // the next wait says so
  }
}

std::vector<Frame> Coordinator::collect(const std::string& type) {
  std::vector<std::optional<Frame>> collected(peers_.size());
  while (!std::all_of(collected.begin(), collected.end(),
                      [](const std::optional<Frame>& frame) { return frame.has_value(); }))
    pump([&](std::size_t rank, Frame& frame) {
      if (frame.type() == type) collected[rank] = std::move(frame);
    });
  std::vector<Frame> frames;
  for (std::optional<Frame>& frame : collected) frames.push_back(std::move(*frame));
  return frames;
}

void Coordinator::run(const std::function<void(int rank, Frame& frame)>& on_frame,
                      const std::function<void()>& meanwhile) {
  while (
      !std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.is_done; })) {
    pump([&](std::size_t rank, Frame& frame) {
      if (frame.type() == counted_type_) ++peers_[rank].num_counted;
      on_frame(static_cast<int>(rank), frame);
    });
    if (meanwhile) meanwhile();
  }
}

void Coordinator::dismiss() {
  const Frame bye{.header = {{"type", "bye"}}, .payload = {}};
  for (std::size_t rank = 0; rank < peers_.size(); ++rank) send(static_cast<int>(rank), bye);
  if (children_ == nullptr) return;
  const Clock::time_point deadline = Clock::now() + kEndPatience;
  while (Clock::now() < deadline) {
    children_->reap();
    if (children_->all_ended()) return;
    ::poll(nullptr, 0, 2);
  }
  children_->kill_all();
}

void Coordinator::end_all(const std::string& why, int status) {
  const std::string stop =
      encode({.header = {{"type", "stop"}, {"text", why}, {"status", status}}, .payload = {}});
  const auto tell = [&](const Socket& socket) {
    try {
      if (socket.is_open()) send_all(socket, stop);
    } catch (const std::runtime_error&) {
      // It has ended already.
    }
  };
  for (const Peer& peer : peers_) tell(peer.socket);
  for (const Peer& peer : peers_)
    if (peer.socket.is_open()) ::shutdown(peer.socket.descriptor(), SHUT_WR);
  if (children_ != nullptr) children_->kill_all();
}

void Coordinator::refuse(const std::string& why, int status, std::chrono::seconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  const auto has_come = [](const Peer& peer) { return peer.hello.has_value(); };
  while (Clock::now() < deadline &&
         !std::all_of(std::next(peers_.begin()), peers_.end(), has_come)) {
    ::poll(nullptr, 0, kPollMilliseconds);
    receive_ranks();
  }
  end_all(why, status);
}

void Coordinator::pump(const OnFrame& on_frame) {
  std::vector<pollfd> polled;
  reception_.add_to(polled);
  for (const Peer& peer : peers_)
    if (peer.socket.is_open())
      polled.push_back({.fd = peer.socket.descriptor(), .events = POLLIN, .revents = 0});
  ::poll(polled.data(), polled.size(), kPollMilliseconds);
  receive_ranks();
  for (std::size_t rank = 0; rank < peers_.size(); ++rank) read_peer(rank, on_frame);
  ping();
  heed_interruptions();
  look_for_failures();
}

void Coordinator::heed_interruptions() {
  if (Interruption::count() <= num_interruptions_) return;
  num_interruptions_ = Interruption::count();
  if (num_interruptions_ == 1 && on_interrupted_ && on_interrupted_()) return;
  const std::string why = Interruption::text() + "; the ranks were ended";
  end_all(why, kFailed);
  throw std::runtime_error(why);
}

void Coordinator::receive_ranks() {
  for (ProvenRank& proven : reception_.receive()) introduce(proven);
}

void Coordinator::introduce(ProvenRank& proven) {
  const RankHello& hello = proven.hello;
  const auto num_ranks = static_cast<int>(peers_.size());
  if (hello.number < 0 || hello.number >= num_ranks) {
    // Counted with those that can take part, it would be a rank too many: a reason for all to end.
    const std::string why = "expected " + std::to_string(num_ranks) +
                            " ranks, as the plan has, found " + std::to_string(hello.num_ranks) +
                            " that were started";
    end_all(why, kWrongRequest);
    throw InputError("", "", why);
  }
  Peer& peer = peers_[static_cast<std::size_t>(hello.number)];
  if (peer.hello) {
    const std::string why = "there are two ranks of number " + std::to_string(hello.number);
    reception_.note_refusal(proven.address, why);
    try {
      send_all(proven.socket,
               encode({.header = {{"type", "stop"}, {"text", why}, {"status", kWrongRequest}},
                       .payload = {}}));
    } catch (const std::runtime_error&) {
      // It has gone by itself.
    }
    return;
  }
  peer.socket = std::move(proven.socket);
  peer.reader = std::move(proven.reader);
  peer.reader.set_most_bytes(kMostFrameBytes);
  peer.hello = hello;
  if (peer.name.find('(') == std::string::npos) peer.name += " (host " + hello.host.name + ")";
  if (!hello.problem.empty())
    peer.error = Frame{.header = {{"type", "error"}, {"kind", "input"}, {"text", hello.problem}},
                       .payload = {}};
  // One in any case: it tells the rank that it has come to the right place.
  const int num_pings = hello.host.machine_id != own_.machine_id ? kFirstPings : 1;
  for (int i = 0; i < num_pings; ++i) send(hello.number, ping_frame());
}

void Coordinator::read_peer(std::size_t rank, const OnFrame& on_frame) {
  Peer& peer = peers_[rank];
  if (!peer.socket.is_open()) return;
  const auto blame = [&](const std::exception& error) {
    peer.error = Frame{.header = {{"type", "error"}, {"kind", "failure"}, {"text", error.what()}},
                       .payload = {}};
  };
  try {
    Arrival arrival = Arrival::kBytes;
    while (arrival == Arrival::kBytes) {
      arrival = read_from(peer.socket, peer.reader);
      while (std::optional<Frame> frame = peer.reader.next()) handle(rank, *frame, on_frame);
    }
    if (arrival != Arrival::kEnd) return;
  } catch (const FrameError& error) {
    blame(error);
  } catch (const nlohmann::json::exception& error) {
    blame(error);
  }
  peer.socket.close();
  peer.is_lost = true;
}

void Coordinator::handle(std::size_t rank, Frame& frame, const OnFrame& on_frame) {
  Peer& peer = peers_[rank];
  const std::string type = frame.type();
  if (const auto where = frame.header.find("whereabouts"); where != frame.header.end())
    peer.where = whereabouts_from(*where);
  if (type == "pong") {
    peer.unanswered_pings = 0;
    if (peer.hello->host.machine_id != own_.machine_id)
      peer.clock.add(frame.header.value("sent_s", 0.0), frame.header.value("rank_s", 0.0),
                     steady_clock_s());
  } else if (type == "error") {
    // Read here, where a frame that is not as it should be is its sender's failure.
    peer.error = Frame{.header = {{"type", "error"},
                                  {"kind", frame.header.at("kind").get<std::string>()},
                                  {"text", frame.header.at("text").get<std::string>()}},
                       .payload = {}};
  } else if (type == "done") {
    peer.is_done = true;
  } else if (type == "store") {
    for (const StoreDesk::Reply& reply : store_desk_.handle(static_cast<int>(rank), frame))
      send(reply.rank, reply.frame);
  } else if (on_frame) {
    on_frame(rank, frame);
  }
}

void Coordinator::ping() {
  if (Clock::now() - last_ping_ < kPingInterval) return;
  last_ping_ = Clock::now();
  for (Peer& peer : peers_) {
    if (!peer.socket.is_open()) continue;
    ++peer.unanswered_pings;
    try {
      send_all(peer.socket, encode(ping_frame()));
    } catch (const std::runtime_error&) {
      peer.is_lost = true;
    }
  }
}

const ChildEnd* Coordinator::child_end(const Peer& peer) const {
  const auto child = static_cast<std::size_t>(peer.child);
  if (children_ == nullptr || child >= children_->size() || !children_->end(child)) return nullptr;
  return &*children_->end(child);
}

bool Coordinator::has_failed(const Peer& peer) const {
  if (peer.is_written_off) return false;
  if (peer.error) return true;
  if (peer.is_done) return false;
  return peer.is_lost || peer.unanswered_pings * kPingInterval > frozen_patience_ ||
         child_end(peer) != nullptr;
}

void Coordinator::look_for_failures() {
  if (children_ != nullptr) children_->reap();
  std::size_t num_failed = 0;
  for (std::size_t rank = 0; rank < peers_.size(); ++rank)
    if (has_failed(peers_[rank]) && !may_be_spared(rank)) ++num_failed;
  if (num_failed == 0) return;
  if (!first_failure_) first_failure_ = Clock::now();
  if (num_failed == peers_.size() || Clock::now() - *first_failure_ > kFailurePatience) fail();
}

bool Coordinator::may_be_spared(std::size_t rank) {
  Peer& peer = peers_[rank];
  if (!on_lost_ || innocence(peer) == 0) return false;
  if (!peer.failed_at) peer.failed_at = Clock::now();
  // A connection that closed is soon followed by the reason.
  const bool says_why = peer.error || child_end(peer) != nullptr;
  if (!says_why && Clock::now() - *peer.failed_at < kFailurePatience) return true;
  if (!on_lost_(static_cast<int>(rank), cause_of(peer))) return false;
  write_off(peer);
  return true;
}

void Coordinator::write_off(Peer& peer) {
  peer.is_written_off = true;
  peer.is_done = true;
  peer.socket.close();  // where it still lives it ends, as it has no coordinator
  // One that hangs would be waited for at the end.
  const auto child = static_cast<std::size_t>(peer.child);
  if (children_ != nullptr && child < children_->size()) children_->kill(child);
}

int Coordinator::innocence(const Peer& peer) const {
  // One that was killed or found a fault of its own is the cause; one that lost another is not.
  const std::string kind = peer.error ? peer.error->header.value("kind", "failure") : "";
  if (kind == "input") return 0;
  const ChildEnd* const end = child_end(peer);
  if (end != nullptr && WIFSIGNALED(end->wait_status)) return 1;
  if (kind == "failure") return 2;
  if (kind == "not-met" || kind == "peer-lost") return 4;
  return 3;
}

std::string Coordinator::cause_of(const Peer& peer) const {
  const std::string said = peer.error ? peer.error->header.value("text", "") : "";
  if (const ChildEnd* const end = child_end(peer); end != nullptr && said.empty())
    return end->text();
  if (!said.empty()) return "failed: " + said;
  if (peer.is_lost) return "died: its connection closed";
  return "has not answered for " + std::to_string(frozen_patience_.count()) + " s";
}

std::string Coordinator::place_of(const Peer& culprit) const {
  std::string text;
  // What it said itself may be of steps ago.
  if (culprit.where.step >= culprit.num_counted) text = ", in " + text_of(culprit.where);
  const auto number = static_cast<int>(&culprit - peers_.data());
  for (const Peer& peer : peers_)
    if (peer.where.step >= culprit.num_counted && peer.where.waits_for == number)
      return text + "; " + peer.name + " waited for it in " + text_of(peer.where);
  return text;
}

void Coordinator::fail() {
  const Peer* culprit = nullptr;
  for (const Peer& peer : peers_)
    if (has_failed(peer) && (culprit == nullptr || innocence(peer) < innocence(*culprit)))
      culprit = &peer;
  const ChildEnd* const end = child_end(*culprit);
  const bool never_came = !culprit->hello && end != nullptr && WIFEXITED(end->wait_status);
  if (innocence(*culprit) == 0 || never_came) {
    std::string why;
    if (innocence(*culprit) > 0) {
      why = culprit->name + " " + end->text();
    } else {
      if (culprit->hello->host.name != own_.name) why = culprit->name + ": ";
      why += culprit->error->header.value("text", "");
    }
    end_all(why, kWrongRequest);
    if (never_came) throw RanksMissing(why, {static_cast<int>(culprit - peers_.data())});
    throw InputError("", "", why);
  }
  const std::string cause = cause_of(*culprit);
  std::string why = culprit->name + " " + cause + ", after " +
                    std::to_string(culprit->num_counted) + " " + counted_ + place_of(*culprit);
  why += "; the other ranks were ended";
  end_all(why, kFailed);
  const auto rank = static_cast<int>(culprit - peers_.data());
  if (culprit->error && culprit->error->header.value("kind", "") == "not-met")
    throw NotMet(why, rank, cause);
  throw RankFailure(why, rank, cause);
}

void Coordinator::fail_missing(std::chrono::seconds patience) {
  std::string missing;
  std::vector<int> ranks;
  for (const Peer& peer : peers_) {
    if (peer.hello) continue;
    if (!missing.empty()) missing += ", ";
    missing += peer.name;
    ranks.push_back(static_cast<int>(&peer - peers_.data()));
  }
  const std::string why = "expected " + std::to_string(peers_.size()) + " ranks to report within " +
                          std::to_string(patience.count()) + " s, found nothing of " + missing;
  end_all(why, kWrongRequest);
  throw RanksMissing(why, ranks);
}

}  // namespace cadastre
