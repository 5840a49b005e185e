#include "planner/collective_steps.h"

#include <algorithm>
#include <bit>

namespace cadastre {

namespace {

int ceil_log2(int n) { return static_cast<int>(std::bit_width(static_cast<unsigned>(n - 1))); }

/// Members of the pairs that `kFoldPairs` folds.
int num_paired(int n) {
  return 2 * (n - static_cast<int>(std::bit_floor(static_cast<unsigned>(n))));
}

int num_batches(int n) { return (n - 1 + kFetchesAtOnce - 1) / kFetchesAtOnce; }

/// The members that are fetched from at the same time: [first, end).
struct Batch {
  int first = 0;
  int end = 0;

  [[nodiscard]] bool holds(int member) const { return first <= member && member < end; }
};

/// Those that are asked in the round, or that answer in it; each batch takes two, after one in
/// which all say that they are done.
Batch batch_of_round(int n, int round) {
  const int first = 1 + (round - 1) / 2 * kFetchesAtOnce;
  return {.first = first, .end = std::min(n, first + kFetchesAtOnce)};
}

struct Segment {
  int first = 0;
  int length = 0;
};

/// What a member still works on after `level` halvings: at each, the lower half where the bit of
/// its number is 0.
Segment segment(int n, int member, int level) {
  Segment segment{.first = 0, .length = n};
  for (int bit = 0; bit < level; ++bit) {
    segment.length /= 2;
    if ((member >> bit & 1) != 0) segment.first += segment.length;
  }
  return segment;
}

TeamMessage ring_message(int n, int member, int round) {
  // In round k of the reduce-scatter member i sends piece i - k, in round k of the all-gather
  // piece i + 1 - k.
  const bool scatters = round < n - 1;
  const int piece = (member + 2 * n - (scatters ? round : round - n)) % n;
  return {.to = (member + 1) % n, .first_piece = piece, .end_piece = piece + 1, .adds = scatters};
}

TeamMessage halving_doubling_message(int n, int member, int round) {
  const int num_halvings = ceil_log2(n);
  const bool halves = round < num_halvings;
  const int level = halves ? round : 2 * num_halvings - 1 - round;
  const int partner = member ^ (1 << level);
  // A half that the partner goes on with; or all that is complete here.
  const Segment moved = segment(n, halves ? partner : member, level + 1);
  return {.to = partner,
          .first_piece = moved.first,
          .end_piece = moved.first + moved.length,
          .adds = halves};
}

TeamMessage all_to(int member, bool adds) {
  return {.to = member, .first_piece = 0, .end_piece = 1, .adds = adds};
}

/// A message that only asks, or tells.
TeamMessage request_to(int member) {
  return {.to = member, .first_piece = 0, .end_piece = 0, .adds = false};
}

/// Whether the member stands at the lower end of an edge of a binomial tree of that length.
bool is_below(int member, int length) { return member % (2 * length) == length; }

bool is_above(int n, int member, int length) {
  return member % (2 * length) == 0 && member + length < n;
}

/// Length of the broadcast tree's edges: the reduction's, the other way round.
int broadcast_length(int n, int round) { return 1 << (ceil_log2(n) - 1 - round); }

}  // namespace

int num_rounds(TeamStep step, int num_members) {
  const int n = num_members;
  if (n < 2) return 0;
  switch (step) {
    case TeamStep::kRing:
      return 2 * (n - 1);
    case TeamStep::kFoldPairs:
      return num_paired(n) > 0 ? 2 : 0;
    case TeamStep::kHalvingDoubling:
      return 2 * ceil_log2(n);
    case TeamStep::kUnfoldPairs:
      return num_paired(n) > 0 ? 1 : 0;
    case TeamStep::kReduceTree:
    case TeamStep::kBroadcastTree:
      return ceil_log2(n);
    case TeamStep::kGather:
    case TeamStep::kScatter:
      return 1;
    case TeamStep::kFetch:
      return 1 + 2 * num_batches(n);
    case TeamStep::kServe:
      return 3;
  }
  return 0;
}

int num_pieces(TeamStep step, int num_members) {
  switch (step) {
    case TeamStep::kRing:
    case TeamStep::kHalvingDoubling:
      return num_members;
    case TeamStep::kFoldPairs:
      return 2;
    default:
      return 1;
  }
}

std::vector<TeamMessage> sends(TeamStep step, int num_members, int member, int round) {
  const int n = num_members;
  const bool even = member % 2 == 0;
  std::vector<TeamMessage> sent;
  switch (step) {
    case TeamStep::kRing:
      return {ring_message(n, member, round)};
    case TeamStep::kFoldPairs: {
      if (member >= num_paired(n)) return {};
      const int kept = even ? 0 : 1;
      // Each adds up a half; the odd one's then goes to the even one.
      if (round == 0)
        return {{.to = member ^ 1, .first_piece = 1 - kept, .end_piece = 2 - kept, .adds = true}};
      if (even) return {};
      return {{.to = member - 1, .first_piece = 1, .end_piece = 2, .adds = false}};
    }
    case TeamStep::kHalvingDoubling:
      return {halving_doubling_message(n, member, round)};
    case TeamStep::kUnfoldPairs:
      if (even && member < num_paired(n)) return {all_to(member + 1, false)};
      return {};
    case TeamStep::kReduceTree:
      if (is_below(member, 1 << round)) return {all_to(member - (1 << round), true)};
      return {};
    case TeamStep::kBroadcastTree: {
      const int length = broadcast_length(n, round);
      if (is_above(n, member, length)) return {all_to(member + length, false)};
      return {};
    }
    case TeamStep::kGather:
      if (member != 0) return {all_to(0, true)};
      return {};
    case TeamStep::kScatter:
      if (member == 0)
        for (int to = 1; to < n; ++to) sent.push_back(all_to(to, false));
      return sent;
    case TeamStep::kFetch: {
      if (round == 0) {
        if (member != 0) sent.push_back(request_to(0));
        return sent;
      }
      const Batch fetched = batch_of_round(n, round);
      const bool asks = round % 2 == 1;
      if (asks && member == 0)
        for (int to = fetched.first; to < fetched.end; ++to) sent.push_back(request_to(to));
      if (!asks && fetched.holds(member)) sent.push_back(all_to(0, true));
      return sent;
    }
    case TeamStep::kServe:
      if (round == 2) return sends(TeamStep::kScatter, n, member, 0);
      if (round == 1 && member != 0) sent.push_back(request_to(0));
      if (round == 0 && member == 0)
        for (int to = 1; to < n; ++to) sent.push_back(request_to(to));
      return sent;
  }
  return {};
}

std::vector<int> senders(TeamStep step, int num_members, int member, int round) {
  const int n = num_members;
  const bool even = member % 2 == 0;
  const auto from_to = [](int first, int end) {
    std::vector<int> members;
    for (int from = first; from < end; ++from) members.push_back(from);
    return members;
  };
  switch (step) {
    case TeamStep::kRing:
      return {(member + n - 1) % n};
    case TeamStep::kFoldPairs:
      if (member < num_paired(n) && (round == 0 || even)) return {member ^ 1};
      return {};
    case TeamStep::kHalvingDoubling:
      return {halving_doubling_message(n, member, round).to};
    case TeamStep::kUnfoldPairs:
      if (!even && member < num_paired(n)) return {member - 1};
      return {};
    case TeamStep::kReduceTree:
      if (is_above(n, member, 1 << round)) return {member + (1 << round)};
      return {};
    case TeamStep::kBroadcastTree: {
      const int length = broadcast_length(n, round);
      if (is_below(member, length)) return {member - length};
      return {};
    }
    case TeamStep::kGather:
      return member == 0 ? from_to(1, n) : std::vector<int>{};
    case TeamStep::kScatter:
      return member != 0 ? std::vector<int>{0} : std::vector<int>{};
    case TeamStep::kFetch: {
      if (round == 0) return senders(TeamStep::kGather, n, member, 0);
      const Batch fetched = batch_of_round(n, round);
      const bool asks = round % 2 == 1;
      if (asks && fetched.holds(member)) return {0};
      if (!asks && member == 0) return from_to(fetched.first, fetched.end);
      return {};
    }
    case TeamStep::kServe:
      return senders(round == 1 ? TeamStep::kGather : TeamStep::kScatter, n, member, 0);
  }
  return {};
}

std::int64_t sent_bytes(TeamStep step, int num_members, int member, std::int64_t bytes) {
  const int pieces = num_pieces(step, num_members);
  const auto bytes_of = [&](int first, int end) {
    return piece_begin(bytes, end, pieces) - piece_begin(bytes, first, pieces);
  };
  if (step == TeamStep::kRing) {
    // Every piece but the next one in the reduce-scatter, every one but that after it in the other.
    if (num_members < 2) return 0;
    const int next = (member + 1) % num_members;
    const int after_next = (member + 2) % num_members;
    return 2 * bytes - bytes_of(next, next + 1) - bytes_of(after_next, after_next + 1);
  }
  std::int64_t sum = 0;
  for (int round = 0; round < num_rounds(step, num_members); ++round)
    for (const TeamMessage& message : sends(step, num_members, member, round))
      sum += bytes_of(message.first_piece, message.end_piece);
  return sum;
}

}  // namespace cadastre
