#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/launch/shared_store.h"

namespace cadastre {

/// Another rank is gone, or cannot be reached any more.
class PeerLostError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The ranks did not all find each other, soon after they began: something that is none of them was
/// in the place of one, most likely. They may at another time.
class NotMetError : public PeerLostError {
 public:
  using PeerLostError::PeerLostError;
};

/// What a rank says to the others, over c10d's ProcessGroupGloo. Every call throws PeerLostError
/// when the rank it is about is gone. Several threads may use it at the same time, but for `send`,
/// `finish_sends` and `flush`, which are of one.
class Communicator {
 public:
  /// Meets the other `num_ranks` - 1 ranks; `interface_address` is the local address that peers
  /// connect to. `groups`: sets of ranks for `all_reduce`, the same list on every rank. Each proves
  /// to each over each connection that it has the key, and once all are there no rank is to
  /// be connected to any more. Throws NotMetError; PeerLostError where they have tried for long.
  /// `place` must outlive this.
  Communicator(const MeetingPlace& place, const std::string& interface_address, int rank,
               int num_ranks, const std::vector<std::vector<int>>& groups);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// Posts a message and returns. The tensor (contiguous, CPU) is kept until `finish_sends`.
  void send(const at::Tensor& tensor, int peer, int tag);

  /// The same, and returns a number to wait for it by: until it has left, the tensor must not
  /// change.
  int post_send(const at::Tensor& tensor, int peer, int tag);
  /// Posts a receive into `tensor` (contiguous, CPU) and returns a number to wait for it by.
  /// Messages of one peer and tag arrive in the order in which they were sent.
  int post_receive(const at::Tensor& tensor, int peer, int tag);
  void wait(int message);

  /// Makes whoever waits, and everything that is asked from now on, fail with PeerLostError of this
  /// reason. The first reason stays.
  void abort(const std::string& reason);

  /// Sums `tensors` element-wise over the ranks of group `group`, all at once, in place, as Gloo
  /// does it by itself.
  void all_reduce(std::vector<at::Tensor> tensors, std::size_t group);
  void barrier();

  /// Ends a round of sends: waits for those of the round before, which are long under way.
  void finish_sends();
  /// Waits for every send.
  void flush();

  /// What was put on its way to each rank since the start, `all_reduce` aside.
  [[nodiscard]] std::vector<std::int64_t> sent_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cadastre
