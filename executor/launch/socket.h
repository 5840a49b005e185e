#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cadastre {

/// An open TCP socket, closed with the object.
class Socket {
 public:
  Socket() = default;

  explicit Socket(int descriptor) : descriptor_(descriptor) {}

  ~Socket() { close(); }

  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}

  Socket& operator=(Socket&& other) noexcept;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

  [[nodiscard]] int descriptor() const { return descriptor_; }

  void close();

 private:
  [[nodiscard]] int release();

  int descriptor_ = -1;
};

/// Listens on `address`. Port 0: a free one. Throws std::runtime_error with address, port and
/// cause.
[[nodiscard]] Socket listen_on(const std::string& address, std::uint16_t port);

[[nodiscard]] std::uint16_t local_port(const Socket& socket);

/// The next connection, or a closed socket when none waits.
[[nodiscard]] Socket accept_from(const Socket& listener);

/// Connects, trying again while nobody listens there yet. Throws std::runtime_error with address,
/// port and the last cause when `patience` is over, and at once for a name that does not resolve.
[[nodiscard]] Socket connect_to(const std::string& address, std::uint16_t port,
                                std::chrono::milliseconds patience);

/// The numeric addresses of the two ends of a connection.
[[nodiscard]] std::string local_address(const Socket& socket);
[[nodiscard]] std::string peer_address(const Socket& socket);

/// One after the other. Throws std::runtime_error when the other end is gone.
void send_all(const Socket& socket, std::string_view bytes, std::string_view more = {});

/// The numeric addresses that a name stands for on this machine, IPv4 first; the same for one that
/// is numeric already. Throws std::runtime_error naming it when there are none.
[[nodiscard]] std::vector<std::string> resolve(const std::string& name);

[[nodiscard]] bool is_loopback(const std::string& numeric_address);

/// The address of this machine by which `numeric_address` is reached; empty when it is not.
/// Nothing is sent.
[[nodiscard]] std::string address_towards(const std::string& numeric_address);

/// Whether this machine has that address.
[[nodiscard]] bool is_own_address(const std::string& numeric_address);

}  // namespace cadastre
