#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include "executor/communicator.h"

namespace cadastre::test {

/// Where threads meet that are ranks.
inline MeetingPlace meeting_of_threads() {
  struct Values {
    std::mutex mutex;
    std::condition_variable changed;
    SharedStore store;
  };

  const auto values = std::make_shared<Values>();
  return {.ask =
              [values](const StoreRequest& request, std::chrono::milliseconds timeout) {
                std::unique_lock lock(values->mutex);
                std::optional<StoreAnswer> answer;
                const bool is_there = values->changed.wait_for(lock, timeout, [&] {
                  answer = values->store.answer(request);
                  return answer.has_value();
                });
                if (!is_there) throw std::runtime_error("another rank is not there");
                values->changed.notify_all();
                return *answer;
              },
          .key = "the key of this run"};
}

/// Runs `work` as every rank at once, each in a thread of its own with its own connections, and
/// throws what the lowest of them threw. Catch2's assertions are for one thread only: ranks leave
/// what they saw, and the test looks.
inline void as_ranks(int num_ranks, const std::vector<std::vector<int>>& groups,
                     const std::function<void(int rank, Communicator&)>& work) {
  const MeetingPlace place = meeting_of_threads();
  std::vector<std::future<void>> ranks;
  for (int rank = 0; rank < num_ranks; ++rank)
    ranks.push_back(std::async(std::launch::async, [&, rank] {
      Communicator communicator(place, "127.0.0.1", rank, num_ranks, groups);
      work(rank, communicator);
    }));
  for (std::future<void>& rank : ranks) rank.wait();
  for (std::future<void>& rank : ranks) rank.get();
}

}  // namespace cadastre::test
