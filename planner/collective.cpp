#include "planner/collective.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace cadastre {

namespace {

/// How many partial sums `RDD.treeAggregate` of depth 2 makes of so many partitions; as many as
/// there are when it makes none.
int num_partial_sums(int num_partitions) {
  const int scale =
      std::max(2, static_cast<int>(std::ceil(std::sqrt(static_cast<double>(num_partitions)))));
  int left = num_partitions;
  while (left > scale + (left + scale - 1) / scale) left /= scale;
  return left;
}

}  // namespace

const std::vector<std::string>& all_reduce_names() {
  static const std::vector<std::string> names = {"ring",         "halving-doubling", "tree",
                                                 "hierarchical", "parameter-server", "spark",
                                                 "spark-tree"};
  return names;
}

const std::string& all_reduce_name(AllReduceAlgorithm algorithm) {
  return all_reduce_names()[static_cast<std::size_t>(algorithm)];
}

Collective::Collective(const CollectiveShape& shape) : num_places_(shape.num_ranks) {
  // A rank alone has the sum, and asks nobody.
  if (shape.num_ranks < 2) return;
  if (has_root(shape.algorithm)) num_places_ = std::max(shape.num_ranks, shape.root + 1);
  std::vector<int> ranks(static_cast<std::size_t>(shape.num_ranks));
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<int> root_first = {shape.root};
  for (const int rank : ranks)
    if (rank != shape.root) root_first.push_back(rank);
  switch (shape.algorithm) {
    case AllReduceAlgorithm::kRing:
      add_phase(TeamStep::kRing, {std::move(ranks)});
      break;
    case AllReduceAlgorithm::kHalvingDoubling:
      add_halving_doubling(ranks);
      break;
    case AllReduceAlgorithm::kTree:
      add_phase(TeamStep::kReduceTree, {ranks});
      add_phase(TeamStep::kBroadcastTree, {std::move(ranks)});
      break;
    case AllReduceAlgorithm::kHierarchical:
      add_hierarchy(shape.groups.empty() ? ranks : shape.groups);
      break;
    case AllReduceAlgorithm::kParameterServer:
      add_phase(TeamStep::kGather, {root_first});
      add_phase(TeamStep::kScatter, {std::move(root_first)});
      break;
    case AllReduceAlgorithm::kSpark:
      add_spark(std::move(root_first), shape.num_ranks, false);
      break;
    case AllReduceAlgorithm::kSparkTree:
      add_spark(std::move(root_first), shape.num_ranks, true);
      break;
  }
}

void Collective::add_phase(TeamStep step, std::vector<std::vector<int>> teams) {
  Phase phase{.step = step, .first_round = num_rounds_};
  phase.memberships.resize(static_cast<std::size_t>(num_places_));
  for (std::size_t t = 0; t < teams.size(); ++t) {
    const auto num_members = static_cast<int>(teams[t].size());
    phase.num_rounds = std::max(phase.num_rounds, cadastre::num_rounds(step, num_members));
    for (int m = 0; m < num_members; ++m)
      phase.memberships[static_cast<std::size_t>(teams[t][static_cast<std::size_t>(m)])] = {
          .team = static_cast<int>(t), .member = m};
  }
  if (phase.num_rounds == 0) return;
  num_rounds_ += phase.num_rounds;
  phase.teams = std::move(teams);
  phases_.push_back(std::move(phase));
}

void Collective::add_halving_doubling(const std::vector<int>& ranks) {
  const std::size_t num_folded = 2 * (ranks.size() - std::bit_floor(ranks.size()));
  std::vector<int> left;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (i >= num_folded || i % 2 == 0) left.push_back(ranks[i]);
  add_phase(TeamStep::kFoldPairs, {ranks});
  add_phase(TeamStep::kHalvingDoubling, {std::move(left)});
  add_phase(TeamStep::kUnfoldPairs, {ranks});
}

void Collective::add_hierarchy(const std::vector<int>& groups) {
  std::map<int, std::size_t> team_of_group;
  std::vector<std::vector<int>> teams;
  for (std::size_t rank = 0; rank < groups.size(); ++rank) {
    const auto [team, is_new] = team_of_group.emplace(groups[rank], teams.size());
    if (is_new) teams.emplace_back();
    teams[team->second].push_back(static_cast<int>(rank));
  }
  std::vector<int> leaders;
  for (const std::vector<int>& team : teams) leaders.push_back(team.front());
  add_phase(TeamStep::kReduceTree, teams);
  add_phase(TeamStep::kRing, {std::move(leaders)});
  add_phase(TeamStep::kBroadcastTree, std::move(teams));
}

