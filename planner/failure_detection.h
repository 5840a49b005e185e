#pragma once

namespace cadastre {

// How soon a run notices that a rank is gone: what the executor keeps to and rehearsals count with.

/// A rank whose process or machine has ended: its connections are closed, or refused.
inline constexpr double kDeadRankNoticedS = 1;

/// A rank that answers nothing, though its connections stand: frozen, or cut off.
inline constexpr double kSilentRankNoticedS = 20;

}  // namespace cadastre
