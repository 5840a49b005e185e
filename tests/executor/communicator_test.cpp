#include "executor/communicator.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <thread>

#include "tests/executor/ranks.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

using test::as_ranks;

TEST_CASE("a tensor that is sent arrives, whatever else is under way", "[executor]") {
  at::Tensor first = at::empty({3});
  at::Tensor second = at::empty({2, 2});
  std::vector<std::int64_t> sent_bytes;
  as_ranks(2, {}, [&](int rank, Communicator& communicator) {
    if (rank == 0) {
      communicator.send(at::arange(3, at::kFloat), 1, 7);
      communicator.send(at::full({2, 2}, 5, at::kFloat), 1, 8);
      communicator.finish_sends();
      communicator.flush();
      sent_bytes = communicator.sent_bytes();
    } else {
      // Posted and waited for in the other order than sent: tags tell them apart.
      const int second_number = communicator.post_receive(second, 0, 8);
      const int first_number = communicator.post_receive(first, 0, 7);
      communicator.wait(second_number);
      communicator.wait(first_number);
    }
    communicator.barrier();
  });
  CHECK(first.equal(at::arange(3, at::kFloat)));
  CHECK(second.equal(at::full({2, 2}, 5, at::kFloat)));
  CHECK(sent_bytes == std::vector<std::int64_t>{0, (3 + 4) * 4});
}

TEST_CASE("a rank that writes to one that hung up lives on", "[executor]") {
  as_ranks(2, {}, [](int, Communicator&) {});
  // What the kernel sends then, by chance of time; it would end this test.
  CHECK(std::raise(SIGPIPE) == 0);
}

TEST_CASE("messages of one tag arrive in the order in which they were sent", "[executor]") {
  std::vector<at::Tensor> received = {at::empty({1}), at::empty({1}), at::empty({1})};
  as_ranks(2, {}, [&](int rank, Communicator& communicator) {
    std::vector<int> numbers;
    for (int i = 0; i < 3; ++i) {
      if (rank == 0)
        communicator.send(at::full({1}, i, at::kFloat), 1, 1);
      else
        numbers.push_back(communicator.post_receive(received[static_cast<std::size_t>(i)], 0, 1));
    }
    for (const int number : numbers) communicator.wait(number);
    communicator.flush();
    communicator.barrier();
  });
  for (int i = 0; i < 3; ++i)
    CHECK(received[static_cast<std::size_t>(i)].item<float>() == static_cast<float>(i));
}

TEST_CASE("a reduction sums over its group and leaves the others alone", "[executor]") {
  std::vector<at::Tensor> floats;
  std::vector<at::Tensor> doubles;
  for (int rank = 0; rank < 4; ++rank) {
    floats.push_back(at::full({5}, rank + 1, at::kFloat));
    doubles.push_back(at::full({2}, 10 * (rank + 1), at::kDouble));
  }
  as_ranks(4, {{0, 1}, {2, 3}}, [&](int rank, Communicator& communicator) {
    const auto index = static_cast<std::size_t>(rank);
    communicator.all_reduce({floats[index], doubles[index]}, index / 2);
    communicator.barrier();
  });
  // 1 + 2 and 3 + 4.
  for (std::size_t rank = 0; rank < 4; ++rank) {
    const double sum = rank < 2 ? 3 : 7;
    CHECK(floats[rank].equal(at::full({5}, sum, at::kFloat)));
    CHECK(doubles[rank].equal(at::full({2}, 10 * sum, at::kDouble)));
  }
}

TEST_CASE("waiting for a rank that has gone says which", "[executor]") {
  std::string message;
  std::promise<void> has_met;
  as_ranks(2, {}, [&](int rank, Communicator& communicator) {
    if (rank == 1) {
      // Not before the other is connected, too; then these connections close.
      has_met.get_future().wait_for(std::chrono::seconds(20));
      return;
    }
    has_met.set_value();
    at::Tensor tensor = at::empty({1});
    try {
      communicator.wait(communicator.post_receive(tensor, 1, 1));
    } catch (const PeerLostError& error) {
      message = error.what();
    }
  });
  INFO(message);
  CHECK(message.find("rank 1: ") != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
}

TEST_CASE("what is broken off fails with the reason, now and later", "[executor]") {
  std::vector<std::string> messages;
  as_ranks(2, {}, [&](int rank, Communicator& communicator) {
    communicator.barrier();
    if (rank == 1) return;
    at::Tensor tensor = at::empty({1});
    const int waited = communicator.post_receive(tensor, 1, 1);
    const auto fails = [&](const std::function<void()>& action) {
      try {
        action();
        messages.emplace_back("nothing");
      } catch (const PeerLostError& error) {
        messages.emplace_back(error.what());
      }
    };
    // The other may have gone by then: then that is why the wait fails.
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      communicator.abort("enough");
      communicator.abort("too late");
    });
    fails([&] { communicator.wait(waited); });
    other.join();
    fails([&] { communicator.send(tensor, 1, 1); });
    fails([&] { communicator.wait(communicator.post_receive(tensor, 1, 2)); });
  });
  REQUIRE(messages.size() == 3);
  CHECK((messages[0] == "enough" || messages[0].find("lost rank 1") == 0));
  CHECK(messages[1] == "enough");
  CHECK((messages[2] == "enough" || messages[2].find("cannot receive from rank 1") == 0));
}

}  // namespace
}  // namespace cadastre
