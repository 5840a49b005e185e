#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/collective_steps.h"

namespace cadastre {

/// How ranks add up what each of them has, so that all have the sum.
enum class AllReduceAlgorithm {
  /// What the executor's Gloo does (gloo/allreduce.cc): `TeamStep::kRing`.
  kRing,
  /// Recursive halving and doubling, for any number of ranks (Thakur, Rabenseifner and Gropp 2005).
  kHalvingDoubling,
  /// Up a binomial tree to the first rank, and down again.
  kTree,
  /// A tree to the first rank of each group of hosts (a machine or a zone), a ring over those, and
  /// down the trees again.
  kHierarchical,
  /// All send to a server at once, which adds, and answers all at once (Li et al. 2014, with one
  /// server and synchronous steps).
  kParameterServer,
  /// `RDD.aggregate` and a broadcast: tasks tell the driver that they are done, it fetches their
  /// results and adds each in its turn (TaskResultGetter.scala, DAGScheduler.scala), and the tasks
  /// of the next stage fetch the sum from it (TorrentBroadcast.scala, of one block:
  /// spark.broadcast.blockSize is 4 MiB).
  kSpark,
  /// `RDD.treeAggregate` of depth 2 (RDD.scala): results first go by number modulo about the square
  /// root of their count to partial sums; the driver fetches those. Then as `kSpark`.
  kSparkTree,
};

[[nodiscard]] const std::vector<std::string>& all_reduce_names();  ///< in the enum's order
[[nodiscard]] const std::string& all_reduce_name(AllReduceAlgorithm algorithm);

/// Whether it has a server or driver, which may be a host of its own.
[[nodiscard]] constexpr bool has_root(AllReduceAlgorithm algorithm) {
  return algorithm == AllReduceAlgorithm::kParameterServer ||
         algorithm == AllReduceAlgorithm::kSpark || algorithm == AllReduceAlgorithm::kSparkTree;
}

/// Who takes part. Places are numbered from 0: those of the ranks first, then that of a root that
/// is none of them.
struct CollectiveShape {
  AllReduceAlgorithm algorithm = AllReduceAlgorithm::kRing;
  int num_ranks = 1;
  int root = 0;  ///< place of the server or driver; `num_ranks` when it is no rank
  /// [rank], for `kHierarchical`: those of one number are together; empty: each is by itself.
  std::vector<int> groups;
};

/// Bytes of the buffer on their way: pieces [first_piece, end_piece) of `num_pieces` equal ones,
/// cut at multiples of 8 bytes; none where the message only asks for some.
struct CollectiveMessage {
  int from = 0;  ///< places
  int to = 0;
  int first_piece = 0;
  int end_piece = 0;
  int num_pieces = 1;
  bool adds = false;  ///< to what the receiver has; otherwise it takes the place of that

  [[nodiscard]] std::int64_t begin(std::int64_t buffer_bytes) const {
    return piece_begin(buffer_bytes, first_piece, num_pieces);
  }

  [[nodiscard]] std::int64_t end(std::int64_t buffer_bytes) const {
    return piece_begin(buffer_bytes, end_piece, num_pieces);
  }

  [[nodiscard]] std::int64_t bytes(std::int64_t buffer_bytes) const {
    return end(buffer_bytes) - begin(buffer_bytes);
  }

  /// The part of the buffer, whole bytes or not.
  [[nodiscard]] double part() const {
    return static_cast<double>(end_piece - first_piece) / num_pieces;
  }

  bool operator==(const CollectiveMessage&) const = default;
};

/// An all-reduce as messages: the one place that says who sends what to whom, for the cost model,
/// the simulator and the count of traffic alike. A place goes through its rounds in order: when
/// what it sent in the rounds before has left, it sends, all at once; then it waits for what comes
/// in the round, adds it or takes it over, and goes on. Nobody waits for others otherwise. The
/// order of additions differs by algorithm, so sums may differ in the last bits.
///
/// Not modelled: several servers that share a buffer; blocks of a broadcast that Spark's workers
/// fetch from each other; results of 1 MiB or less, which its tasks send without being asked; first
/// results that its driver fetches before the last task is done.
class Collective {
 public:
  explicit Collective(const CollectiveShape& shape);

  [[nodiscard]] int num_places() const { return num_places_; }

  [[nodiscard]] int num_rounds() const { return num_rounds_; }

  /// What a place sends in a round; to no other place twice.
  [[nodiscard]] std::vector<CollectiveMessage> sends(int place, int round) const;

  /// What it receives, in the order in which it takes it.
  [[nodiscard]] std::vector<CollectiveMessage> receives(int place, int round) const;

  /// How many rounds from this one on, itself included, have messages of the same parts between the
  /// same places.
  [[nodiscard]] int num_alike(int round) const;

  /// What a place sends of a buffer of so many bytes.
  [[nodiscard]] std::int64_t sent_bytes(int place, std::int64_t buffer_bytes) const;

 private:
  struct Membership {
    int team = -1;
    int member = -1;
  };

  /// A step of several teams at the same time; no place is in two of them.
  struct Phase {
    TeamStep step = TeamStep::kRing;
    int first_round = 0;
    int num_rounds = 0;
    std::vector<std::vector<int>> teams;  ///< places
    std::vector<Membership> memberships;  ///< [place]
  };

  void add_phase(TeamStep step, std::vector<std::vector<int>> teams);
  void add_halving_doubling(const std::vector<int>& ranks);
  void add_hierarchy(const std::vector<int>& groups);
  void add_spark(std::vector<int> root_first, int num_ranks, bool tree);
  [[nodiscard]] const Phase& phase_of(int round) const;

  int num_places_ = 1;
  int num_rounds_ = 0;
  std::vector<Phase> phases_;
};

/// What all places send of a buffer of so many bytes.
[[nodiscard]] std::int64_t sent_bytes(const CollectiveShape& shape, std::int64_t buffer_bytes);

/// What one of them sends.
[[nodiscard]] std::int64_t sent_bytes(const CollectiveShape& shape, int place,
                                      std::int64_t buffer_bytes);

}  // namespace cadastre
