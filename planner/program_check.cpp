#include "planner/program_check.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace cadastre {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("the program cannot be carried out: " + what);
}

std::string rank_text(std::size_t rank) { return "rank " + std::to_string(rank); }

std::string stage_text(std::size_t stage) { return "stage " + std::to_string(stage); }

void check_hosts(const Program& program) {
  std::set<int> hosts;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    if (program.ranks[r].host_index < 0) refuse(rank_text(r) + " is on no host");
    if (!hosts.insert(program.ranks[r].host_index).second)
      refuse(rank_text(r) + " shares its host with another rank");
  }
}

/// Whether the rank does this for a stage of others, as the root of its reductions.
bool serves(const Program& program, const RankProgram& rank, const Instruction& instruction) {
  return is_reduction(instruction.kind) && instruction.stage >= 0 &&
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
        refuse(stage_text(s) + " lists rank " + std::to_string(rank) + " of " +
               std::to_string(program.ranks.size()));
      if (!ranks.insert(rank).second)
        refuse(stage_text(s) + " lists rank " + std::to_string(rank) + " twice");
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

void check_all_reduce(const Program& program) {
  const DividedAllReduce& all_reduce = program.all_reduce;
  if (all_reduce.root_host >= 0 && !has_root(all_reduce.algorithm))
    refuse("its reductions have a root, and none goes with " +
           all_reduce_name(all_reduce.algorithm));
  if (all_reduce.algorithm != AllReduceAlgorithm::kHierarchical) return;
  for (const RankProgram& rank : program.ranks)
    if (static_cast<std::size_t>(rank.host_index) >= all_reduce.host_groups.size())
      refuse("expected groups of at least " + std::to_string(rank.host_index + 1) +
             " hosts, found " + std::to_string(all_reduce.host_groups.size()));
}

struct Ends {
  std::size_t sender = 0;
  std::size_t receiver = 0;
  const Instruction* send = nullptr;
  const Instruction* receive = nullptr;
};

bool is_gradient(const Instruction& instruction) {
  return instruction.kind == InstructionKind::kSendGradient ||
         instruction.kind == InstructionKind::kReceiveGradient;
}

void check_ends(int number, const Ends& ends) {
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
  const auto content = [](const Instruction& end) {
    return (is_gradient(end) ? "the gradient of layer " : "layer ") + std::to_string(end.layer) +
           ", micro-batch " + std::to_string(end.micro_batch) + ", samples " +
           std::to_string(end.samples.begin) + " to " + std::to_string(end.samples.end);
  };
  if (content(*ends.send) != content(*ends.receive))
    refuse(text + " is sent as " + content(*ends.send) + " and received as " +
           content(*ends.receive));
}

void check_messages(const Program& program) {
  std::map<int, Ends> messages;
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    for (const Instruction& instruction : program.ranks[r].instructions) {
      if (!is_send(instruction.kind) && !is_receive(instruction.kind)) continue;
      const std::string text = instruction_text(instruction) + " on " + rank_text(r);
      if (instruction.peer < 0 ||
          static_cast<std::size_t>(instruction.peer) >= program.ranks.size())
        refuse(text + " names rank " + std::to_string(instruction.peer) + " as its peer");
      if (instruction.message < 0 || instruction.message >= program.num_messages)
        refuse(text + " is an end of message " + std::to_string(instruction.message) + " of " +
               std::to_string(program.num_messages));
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
  for (const auto& [number, ends] : messages) check_ends(number, ends);
}

/// What the rank does for the stage's buckets, in order: passes over pieces, starts, waits.
std::vector<const Instruction*> about_buckets(const RankProgram& rank, int stage) {
  std::vector<const Instruction*> found;
  for (const Instruction& instruction : rank.instructions)
    if (instruction.stage == stage && (is_reduction(instruction.kind) || instruction.bucket >= 0))
      found.push_back(&instruction);
  return found;
}

/// Starts of all buckets in order, each after the piece of a backward pass that fills it, if there
/// are such pieces, and one wait at the end.
void check_buckets_of_rank(const Program& program, std::size_t r, std::size_t s) {
  const std::string text = rank_text(r) + " of " + stage_text(s);
  const auto num_buckets = static_cast<int>(program.stage_buckets[s].size());
  int next = 0;
  int last_piece = -1;
  bool waited = false;
  for (const Instruction* instruction : about_buckets(program.ranks[r], static_cast<int>(s))) {
    if (waited) refuse(text + " goes on with its buckets once it has waited for them");
    switch (instruction->kind) {
      case InstructionKind::kStartReduction:
        if (instruction->bucket != next || next >= num_buckets)
          refuse(text + " starts bucket " + std::to_string(instruction->bucket) + " where " +
                 (next < num_buckets ? std::to_string(next) + " is next"
                                     : "all " + std::to_string(num_buckets) + " are started"));
        if (instruction->bytes < 0) refuse(text + " reduces less than 0 bytes");
        ++next;
        break;
      case InstructionKind::kReduceGradients:
        if (next < num_buckets)
          refuse(text + " waits for " + std::to_string(num_buckets) +
                 " buckets when it has started " + std::to_string(next));
        waited = true;
        break;
      case InstructionKind::kBackward:
        if (instruction->bucket >= num_buckets || instruction->bucket <= last_piece ||
            instruction->bucket < next)
          refuse(text + " goes back over bucket " + std::to_string(instruction->bucket) +
                 " out of turn");
        last_piece = instruction->bucket;
        break;
      default:
        refuse(instruction_text(*instruction) + " on " + text + " names a bucket");
    }
  }
  if (!waited && (next > 0 || num_buckets > 0)) refuse(text + " does not wait for its buckets");
}

/// Bytes of what the rank starts for the stage.
std::vector<std::int64_t> started_bytes(const RankProgram& rank, int stage) {
  std::vector<std::int64_t> bytes;
  for (const Instruction& instruction : rank.instructions)
    if (instruction.kind == InstructionKind::kStartReduction && instruction.stage == stage)
      bytes.push_back(instruction.bytes);
  return bytes;
}

void check_reductions(const Program& program) {
  if (program.stage_buckets.size() != program.stage_ranks.size())
    refuse("expected buckets of " + std::to_string(program.stage_ranks.size()) + " stages, found " +
           std::to_string(program.stage_buckets.size()));
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s) {
    const std::vector<int> ranks = reducing_ranks(program, static_cast<int>(s));
    if (ranks.empty()) continue;
    const CollectiveShape shape = reduction_shape(program, static_cast<int>(s));
    const bool reduces = !program.stage_buckets[s].empty();
    if (reduces && shape.root >= static_cast<int>(ranks.size()))
      refuse("the root of the reductions of stage " + std::to_string(s) + " is host " +
             std::to_string(program.all_reduce.root_host) + ", which has no rank");
    for (const int rank : ranks) {
      check_buckets_of_rank(program, static_cast<std::size_t>(rank), s);
      const auto bytes_of = [&](int of) {
        return started_bytes(program.ranks[static_cast<std::size_t>(of)], static_cast<int>(s));
      };
      if (bytes_of(rank) != bytes_of(ranks.front()))
        refuse("rank " + std::to_string(rank) + " reduces other gradients than rank " +
               std::to_string(ranks.front()) + " of stage " + std::to_string(s));
    }
  }
}

/// Goes through one step without times; a step that ends once ends every time.
void check_it_ends(const Program& program) {
  const std::size_t num_ranks = program.ranks.size();
  std::vector<std::size_t> next(num_ranks, 0);
  std::vector<std::size_t> num_started(program.stage_ranks.size(), 0);  // by all ranks of a stage
  std::vector<std::size_t> num_to_start;
  for (std::size_t s = 0; s < program.stage_ranks.size(); ++s)
    num_to_start.push_back(program.stage_buckets[s].size() *
                           reducing_ranks(program, static_cast<int>(s)).size());
  std::set<int> sent;
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t r = 0; r < num_ranks; ++r) {
      const RankProgram& rank = program.ranks[r];
      for (; next[r] < rank.instructions.size(); ++next[r], moved = true) {
        const Instruction& instruction = rank.instructions[next[r]];
        const auto stage = static_cast<std::size_t>(instruction.stage);
        if (is_send(instruction.kind)) sent.insert(instruction.message);
        if (is_receive(instruction.kind) && sent.count(instruction.message) == 0) break;
        if (instruction.kind == InstructionKind::kStartReduction) ++num_started[stage];
        if (instruction.kind == InstructionKind::kReduceGradients &&
            num_started[stage] < num_to_start[stage])
          break;
      }
    }
  }
  for (std::size_t r = 0; r < num_ranks; ++r)
    if (next[r] < program.ranks[r].instructions.size())
      refuse(rank_text(r) + " waits for ever in " +
             instruction_text(program.ranks[r].instructions[next[r]]));
}

}  // namespace

std::string instruction_text(const Instruction& instruction) {
  std::string text = instruction_name(instruction.kind);
  if (instruction.micro_batch >= 0)
    text += " of micro-batch " + std::to_string(instruction.micro_batch);
  return text;
}

void check_program(const Program& program) {
  check_hosts(program);
  check_parts(program);
  check_all_reduce(program);
  check_messages(program);
  check_reductions(program);
  check_it_ends(program);
}

}  // namespace cadastre
