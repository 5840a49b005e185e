#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <simgrid/s4u.hpp>
#include <utility>
#include <vector>

#include "planner/collective.h"
#include "planner/program.h"
#include "simulator/message_network.h"

namespace cadastre {

/// The reductions under way. Each stage's are carried out, on each rank that takes part, by an
/// actor of their own beside the rank's: bucket after bucket, in the order in which they were
/// started, round by round of the `Collective`. What is received is handled on the rank's host,
/// which then does it beside its other computing.
class Reductions {
 public:
  /// What an actor of these does to its rank.
  struct Actions {
    std::function<simgrid::s4u::Host*(std::size_t rank)> host;
    std::function<void(const MessageKey&, const MessageNetwork::Bell&)> receive;
    std::function<void(std::size_t rank, double seconds)> compute;
  };

  /// `program` and `network` must outlive it.
  Reductions(const Program& program, double reduction_s_per_byte, MessageNetwork& network,
             Actions actions);

  /// Never blocks.
  void start(int step, std::size_t rank, const Instruction& instruction);

  /// Blocks the rank's actor, whose bell it is, until all that it has started for the stage is
  /// reduced.
  void wait(std::size_t rank, int stage, const MessageNetwork::Bell& bell);

  /// Ends its actors and forgets what they were at.
  void end();

 private:
  struct Started {
    int step = 0;
    int bucket = 0;
    std::int64_t bytes = 0;
  };

  /// Of a rank for a stage.
  struct UnderWay {
    std::deque<Started> started;
    simgrid::s4u::ActorPtr actor;  ///< none while nothing is under way
    MessageNetwork::Bell awaited_by;
  };

  /// The messages of a stage's reductions, and the ranks by place.
  struct StageReduction {
    Collective collective;
    std::vector<int> ranks;
  };

  void work_off(std::size_t rank, int stage);
  void carry_out(std::size_t rank, int stage, const Started& started,
                 const MessageNetwork::Bell& bell);
  const StageReduction& stage_reduction(int stage);

  const Program& program_;
  double reduction_s_per_byte_;
  MessageNetwork& network_;
  Actions actions_;
  std::map<std::pair<std::size_t, int>, UnderWay> under_way_;
  std::map<int, StageReduction> stages_;  ///< those that a rank came to
};

}  // namespace cadastre
