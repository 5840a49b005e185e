#include "planner/stage_bounds.h"

#include <algorithm>
#include <limits>

#include "planner/cost_model.h"
#include "planner/program.h"
#include "planner/strategies.h"

namespace cadastre {

namespace {

constexpr double kUnreached = -1;

}  // namespace

StageBounds::StageBounds(const Profile& profile, const Cluster& cluster, const Downsets& downsets,
                         std::int64_t batch_size, std::int64_t micro_batches)
    : profile_(profile),
      cluster_(cluster),
      downsets_(downsets),
      micro_batch_samples_(batch_size / micro_batches),
      micro_batches_(micro_batches),
      has_gradient_(layers_with_gradient(profile.model)) {
  for (const std::vector<Source>& sources : layer_sources(profile.model)) {
    std::vector<std::size_t>& reads = reads_.emplace_back();
    for (const Source& source : sources)
      if (!source.is_model_input) reads.push_back(static_cast<std::size_t>(source.index));
  }

  const std::int64_t granularity = profile.model.batch_norm_group_samples;
  const std::size_t num_layers = profile.layers.size();
  std::vector<double> least_work_s(num_layers, std::numeric_limits<double>::infinity());
  for (std::int64_t n = granularity; n <= micro_batch_samples_; n += granularity) {
    for (std::size_t i = 0; i < num_layers; ++i) {
      const LayerCost cost = layer_cost(profile.layers[i], n);
      const double pass_s = cost.forward_s + (has_gradient_[i] ? cost.backward_s : 0);
      least_work_s[i] = std::min(
          least_work_s[i], pass_s * static_cast<double>(batch_size) / static_cast<double>(n));
    }
  }
  const LayerSet empty(num_layers);
  for (const LayerSet& set : downsets.sets) {
    double work_s = 0;
    std::int64_t parameters = 0;
    std::int64_t reduced = 0;
    for (const std::size_t layer : set.without(empty)) {
      const std::int64_t bytes = profile.layers[layer].parameter_bytes;
      work_s += least_work_s[layer];
      parameters += bytes;
      reduced += reduced_bytes(profile.model, profile.model.layers[layer]);
    }
    least_work_s_.push_back(work_s);
    parameter_bytes_.push_back(parameters);
    reduced_bytes_.push_back(reduced);
  }
}

const StageBounds::SizeSums& StageBounds::sums(std::int64_t samples) {
  const auto [found, is_new] = sums_.try_emplace(samples);
  if (!is_new) return found->second;
  std::vector<LayerCost> costs;
  for (const LayerProfile& layer : profile_.layers) costs.push_back(layer_cost(layer, samples));
  const LayerSet empty(profile_.layers.size());
  for (const LayerSet& set : downsets_.sets) {
    LayerCost sum;
    for (const std::size_t layer : set.without(empty)) {
      sum.forward_s += costs[layer].forward_s;
      if (has_gradient_[layer]) sum.backward_s += costs[layer].backward_s;
    }
    found->second.forward_s.push_back(sum.forward_s);
    found->second.backward_s.push_back(sum.backward_s);
  }
  return found->second;
}

PlacedStage StageBounds::place(std::size_t below, std::size_t upto, const std::vector<int>& hosts) {
  PlacedStage stage{.below = below, .upto = upto, .hosts = hosts};
  std::vector<double> speeds;
  for (const int host : hosts)
    speeds.push_back(cluster_.hosts[static_cast<std::size_t>(host)].relative_speed);
  const std::vector<SampleRange> slices =
      split_samples(micro_batch_samples_, speeds, profile_.model.batch_norm_group_samples);
  const double reduction_s = ring_seconds(cluster_, hosts, reduced_bytes_[upto] - reduced_bytes_[below]);
  const double optimizer_s = profile_.optimizer_s_per_parameter_byte *
                             static_cast<double>(parameter_bytes_[upto] - parameter_bytes_[below]);
  stage.least_pass_s = std::numeric_limits<double>::infinity();
  stage.closing_s = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const double closing_s = reduction_s + optimizer_s / speeds[i];
    stage.closing_s = std::min(stage.closing_s, closing_s);
    if (slices[i].size() == 0) {
      stage.cycle_s = std::max(stage.cycle_s, closing_s);
      continue;
    }
    const SizeSums& at_size = sums(slices[i].size());
    const double pass_s = (at_size.forward_s[upto] - at_size.forward_s[below] +
                           at_size.backward_s[upto] - at_size.backward_s[below]) /
                          speeds[i];
    stage.least_pass_s = std::min(stage.least_pass_s, pass_s);
    const double passes_s = static_cast<double>(micro_batches_) * pass_s;
    stage.passes_s = std::max(stage.passes_s, passes_s);
    stage.cycle_s = std::max(stage.cycle_s, passes_s + closing_s);
  }
  return stage;
}

bool StageBounds::parameters_fit(const PlacedStage& stage) const {
  constexpr std::int64_t kCopiesOfParameters = 3;  // as `peak_memory_bytes`
  const std::int64_t bytes =
      kCopiesOfParameters * (parameter_bytes_[stage.upto] - parameter_bytes_[stage.below]);
  return std::all_of(stage.hosts.begin(), stage.hosts.end(), [&](int host) {
    return bytes <= cluster_.hosts[static_cast<std::size_t>(host)].memory_bytes;
  });
}

