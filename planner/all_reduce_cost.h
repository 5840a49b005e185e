#pragma once

#include <cstdint>
#include <vector>

#include "planner/cost_model.h"
#include "planner/division.h"

namespace cadastre {

/// What an all-reduce over some hosts takes, as the cost model sees it, for any number of bytes.
///
/// Its rounds follow each other, each as long as its slowest message: latency + bytes over the
/// scarcest link on the way, which the messages of the round that cross it share, + what its
/// receiver takes to handle all that it receives in the round. A ring takes `ring_seconds`.
///
/// Not modelled: rounds of one place that begin before those of others end (the simulator does),
/// pieces of whole elements.
class AllReduceCost {
 public:
  AllReduceCost() = default;
  /// `hosts` in replica order.
  AllReduceCost(const NetworkCosts& network, const DividedAllReduce& all_reduce,
                const std::vector<int>& hosts);

  [[nodiscard]] double seconds(std::int64_t bytes) const;

 private:
  /// Seconds of a message for each number of bytes in the buffer.
  struct Line {
    double latency_s = 0;
    double byte_s = 0;
    bool operator==(const Line&) const = default;
  };

  /// Rounds that take equally long: as long as the highest of the lines.
  struct Rounds {
    int count = 0;
    std::vector<Line> lines;  ///< each the highest somewhere, by decreasing latency
  };

  void add_ring(const NetworkCosts& network, const std::vector<int>& hosts);
  void add_round(const NetworkCosts& network, const std::vector<int>& host_of_place,
                 const std::vector<CollectiveMessage>& messages, int count);
  void add_rounds(std::vector<Line> lines, int count);

  std::vector<Rounds> rounds_;
};

}  // namespace cadastre
