#include "executor/launch/reception.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <stdexcept>
#include <utility>

namespace cadastre {

namespace {

constexpr std::size_t kMostBytesOfStranger = 1 << 12;
/// A hello lists the addresses of its machine.
constexpr std::size_t kMostBytesOfHello = 1 << 20;

}  // namespace

Reception::Reception(std::vector<Socket> listeners, std::string key, ReceptionLimits limits)
    : listeners_(std::move(listeners)), key_(std::move(key)), limits_(limits) {}

void Reception::add_to(std::vector<pollfd>& polled) const {
  for (const Socket& listener : listeners_)
    polled.push_back({.fd = listener.descriptor(), .events = POLLIN, .revents = 0});
  for (const Stranger& stranger : strangers_)
    polled.push_back({.fd = stranger.socket.descriptor(), .events = POLLIN, .revents = 0});
}

std::vector<ProvenRank> Reception::receive() {
  accept_all();
  std::vector<ProvenRank> proven;
  std::erase_if(strangers_, [&](Stranger& stranger) {
    const auto refuse = [&](const std::string& why) {
      log_.add(stranger.address, why);
      return true;
    };
    try {
      const bool is_open = hear(stranger);
      if (stranger.hello) {
        proven.push_back({.socket = std::move(stranger.socket),
                          .reader = std::move(stranger.reader),
                          .address = stranger.address,
                          .hello = std::move(*stranger.hello)});
        return true;
      }
      if (!is_open)
        return refuse(stranger.challenge ? "it left when it was asked for the run's key"
                                         : "it closed the connection before it had said anything");
    } catch (const FrameError& error) {
      return refuse(std::string("what it sent is not of this run: ") + error.what());
    } catch (const std::runtime_error& error) {
      return refuse(error.what());
    }
    if (Clock::now() - stranger.since < limits_.patience) return false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits_.patience);
    return refuse("it did not prove that it has the run's key within " +
                  std::to_string(seconds.count()) + " s");
  });
  return proven;
}

void Reception::accept_all() {
  for (const Socket& listener : listeners_) {
    // As many as there is room for: while others go on coming, the run goes on, too.
    for (std::size_t i = 0; i < limits_.most_strangers; ++i) {
      Socket socket = accept_from(listener);
      if (!socket.is_open()) break;
      make_room();
      Stranger& stranger = strangers_.emplace_back();
      stranger.address = peer_address(socket);
      stranger.socket = std::move(socket);
      stranger.reader.set_most_bytes(kMostBytesOfStranger);
      stranger.since = Clock::now();
    }
  }
}

void Reception::make_room() {
  std::map<std::string, std::size_t> num_of_address;
  std::size_t num_strangers = 0;
  for (const Stranger& stranger : strangers_) {
    if (stranger.is_proven) continue;
    ++num_strangers;
    ++num_of_address[stranger.address];
  }
  if (num_strangers < limits_.most_strangers) return;
  const auto most = std::max_element(
      num_of_address.begin(), num_of_address.end(),
      [](const auto& one, const auto& other) { return one.second < other.second; });
  const auto oldest =
      std::find_if(strangers_.begin(), strangers_.end(), [&](const Stranger& stranger) {
        return !stranger.is_proven && stranger.address == most->first;
      });
  log_.add(oldest->address, "there were too many who had not proved that they have the run's key");
  strangers_.erase(oldest);
}

/// Whether more may come.
bool Reception::hear(Stranger& stranger) {
  char buffer[kMostBytesOfStranger];
  const ssize_t size = ::recv(stranger.socket.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT);
  const bool is_open =
      size > 0 || (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
  if (size > 0) stranger.reader.add({buffer, static_cast<std::size_t>(size)});
  while (!stranger.hello) {
    const std::optional<Frame> frame = stranger.reader.next();
    if (!frame) break;
    take(stranger, *frame);
  }
  return is_open;
}

void Reception::take(Stranger& stranger, const Frame& frame) {
  if (!stranger.challenge) {
    stranger.challenge.emplace(key_, frame);
    send_all(stranger.socket, encode(stranger.challenge->frame()));
  } else if (!stranger.is_proven) {
    stranger.challenge->check(frame);
    stranger.is_proven = true;
    stranger.reader.set_most_bytes(kMostBytesOfHello);
  } else {
    stranger.hello = hello_from(frame);
  }
}

}  // namespace cadastre
