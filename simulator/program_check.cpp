#include "simulator/program_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace cadastre {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("the program cannot be replayed: " + what);
}

std::string rank_text(std::size_t rank) { return "rank " + std::to_string(rank); }

std::string instruction_text(const Instruction& instruction) {
  std::string text = instruction_name(instruction.kind);
  if (instruction.micro_batch >= 0)
    text += " of micro-batch " + std::to_string(instruction.micro_batch);
  return text;
}

void check_ranks(const Program& program, const ProgramCosts& costs, std::size_t num_hosts) {
  if (costs.size() != program.ranks.size())
    refuse("expected costs of " + std::to_string(program.ranks.size()) + " ranks, found " +
           std::to_string(costs.size()));
  std::set<int> hosts;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const RankProgram& rank = program.ranks[r];
    if (rank.host_index < 0 || static_cast<std::size_t>(rank.host_index) >= num_hosts)
      refuse(rank_text(r) + " is on host " + std::to_string(rank.host_index) + " of " +
             std::to_string(num_hosts));
    if (!hosts.insert(rank.host_index).second)
      refuse(rank_text(r) + " shares its host with another rank");
    if (costs[r].size() != rank.instructions.size())
      refuse("expected costs of " + std::to_string(rank.instructions.size()) + " instructions on " +
             rank_text(r) + ", found " + std::to_string(costs[r].size()));
    for (std::size_t i = 0; i < costs[r].size(); ++i)
      if (!(std::isfinite(costs[r][i]) && costs[r][i] >= 0))
        refuse("expected the cost of " + instruction_text(rank.instructions[i]) + " on " +
               rank_text(r) + " to be a number >= 0, found " + std::to_string(costs[r][i]));
  }
}

/// Whether the rank does this for a stage of others, as the root of its reductions.
bool serves(const Program& program, const RankProgram& rank, const Instruction& instruction) {
  return instruction.kind == InstructionKind::kReduceGradients && instruction.stage >= 0 &&
         static_cast<std::size_t>(instruction.stage) < program.stage_ranks.size() &&
         program.all_reduce.root_host == rank.host_index;
}

/// A stage's list of ranks and the ranks' lists of parts say the same, and every instruction is of
/// a part.
void check_parts(const Program& program) {
  std::set<std::array<int, 3>> listed;  // stage, replica, rank
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s) {
    std::set<int> ranks;
    for (std::size_t k = 0; k < program.stage_ranks[s].size(); ++k) {
      const int rank = program.stage_ranks[s][k];
      if (rank < 0 || static_cast<std::size_t>(rank) >= program.ranks.size())
        refuse("stage " + std::to_string(s) + " lists rank " + std::to_string(rank) + " of " +
               std::to_string(program.ranks.size()));
      if (!ranks.insert(rank).second)
        refuse("stage " + std::to_string(s) + " lists rank " + std::to_string(rank) + " twice");
      listed.insert({static_cast<int>(s), static_cast<int>(k), rank});
    }
  }
  std::size_t num_parts = 0;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    const RankProgram& rank = program.ranks[r];
    std::set<int> stages;
    for (const RankPart& part : rank.parts) {
      if (listed.count({part.stage, part.replica, static_cast<int>(r)}) == 0)
        refuse(rank_text(r) + " is not replica " + std::to_string(part.replica) + " of stage " +
               std::to_string(part.stage) + " in that stage's list");
      if (!stages.insert(part.stage).second)
        refuse(rank_text(r) + " has two parts in stage " + std::to_string(part.stage));
    }
    num_parts += rank.parts.size();
    for (const Instruction& instruction : rank.instructions)
      if (stages.count(instruction.stage) == 0 && !serves(program, rank, instruction))
        refuse(instruction_text(instruction) + " on " + rank_text(r) + " is of stage " +
               std::to_string(instruction.stage) + ", in which the rank has no part");
  }
  if (num_parts != listed.size()) refuse("a stage lists a rank that has no part in it");
}

struct Ends {
  std::size_t sender = 0;
  std::size_t receiver = 0;
  const Instruction* send = nullptr;
  const Instruction* receive = nullptr;
};

void check_messages(const Program& program) {
  std::map<int, Ends> messages;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    for (const Instruction& instruction : program.ranks[r].instructions) {
      if (!is_send(instruction.kind) && !is_receive(instruction.kind)) continue;
      const std::string text = instruction_text(instruction) + " on " + rank_text(r);
      if (instruction.peer < 0 ||
          static_cast<std::size_t>(instruction.peer) >= program.ranks.size())
        refuse(text + " names rank " + std::to_string(instruction.peer) + " as its peer");
      if (instruction.bytes <= 0)
        refuse("expected " + text + " to move bytes, found " + std::to_string(instruction.bytes));
      Ends& ends = messages[instruction.message];
      const Instruction*& end = is_send(instruction.kind) ? ends.send : ends.receive;
      if (end != nullptr)
        refuse(text + " is the second end of message " + std::to_string(instruction.message));
      end = &instruction;
      (is_send(instruction.kind) ? ends.sender : ends.receiver) = r;
    }
  }
  for (const auto& [number, ends] : messages) {
    const std::string text = "message " + std::to_string(number);
    if (ends.send == nullptr) refuse(text + " is received but not sent");
    if (ends.receive == nullptr) refuse(text + " is sent but not received");
    if (ends.send->bytes != ends.receive->bytes)
      refuse(text + " is sent with " + std::to_string(ends.send->bytes) +
             " bytes and received with " + std::to_string(ends.receive->bytes));
    if (static_cast<std::size_t>(ends.send->peer) != ends.receiver ||
        static_cast<std::size_t>(ends.receive->peer) != ends.sender)
      refuse(text + " goes from " + rank_text(ends.sender) + " to rank " +
             std::to_string(ends.send->peer) + " but is received by " + rank_text(ends.receiver) +
             " from rank " + std::to_string(ends.receive->peer));
  }
}

