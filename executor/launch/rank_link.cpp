#include "executor/launch/rank_link.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "executor/communicator.h"
#include "executor/launch/handshake.h"
#include "executor/launch/rank_hello.h"
#include "executor/timing.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr std::size_t kMostFrameBytes = std::size_t{1} << 32;
constexpr int kPollMilliseconds = 1000;
/// The coordinator pings several times a second. A rank that cannot hear it waits longer than the
/// coordinator does for the rank, and so does not go before that has said why.
constexpr int kSilentPollsBeyond = 10;
/// It answers a knock at once: what does not, is something else that has its port.
constexpr std::chrono::seconds kKnockPatience{10};
/// Where strangers crowd its door it may send away a rank that has not proved its key yet.
constexpr int kMostKnocks = 5;
constexpr std::chrono::milliseconds kKnockPause{200};
constexpr std::size_t kMostChallengeBytes = 1 << 12;
/// How long a rank that is through waits for the word that ends it.
constexpr std::chrono::seconds kLastWordPatience{10};
constexpr int kFailed = 1;
constexpr int kWrongRequest = 2;

std::string place_of(const RankLaunch& launch) {
  return launch.coordinator_address + ", port " + std::to_string(launch.coordinator_port);
}

/// The next frame; nothing where the connection was closed before it came. Throws FrameError.
std::optional<Frame> receive_challenge(const Socket& socket, FrameReader& reader) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + kKnockPatience;
  while (true) {
    if (std::optional<Frame> frame = reader.next()) return frame;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0)
      throw FrameError("it has not been heard of for " + std::to_string(kKnockPatience.count()) +
                       " s");
    pollfd polled = {.fd = socket.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&polled, 1, static_cast<int>(left.count())) <= 0) continue;
    char buffer[kMostChallengeBytes];
    const ssize_t size = ::recv(socket.descriptor(), buffer, sizeof buffer, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    reader.add({buffer, static_cast<std::size_t>(size)});
  }
}

/// A connection to the coordinator, which has proved the key, and the frame that proves it to it.
Socket connect_to_coordinator(const RankLaunch& launch, FrameReader& reader, Frame& answer) {
  const std::string expected =
      "expected the coordinator of the run at " + place_of(launch) + ", found ";
  for (int i = 0; i < kMostKnocks; ++i) {
    if (i > 0) std::this_thread::sleep_for(kKnockPause);
    Socket socket =
        connect_to(launch.coordinator_address, launch.coordinator_port, launch.patience);
    reader = FrameReader(kMostChallengeBytes);
    const Knock knock(launch.key);
    try {
      send_all(socket, encode(knock.frame()));
      if (const std::optional<Frame> challenge = receive_challenge(socket, reader)) {
        answer = knock.answer(*challenge);
        return socket;
      }
    } catch (const FrameError& error) {
      throw std::runtime_error(expected + "something else: " + error.what());
    } catch (const WrongKeyError& error) {
      throw std::runtime_error(expected + "that of another run, or another key: " + error.what());
    } catch (const std::runtime_error&) {
      // It was closed before it was knocked at.
    }
  }
  throw std::runtime_error(expected + "something else: it closed the connection");
}

}  // namespace

RankLink::RankLink(const RankLaunch& launch) : launch_(launch), reader_(kMostChallengeBytes) {
  Frame answer;
  socket_ = connect_to_coordinator(launch, reader_, answer);
  own_address_ = local_address(socket_);
  reader_.set_most_bytes(kMostFrameBytes);
  send(answer);
  send(to_frame({.number = launch.number,
                 .num_ranks = launch.num_ranks,
                 .version = CADASTRE_VERSION,
                 .request = launch.request,
                 .host = host_facts(),
                 .problem = launch.problem}));
  listener_ = std::thread([this] { listen(); });
}

Frame RankLink::wait_for(const std::string& type) {
  std::unique_lock lock(receiving_);
  while (true) {
    const auto found = std::find_if(frames_.begin(), frames_.end(),
                                    [&](const Frame& frame) { return frame.type() == type; });
    if (found != frames_.end()) {
      Frame frame = std::move(*found);
      frames_.erase(found);
      return frame;
    }
    received_.wait(lock);
  }
}

void RankLink::hand_over(const std::string& type, std::function<void(const Frame&)> on_frame) {
  const std::lock_guard lock(receiving_);
  if (!on_frame) {
    receivers_.erase(type);
    return;
  }
  for (const Frame& frame : frames_)
    if (frame.type() == type) on_frame(frame);
  std::erase_if(frames_, [&](const Frame& frame) { return frame.type() == type; });
  receivers_[type] = std::move(on_frame);
}

