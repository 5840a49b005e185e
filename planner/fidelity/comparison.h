#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "planner/fidelity/assumptions.h"
#include "planner/fidelity/fidelity.h"
#include "planner/fidelity/suite.h"

namespace cadastre {

/// Predicts and simulates every plan that `measure_suite` ran, by the profiles and networks that it
/// measured, and compares. Nothing is run but the simulator: what changed in the cost model or the
/// simulator shows at once. Points that were not measured say so.
[[nodiscard]] Fidelity compare_suite(
    const FidelitySuite& suite, const std::filesystem::path& directory,
    const Assumptions& assumptions = {},
    const std::function<void(const std::string& what)>& on_start = [](const std::string&) {});

/// What each of the causes in ablation.h is worth, taken out in turn, after the change of
/// `assumptions`: beside `whole`, which allows for all of them.
[[nodiscard]] std::vector<AblationFigures> ablate_suite(
    const Fidelity& whole, const FidelitySuite& suite, const std::filesystem::path& directory,
    const Assumptions& assumptions, const std::function<void(const std::string& what)>& on_start);

}  // namespace cadastre
