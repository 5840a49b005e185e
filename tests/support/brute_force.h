#pragma once

// The search's answers, found the slow way.

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include "planner/search/draft.h"
#include "tests/support/random_worlds.h"

namespace cadastre::worlds {

/// Calls `visit` with every draft there is: each layer on one of the stages, in every order of
/// stages in which no tensor goes back; each stage on a set of hosts of its own, or, for
/// interleaved plans, on one host, of which none has more than two stages or two in a row.
inline void visit_drafts(const ModelFacts& model, int num_hosts,
                         const std::function<void(const Draft&)>& visit) {
  const std::size_t num_layers = model.num_layers();
  Draft draft{.stage_of_layer = std::vector<int>(num_layers, 0), .stage_hosts = {}};
  const std::function<void(std::size_t, unsigned)> place_plain = [&](std::size_t stage,
                                                                     unsigned used) {
    if (stage == draft.stage_hosts.size()) return visit(draft);
    for (unsigned set = 1; set < 1U << num_hosts; ++set) {
      if ((set & used) != 0) continue;
      draft.stage_hosts[stage].clear();
      for (int h = 0; h < num_hosts; ++h)
        if ((set >> h & 1U) != 0) draft.stage_hosts[stage].push_back(h);
      place_plain(stage + 1, used | set);
    }
  };
  const std::function<void(std::size_t)> place_interleaved = [&](std::size_t stage) {
    if (stage == draft.stage_hosts.size()) {
      if (interleaved(draft)) visit(draft);
      return;
    }
    for (int h = 0; h < num_hosts; ++h) {
      const auto uses = std::count(draft.stage_hosts.begin(),
                                   draft.stage_hosts.begin() + static_cast<std::ptrdiff_t>(stage),
                                   std::vector<int>{h});
      if (uses == 2 || (stage > 0 && draft.stage_hosts[stage - 1].front() == h)) continue;
      draft.stage_hosts[stage] = {h};
      place_interleaved(stage + 1);
    }
  };
  const std::function<void(std::size_t, int)> place_layer = [&](std::size_t layer, int num_stages) {
    if (layer == num_layers) {
      for (int s = 0; s < num_stages; ++s)
        if (std::find(draft.stage_of_layer.begin(), draft.stage_of_layer.end(), s) ==
            draft.stage_of_layer.end())
          return;
      draft.stage_hosts.assign(static_cast<std::size_t>(num_stages), {});
      if (num_stages <= num_hosts) place_plain(0, 0);
      place_interleaved(0);
      return;
    }
    int first = 0;
    for (const int read : model.reads[layer])
      first = std::max(first, draft.stage_of_layer[static_cast<std::size_t>(read)]);
    for (int s = first; s < num_stages; ++s) {
      draft.stage_of_layer[layer] = s;
      place_layer(layer + 1, num_stages);
    }
  };
  const int most = std::min(2 * num_hosts, static_cast<int>(num_layers));
  for (int num_stages = 1; num_stages <= most; ++num_stages) place_layer(0, num_stages);
}

/// The best value of each objective, minimised; infinite where no plan fits.
[[nodiscard]] inline std::map<Objective, double> brute_force(
    const World& world, std::int64_t batch_size, const std::vector<std::int64_t>& micro_batches,
    const std::vector<Objective>& objectives, const AllReduce& all_reduce = {},
    WireDtype wire_dtype = WireDtype::kFloat32) {
  const PlanningProblem problem(world.profile, world.cluster, all_reduce, wire_dtype);
  std::map<Objective, double> best;
  for (const Objective objective : objectives)
    best[objective] = std::numeric_limits<double>::infinity();
  visit_drafts(
      problem.training.model(), static_cast<int>(world.cluster.hosts.size()),
      [&](const Draft& draft) {
        for (const std::int64_t count : micro_batches)
          for (const Objective objective : objectives) {
            const Goal goal{.objective = objective, .constraints = {}};
            for (LoweredDivision& lowered : complete(draft, batch_size, count, goal, problem)) {
              const Candidate candidate = evaluate(std::move(lowered), goal, problem);
              if (acceptable(candidate, goal))
                best[objective] = std::min(best[objective], candidate.value);
            }
          }
      });
  return best;
}

}  // namespace cadastre::worlds