void RankLink::set_whereabouts(std::function<Whereabouts()> where) {
  const std::lock_guard lock(receiving_);
  if (!where && where_) last_whereabouts_ = where_();
  where_ = std::move(where);
}

void RankLink::add_whereabouts(Frame& frame) {
  const std::lock_guard lock(receiving_);
  const Whereabouts where = where_ ? where_() : last_whereabouts_;
  if (where.step >= 0) frame.header["whereabouts"] = to_json(where);
}

void RankLink::send(const Frame& frame) { send(frame.header, frame.payload); }

void RankLink::send(const nlohmann::json& header, std::string_view payload) {
  const std::string beginning = encode_beginning(header, payload.size());
  const std::lock_guard lock(sending_);
  send_all(socket_, beginning, payload);
}

void RankLink::listen() {
  std::vector<char> buffer(1 << 16);
  int silent_polls = 0;
  const auto end_lost = [&](const std::string& cause) {
    end_process("lost the coordinator at " + place_of(launch_) + ": " + cause, kFailed);
  };
  try {
    while (true) {
      pollfd polled = {.fd = socket_.descriptor(), .events = POLLIN, .revents = 0};
      if (::poll(&polled, 1, kPollMilliseconds) <= 0) {
        const int most = static_cast<int>(launch_.frozen_after.count()) + kSilentPollsBeyond;
        if (++silent_polls > most)
          end_lost("it has not been heard of for " + std::to_string(most) + " s");
        continue;
      }
      silent_polls = 0;
      const ssize_t size = ::recv(socket_.descriptor(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) {
        {
          const std::lock_guard lock(receiving_);
          if (is_dismissed_) return;
        }
        end_lost("it closed the connection");
      }
      reader_.add({buffer.data(), static_cast<std::size_t>(size)});
      while (std::optional<Frame> frame = reader_.next()) handle(*frame);
    }
  } catch (const std::exception& error) {
    end_lost(error.what());
  }
}

void RankLink::handle(Frame& frame) {
  const std::string type = frame.type();
  if (type == "ping") {
    Frame pong{.header = {{"type", "pong"},
                          {"sent_s", frame.header.value("sent_s", 0.0)},
                          {"rank_s", steady_clock_s()}},
               .payload = {}};
    add_whereabouts(pong);
    send(pong);
    return;
  }
  if (type == "stop")
    end_process(frame.header.value("text", "the run was ended"),
                frame.header.value("status", kFailed));
  const std::lock_guard lock(receiving_);
  if (type == "bye") is_dismissed_ = true;
  if (const auto found = receivers_.find(type); found != receivers_.end()) {
    found->second(frame);
    return;
  }
  frames_.push_back(std::move(frame));
  received_.notify_all();
}

void RankLink::end_process(const std::string& text, int status) const {
  if (launch_.speaks) std::fprintf(stderr, "error: %s\n", text.c_str());
  // Gloo's threads may still hold sockets to ranks that are gone: nothing is left to be torn down.
  std::_Exit(status);
}

void RankLink::end_done() {
  send({.header = {{"type", "done"}}, .payload = {}});
  static_cast<void>(wait_for("bye"));
  std::_Exit(0);
}

void RankLink::end_failed(const std::string& kind, const std::string& text, int status) {
  try {
    Frame error{.header = {{"type", "error"}, {"kind", kind}, {"text", text}}, .payload = {}};
    add_whereabouts(error);
    send(error);
  } catch (const std::runtime_error&) {
    end_process(text, status);
  }
  // The coordinator knows who was the cause, and says it to all.
  std::this_thread::sleep_for(kLastWordPatience);
  end_process(text, status);
}

void take_part(const RankLaunch& launch, const std::function<void(RankLink&)>& work) {
  if (launch.speaks)  // A launcher signals all of its ranks: number 0 decides for them.
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_IGN);
  RankLink* link = nullptr;
  try {
    link = new RankLink(launch);  // never deleted: the process ends with it
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    std::_Exit(kWrongRequest);
  }
  try {
    work(*link);
  } catch (const InputError& error) {
    link->end_failed("input", error.what(), kWrongRequest);
  } catch (const NotMetError& error) {
    link->end_failed("not-met", error.what(), kFailed);
  } catch (const PeerLostError& error) {
    link->end_failed("peer-lost", error.what(), kFailed);
  } catch (const std::exception& error) {
    link->end_failed("failure", error.what(), kFailed);
  }
  link->end_done();
}

}  // namespace cadastre
