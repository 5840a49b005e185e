#pragma once

#include <cstddef>
#include <map>

#include "planner/cluster.h"
#include "planner/fidelity/host_speed.h"
#include "planner/plan.h"

namespace cadastre {

/// The cluster whose hosts vary from step to step as training steps of the document's model did:
/// those that `on_hosts` has, and all that are stated to be like them, as there, the others as in
/// the document's profile.
[[nodiscard]] Cluster with_step_spreads(const PlanDocument& document, const Cluster& stated,
                                        const std::map<std::size_t, HostProfile>& on_hosts);

/// The document's cluster with the speeds that hosts have in the step that is the quantile
/// `fraction` of the plan's steps, as the cost model has them, where every host varies by its
/// `speed_spread`, each on its own (`StepVariation`). The document's speeds and profile are what
/// hosts take in that quantile of their own steps: of hosts that wait for each other, one or the
/// other is slower more often.
///
/// The steps are 256 by a quasi-random sequence (the additive recurrence of Roberts, "The
/// unreasonable effectiveness of quasirandom sequences", 2018), so that the quantile is known to
/// a percent or so, and the same each time.
[[nodiscard]] Cluster at_step_quantile(const PlanDocument& document, double fraction);

}  // namespace cadastre
