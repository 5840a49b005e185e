#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/schedule.h"

namespace cadastre {

inline std::string host_name(int index) { return std::string("h").append(std::to_string(index)); }

/// `num_hosts` equal hosts; a message alone takes 2 `latency_s` + bytes / bandwidth.
inline Cluster star(int num_hosts, double bandwidth_bytes_per_s, double latency_s) {
  Cluster cluster{.name = "star", .description = "", .hosts = {}, .network = {}};
  for (int i = 0; i < num_hosts; ++i) {
    cluster.hosts.emplace_back();
    cluster.hosts.back().name = host_name(i);
  }
  cluster.network.bandwidth_bytes_per_s = bandwidth_bytes_per_s;
  cluster.network.latency_s = latency_s;
  return cluster;
}

/// A program written by hand, rank r on host r, with its costs. An instruction without a stage is
/// of the first in which its rank has a part.
struct TinyProgram {
  Program program;
  ProgramCosts costs;

  /// One entry per stage, each on ranks of its own.
  explicit TinyProgram(const std::vector<int>& num_replicas) {
    for (std::size_t s = 0; s < num_replicas.size(); ++s) {
      program.stage_ranks.emplace_back();
      for (int r = 0; r < num_replicas[s]; ++r) {
        const int rank = static_cast<int>(program.ranks.size());
        program.stage_ranks.back().push_back(rank);
        program.ranks.push_back({.host = host_name(rank),
                                 .host_index = rank,
                                 .parts = {{.stage = static_cast<int>(s), .replica = r}},
                                 .instructions = {}});
      }
    }
    program.stage_buckets.resize(program.stage_ranks.size());
    costs.seconds.resize(program.ranks.size());
  }

  /// One more stage, on ranks that serve others already.
  void add_stage(const std::vector<int>& ranks) {
    const int stage = static_cast<int>(program.stage_ranks.size());
    for (std::size_t k = 0; k < ranks.size(); ++k)
      program.ranks[static_cast<std::size_t>(ranks[k])].parts.push_back(
          {.stage = stage, .replica = static_cast<int>(k)});
    program.stage_ranks.push_back(ranks);
    program.stage_buckets.emplace_back();
  }

  void add(int rank, Instruction instruction, double cost_s) {
    RankProgram& to = program.ranks[static_cast<std::size_t>(rank)];
    if (instruction.stage < 0) instruction.stage = to.parts.front().stage;
    to.instructions.push_back(instruction);
    costs.seconds[static_cast<std::size_t>(rank)].push_back(cost_s);
  }

  void compute(int rank, InstructionKind kind, int micro_batch, double cost_s) {
    Instruction instruction;
    instruction.kind = kind;
    instruction.micro_batch = micro_batch;
    add(rank, instruction, cost_s);
  }

  void forward(int rank, double cost_s, int micro_batch = 0) {
    compute(rank, InstructionKind::kForward, micro_batch, cost_s);
  }

  /// The piece of a backward pass that fills a bucket.
  void backward_over(int rank, int bucket, double cost_s, int micro_batch = 0) {
    Instruction instruction;
    instruction.kind = InstructionKind::kBackward;
    instruction.micro_batch = micro_batch;
    instruction.bucket = bucket;
    add(rank, instruction, cost_s);
  }

  /// In one bucket.
  void reduce(int rank, std::int64_t bytes, int stage = -1) {
    start_reduction(rank, 0, bytes, stage);
    wait_for_reductions(rank, bytes, stage);
  }

  void start_reduction(int rank, int bucket, std::int64_t bytes, int stage = -1) {
    Instruction instruction;
    instruction.kind = InstructionKind::kStartReduction;
    instruction.stage = stage;
    instruction.bytes = bytes;
    instruction.bucket = bucket;
    add(rank, instruction, 0);
    const int of_stage = program.ranks[static_cast<std::size_t>(rank)].instructions.back().stage;
    std::vector<ReductionBucket>& buckets =
        program.stage_buckets[static_cast<std::size_t>(of_stage)];
    buckets.resize(std::max(buckets.size(), static_cast<std::size_t>(bucket) + 1));
    buckets[static_cast<std::size_t>(bucket)].bytes = bytes;
  }

  void wait_for_reductions(int rank, std::int64_t bytes, int stage = -1) {
    Instruction instruction;
    instruction.kind = InstructionKind::kReduceGradients;
    instruction.stage = stage;
    instruction.bytes = bytes;
    add(rank, instruction, 0);
  }

  void send_activation(int from, int to, std::int64_t bytes, int micro_batch = 0) {
    end_of_transfer(from, InstructionKind::kSendActivation, from, to, bytes, micro_batch);
  }

  void receive_activation(int to, int from, std::int64_t bytes, int micro_batch = 0) {
    end_of_transfer(to, InstructionKind::kReceiveActivation, from, to, bytes, micro_batch);
  }

  void send_gradient(int from, int to, std::int64_t bytes, int micro_batch = 0) {
    end_of_transfer(from, InstructionKind::kSendGradient, from, to, bytes, micro_batch);
  }

  void receive_gradient(int to, int from, std::int64_t bytes, int micro_batch = 0) {
    end_of_transfer(to, InstructionKind::kReceiveGradient, from, to, bytes, micro_batch);
  }

 private:
  void end_of_transfer(int rank, InstructionKind kind, int from, int to, std::int64_t bytes,
                       int micro_batch) {
    Instruction instruction;
    instruction.kind = kind;
    instruction.micro_batch = micro_batch;
    instruction.layer = 0;
    instruction.peer = rank == from ? to : from;
    const bool gradient =
        kind == InstructionKind::kSendGradient || kind == InstructionKind::kReceiveGradient;
    instruction.message =
        numbers_
            .emplace(std::tuple(from, to, gradient, micro_batch), static_cast<int>(numbers_.size()))
            .first->second;
    program.num_messages = static_cast<int>(numbers_.size());
    instruction.bytes = bytes;
    add(rank, instruction, 0);
  }

  std::map<std::tuple<int, int, bool, int>, int> numbers_;
};

struct PipelineShape {
  int num_stages = 1;
  int num_micro_batches = 1;
  double forward_s = 0;
  double backward_s = 0;
  std::int64_t bytes = 1;
};

/// A chain of equal stages, one rank each.
inline TinyProgram pipeline(const PipelineShape& shape, Schedule schedule) {
  TinyProgram tiny(std::vector<int>(static_cast<std::size_t>(shape.num_stages), 1));
  for (int s = 0; s < shape.num_stages; ++s) {
    const bool first = s == 0;
    const bool last = s + 1 == shape.num_stages;
    for (const Pass& pass :
         stage_passes(schedule, shape.num_micro_batches, shape.num_stages - 1 - s)) {
      const int m = pass.micro_batch;
      if (pass.forward) {
        if (!first) tiny.receive_activation(s, s - 1, shape.bytes, m);
        tiny.compute(s, InstructionKind::kForward, m, shape.forward_s);
        if (!last) tiny.send_activation(s, s + 1, shape.bytes, m);
      } else {
        if (!last) tiny.receive_gradient(s, s + 1, shape.bytes, m);
        tiny.compute(s, InstructionKind::kBackward, m, shape.backward_s);
        if (!first) tiny.send_gradient(s, s - 1, shape.bytes, m);
      }
    }
  }
  return tiny;
}

}  // namespace cadastre
