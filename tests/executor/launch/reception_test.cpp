#include "executor/launch/reception.h"

#include <sys/socket.h>

#include <future>
#include <random>
#include <thread>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using std::chrono::milliseconds;

const std::string kKey = "the key of this run";
constexpr milliseconds kPatience{5000};

std::vector<Socket> one_listener() {
  std::vector<Socket> listeners;
  listeners.push_back(listen_on("127.0.0.1", 0));
  return listeners;
}

/// A door, and what came through it.
struct Door {
  explicit Door(ReceptionLimits limits = {}) : reception(one_listener(), kKey, limits) {}

  Socket connect() const { return connect_to("127.0.0.1", reception.port(), kPatience); }

  /// Hears those who are there until `is_over`, or until it has waited in vain.
  template <typename Condition>
  void hear_until(const Condition& is_over) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!is_over() && std::chrono::steady_clock::now() < deadline) {
      std::vector<pollfd> polled;
      reception.add_to(polled);
      ::poll(polled.data(), polled.size(), 5);
      for (ProvenRank& rank : reception.receive()) proven.push_back(std::move(rank));
    }
    CHECK(is_over());
  }

  void hear_until_noted(const std::string& note) {
    hear_until([&] { return !reception.notes().empty(); });
    CHECK(reception.notes() == std::vector<std::string>{note});
  }

  Reception reception;
  std::vector<ProvenRank> proven;
};

/// What a rank does, in a thread of its own. Empty: it was let in, as far as it knows.
std::future<std::string> rank_at(const Door& door, const std::string& key, int number) {
  return std::async(std::launch::async, [&door, key, number]() -> std::string {
    const Socket socket = door.connect();
    const Knock knock(key);
    send_all(socket, encode(knock.frame()));
    FrameReader reader(1 << 12);
    while (true) {
      if (const std::optional<Frame> challenge = reader.next()) {
        try {
          send_all(socket, encode(knock.answer(*challenge)) +
                               encode(to_frame(RankHello{.number = number, .version = "1"})) +
                               encode({.header = {{"type", "first"}}, .payload = "word"}));
        } catch (const WrongKeyError& error) {
          return error.what();
        }
        return "";
      }
      char buffer[512];
      const ssize_t size = ::recv(socket.descriptor(), buffer, sizeof buffer, 0);
      if (size <= 0) return "sent away";
      reader.add({buffer, static_cast<std::size_t>(size)});
    }
  });
}

TEST_CASE("a rank with the key is let in, with all that it said", "[executor]") {
  Door door;
  std::future<std::string> rank = rank_at(door, kKey, 3);
  door.hear_until([&] { return !door.proven.empty(); });
  CHECK(rank.get().empty());
  CHECK(door.proven[0].hello.number == 3);
  CHECK(door.proven[0].address == "127.0.0.1");
  const std::optional<Frame> word = door.proven[0].reader.next();
  REQUIRE(word);
  CHECK(word->payload == "word");
  CHECK(door.reception.notes().empty());
}

TEST_CASE("a stranger of any kind is refused, and why is noted", "[executor]") {
  SECTION("of another key") {
    Door door;
    std::future<std::string> rank = rank_at(door, "the key of another", 0);
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: it left when it was asked for the run's key");
    CHECK(rank.get() == "it has another key");
  }
  SECTION("who answers all the same") {
    Door door;
    const Socket socket = door.connect();
    send_all(socket,
             encode(Knock("another").frame()) +
                 encode({.header = {{"type", "answer"}, {"proof", "none"}}, .payload = {}}));
    door.hear_until_noted("refused a connection from 127.0.0.1: it has another key");
  }
  SECTION("who says hello without a proof") {
    Door door;
    const Socket socket = door.connect();
    send_all(socket, encode(to_frame(RankHello{})));
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: what it sent is not of this run: expected a knock");
  }
  SECTION("who speaks another language") {
    Door door;
    const Socket socket = door.connect();
    send_all(socket, "GET / HTTP/1.1\r\n\r\n");
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: what it sent is not of this run: expected a frame");
  }
  SECTION("who announces a huge frame") {
    Door door;
    const Socket socket = door.connect();
    send_all(socket, encode({.header = {{"type", "knock"}}, .payload = std::string(5000, 'x')}));
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: what it sent is not of this run: expected a frame of "
        "at most 4096 bytes");
  }
  SECTION("who says nothing") {
    Door door({.patience = milliseconds(1000)});
    const Socket socket = door.connect();
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: it did not prove that it has the run's key within 1 "
        "s");
  }
  SECTION("who leaves at once") {
    Door door;
    door.connect().close();
    door.hear_until_noted(
        "refused a connection from 127.0.0.1: it closed the connection before it had said "
        "anything");
  }
}

TEST_CASE("a crowd of strangers does not keep a rank out", "[executor]") {
  Door door({.most_strangers = 8});
  std::vector<Socket> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(door.connect());
  std::future<std::string> rank = rank_at(door, kKey, 1);
  door.hear_until([&] { return !door.proven.empty(); });
  CHECK(rank.get().empty());
  std::vector<pollfd> polled;
  door.reception.add_to(polled);
  CHECK(polled.size() <= 1 + 8);
  REQUIRE(door.reception.notes().size() == 1);
  CHECK(door.reception.notes()[0].find("connections from 127.0.0.1, the first as there were too "
                                       "many") != std::string::npos);
}

TEST_CASE("random bytes are refused, and a rank let in among them", "[executor]") {
  const unsigned seed = 20240917;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Door door;
  const Knock knock(kKey);
  const std::string sound =
      encode(knock.frame()) +
      encode({.header = {{"type", "answer"}, {"proof", std::string(64, '0')}}, .payload = {}}) +
      encode(to_frame(RankHello{}));
  constexpr int kNumStrangers = 400;
  std::vector<Socket> strangers;
  std::future<std::string> rank;
  for (int i = 0; i < kNumStrangers; ++i) {
    std::string bytes;
    if (i % 2 == 0) {
      bytes.resize(random() % 9000);
      for (char& byte : bytes) byte = static_cast<char>(random());
      if (i % 4 == 0) bytes = "CDS1" + bytes;
    } else {
      bytes = sound;  // with some bytes changed, and perhaps cut off
      for (unsigned changes = random() % 4; changes > 0; --changes)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    }
    strangers.push_back(door.connect());
    try {
      send_all(strangers.back(), bytes);
    } catch (const std::runtime_error&) {
      // It was refused before it had said all.
    }
    if (i == kNumStrangers / 2) rank = rank_at(door, kKey, 1);
    for (ProvenRank& proven : door.reception.receive()) door.proven.push_back(std::move(proven));
  }
  door.hear_until([&] { return !door.proven.empty(); });
  CHECK(rank.get().empty());
  REQUIRE(door.proven.size() == 1);
  CHECK(door.proven[0].hello.number == 1);
}

}  // namespace
}  // namespace cadastre
