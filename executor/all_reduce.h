#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "executor/communicator.h"
#include "planner/collective.h"

namespace cadastre {

/// One rank's place in the all-reduces of a tensor.
struct AllReducePlace {
  int place = 0;
  std::vector<int> ranks;            ///< by place
  int tag = 0;                       ///< of the messages; of this collective alone while it runs
  at::ScalarType wire = at::kFloat;  ///< what numbers are rounded to on their way
  /// A server or driver that has no values of its own begins with zeros each time.
  bool contributes = true;
};

/// Sums a tensor over ranks, in place, with the messages of a `Collective`: what the cost model and
/// the simulator reckon with is what happens here.
///
/// A message goes in segments, so that one is added while the next is on its way, and the place
/// sends on what it has of a round before the round is over. Receives are posted a few segments
/// ahead. Each number is added in the same order every time. Where the wire rounds, so does the
/// place that finishes a piece with its own copy: all places end with the same bits.
///
/// Receives may be posted into the tensor while parts of it are still being sent: what takes the
/// place of a part has the place's own values of it in its sum, so these have arrived before.
class TensorAllReduce {
 public:
  /// `values`: flat, contiguous, float32 or float64 (which is never rounded: `wire` says so too).
  /// `scratch`: from `make_scratch`, for all-reduces that do not run at the same time.
  TensorAllReduce(const Collective& collective, AllReducePlace place, at::Tensor values,
                  const at::Tensor& scratch);

  [[nodiscard]] static at::Tensor make_scratch();

  /// Returns once the sum is there and everything that is sent has left. Throws PeerLostError.
  void run(Communicator& communicator);

 private:
  /// Elements [begin, end) of the values on their way to or from a rank; none for a request.
  struct Segment {
    int rank = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    bool adds = false;
  };

  enum class ActionKind { kSend, kReceive };

  struct Action {
    ActionKind kind = ActionKind::kSend;
    int rank = 0;
    at::Tensor moved;     ///< what Gloo reads or writes
    at::Tensor values;    ///< the part of the values that this is about
    bool adds = false;    ///< receive: to the values
    bool rounds = false;  ///< send: the values to `moved` first
  };

  [[nodiscard]] std::vector<Segment> segments(const std::vector<CollectiveMessage>& messages,
                                              bool sent) const;
  [[nodiscard]] static bool overlap(const Segment& a, const Segment& b);
  [[nodiscard]] bool is_on_wire(const Segment& segment) const;
  void add_round(const std::vector<Segment>& receives, const std::vector<Segment>& next_sends);
  void add_send(const Segment& segment);
  void add_receive(const Segment& segment);
  void finish(const Action& receive);

  AllReducePlace place_;
  at::Tensor values_;
  at::Tensor wire_values_;  ///< the values as they travel; the same tensor where nothing is rounded
  at::Tensor scratch_;
  at::Tensor request_;
  std::vector<Segment> on_wire_;  ///< what of `wire_values_` is the same as the values
  std::vector<Action> actions_;
  std::vector<std::size_t> receives_;  ///< among the actions
};

}  // namespace cadastre
