#include "executor/launch/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

namespace cadastre {

namespace {

using Clock = std::chrono::steady_clock;
using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::string cause() { return std::strerror(errno); }

AddressList look_up(const std::string& name, int flags) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(name.empty() ? nullptr : name.c_str(), "0", &hints, &found);
  if (error != 0)
    throw std::runtime_error("the name " + name + " does not resolve: " + ::gai_strerror(error));
  return {found, &::freeaddrinfo};
}

void set_port(sockaddr* address, std::uint16_t port) {
  if (address->sa_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET6) {
    const in6_addr& number = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&number))
      ::inet_ntop(AF_INET, number.s6_addr + 12, text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &number, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                sizeof text);
  }
  return text;
}

template <typename Ask>
std::string end_of(const Socket& socket, const Ask& ask) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  if (ask(socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "";
  return text_of(reinterpret_cast<const sockaddr*>(&storage));
}

void set_option(int descriptor, int level, int option, int value) {
  // Refused by some systems; the connection works without.
  static_cast<void>(::setsockopt(descriptor, level, option, &value, sizeof value));
}

/// Small messages leave at once, and an end that has vanished is noticed.
void prepare_connection(int descriptor) {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/// One attempt; a closed socket and `errno` when it fails.
Socket try_to_connect(const addrinfo& to, std::chrono::milliseconds patience) {
  Socket socket(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return {};
  if (::connect(socket.descriptor(), to.ai_addr, to.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return {};
    pollfd polled = {.fd = socket.descriptor(), .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(patience.count()));
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (ready > 0) ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      socket.close();
      errno = error;
      return {};
    }
  }
  ::fcntl(socket.descriptor(), F_SETFL, ::fcntl(socket.descriptor(), F_GETFL) & ~O_NONBLOCK);
  prepare_connection(socket.descriptor());
  return socket;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(release());
}

int Socket::release() { return std::exchange(descriptor_, -1); }

Socket listen_on(const std::string& address, std::uint16_t port) {
  const std::string place = address + ", port " + std::to_string(port);
  const AddressList addresses = look_up(address, AI_PASSIVE);
  sockaddr* const at = addresses->ai_addr;
  set_port(at, port);
  Socket socket(::socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.is_open()) set_option(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!socket.is_open() || ::bind(socket.descriptor(), at, addresses->ai_addrlen) != 0 ||
      ::listen(socket.descriptor(), SOMAXCONN) != 0)
    throw std::runtime_error("cannot listen on " + place + ": " + cause());
  return socket;
}

std::uint16_t local_port(const Socket& socket) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  ::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

Socket accept_from(const Socket& listener) {
  Socket socket(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.is_open()) prepare_connection(socket.descriptor());
  return socket;
}

Socket connect_to(const std::string& address, std::uint16_t port,
                  std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  const AddressList addresses = look_up(address, 0);
  std::string last_cause;
  do {
    for (const addrinfo* to = addresses.get(); to != nullptr; to = to->ai_next) {
      set_port(to->ai_addr, port);
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      Socket socket = try_to_connect(*to, std::max(left, std::chrono::milliseconds(1)));
      if (socket.is_open()) return socket;
      last_cause = cause();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (Clock::now() < deadline);
  throw std::runtime_error("cannot reach " + address + ", port " + std::to_string(port) + ": " +
                           last_cause);
}

std::string local_address(const Socket& socket) { return end_of(socket, ::getsockname); }

std::string peer_address(const Socket& socket) { return end_of(socket, ::getpeername); }

void send_all(const Socket& socket, std::string_view bytes, std::string_view more) {
  while (!bytes.empty() || !more.empty()) {
    iovec parts[] = {{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()},
                     {.iov_base = const_cast<char*>(more.data()), .iov_len = more.size()}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = std::size(parts);
    const ssize_t size = ::sendmsg(socket.descriptor(), &message, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw std::runtime_error("the connection is lost: " + cause());
    const auto sent = static_cast<std::size_t>(size);
    const std::size_t of_first = std::min(sent, bytes.size());
    bytes.remove_prefix(of_first);
    more.remove_prefix(sent - of_first);
  }
}

std::vector<std::string> resolve(const std::string& name) {
  const AddressList addresses = look_up(name, 0);
  std::vector<std::string> found;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next)
    found.push_back(text_of(address->ai_addr));
  std::stable_partition(found.begin(), found.end(), [](const std::string& text) {
    return text.find(':') == std::string::npos;
  });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

bool is_loopback(const std::string& numeric_address) {
  return numeric_address.rfind("127.", 0) == 0 || numeric_address == "::1";
}

std::string address_towards(const std::string& numeric_address) {
  const AddressList to = look_up(numeric_address, AI_NUMERICHOST);
  constexpr std::uint16_t kAnyPort = 9;
  set_port(to->ai_addr, kAnyPort);
  const Socket socket(::socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || ::connect(socket.descriptor(), to->ai_addr, to->ai_addrlen) != 0)
    return "";
  return local_address(socket);
}

bool is_own_address(const std::string& numeric_address) {
  const AddressList at = look_up(numeric_address, AI_NUMERICHOST);
  const Socket socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket.is_open() && ::bind(socket.descriptor(), at->ai_addr, at->ai_addrlen) == 0;
}

}  // namespace cadastre
