#include "simulator/reductions.h"

#include <algorithm>
#include <string>

#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

Reductions::Reductions(const Program& program, double reduction_s_per_byte, MessageNetwork& network,
                       Actions actions)
    : program_(program),
      reduction_s_per_byte_(reduction_s_per_byte),
      network_(network),
      actions_(std::move(actions)) {}

void Reductions::start(int step, std::size_t rank, const Instruction& instruction) {
  const int stage = instruction.stage;
  UnderWay& under_way = under_way_[{rank, stage}];
  under_way.started.push_back(
      {.step = step, .bucket = instruction.bucket, .bytes = instruction.bytes});
  if (under_way.actor) return;
  std::string name = "rank" + std::to_string(rank);
  name += "-stage" + std::to_string(stage);
  under_way.actor = simgrid_version::add_actor(name, actions_.host(rank),
                                               [this, rank, stage] { work_off(rank, stage); });
}

void Reductions::wait(std::size_t rank, int stage, const MessageNetwork::Bell& bell) {
  const auto found = under_way_.find({rank, stage});
  if (found == under_way_.end()) return;
  UnderWay& under_way = found->second;
  under_way.awaited_by = bell;
  while (under_way.actor) bell->acquire();
  under_way.awaited_by = nullptr;
}

void Reductions::end() {
  for (auto& [place, under_way] : under_way_)
    if (under_way.actor) under_way.actor->kill();
  under_way_.clear();
}

void Reductions::work_off(std::size_t rank, int stage) {
  const MessageNetwork::Bell bell = s4u::Semaphore::create(0);
  UnderWay& under_way = under_way_.at({rank, stage});
  while (!under_way.started.empty()) {
    const Started next = under_way.started.front();
    under_way.started.pop_front();
    carry_out(rank, stage, next, bell);
  }
  under_way.actor = nullptr;
  if (under_way.awaited_by) under_way.awaited_by->release();
}

/// The rank's place in the all-reduce, round by round.
void Reductions::carry_out(std::size_t rank, int stage, const Started& started,
                           const MessageNetwork::Bell& bell) {
  const StageReduction& of_stage = stage_reduction(stage);
  const Collective& collective = of_stage.collective;
  const std::vector<int>& ranks = of_stage.ranks;
  const auto rank_of = [&](int place) { return ranks[static_cast<std::size_t>(place)]; };
  const auto place = static_cast<int>(
      std::find(ranks.begin(), ranks.end(), static_cast<int>(rank)) - ranks.begin());

  struct Sent {
    int to = 0;
    std::int64_t num_messages = 0;  ///< over the connection, with it
  };

  std::vector<Sent> sent;
  for (int round = 0; round < collective.num_rounds(); ++round) {
    const auto key = [&](const CollectiveMessage& message) {
      return MessageKey{.step = started.step,
                        .from = rank_of(message.from),
                        .to = rank_of(message.to),
                        .stage = stage,
                        .number = started.bucket,
                        .round = round};
    };
    if (const std::vector<CollectiveMessage> sends = collective.sends(place, round);
        !sends.empty()) {
      for (const Sent& before : sent)
        network_.wait_until_left(static_cast<int>(rank), before.to, before.num_messages, bell);
      sent.clear();
      for (const CollectiveMessage& message : sends)
        sent.push_back({.to = rank_of(message.to),
                        .num_messages = network_.send(key(message), message.bytes(started.bytes))});
    }
    for (const CollectiveMessage& message : collective.receives(place, round)) {
      actions_.receive(key(message), bell);
      actions_.compute(rank,
                       reduction_s_per_byte_ * static_cast<double>(message.bytes(started.bytes)));
    }
  }
}

const Reductions::StageReduction& Reductions::stage_reduction(int stage) {
  auto found = stages_.find(stage);
  if (found == stages_.end())
    found = stages_
                .emplace(stage, StageReduction{Collective(reduction_shape(program_, stage)),
                                               reducing_ranks(program_, stage)})
                .first;
  return found->second;
}

}  // namespace cadastre
