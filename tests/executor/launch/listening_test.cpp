#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "executor/launch/host_facts.h"
#include "executor/launch/listening_addresses.h"
#include "executor/launch/listening_sockets.h"
#include "planner/error.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("an address of this machine is the only one that is listened on", "[executor]") {
  CHECK(listening_addresses("127.0.0.1", "") == std::vector<std::string>{"127.0.0.1"});
  CHECK(listening_addresses("127.0.1.1", "") == std::vector<std::string>{"127.0.1.1"});
  for (const std::string& address : host_facts().addresses)
    if (address.rfind("fe80:", 0) != 0)
      CHECK(listening_addresses(address, "") == std::vector<std::string>{address});
  for (const std::string& address : listening_addresses("localhost", ""))
    CHECK(is_loopback(address));
}

TEST_CASE("where a name stands for none of this machine's addresses, it is its interfaces'",
          "[executor]") {
  // Of documentation alone (RFC 5737): of no machine.
  CHECK(listening_addresses("192.0.2.77", "lo") == std::vector<std::string>{"127.0.0.1"});
  CHECK_THROWS_AS(static_cast<void>(listening_addresses("192.0.2.77", "no0")), InputError);
  for (const std::string& name : {std::string("192.0.2.77"), host_facts().name}) {
    std::vector<std::string> addresses;
    try {
      addresses = listening_addresses(name, "");
    } catch (const std::runtime_error&) {
      continue;  // a machine without a network, or whose name nobody knows
    }
    CHECK_FALSE(addresses.empty());
    for (const std::string& address : addresses) {
      CHECK(address != "0.0.0.0");
      CHECK(address != "::");
      CHECK(is_own_address(address));
    }
  }
}

TEST_CASE("several addresses are listened on at one port", "[executor]") {
  const std::vector<Socket> listeners = listen_on_each({"127.0.0.1", "127.0.0.2"}, 0);
  REQUIRE(listeners.size() == 2);
  CHECK(local_port(listeners[0]) == local_port(listeners[1]));
  CHECK(local_address(listeners[0]) == "127.0.0.1");
  CHECK(local_address(listeners[1]) == "127.0.0.2");
  CHECK_THROWS_AS(listen_on_each({"127.0.0.3", "127.0.0.2"}, local_port(listeners[0])),
                  std::runtime_error);
}

TEST_CASE("a listening socket is found, and refuses strangers without a word", "[executor]") {
  const std::vector<int> before = listening_sockets();
  const Socket listener = listen_on("127.0.0.1", 0);
  const std::vector<int> after = listening_sockets();
  CHECK(after.size() == before.size() + 1);
  CHECK(std::binary_search(after.begin(), after.end(), listener.descriptor()));
  constexpr std::chrono::milliseconds kShort{300};
  const Socket early = connect_to("127.0.0.1", local_port(listener), kShort);
  Socket accepted;
  while (!accepted.is_open()) accepted = accept_from(listener);

  REQUIRE(refuse_connections(listener.descriptor()));
  CHECK_THROWS_AS(static_cast<void>(connect_to("127.0.0.1", local_port(listener), kShort)),
                  std::runtime_error);
  CHECK_FALSE(accept_from(listener).is_open());
  // Those who were there before stay.
  send_all(early, "hello");
  char buffer[8];
  CHECK(::recv(accepted.descriptor(), buffer, sizeof buffer, 0) == 5);
  CHECK_FALSE(refuse_connections(-1));
}

}  // namespace
}  // namespace cadastre
