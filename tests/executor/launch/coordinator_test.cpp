#include "executor/launch/coordinator.h"

#include <sys/socket.h>

#include <future>
#include <memory>

#include "executor/launch/rank_failure.h"
#include "planner/error.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::chrono::seconds kOneSecond{1};

const std::string kKey = "the key of this run";

std::vector<Socket> one_listener() {
  std::vector<Socket> listeners;
  listeners.push_back(listen_on("127.0.0.1", 0));
  return listeners;
}

/// The rank's end of a connection, by hand. It introduces itself in a thread, while the coordinator
/// waits for something.
class FakeRank {
 public:
  FakeRank(const Coordinator& coordinator, int number, const std::string& key = kKey,
           const std::string& problem = "")
      : socket_(connect_to("127.0.0.1", coordinator.port(), kPatience)) {
    RankHello hello{.number = number, .num_ranks = 2, .version = "1"};
    hello.host.name = "lab" + std::to_string(number + 1);
    hello.problem = problem;
    introduction_ = std::async(std::launch::async, [=, this] { return introduce(key, hello); });
  }

  /// Why it goes by itself; empty: it does not.
  std::string refusal() { return introduction_.get(); }

  void wait_until_introduced() const { introduction_.wait(); }

  void send(const Frame& frame) {
    wait_until_introduced();
    send_all(socket_, encode(frame));
  }

  void say(const std::string& type) { send({.header = {{"type", type}}, .payload = {}}); }

  void fail(const std::string& kind, const std::string& text) {
    send({.header = {{"type", "error"}, {"kind", kind}, {"text", text}}, .payload = {}});
  }

  /// The next frame that is no ping.
  Frame next() {
    wait_until_introduced();
    return receive();
  }

  void leave() {
    wait_until_introduced();
    socket_.close();
  }

 private:
  std::string introduce(const std::string& key, const RankHello& hello) {
    const Knock knock(key);
    send_all(socket_, encode(knock.frame()));
    try {
      send_all(socket_, encode(knock.answer(receive())) + encode(to_frame(hello)));
    } catch (const std::runtime_error& error) {
      socket_.close();
      return error.what();
    }
    return "";
  }

  Frame receive() {
    while (true) {
      while (std::optional<Frame> frame = reader_.next())
        if (frame->type() != "ping") return std::move(*frame);
      char buffer[4096];
      const ssize_t size = ::recv(socket_.descriptor(), buffer, sizeof buffer, 0);
      if (size <= 0) return {.header = {{"type", "end"}}, .payload = {}};
      reader_.add({buffer, static_cast<std::size_t>(size)});
    }
  }

  Socket socket_;
  FrameReader reader_{1 << 20};
  std::future<std::string> introduction_;
};

/// A coordinator of two ranks.
struct World {
  Coordinator coordinator{Reception(one_listener(), kKey), 2};

