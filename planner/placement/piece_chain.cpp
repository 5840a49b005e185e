#include "planner/placement/piece_chain.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cadastre {

double max_load_ms(const PieceGraph& graph, const PieceChain& chain) {
  std::vector<double> load_ms(chain.kind_of_piece.size(), 0);
  for (std::size_t g = 0; g < graph.num_groups(); ++g) {
    const std::uint32_t piece = chain.piece_of_group[g];
    load_ms[piece] +=
        chain.kind_of_piece[piece] == DeviceKind::kCpu ? graph.cpu_ms[g] : graph.accelerator_ms[g];
  }
  std::vector<std::uint32_t> pieces;
  for (std::size_t e = 0; e < graph.net_ms.size(); ++e) {
    pieces.clear();
    for (const std::uint32_t g : graph.groups_of_net[e]) pieces.push_back(chain.piece_of_group[g]);
    std::sort(pieces.begin(), pieces.end());
    pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
    if (pieces.size() == 1) continue;
    for (const std::uint32_t piece : pieces)
      if (chain.kind_of_piece[piece] == DeviceKind::kAccelerator) load_ms[piece] += graph.net_ms[e];
  }
  return load_ms.empty() ? 0 : *std::max_element(load_ms.begin(), load_ms.end());
}

CpuRelief::CpuRelief(const PieceGraph& graph) {
  std::vector<std::size_t> by_ratio;
  for (std::size_t g = 0; g < graph.num_groups(); ++g) {
    if (graph.runs_on_accelerator[g] == 0 || graph.accelerator_ms[g] == 0) continue;
    if (graph.cpu_ms[g] == 0)
      free_ms_ += graph.accelerator_ms[g];
    else
      by_ratio.push_back(g);
  }
  const auto ratio = [&](std::size_t g) { return graph.accelerator_ms[g] / graph.cpu_ms[g]; };
  std::sort(by_ratio.begin(), by_ratio.end(),
            [&](std::size_t a, std::size_t b) { return ratio(a) > ratio(b); });
  Step sum;
  for (const std::size_t g : by_ratio) {
    sum.cpu_ms += graph.cpu_ms[g];
    sum.accelerator_ms += graph.accelerator_ms[g];
    sum.ratio = ratio(g);
    steps_.push_back(sum);
  }
}

CpuRelief::Relief CpuRelief::in(double cpu_ms) const {
  const auto step = std::upper_bound(
      steps_.begin(), steps_.end(), cpu_ms,
      [](double upto_ms, const Step& candidate) { return upto_ms < candidate.cpu_ms; });
  if (step == steps_.end())
    return {.accelerator_ms = free_ms_ + (steps_.empty() ? 0 : steps_.back().accelerator_ms),
            .per_cpu_ms = 0};
  return {.accelerator_ms = free_ms_ + step->accelerator_ms - (step->cpu_ms - cpu_ms) * step->ratio,
          .per_cpu_ms = step->ratio};
}

double load_bound_ms(const PieceGraph& graph, const CpuRelief& relief, const Devices& devices) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto num_accelerators = static_cast<double>(devices.num_accelerators);
  const auto num_cpus = static_cast<double>(devices.num_cpus);
  double bound_ms = 0;
  double work_ms = 0;
  double cpu_only_ms = 0;
  double all_cpu_ms = 0;
  for (std::size_t g = 0; g < graph.num_groups(); ++g) {
    const bool accelerated = graph.runs_on_accelerator[g] != 0 && devices.num_accelerators > 0 &&
                             graph.size_bytes[g] <= devices.accelerator_bytes;
    const double least_ms = std::min(accelerated ? graph.accelerator_ms[g] : kInfinity,
                                     devices.num_cpus > 0 ? graph.cpu_ms[g] : kInfinity);
    bound_ms = std::max(bound_ms, least_ms);
    (graph.runs_on_accelerator[g] != 0 ? work_ms : cpu_only_ms) +=
        graph.runs_on_accelerator[g] != 0 ? graph.accelerator_ms[g] : graph.cpu_ms[g];
    all_cpu_ms += graph.cpu_ms[g];
  }
  if (devices.num_cpus > 0) bound_ms = std::max(bound_ms, cpu_only_ms / num_cpus);
  if (devices.num_accelerators == 0) return std::max(bound_ms, all_cpu_ms / num_cpus);
  if (devices.num_cpus == 0) return std::max(bound_ms, work_ms / num_accelerators);
  // The least T with T on each accelerator and what the CPUs take over in T each covering the work.
  double low = bound_ms;
  double high = std::max(bound_ms, work_ms / num_accelerators);
  const auto covers = [&](double limit_ms) {
    return num_accelerators * limit_ms + relief.in(num_cpus * limit_ms).accelerator_ms >= work_ms;
  };
  if (covers(low)) return low;
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = low + (high - low) / 2;
    (covers(middle) ? high : low) = middle;
  }
  return low;
}

}  // namespace cadastre
