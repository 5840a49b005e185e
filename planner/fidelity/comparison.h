#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "planner/fidelity/fidelity.h"
#include "planner/fidelity/suite.h"

namespace cadastre {

/// Of profiles of one model on one device, for each size of batch that of the round in which the
/// whole network was fastest: what disturbs only ever adds. `profiles` must not be empty.
[[nodiscard]] Profile least_disturbed(const std::vector<Profile>& profiles);

/// Predicts and simulates every plan that `measure_suite` ran, by the profiles and networks that it
/// measured, and compares. Nothing is run but the simulator: what changed in the cost model or the
/// simulator shows at once. Points that were not measured say so. `change`: made to every cluster
/// before, as by a calibration.
[[nodiscard]] Fidelity compare_suite(
    const FidelitySuite& suite, const std::filesystem::path& directory,
    const std::function<void(PlanDocument&)>& change = [](PlanDocument&) {},
    const std::function<void(const std::string& what)>& on_start = [](const std::string&) {});

/// The errors that are left where each of the causes in ablation.h in turn is taken out, after
/// `change`.
[[nodiscard]] std::vector<AblationFigures> ablate_suite(
    const FidelitySuite& suite, const std::filesystem::path& directory,
    const std::function<void(PlanDocument&)>& change,
    const std::function<void(const std::string& what)>& on_start);

}  // namespace cadastre
