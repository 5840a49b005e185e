#include "planner/search/estimate.h"

#include <algorithm>
#include <limits>

#include "planner/sample_split.h"

namespace cadastre {

Estimator::Estimator(const PlanningProblem& problem, const Goal& goal, std::int64_t batch_size,
                     std::int64_t micro_batches)
    : problem_(problem),
      goal_(goal),
      table_(goal.objective == Objective::kLatency || goal.objective == Objective::kThroughput
                 ? &problem.inference
                 : &problem.training),
      one_sample_(goal.objective == Objective::kLatency),
      batch_size_(batch_size),
      micro_batches_(micro_batches),
      micro_batch_samples_(batch_size / micro_batches) {
  const ModelFacts& model = table_->model();
  first_reader_.push_back(0);
  for (std::size_t i = 0; i < model.num_layers(); ++i) {
    layer_bytes_.push_back({.parameters = table_->parameter_bytes()[i],
                            .gradients = wire_bytes(model.parameter_bytes[i], problem.wire_dtype),
                            .reduced = model.reduced_bytes(i, problem.wire_dtype),
                            .saved_per_sample = table_->saved_bytes_per_sample()[i]});
    readers_.insert(readers_.end(), model.read_by[i].begin(), model.read_by[i].end());
    first_reader_.push_back(readers_.size());
  }
}

const PassSeconds* Estimator::pass_seconds(std::int64_t samples) const {
  const auto [found, is_new] = pass_seconds_.try_emplace(samples);
  if (!is_new) return found->second.data();
  const ModelFacts& model = table_->model();
  const std::vector<LayerCost>& costs = table_->layers(samples);
  for (std::size_t i = 0; i < costs.size(); ++i) {
    double forward_s = costs[i].forward_s;
    for (const int input : model.inputs[i]) forward_s += table_->load_s(input, samples);
    found->second.push_back({.forward_s = forward_s, .backward_s = costs[i].backward_s});
  }
  return found->second.data();
}

const Placement* Estimator::placement(const std::vector<int>& hosts) const {
  const auto [found, is_new] = placements_.try_emplace(hosts);
  Placement& placement = found->second;
  if (!is_new) return &placement;
  placement.hosts = hosts;
  placement.all_reduce = AllReduceCost(problem_.network, problem_.all_reduce, hosts);
  for (const int host : hosts)
    placement.speeds.push_back(
        problem_.cluster.hosts[static_cast<std::size_t>(host)].relative_speed);
  const std::int64_t granularity = problem_.training.model().granularity;
  const std::vector<double> shares =
      balanced_shares(micro_batch_samples_, placement.speeds, granularity);
  placement.possible = !shares.empty();
  if (!placement.possible) return &placement;
  for (const SampleRange& slice : split_samples(one_sample_ ? 1 : micro_batch_samples_, shares,
                                                one_sample_ ? 1 : granularity)) {
    placement.slices.push_back(slice.size());
    placement.costs.push_back(pass_seconds(slice.size()));
  }
  return &placement;
}

void Estimator::add_up_layers(const std::vector<int>& stage_of_layer,
                              const std::vector<const Placement*>& placements) const {
  const std::size_t num_stages = placements.size();
  stages_.assign(num_stages, {});
  first_replica_.assign(num_stages + 1, 0);
  for (std::size_t s = 0; s < num_stages; ++s)
    first_replica_[s + 1] = first_replica_[s] + placements[s]->slices.size();
  replica_s_.assign(first_replica_.back(), {});
  replica_costs_.clear();
  for (const Placement* placement : placements)
    replica_costs_.insert(replica_costs_.end(), placement->costs.begin(), placement->costs.end());
  for (std::size_t i = 0; i < stage_of_layer.size(); ++i) {
    const auto s = static_cast<std::size_t>(stage_of_layer[i]);
    for (std::size_t r = first_replica_[s]; r < first_replica_[s + 1]; ++r) {
      replica_s_[r].forward_s += replica_costs_[r][i].forward_s;
      replica_s_[r].backward_s += replica_costs_[r][i].backward_s;
    }
    StageSums& stage = stages_[s];
    const LayerBytes& bytes = layer_bytes_[i];
    stage.parameter_bytes += bytes.parameters;
    stage.gradient_bytes += bytes.gradients;
    stage.reduced_bytes += bytes.reduced;
    stage.saved_bytes_per_sample += bytes.saved_per_sample;
  }
  for (std::size_t s = 0; s < num_stages; ++s) {
    StageSums& stage = stages_[s];
    const Placement& placement = *placements[s];
    double optimizer_s = 0;
    for (std::size_t r = 0; r < placement.speeds.size(); ++r) {
      const PartRatios ratios = table_->part_ratios(
          stage.parameter_bytes, stage.saved_bytes_per_sample, placement.slices[r]);
      PassSeconds& replica = replica_s_[first_replica_[s] + r];
      replica.forward_s *= ratios.forward;
      replica.backward_s *= ratios.backward;
      const double forward_s = replica.forward_s / placement.speeds[r];
      const double pass_s = forward_s + replica.backward_s / placement.speeds[r];
      stage.forward_s = std::max(stage.forward_s, forward_s);
      stage.pass_s = std::max(stage.pass_s, pass_s);
      optimizer_s = std::max(optimizer_s, ratios.update * table_->optimizer_s_per_parameter_byte() *
                                              static_cast<double>(stage.parameter_bytes) /
                                              placement.speeds[r]);
    }
    stage.closing_s = optimizer_s;
  }
}

/// What is left of each stage's reductions once its last backward pass is over, as
/// `gradient_buckets` cuts them.
void Estimator::find_reductions(const std::vector<int>& stage_of_layer,
                                const std::vector<const Placement*>& placements) const {
  bool any = false;
  open_buckets_.assign(placements.size(), {});
  for (std::size_t s = 0; s < placements.size(); ++s) {
    OpenBucket& bucket = open_buckets_[s];
    bucket.gradient_bytes_left = stages_[s].gradient_bytes;
    if (placements[s]->hosts.size() < 2 || bucket.gradient_bytes_left == 0) continue;
    any = true;
    bucket.enough_bytes = enough_bucket_bytes(bucket.gradient_bytes_left);
    const std::int64_t statistics_bytes = stages_[s].reduced_bytes - bucket.gradient_bytes_left;
    if (statistics_bytes > 0)
      bucket.through_s = placements[s]->all_reduce.seconds(statistics_bytes);
  }
  if (!any) return;
  replica_backward_now_s_.assign(replica_s_.size(), 0);
  const auto reduce = [&](std::size_t s) {
    OpenBucket& bucket = open_buckets_[s];
    double complete_s = 0;
    for (std::size_t r = 0; r < placements[s]->speeds.size(); ++r)
      complete_s = std::max(
          complete_s, replica_backward_now_s_[first_replica_[s] + r] / placements[s]->speeds[r]);
    bucket.through_s =
        std::max(bucket.through_s, complete_s) + placements[s]->all_reduce.seconds(bucket.bytes);
    bucket.bytes = 0;
    return complete_s;
  };
  for (std::size_t i = stage_of_layer.size(); i-- > 0;) {
    const auto s = static_cast<std::size_t>(stage_of_layer[i]);
    OpenBucket& bucket = open_buckets_[s];
    if (bucket.enough_bytes == 0) continue;
    for (std::size_t r = first_replica_[s]; r < first_replica_[s + 1]; ++r)
      replica_backward_now_s_[r] += replica_costs_[r][i].backward_s;
    const std::int64_t bytes = layer_bytes_[i].gradients;
    bucket.bytes += bytes;
    bucket.gradient_bytes_left -= bytes;
    if (bucket.bytes >= bucket.enough_bytes && bucket.gradient_bytes_left > 0) reduce(s);
  }
  for (std::size_t s = 0; s < placements.size(); ++s) {
    if (open_buckets_[s].enough_bytes == 0) continue;
    const double pass_over_s = reduce(s);
    stages_[s].reduction_s = open_buckets_[s].through_s - pass_over_s;
    stages_[s].closing_s += stages_[s].reduction_s;
  }
}

void Estimator::find_edges(const std::vector<int>& stage_of_layer, std::size_t num_stages) const {
  const ModelFacts& model = table_->model();
  edges_.clear();
  first_edge_.assign(num_stages + 1, 0);
  for (std::size_t i = 0; i < stage_of_layer.size(); ++i) {
    const int from = stage_of_layer[i];
    const std::size_t first_of_layer = edges_.size();
    for (std::size_t k = first_reader_[i]; k < first_reader_[i + 1]; ++k) {
      const int to = stage_of_layer[static_cast<std::size_t>(readers_[k])];
      if (to == from || std::any_of(edges_.begin() + static_cast<std::ptrdiff_t>(first_of_layer),
                                    edges_.end(), [&](const Edge& edge) { return edge.to == to; }))
        continue;
      edges_.push_back({.from = from, .to = to, .layer = static_cast<int>(i)});
      stages_[static_cast<std::size_t>(to)].incoming_bytes_per_sample += model.activation_bytes[i];
      ++first_edge_[static_cast<std::size_t>(from) + 1];
    }
  }
  for (std::size_t s = 0; s < num_stages; ++s) first_edge_[s + 1] += first_edge_[s];
  sorted_edges_.resize(edges_.size());
  for (const Edge& edge : edges_)
    sorted_edges_[first_edge_[static_cast<std::size_t>(edge.from)]++] = edge;
  for (std::size_t s = num_stages; s > 0; --s) first_edge_[s] = first_edge_[s - 1];
  first_edge_[0] = 0;
}

/// Seconds that a tensor and its gradient spend on the network around one pass.
double Estimator::crossing_s(const Edge& edge,
                             const std::vector<const Placement*>& placements) const {
  const Placement& from = *placements[static_cast<std::size_t>(edge.from)];
  const Placement& to = *placements[static_cast<std::size_t>(edge.to)];
  if (from.hosts.front() == to.hosts.front()) return 0;
  const Way& way = problem_.network.routes.way(from.hosts.front(), to.hosts.front());
  const auto layer = static_cast<std::size_t>(edge.layer);
  const auto pieces = static_cast<double>(std::max(from.hosts.size(), to.hosts.size()));
  const std::int64_t sample_bytes =
      wire_bytes(table_->model().activation_bytes[layer], problem_.wire_dtype);
  const double bytes =
      static_cast<double>(sample_bytes * (one_sample_ ? 1 : micro_batch_samples_)) / pieces;
  const double once_s = way.latency_s + bytes / way.bandwidth_bytes_per_s;
  return table_->model().has_gradient[layer] ? 2 * once_s : once_s;
}

void Estimator::load_links(const std::vector<const Placement*>& placements) const {
  out_bytes_.assign(problem_.network.routes.num_hosts(), 0);
  in_bytes_.assign(problem_.network.routes.num_hosts(), 0);
  for (const Edge& edge : edges_) {
    const Placement& from = *placements[static_cast<std::size_t>(edge.from)];
    const Placement& to = *placements[static_cast<std::size_t>(edge.to)];
    const auto layer = static_cast<std::size_t>(edge.layer);
    const bool gradient = table_->model().has_gradient[layer] != 0;
    const double bytes = static_cast<double>(
        wire_bytes(table_->model().activation_bytes[layer], problem_.wire_dtype) * batch_size_);
    const auto add = [&](const Placement& placement, std::vector<double>& first,
                         std::vector<double>& second) {
      for (std::size_t r = 0; r < placement.hosts.size(); ++r) {
        const auto host = static_cast<std::size_t>(placement.hosts[r]);
        const double part = bytes * static_cast<double>(placement.slices[r]) /
                            static_cast<double>(micro_batch_samples_);
        first[host] += part;
        if (gradient) second[host] += part;
      }
    };
    if (from.hosts.size() == 1 && to.hosts.size() == 1 && from.hosts[0] == to.hosts[0]) continue;
    add(from, out_bytes_, in_bytes_);
    add(to, in_bytes_, out_bytes_);
  }
}

/// Lets stages recompute where a host lacks memory (which lengthens their passes), notes each
/// host's peak, and returns the bytes lacking at the host that lacks most, as a part of what it
/// has.
double Estimator::fit_memory(const std::vector<const Placement*>& placements) const {
  host_bytes_.assign(problem_.network.routes.num_hosts(), 0);
  double most_lacking = 0;
  const auto held = [&](const StageSums& stage, std::int64_t slice, bool recompute) {
    const int in_flight = std::min(static_cast<int>(micro_batches_), stage.depth + 1);
    const std::int64_t kept =
        stage.incoming_bytes_per_sample + (recompute ? 0 : stage.saved_bytes_per_sample);
    return static_cast<double>(table_->copies_of_parameters() * stage.parameter_bytes +
                               in_flight * kept * slice +
                               (recompute ? stage.saved_bytes_per_sample * slice : 0));
  };
  const auto memory = [&](int host) {
    return static_cast<double>(problem_.cluster.hosts[static_cast<std::size_t>(host)].memory_bytes);
  };
  const bool always = goal_.objective == Objective::kMemory;
  for (std::size_t s = 0; s < placements.size(); ++s)
    for (std::size_t r = 0; r < placements[s]->hosts.size(); ++r)
      host_bytes_[static_cast<std::size_t>(placements[s]->hosts[r])] +=
          held(stages_[s], placements[s]->slices[r], always);
  for (std::size_t s = 0; s < placements.size(); ++s) {
    const Placement& placement = *placements[s];
    const bool lacks = std::any_of(placement.hosts.begin(), placement.hosts.end(), [&](int host) {
      return host_bytes_[static_cast<std::size_t>(host)] > memory(host);
    });
    if (!lacks || always || stages_[s].saved_bytes_per_sample == 0) continue;
    for (std::size_t r = 0; r < placement.hosts.size(); ++r)
      host_bytes_[static_cast<std::size_t>(placement.hosts[r])] +=
          held(stages_[s], placement.slices[r], true) -
          held(stages_[s], placement.slices[r], false);
    stages_[s].pass_s += stages_[s].forward_s;
  }
  for (const Placement* placement : placements)
    for (const int host : placement->hosts)
      most_lacking =
          std::max(most_lacking, host_bytes_[static_cast<std::size_t>(host)] / memory(host) - 1);
  return most_lacking;
}

/// Whether a stage's passes and closing alone take longer.
bool Estimator::loads_exceed(double seconds) const {
  return std::any_of(stages_.begin(), stages_.end(), [&](const StageSums& stage) {
    return static_cast<double>(micro_batches_) * stage.pass_s + stage.closing_s > seconds;
  });
}

Estimate Estimator::estimate(const std::vector<int>& stage_of_layer,
                             const std::vector<const Placement*>& placements, double enough) const {
  Estimate estimate;
  for (const Placement* placement : placements) {
    if (placement->possible) continue;
    estimate.value = std::numeric_limits<double>::infinity();
    estimate.fits = false;
    return estimate;
  }
  const std::size_t num_stages = placements.size();
  add_up_layers(stage_of_layer, placements);
  const bool time = goal_.objective == Objective::kStepTime ||
                    goal_.objective == Objective::kLatency ||
                    goal_.objective == Objective::kThroughput;
  const auto is_too_much = [&] { return time && loads_exceed(enough); };
  // Before the reductions are looked at, and with them.
  const bool exceeds = is_too_much();
  if (!exceeds) find_reductions(stage_of_layer, placements);
  if (exceeds || is_too_much()) {
    estimate.value = std::numeric_limits<double>::infinity();
    return estimate;
  }
  find_edges(stage_of_layer, num_stages);
  for (std::size_t s = num_stages; s-- > 0;)
    for (std::size_t e = first_edge_[s]; e < first_edge_[s + 1]; ++e)
      stages_[s].depth = std::max(stages_[s].depth,
                                  stages_[static_cast<std::size_t>(sorted_edges_[e].to)].depth + 1);
  const double lacking = fit_memory(placements);
  load_links(placements);

  // Around a step: a stage's closing, the ways through those after it, all passes of the last.
  const auto micro_batches = static_cast<double>(micro_batches_);
  const bool steady = goal_.objective == Objective::kThroughput;  // the ways do not count
  host_load_s_.assign(problem_.network.routes.num_hosts(), 0);
  double step_s = 0;
  const auto raise = [&](double seconds, std::size_t stage) {
    stages_[stage].time_s = std::max(stages_[stage].time_s, seconds);
    if (seconds <= step_s) return;
    step_s = seconds;
    estimate.critical_stage = static_cast<int>(stage);
  };
  for (std::size_t s = 0; s < num_stages; ++s) {
    const StageSums& stage = stages_[s];
    const double way_s = steady ? 0 : std::max(stage.way_s, 0.0);
    raise(std::max(stage.closing_s, way_s) + micro_batches * stage.pass_s, s);
    for (std::size_t e = first_edge_[s]; e < first_edge_[s + 1]; ++e) {
      StageSums& next = stages_[static_cast<std::size_t>(sorted_edges_[e].to)];
      next.way_s = std::max(next.way_s, std::max(stage.way_s, stage.closing_s) + stage.pass_s +
                                            crossing_s(sorted_edges_[e], placements));
    }
    for (const int host : placements[s]->hosts) {
      double& load_s = host_load_s_[static_cast<std::size_t>(host)];
      load_s += micro_batches * stage.pass_s + stage.closing_s;
      raise(load_s, s);
    }
  }
  for (std::size_t s = 0; s < num_stages; ++s) {
    for (const int host : placements[s]->hosts) {
      const auto h = static_cast<std::size_t>(host);
      raise(out_bytes_[h] * problem_.network.routes.out_byte_s()[h], s);
      raise(in_bytes_[h] * problem_.network.routes.in_byte_s()[h], s);
    }
  }
  estimate.step_s = step_s;
  estimate.fits = lacking <= 0;
  for (const StageSums& stage : stages_) {
    const double part = step_s > 0 ? stage.time_s / step_s : 1;
    const double squared = part * part;
    estimate.crowding += squared * squared * squared * squared;
  }
  estimate.crowding /= static_cast<double>(num_stages);

  const auto samples = static_cast<double>(batch_size_);
  switch (goal_.objective) {
    case Objective::kStepTime:
    case Objective::kLatency:
    case Objective::kThroughput:
      estimate.value = step_s;
      break;
    case Objective::kTraffic: {
      for (std::size_t h = 0; h < out_bytes_.size(); ++h) estimate.value += out_bytes_[h];
      for (std::size_t s = 0; s < num_stages; ++s)
        estimate.value += static_cast<double>(sent_bytes(
            collective_shape(problem_.all_reduce, placements[s]->hosts), stages_[s].reduced_bytes));
      estimate.value /= samples;
      break;
    }
    case Objective::kMemory:
      estimate.value = *std::max_element(host_bytes_.begin(), host_bytes_.end());
      break;
    case Objective::kEnergy:
    case Objective::kCost: {
      double rate = 0;
      double computing = 0;
      for (std::size_t h = 0; h < host_load_s_.size(); ++h) {
        const Host& host = problem_.cluster.hosts[h];
        if (host_load_s_[h] <= 0) continue;
        if (goal_.objective == Objective::kCost) {
          rate += host.price_per_hour;
        } else {
          rate += idle_watts(host);
          computing += (host.watts - idle_watts(host)) * host_load_s_[h];
        }
      }
      estimate.value = (rate * step_s + computing) / samples;
      break;
    }
  }
  if (!estimate.fits) estimate.value = estimate.value * (2 + lacking) + lacking;
  return estimate;
}

}  // namespace cadastre