/// The results are of the ranks: a driver that is one of them has the first, and one that is none
/// has no result.
void Collective::add_spark(std::vector<int> root_first, int num_ranks, bool tree) {
  const bool driver_is_rank = static_cast<int>(root_first.size()) == num_ranks;
  std::vector<int> fetched = root_first;
  if (const int num_sums = num_partial_sums(num_ranks); tree && num_sums < num_ranks) {
    std::vector<int> results = root_first;
    if (!driver_is_rank) results.erase(results.begin());
    std::vector<std::vector<int>> teams(static_cast<std::size_t>(num_sums));
    for (std::size_t i = 0; i < results.size(); ++i) teams[i % teams.size()].push_back(results[i]);
    fetched.resize(1);
    for (const std::vector<int>& team : teams)
      if (team.front() != root_first.front()) fetched.push_back(team.front());
    add_phase(TeamStep::kGather, std::move(teams));
  }
  add_phase(TeamStep::kFetch, {std::move(fetched)});
  add_phase(TeamStep::kServe, {std::move(root_first)});
}

const Collective::Phase& Collective::phase_of(int round) const {
  std::size_t p = 0;
  while (round >= phases_[p].first_round + phases_[p].num_rounds) ++p;
  return phases_[p];
}

std::vector<CollectiveMessage> Collective::sends(int place, int round) const {
  const Phase& phase = phase_of(round);
  const Membership& self = phase.memberships[static_cast<std::size_t>(place)];
  if (self.team < 0) return {};
  const std::vector<int>& team = phase.teams[static_cast<std::size_t>(self.team)];
  const auto num_members = static_cast<int>(team.size());
  const int round_of_phase = round - phase.first_round;
  // A small team is done before the others.
  if (round_of_phase >= cadastre::num_rounds(phase.step, num_members)) return {};
  std::vector<CollectiveMessage> messages;
  for (const TeamMessage& message :
       cadastre::sends(phase.step, num_members, self.member, round_of_phase))
    messages.push_back({.from = place,
                        .to = team[static_cast<std::size_t>(message.to)],
                        .first_piece = message.first_piece,
                        .end_piece = message.end_piece,
                        .num_pieces = num_pieces(phase.step, num_members),
                        .adds = message.adds});
  return messages;
}

std::vector<CollectiveMessage> Collective::receives(int place, int round) const {
  const Phase& phase = phase_of(round);
  const Membership& self = phase.memberships[static_cast<std::size_t>(place)];
  if (self.team < 0) return {};
  const std::vector<int>& team = phase.teams[static_cast<std::size_t>(self.team)];
  const auto num_members = static_cast<int>(team.size());
  const int round_of_phase = round - phase.first_round;
  if (round_of_phase >= cadastre::num_rounds(phase.step, num_members)) return {};
  std::vector<CollectiveMessage> messages;
  for (const int sender : senders(phase.step, num_members, self.member, round_of_phase))
    for (const CollectiveMessage& message : sends(team[static_cast<std::size_t>(sender)], round))
      if (message.to == place) messages.push_back(message);
  return messages;
}

int Collective::num_alike(int round) const {
  const Phase& phase = phase_of(round);
  return phase.step == TeamStep::kRing ? phase.first_round + phase.num_rounds - round : 1;
}

std::int64_t Collective::sent_bytes(int place, std::int64_t buffer_bytes) const {
  std::int64_t sum = 0;
  for (const Phase& phase : phases_) {
    const Membership& self = phase.memberships[static_cast<std::size_t>(place)];
    if (self.team < 0) continue;
    const std::vector<int>& team = phase.teams[static_cast<std::size_t>(self.team)];
    sum +=
        cadastre::sent_bytes(phase.step, static_cast<int>(team.size()), self.member, buffer_bytes);
  }
  return sum;
}

std::int64_t sent_bytes(const CollectiveShape& shape, std::int64_t buffer_bytes) {
  if (shape.num_ranks < 2) return 0;
  // Whole turns of the ring: every piece is sent by all but one rank, twice.
  if (shape.algorithm == AllReduceAlgorithm::kRing) return 2 * (shape.num_ranks - 1) * buffer_bytes;
  const Collective collective(shape);
  std::int64_t sum = 0;
  for (int place = 0; place < collective.num_places(); ++place)
    sum += collective.sent_bytes(place, buffer_bytes);
  return sum;
}

std::int64_t sent_bytes(const CollectiveShape& shape, int place, std::int64_t buffer_bytes) {
  // The way of almost every plan, without the teams.
  if (shape.algorithm == AllReduceAlgorithm::kRing)
    return sent_bytes(TeamStep::kRing, shape.num_ranks, place, buffer_bytes);
  return Collective(shape).sent_bytes(place, buffer_bytes);
}

}  // namespace cadastre
