#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "executor/all_reduce.h"
#include "executor/communicator.h"

namespace cadastre {

/// Reduces the buckets of one stage in a thread of its own, beside the one that computes. Each
/// stage has one: a rank of several may start theirs in another order than its peers do, so no
/// stage's reduction may wait for another's.
class StageReducer {
 public:
  /// `buckets` in any order; they may share scratch memory.
  StageReducer(Communicator& communicator, std::vector<TensorAllReduce> buckets);

  /// Breaks off what is not done yet.
  ~StageReducer();
  StageReducer(const StageReducer&) = delete;
  StageReducer& operator=(const StageReducer&) = delete;

  /// Puts a bucket behind those that were started before and returns. Its values must not be
  /// touched before `wait` returns.
  void start(std::size_t bucket);

  /// Returns when everything that was started is reduced. Throws PeerLostError where a reduction
  /// failed: then all other work of the communicator is broken off, too.
  void wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cadastre
