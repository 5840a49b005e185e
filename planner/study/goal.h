#pragma once

#include <vector>

#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

/// The best row that keeps all limits of the goal, the earliest of equals, or else the one that
/// misses them by the least part. Rows without figures, or that do not fit in memory, are no
/// candidates; nor are plans that average parameters, which compute another function, beside
/// others.
[[nodiscard]] GoalAnswer goal_answer(const GoalQuestion& goal,
                                     const std::vector<std::string>& columns,
                                     const std::vector<StudyRow>& rows);

}  // namespace cadastre