/// Bytes of what the rank reduces with others of the stage, in order.
std::vector<std::int64_t> reductions(const RankProgram& rank, int stage) {
  std::vector<std::int64_t> bytes;
  for (const Instruction& instruction : rank.instructions)
    if (instruction.kind == InstructionKind::kReduceGradients && instruction.stage == stage)
      bytes.push_back(instruction.bytes);
  return bytes;
}

void check_all_reduce(const Program& program, std::size_t num_hosts) {
  const DividedAllReduce& all_reduce = program.all_reduce;
  if (all_reduce.root_host < -1 ||
      (all_reduce.root_host >= 0 && static_cast<std::size_t>(all_reduce.root_host) >= num_hosts))
    refuse("the root of its reductions is host " + std::to_string(all_reduce.root_host) + " of " +
           std::to_string(num_hosts));
  if (all_reduce.root_host >= 0 && !has_root(all_reduce.algorithm))
    refuse("its reductions have a root, and none goes with " +
           all_reduce_name(all_reduce.algorithm));
  if (all_reduce.algorithm == AllReduceAlgorithm::kHierarchical &&
      all_reduce.host_groups.size() != num_hosts)
    refuse("expected groups of " + std::to_string(num_hosts) + " hosts, found " +
           std::to_string(all_reduce.host_groups.size()));
}

void check_reductions(const Program& program) {
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s) {
    const std::vector<int> ranks = reducing_ranks(program, static_cast<int>(s));
    if (ranks.empty()) continue;
    const auto of_rank = [&](int rank) {
      return reductions(program.ranks[static_cast<std::size_t>(rank)], static_cast<int>(s));
    };
    for (const int rank : ranks) {
      const std::vector<std::int64_t> bytes = of_rank(rank);
      if (bytes != of_rank(ranks.front()))
        refuse("rank " + std::to_string(rank) + " reduces other gradients than rank " +
               std::to_string(ranks.front()) + " of stage " + std::to_string(s));
      if (std::any_of(bytes.begin(), bytes.end(), [](std::int64_t b) { return b < 0; }))
        refuse("rank " + std::to_string(rank) + " reduces less than 0 bytes");
    }
    const CollectiveShape shape = reduction_shape(program, static_cast<int>(s));
    if (shape.root >= static_cast<int>(ranks.size()) && !of_rank(ranks.front()).empty())
      refuse("the root of the reductions of stage " + std::to_string(s) + " is host " +
             std::to_string(program.all_reduce.root_host) + ", which has no rank");
  }
}

/// Goes through one step without times; a step that ends once ends every time.
void check_it_ends(const Program& program) {
  const std::size_t num_ranks = program.ranks.size();
  std::vector<std::size_t> next(num_ranks, 0);
  // [stage][rank]
  std::vector<std::vector<std::size_t>> reductions_entered(program.stage_ranks.size(),
                                                           std::vector<std::size_t>(num_ranks, 0));
  std::vector<bool> in_reduction(num_ranks, false);
  std::vector<std::vector<int>> reducing;
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s)
    reducing.push_back(reducing_ranks(program, static_cast<int>(s)));
  std::set<int> sent;
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t r = 0; r < num_ranks; ++r) {
      const RankProgram& rank = program.ranks[r];
      for (; next[r] < rank.instructions.size(); ++next[r], moved = true) {
        const Instruction& instruction = rank.instructions[next[r]];
        if (is_send(instruction.kind)) sent.insert(instruction.message);
        if (is_receive(instruction.kind) && sent.count(instruction.message) == 0) break;
        if (instruction.kind != InstructionKind::kReduceGradients) continue;
        const auto stage = static_cast<std::size_t>(instruction.stage);
        std::vector<std::size_t>& entered = reductions_entered[stage];
        if (!in_reduction[r]) {
          in_reduction[r] = moved = true;
          ++entered[r];
        }
        const std::vector<int>& peers = reducing[stage];
        if (std::any_of(peers.begin(), peers.end(), [&](int peer) {
              return entered[static_cast<std::size_t>(peer)] < entered[r];
            }))
          break;
        in_reduction[r] = false;
      }
    }
  }
  for (std::size_t r = 0; r < num_ranks; ++r)
    if (next[r] < program.ranks[r].instructions.size())
      refuse(rank_text(r) + " waits for ever in " +
             instruction_text(program.ranks[r].instructions[next[r]]));
}

}  // namespace

void check_program(const Program& program, const ProgramCosts& costs, std::size_t num_hosts) {
  check_ranks(program, costs, num_hosts);
  check_parts(program);
  check_all_reduce(program, num_hosts);
  check_messages(program);
  check_reductions(program);
  check_it_ends(program);
}

}  // namespace cadastre