  /// The message with which `action` fails, `input: ` before that of an InputError.
  template <typename Action>
  static std::string failure(const Action& action) {
    try {
      action();
    } catch (const InputError& error) {
      return std::string("input: ") + error.what();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_CASE("ranks report, are told, and are let go", "[executor]") {
  World world;
  FakeRank second(world.coordinator, 1);
  FakeRank first(world.coordinator, 0);
  const std::vector<RankHello> hellos = world.coordinator.gather(kOneSecond);
  REQUIRE(hellos.size() == 2);
  CHECK(hellos[0].host.name == "lab1");
  CHECK(hellos[1].host.name == "lab2");
  CHECK(world.coordinator.own_address(1) == "127.0.0.1");

  world.coordinator.renumber({1, 0});
  CHECK(world.coordinator.hello(0).host.name == "lab2");
  world.coordinator.send(0, {.header = {{"type", "job"}, {"rank", 0}}, .payload = "plan"});
  const Frame job = second.next();
  CHECK(job.type() == "job");
  CHECK(job.payload == "plan");

  first.say("ready");
  second.say("ready");
  CHECK(world.coordinator.collect("ready").size() == 2);
  first.say("step");
  first.say("done");
  second.say("done");
  std::vector<int> steps;
  world.coordinator.run([&](int rank, const Frame& frame) {
    CHECK(frame.type() == "step");
    steps.push_back(rank);
  });
  CHECK(steps == std::vector<int>{1});
  world.coordinator.dismiss();
  CHECK(first.next().type() == "bye");
}

TEST_CASE("ranks that do not come are named", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  world.coordinator.set_name(1, "rank 1 (host b)");
  CHECK(World::failure([&] { static_cast<void>(world.coordinator.gather(kOneSecond)); }) ==
        "input: expected 2 ranks to report within 1 s, found nothing of rank 1 (host b)");
  const Frame stop = first.next();
  CHECK(stop.type() == "stop");
  CHECK(stop.header["status"] == 2);
  CHECK(stop.header["text"].get<std::string>().find("rank 1 (host b)") != std::string::npos);
}

TEST_CASE("strangers, and ranks of another run, are sent away and noted", "[executor]") {
  World world;
  const Socket stranger = connect_to("127.0.0.1", world.coordinator.port(), kPatience);
  send_all(stranger, "GET / HTTP/1.1\r\n\r\n");
  FakeRank other(world.coordinator, 0, "the key of another");
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  CHECK(world.coordinator.gather(kOneSecond).size() == 2);
  CHECK(other.refusal() == "it has another key");
  const auto num_noted = [&] {
    const std::vector<std::string> refusals = world.coordinator.refusals();
    return refusals.empty() ? "" : refusals.front().substr(0, refusals.front().find(','));
  };
  // The other may still be on its way out.
  for (const std::string type : {"a", "b", "c"}) {
    first.say(type);
    second.say(type);
    static_cast<void>(world.coordinator.collect(type));
  }
  CHECK(num_noted() == "refused 2 connections from 127.0.0.1");
}

TEST_CASE("of two ranks of one number the second is refused", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  static_cast<void>(world.coordinator.gather(kOneSecond));
  FakeRank again(world.coordinator, 1);
  const std::future<void> ending = std::async(std::launch::async, [&] {
    again.wait_until_introduced();
    CHECK(again.next().header["text"] == "there are two ranks of number 1");
    first.say("done");
    second.say("done");
  });
  world.coordinator.run([](int, const Frame&) {});
  ending.wait();
  CHECK(world.coordinator.refusals() ==
        std::vector<std::string>{
            "refused a connection from 127.0.0.1: there are two ranks of number 1"});
}

TEST_CASE("a rank of a number that there is not ends all", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  const auto third = std::async(std::launch::async, [&] {
    first.wait_until_introduced();
    FakeRank rank(world.coordinator, 2);
    rank.wait_until_introduced();
  });
  CHECK(World::failure([&] { static_cast<void>(world.coordinator.gather(kOneSecond)); }) ==
        "input: expected 2 ranks, as the plan has, found 2 that were started");
  CHECK(first.next().type() == "stop");
}

TEST_CASE("what a rank finds wrong with itself is said to all", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1, kKey, "no such interface");
  CHECK(World::failure([&] { static_cast<void>(world.coordinator.gather(kOneSecond)); }) ==
        "input: rank 1 (host lab2): no such interface");
  CHECK(first.next().header["text"] == "rank 1 (host lab2): no such interface");
}

TEST_CASE("of ranks that fail, the one that was the cause is named", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  static_cast<void>(world.coordinator.gather(kOneSecond));
  SECTION("one that lost another is not it") {
    first.fail("peer-lost", "lost rank 1");
    second.say("step");
    second.leave();
    CHECK(World::failure([&] { world.coordinator.run([](int, Frame&) {}); }) ==
          "rank 1 (host lab2) died: its connection closed, after 1 steps; the other ranks were "
          "ended");
  }
  SECTION("nor is one that did not meet it") {
    first.fail("not-met", "cannot meet rank 1");
    second.leave();
    CHECK(World::failure([&] { world.coordinator.run([](int, Frame&) {}); }) ==
          "rank 1 (host lab2) died: its connection closed, after 0 steps; the other ranks were "
          "ended");
  }
  SECTION("one that says why is") {
    first.fail("peer-lost", "lost rank 1");
    second.fail("failure", "out of memory");
    CHECK(World::failure([&] { world.coordinator.run([](int, Frame&) {}); }) ==
          "rank 1 (host lab2) failed: out of memory, after 0 steps; the other ranks were ended");
  }
  CHECK(first.next().type() == "stop");
}

TEST_CASE("ranks that did not meet are told from ranks that failed", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  static_cast<void>(world.coordinator.gather(kOneSecond));
  first.fail("not-met", "something else was there");
  CHECK_THROWS_AS(world.coordinator.run([](int, Frame&) {}), NotMet);
  CHECK(second.next().type() == "stop");
}

TEST_CASE("others go on without a rank that can be spared, until none is left", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  static_cast<void>(world.coordinator.gather(kOneSecond));
  world.coordinator.count_by("scores", "tiles");
  std::vector<std::string> lost;
  world.coordinator.set_on_lost([&](int rank, const std::string& cause) {
    if (!lost.empty()) return false;
    lost.push_back(std::to_string(rank) + " " + cause);
    second.say("scores");
    second.leave();
    return true;
  });
  first.leave();
  CHECK(World::failure([&] { world.coordinator.run([](int, const Frame&) {}); }) ==
        "rank 1 (host lab2) died: its connection closed, after 1 tiles; the other ranks were "
        "ended");
  CHECK(lost == std::vector<std::string>{"0 died: its connection closed"});
  // Nothing is sent to it any more.
  world.coordinator.send(0, {.header = {{"type", "tiles"}}, .payload = {}});
}

TEST_CASE("a rank that can be spared is waited for no longer", "[executor]") {
  World world;
  FakeRank first(world.coordinator, 0);
  FakeRank second(world.coordinator, 1);
  static_cast<void>(world.coordinator.gather(kOneSecond));
  world.coordinator.set_on_lost([&](int, const std::string&) {
    second.say("done");
    return true;
  });
  SECTION("which has failed") {
    first.fail("failure", "out of memory");
    world.coordinator.run([](int, const Frame&) {});
    CHECK(first.next().type() == "end");
  }
  SECTION("but where the request is wrong, it is the end of all") {
    first.fail("input", "image.tif cannot be read");
    CHECK(World::failure([&] { world.coordinator.run([](int, const Frame&) {}); }) ==
          "input: rank 0 (host lab1): image.tif cannot be read");
  }
}

}  // namespace
}  // namespace cadastre
