#pragma once

#include <cstdint>
#include <vector>

namespace cadastre {

/// What collectives are put together from: messages among the members of a team, which are numbered
/// from 0, round by round. In a round a member first sends, of what it then has, and then takes
/// what comes.
enum class TeamStep {
  /// Reduce-scatter, then all-gather, each in n - 1 rounds of an n-th (Patarasuk and Yuan 2009).
  kRing,
  /// The first 2r members, r being how far n is above a power of two, become r: of each pair the
  /// even one gets the sum of both (Thakur, Rabenseifner and Gropp 2005, section 4.5).
  kFoldPairs,
  /// For n a power of two: reduce-scatter by halving the vector and doubling the distance, then
  /// all-gather the way back (Rabenseifner 2004; Thakur, Rabenseifner and Gropp 2005, section 4.5).
  kHalvingDoubling,
  /// Of the first 2r members each even one gives its odd one the result.
  kUnfoldPairs,
  /// Up a binomial tree to member 0, in ceil(log2 n) rounds; and down from it.
  kReduceTree,
  kBroadcastTree,
  /// All others send to member 0 at once, which adds; or get from it at once.
  kGather,
  kScatter,
  /// The others tell member 0 that they are done; it asks them for what they have, a few at a time,
  /// and adds it: what the driver of Spark does with the results of tasks.
  kFetch,
  /// Member 0 tells the others to ask for what it has; they do, and get it, all at once: tasks
  /// that are launched, and fetch what was broadcast.
  kServe,
};

/// How many results of tasks a driver fetches at a time: the default of spark.resultGetter.threads
/// (TaskResultGetter.scala). It adds one after the other all the same (DAGScheduler.scala).
inline constexpr int kFetchesAtOnce = 4;

/// Consecutive pieces of the buffer, [first_piece, end_piece), on their way to a member; none for a
/// message that only asks.
struct TeamMessage {
  int to = 0;
  int first_piece = 0;
  int end_piece = 0;
  bool adds = false;  ///< to what the receiver has; otherwise it takes the place of that
  bool operator==(const TeamMessage&) const = default;
};

[[nodiscard]] int num_rounds(TeamStep step, int num_members);

/// Into how many equal pieces the step cuts the buffer.
[[nodiscard]] int num_pieces(TeamStep step, int num_members);

/// What the member sends in the round; to none of them twice.
[[nodiscard]] std::vector<TeamMessage> sends(TeamStep step, int num_members, int member, int round);

/// The members that send it something in the round, ascending.
[[nodiscard]] std::vector<int> senders(TeamStep step, int num_members, int member, int round);

/// What the member sends in all rounds, of a buffer of `bytes`.
[[nodiscard]] std::int64_t sent_bytes(TeamStep step, int num_members, int member,
                                      std::int64_t bytes);

/// Pieces of a buffer are cut at multiples of so many bytes: no element of any type is divided.
inline constexpr std::int64_t kPieceGranularityBytes = 8;

/// Where piece `piece` of `num_pieces` begins in a buffer of `bytes`: pieces are as equal as the
/// granularity allows, and the last takes what is left over.
[[nodiscard]] constexpr std::int64_t piece_begin(std::int64_t bytes, int piece, int num_pieces) {
  if (piece == num_pieces) return bytes;
  const std::int64_t granules = bytes / kPieceGranularityBytes;
  return kPieceGranularityBytes *
         (granules / num_pieces * piece + granules % num_pieces * piece / num_pieces);
}

}  // namespace cadastre
