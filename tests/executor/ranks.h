#pragma once

#include <functional>
#include <future>
#include <vector>

#include "executor/communicator.h"

namespace cadastre::test {

/// Runs `work` as every rank at once, each in a thread of its own with its own connections, and
/// throws what the lowest of them threw. Catch2's assertions are for one thread only: ranks leave
/// what they saw, and the test looks.
inline void as_ranks(int num_ranks, const std::vector<std::vector<int>>& groups,
                     const std::function<void(int rank, Communicator&)>& work) {
  const RendezvousServer server("127.0.0.1");
  std::vector<std::future<void>> ranks;
  for (int rank = 0; rank < num_ranks; ++rank)
    ranks.push_back(std::async(std::launch::async, [&, rank] {
      Communicator communicator(server.rendezvous(), "127.0.0.1", rank, num_ranks, groups);
      work(rank, communicator);
    }));
  for (std::future<void>& rank : ranks) rank.wait();
  for (std::future<void>& rank : ranks) rank.get();
}

}  // namespace cadastre::test
