#include "planner/search/stage_bounds.h"

#include <algorithm>
#include <limits>

#include "planner/sample_split.h"
#include "planner/schedule.h"
#include "planner/search/layer_work.h"

namespace cadastre {

StageBounds::StageBounds(const PlanningProblem& problem, const CostTable& table,
                         const Downsets& downsets, std::int64_t batch_size,
                         std::int64_t micro_batches, std::int64_t shared_samples)
    : problem_(problem),
      table_(table),
      downsets_(downsets),
      micro_batch_samples_(batch_size / micro_batches),
      micro_batches_(micro_batches),
      shared_samples_(shared_samples) {
  const ModelFacts& model = table.model();
  const std::size_t num_layers = model.num_layers();
  none_ = LayerSet(num_layers);
  tied_ = LayerSet(num_layers);
  const bool training = &table == &problem.training;
  for (std::size_t i = 0; i < num_layers; ++i)
    if (!training || model.has_gradient[i] != 0) tied_.insert(i);
  for (const std::vector<int>& layers : model.reads) {
    LayerSet& reads = reads_.emplace_back(num_layers);
    for (const int read : layers) reads.insert(static_cast<std::size_t>(read));
  }
  after_.assign(num_layers, LayerSet(num_layers));
  for (std::size_t i = num_layers; i-- > 0;) {
    reads_[i].visit_without(none_, [&](std::size_t read) {
      after_[read].insert(i);
      after_[read].insert(after_[i]);
    });
  }

  way_work_s_ = least_layer_work(table, batch_size, micro_batch_samples_, Loading::kLeftOut);
  path_work_s_ = way_work_s_;
  for (std::size_t i = num_layers; i-- > 0;)
    reads_[i].visit_without(none_, [&](std::size_t read) {
      path_work_s_[read] = std::max(path_work_s_[read], way_work_s_[read] + path_work_s_[i]);
    });

  const std::vector<double> layer_work_s =
      least_layer_work(table, batch_size, micro_batch_samples_, Loading::kCounted);
  const std::size_t num_sets = downsets.sets.size();
  least_work_s_.assign(num_sets, 0);
  parameter_bytes_.assign(num_sets, 0);
  saved_bytes_per_sample_.assign(num_sets, 0);
  gradient_bytes_.assign(num_sets, 0);
  statistics_bytes_.assign(num_sets, 0);
  for (std::size_t s = 1; s < num_sets; ++s) {
    const std::size_t layer = downsets.last_layers[s];
    const std::size_t rest = downsets.without_last[s];
    least_work_s_[s] = least_work_s_[rest] + layer_work_s[layer];
    parameter_bytes_[s] = parameter_bytes_[rest] + table.parameter_bytes()[layer];
    saved_bytes_per_sample_[s] =
        saved_bytes_per_sample_[rest] + table.saved_bytes_per_sample()[layer];
    gradient_bytes_[s] =
        gradient_bytes_[rest] + wire_bytes(model.parameter_bytes[layer], problem.wire_dtype);
    statistics_bytes_[s] = statistics_bytes_[rest] + model.statistics_bytes[layer];
  }
  for (const std::int64_t bytes : model.parameter_bytes)
    if (const std::int64_t on_wire = wire_bytes(bytes, problem.wire_dtype); on_wire > 0)
      least_gradient_bytes_ =
          least_gradient_bytes_ > 0 ? std::min(least_gradient_bytes_, on_wire) : on_wire;
}

const StageBounds::SizeSums& StageBounds::sums(std::int64_t samples) {
  const auto [found, is_new] = sums_.try_emplace(samples);
  if (!is_new) return found->second;
  const std::vector<LayerCost>& costs = table_.layers(samples);
  const std::vector<double> loads_s = loading_s(table_, samples);
  const std::size_t num_sets = downsets_.sets.size();
  SizeSums& sums = found->second;
  sums.load_s.assign(num_sets, 0);
  sums.forward_s.assign(num_sets, 0);
  sums.backward_s.assign(num_sets, 0);
  for (std::size_t s = 1; s < num_sets; ++s) {
    const std::size_t layer = downsets_.last_layers[s];
    const std::size_t rest = downsets_.without_last[s];
    sums.load_s[s] = sums.load_s[rest] + loads_s[layer];
    sums.forward_s[s] = sums.forward_s[rest] + costs[layer].forward_s;
    sums.backward_s[s] = sums.backward_s[rest] + costs[layer].backward_s;
  }
  return found->second;
}

StageBounds::Placement StageBounds::on(const std::vector<int>& hosts) {
  Placement placement;
  placement.bounds_ = this;
  placement.hosts_ = hosts;
  placement.all_reduce_ = AllReduceCost(problem_.network, problem_.all_reduce, hosts);
  placement.least_reduction_s_ = placement.all_reduce_.seconds(least_gradient_bytes_);
  std::vector<double> speeds;
  for (const int host : hosts)
    speeds.push_back(problem_.cluster.hosts[static_cast<std::size_t>(host)].relative_speed);
  const std::int64_t granularity = table_.model().granularity;
  const std::vector<double> shares =
      balanced_shares(shared_samples_, speeds, problem_.training.model().granularity);
  if (shares.empty()) return placement;
  const std::vector<SampleRange> slices = split_samples(micro_batch_samples_, shares, granularity);
  for (std::size_t i = 0; i < hosts.size(); ++i)
    placement.parts_.push_back(
        {.sums = &sums(slices[i].size()), .samples = slices[i].size(), .speed = speeds[i]});
  return placement;
}

PlacedStage StageBounds::Placement::place(std::size_t below, std::size_t upto) const {
  PlacedStage stage{.below = below, .upto = upto, .hosts = hosts_};
  const std::int64_t gradient_bytes =
      bounds_->gradient_bytes_[upto] - bounds_->gradient_bytes_[below];
  // Buckets are reduced one after the other, and take no less than all of their bytes at once. The
  // first begins with the last backward pass at the earliest, the last when that is over.
  double reductions_s = 0;
  double last_reduction_s = 0;
  if (gradient_bytes > 0) {
    reductions_s = all_reduce_.seconds(gradient_bytes + bounds_->statistics_bytes_[upto] -
                                       bounds_->statistics_bytes_[below]);
    last_reduction_s =
        gradient_bytes <= kBucketBytes ? all_reduce_.seconds(gradient_bytes) : least_reduction_s_;
  }
  const std::int64_t parameter_bytes =
      bounds_->parameter_bytes_[upto] - bounds_->parameter_bytes_[below];
  const std::int64_t saved_bytes_per_sample =
      bounds_->saved_bytes_per_sample_[upto] - bounds_->saved_bytes_per_sample_[below];
  const double optimizer_s =
      bounds_->table_.optimizer_s_per_parameter_byte() * static_cast<double>(parameter_bytes);
  stage.least_pass_s = std::numeric_limits<double>::infinity();
  stage.way_pass_s = std::numeric_limits<double>::infinity();
  stage.closing_s = std::numeric_limits<double>::infinity();
  for (const Part& part : parts_) {
    // A rank that holds other stages, too, takes no less.
    const PartRatios ratios =
        bounds_->table_.part_ratios(parameter_bytes, saved_bytes_per_sample, part.samples);
    const double part_optimizer_s = ratios.update * optimizer_s / part.speed;
    stage.closing_s = std::min(stage.closing_s, last_reduction_s + part_optimizer_s);
    const double load_s = (part.sums->load_s[upto] - part.sums->load_s[below]) / part.speed;
    const double forward_s =
        ratios.forward * (part.sums->forward_s[upto] - part.sums->forward_s[below]) / part.speed;
    const double backward_s =
        ratios.backward * (part.sums->backward_s[upto] - part.sums->backward_s[below]) / part.speed;
    const double pass_s = load_s + forward_s + backward_s;
    const double passes_s = static_cast<double>(bounds_->micro_batches_) * pass_s;
    stage.least_pass_s = std::min(stage.least_pass_s, pass_s);
    stage.way_pass_s = std::min(stage.way_pass_s, pass_s - load_s);
    stage.way_passes_s = std::max(stage.way_passes_s, passes_s - load_s);
    stage.forward_s = load_s + forward_s;
    stage.passes_s = std::max(stage.passes_s, passes_s);
    stage.cycle_s = std::max(
        stage.cycle_s, std::max(passes_s + last_reduction_s, passes_s - backward_s + reductions_s) +
                           part_optimizer_s);
  }
  return stage;
}

bool StageBounds::parameters_fit(const PlacedStage& stage) const {
  const std::int64_t bytes = table_.copies_of_parameters() *
                             (parameter_bytes_[stage.upto] - parameter_bytes_[stage.below]);
  return std::all_of(stage.hosts.begin(), stage.hosts.end(), [&](int host) {
    return bytes <= problem_.cluster.hosts[static_cast<std::size_t>(host)].memory_bytes;
  });
}

double StageBounds::rest_s(std::size_t downset, double speed) const {
  const double work_s = least_work_s_.back() - least_work_s_[downset];
  return work_s <= 0 ? 0 : work_s / speed;
}

/// What the stage's layers read, inside the stage and outside.
LayerSet StageBounds::read_by(const PlacedStage& stage) const {
  LayerSet read(none_);
  downsets_.sets[stage.upto].visit_without(downsets_.sets[stage.below],
                                           [&](std::size_t layer) { read.insert(reads_[layer]); });
  return read;
}

bool StageBounds::depends(const PlacedStage& stage, const PlacedStage& earlier) const {
  return read_by(stage).meets_without(downsets_.sets[earlier.upto], downsets_.sets[earlier.below]);
}

/// The stage's layers whose readers it waits for.
LayerSet StageBounds::tied_in(const PlacedStage& stage) const {
  LayerSet tied(none_);
  downsets_.sets[stage.upto].visit_without(downsets_.sets[stage.below], [&](std::size_t layer) {
    if (tied_.contains(layer)) tied.insert(layer);
  });
  return tied;
}

/// Least seconds that the tensors from one stage to another, and their gradients back, spend on the
/// network around one pass. `read` is what the other reads. Negative when nothing comes back of
/// what crosses.
double StageBounds::crossing_s(const PlacedStage& from, const PlacedStage& to,
                               const LayerSet& read) const {
  const LayerSet& from_below = downsets_.sets[from.below];
  const LayerSet& from_upto = downsets_.sets[from.upto];
  if (!read.meets_without(tied_in(from), none_)) return -1;
  // Between replicas only part of a tensor may cross: its bytes then count for nothing here.
  const bool whole = from.hosts.size() == 1 && to.hosts.size() == 1;
  double bytes = 0;
  bool comes_back = false;
  from_upto.visit_without(from_below, [&](std::size_t layer) {
    if (!read.contains(layer)) return;
    const auto tensor_bytes = static_cast<double>(
        wire_bytes(table_.model().activation_bytes[layer], problem_.wire_dtype) *
        micro_batch_samples_);
    bytes += tensor_bytes * (table_.model().has_gradient[layer] != 0 ? 2 : 1);
    comes_back = comes_back || table_.model().has_gradient[layer] != 0;
  });
  double least_s = std::numeric_limits<double>::infinity();
  for (const int a : from.hosts) {
    for (const int b : to.hosts) {
      if (a == b) return 0;
      const Way there = problem_.network.routes.way(a, b);
      const Way back = problem_.network.routes.way(b, a);
      // Where the tensors of one pass do not queue, as over a direct link, this is infinite.
      const double bandwidth =
          std::max(there.queue_bandwidth_bytes_per_s, back.queue_bandwidth_bytes_per_s);
      // What the links let through at once, each way, may be as much every time.
      const double at_once = (comes_back ? 2 : 1) * problem_.network.burst_bytes;
      const double wire_s = !whole ? 0 : std::max(0.0, bytes - at_once) / bandwidth;
      least_s = std::min(least_s, wire_s + there.latency_s + (comes_back ? back.latency_s : 0));
    }
  }
  return least_s;
}

/// The new stage's incoming tensors all pass its host's link, every micro-batch.
double StageBounds::link_s(const std::vector<PlacedStage>& stages, const LayerSet& read) const {
  const PlacedStage& stage = stages.back();
  if (stage.hosts.size() != 1 || stages.size() == 1) return 0;
  const int to = stage.hosts.front();
  for (const PlacedStage& earlier : stages) {
    if (&earlier == &stage) break;
    for (const int from : earlier.hosts) {
      if (from == to) return 0;  // what it read there crosses nothing
      if (!problem_.network.routes.way(from, to).shared) return 0;
    }
  }
  double bytes = 0;
  downsets_.sets[stage.below].visit_without(none_, [&](std::size_t layer) {
    if (read.contains(layer) && tied_.contains(layer))
      bytes += static_cast<double>(
          wire_bytes(table_.model().activation_bytes[layer], problem_.wire_dtype) *
          micro_batch_samples_ * micro_batches_);
  });
  // Others may send to it at once, each more slowly than its link takes.
  return std::max(0.0, bytes - problem_.network.burst_bytes) *
         problem_.network.routes.in_byte_s()[static_cast<std::size_t>(to)];
}

/// Work of the layers outside the stage's downset that the stage waits for, per step.
double StageBounds::rest_after_s(const PlacedStage& stage) const {
  LayerSet after(none_);
  tied_in(stage).visit_without(none_, [&](std::size_t layer) { after.insert(after_[layer]); });
  double work_s = 0;
  after.visit_without(downsets_.sets[stage.upto],
                      [&](std::size_t layer) { work_s += way_work_s_[layer]; });
  return work_s;
}

/// Work of the heaviest way from the stage's layers to the loss, outside its downset, per step.
double StageBounds::rest_path_s(const PlacedStage& stage) const {
  const LayerSet tied = tied_in(stage);
  double path_s = 0;
  downsets_.sets.back().visit_without(downsets_.sets[stage.upto], [&](std::size_t layer) {
    if (reads_[layer].meets_without(tied, none_)) path_s = std::max(path_s, path_work_s_[layer]);
  });
  return path_s;
}

/// How long a stage on one host at least waits in a step for what comes back from the stages after
/// it, whose passes and transfers take `after_s` there and back, on a way of at most `most_after`
/// stages. Under GPipe it waits once, between its last forward and its first backward pass. Under
/// eager 1F1B with d stages after it, it makes at most 2d passes between the first forward and the
/// first backward, and between the last forward and the last backward pass; under 1F1B, d.
double StageBounds::idle_s(const PlacedStage& stage, double after_s, int most_after) const {
  if (stage.hosts.size() != 1) return 0;
  const int most_between = most_in_flight(Schedule::kEagerOneForwardOneBackward,
                                          std::numeric_limits<int>::max(), most_after) -
                           1;
  const double backward_s = stage.least_pass_s - stage.forward_s;
  const double first_s = std::max(0.0, after_s - most_between * stage.forward_s);
  const double last_s = std::max(0.0, after_s - most_between * backward_s);
  const bool apart = micro_batches_ >= most_between + 2;
  return std::min(after_s, apart ? first_s + last_s : std::max(first_s, last_s));
}

double StageBounds::bound_s(const std::vector<PlacedStage>& stages, double free_speed, int num_free,
                            std::vector<std::vector<StageChain>>& chains) const {
  const PlacedStage& stage = stages.back();
  const std::size_t last = stages.size() - 1;
  for (std::vector<StageChain>& row : chains) row.emplace_back();
  chains.emplace_back(stages.size());
  chains[last][last] = {.seconds = stage.least_pass_s, .length = 0};

  const LayerSet read = read_by(stage);
  double bound_s = std::max(stage.cycle_s, link_s(stages, read));
  for (std::size_t q = 0; q < last; ++q) {
    if (!read.meets_without(downsets_.sets[stages[q].upto], downsets_.sets[stages[q].below]))
      continue;
    const double between_s = crossing_s(stages[q], stage, read);
    for (std::size_t p = 0; p <= q; ++p) {
      const StageChain& chain = chains[p][q];
      if (chain.length < 0) continue;
      StageChain& extended = chains[p][last];
      extended.length = std::max(extended.length, chain.length + 1);
      if (!chain.reached() || between_s < 0) continue;
      bound_s =
          std::max(bound_s, chain.seconds + between_s + stage.way_passes_s + stages[p].closing_s);
      extended.seconds = std::max(extended.seconds, chain.seconds + between_s + stage.way_pass_s);
    }
  }
  // What is not placed yet and depends on this stage goes to stages that do: the busiest of them
  // has at least its share of that work, all micro-batches of it between this stage's first pass
  // and last.
  const double rest_s = free_speed > 0 ? rest_after_s(stage) / free_speed : 0;
  const double path_s =
      free_speed > 0 ? rest_path_s(stage) / free_speed / static_cast<double>(micro_batches_) : 0;
  for (std::size_t p = 0; p <= last; ++p) {
    if (!chains[p][last].reached()) continue;
    if (rest_s > 0)
      bound_s = std::max(bound_s, chains[p][last].seconds + rest_s + stages[p].closing_s);
    int most_after = 0;
    for (const StageChain& chain : chains[p]) most_after = std::max(most_after, chain.length);
    const double after_s = chains[p][last].seconds - stages[p].least_pass_s + path_s;
    bound_s =
        std::max(bound_s, stages[p].cycle_s + idle_s(stages[p], after_s, most_after + num_free));
  }
  return bound_s;
}

}  // namespace cadastre