double StageBounds::rest_s(std::size_t downset, double speed) const {
  const double work_s = least_work_s_.back() - least_work_s_[downset];
  return work_s <= 0 ? 0 : work_s / speed;
}

bool StageBounds::depends(const PlacedStage& stage, const PlacedStage& earlier) const {
  const LayerSet& from_below = downsets_.sets[earlier.below];
  const LayerSet& from_upto = downsets_.sets[earlier.upto];
  for (const std::size_t layer : downsets_.sets[stage.upto].without(downsets_.sets[stage.below]))
    for (const std::size_t read : reads_[layer])
      if (from_upto.contains(read) && !from_below.contains(read)) return true;
  return false;
}

/// Least seconds that the tensors from one stage to another, and their gradients back, spend on the
/// network around one pass. Negative when no tensor crosses.
double StageBounds::crossing_s(const PlacedStage& from, const PlacedStage& to) const {
  const LayerSet& from_below = downsets_.sets[from.below];
  const LayerSet& from_upto = downsets_.sets[from.upto];
  std::vector<std::size_t> crossing;
  for (const std::size_t layer : downsets_.sets[to.upto].without(downsets_.sets[to.below]))
    for (const std::size_t read : reads_[layer])
      if (from_upto.contains(read) && !from_below.contains(read)) crossing.push_back(read);
  if (crossing.empty()) return kUnreached;
  std::sort(crossing.begin(), crossing.end());
  crossing.erase(std::unique(crossing.begin(), crossing.end()), crossing.end());
  // Between replicas only part of a tensor may cross: its bytes then count for nothing here.
  const bool whole = from.hosts.size() == 1 && to.hosts.size() == 1;
  double bytes = 0;
  bool comes_back = false;
  for (const std::size_t layer : crossing) {
    const auto tensor_bytes =
        static_cast<double>(profile_.layers[layer].activation_bytes_per_sample * micro_batch_samples_);
    bytes += tensor_bytes * (has_gradient_[layer] ? 2 : 1);
    comes_back = comes_back || has_gradient_[layer];
  }
  double least_s = std::numeric_limits<double>::infinity();
  for (const int a : from.hosts) {
    for (const int b : to.hosts) {
      const Route there = route_between(cluster_, a, b);
      const Route back = route_between(cluster_, b, a);
      const double bandwidth = std::max(there.bandwidth_bytes_per_s, back.bandwidth_bytes_per_s);
      // Over a direct link the tensors of one pass do not queue: the largest alone is a bound.
      const double wire_s = there.direct || back.direct || !whole ? 0 : bytes / bandwidth;
      least_s = std::min(least_s,
                         wire_s + there.latency_s + (comes_back ? back.latency_s : 0));
    }
  }
  return least_s;
}

/// The new stage's incoming tensors all pass its host's link, every micro-batch.
double StageBounds::link_s(const std::vector<PlacedStage>& stages) const {
  const PlacedStage& stage = stages.back();
  if (stage.hosts.size() != 1) return 0;
  const int to = stage.hosts.front();
  const LayerSet& below = downsets_.sets[stage.below];
  std::vector<std::size_t> crossing;
  for (const std::size_t layer : downsets_.sets[stage.upto].without(below))
    for (const std::size_t read : reads_[layer])
      if (below.contains(read)) crossing.push_back(read);
  std::sort(crossing.begin(), crossing.end());
  crossing.erase(std::unique(crossing.begin(), crossing.end()), crossing.end());
  double bytes = 0;
  for (const std::size_t layer : crossing)
    bytes += static_cast<double>(profile_.layers[layer].activation_bytes_per_sample *
                                 micro_batch_samples_ * micro_batches_);
  double bandwidth = 0;
  for (const PlacedStage& earlier : stages) {
    for (const int from : earlier.hosts) {
      if (from == to) continue;
      const Route route = route_between(cluster_, from, to);
      if (route.direct) return 0;
      bandwidth = std::max(bandwidth, route.bandwidth_bytes_per_s);
    }
  }
  return bandwidth > 0 ? bytes / bandwidth : 0;
}

double StageBounds::bound_s(const std::vector<PlacedStage>& stages,
                            std::vector<std::vector<double>>& chains) const {
  const PlacedStage& stage = stages.back();
  const std::size_t last = stages.size() - 1;
  for (std::vector<double>& row : chains) row.push_back(kUnreached);
  chains.emplace_back(stages.size(), kUnreached);
  chains[last][last] = stage.least_pass_s;

  double bound_s = std::max(stage.cycle_s, link_s(stages));
  for (std::size_t q = 0; q < last; ++q) {
    const double between_s = crossing_s(stages[q], stage);
    if (between_s == kUnreached) continue;
    for (std::size_t p = 0; p <= q; ++p) {
      if (chains[p][q] == kUnreached) continue;
      bound_s = std::max(bound_s, chains[p][q] + between_s + stage.passes_s + stages[p].closing_s);
      chains[p][last] = std::max(chains[p][last], chains[p][q] + between_s + stage.least_pass_s);
    }
  }
  return bound_s;
}

}  // namespace cadastre
