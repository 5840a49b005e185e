#include "executor/launch/socket.h"

#include <sys/socket.h>

#include <functional>
#include <stdexcept>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};

std::string failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("two ends talk", "[executor]") {
  const Socket listener = listen_on("127.0.0.1", 0);
  CHECK_FALSE(accept_from(listener).is_open());
  const Socket near = connect_to("127.0.0.1", local_port(listener), kPatience);
  Socket far;
  while (!far.is_open()) far = accept_from(listener);
  CHECK(local_address(near) == "127.0.0.1");
  CHECK(peer_address(far) == "127.0.0.1");
  send_all(near, "hello");
  char buffer[8];
  CHECK(::recv(far.descriptor(), buffer, sizeof buffer, 0) == 5);
}

TEST_CASE("a port that is taken is named", "[executor]") {
  const Socket listener = listen_on("127.0.0.1", 0);
  const std::uint16_t port = local_port(listener);
  CHECK(failure([&] { static_cast<void>(listen_on("127.0.0.1", port)); }) ==
        "cannot listen on 127.0.0.1, port " + std::to_string(port) + ": Address already in use");
}

TEST_CASE("nobody there, and no such name", "[executor]") {
  std::uint16_t port = 0;
  {
    const Socket listener = listen_on("127.0.0.1", 0);
    port = local_port(listener);
  }
  CHECK(failure([&] {
          static_cast<void>(connect_to("127.0.0.1", port, std::chrono::milliseconds(50)));
        }) == "cannot reach 127.0.0.1, port " + std::to_string(port) + ": Connection refused");
  CHECK(failure([&] {
          static_cast<void>(resolve("no.such.host.invalid"));
        }).find("the name no.such.host.invalid does not resolve: ") == 0);
}

TEST_CASE("addresses of this machine and others", "[executor]") {
  CHECK(resolve("127.0.0.1") == std::vector<std::string>{"127.0.0.1"});
  CHECK(is_loopback("127.0.1.1"));
  CHECK(is_loopback("::1"));
  CHECK_FALSE(is_loopback("10.127.0.1"));
  CHECK(is_own_address("127.0.0.1"));
  CHECK_FALSE(is_own_address("192.0.2.1"));  // kept free for documentation (RFC 5737)
  CHECK(address_towards("127.0.0.1") == "127.0.0.1");
}

}  // namespace
}  // namespace cadastre
