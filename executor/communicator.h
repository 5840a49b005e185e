#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace cadastre {

/// Where the ranks of a run find each other: a c10d TCPStore.
struct Rendezvous {
  std::string address;
  std::uint16_t port = 0;
};

/// Another rank is gone, or cannot be reached any more.
class PeerLostError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The store that ranks meet at, served by this process as long as the object lives.
class RendezvousServer {
 public:
  /// Listens on a free port. Throws std::runtime_error.
  explicit RendezvousServer(const std::string& address);
  ~RendezvousServer();
  RendezvousServer(const RendezvousServer&) = delete;
  RendezvousServer& operator=(const RendezvousServer&) = delete;

  [[nodiscard]] Rendezvous rendezvous() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a rank says to the others, over c10d's ProcessGroupGloo. Every call throws PeerLostError
/// when the rank it is about is gone.
class Communicator {
 public:
  /// Meets the other `num_ranks` - 1 ranks; `interface_address` is the local address that peers
  /// connect to. `groups`: sets of ranks that reduce together, the same list on every rank.
  Communicator(const Rendezvous& rendezvous, const std::string& interface_address, int rank,
               int num_ranks, const std::vector<std::vector<int>>& groups);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// Posts a message and returns. The tensor (contiguous, CPU) is kept until `finish_sends`.
  void send(const at::Tensor& tensor, int peer, int tag);
  /// Posts a receive into `tensor` (contiguous, CPU) and returns a number to wait for it by.
  /// Messages of one peer and tag arrive in the order in which they were sent.
  int post_receive(const at::Tensor& tensor, int peer, int tag);
  void wait(int receive);

  /// Sums `tensors` element-wise over the ranks of group `group`, all at once, in place.
  void all_reduce(std::vector<at::Tensor> tensors, std::size_t group);
  void barrier();

  /// Ends a round of sends: waits for those of the round before, which are long under way.
  void finish_sends();
  /// Waits for every send.
  void flush();

  [[nodiscard]] std::int64_t sent_bytes() const;  ///< by `send`, since the start

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cadastre
