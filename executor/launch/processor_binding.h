#pragma once

#include <string>
#include <vector>

namespace cadastre {

/// Processors for ranks that run on this machine together, as lists such as "0,1": each rank its
/// own, as many as it has threads, out of those that this process may use. Empty strings when there
/// are too few, and the scheduler has to share them.
///
/// Left to itself, the scheduler often puts a rank that wakes from a receive beside one that
/// computes, for a time slice of 4 ms.
[[nodiscard]] std::vector<std::string> processors_for_ranks(const std::vector<int>& num_threads);

/// The environment variable that carries such a list to a rank.
inline constexpr const char* kProcessorsVariable = "CADASTRE_PROCESSORS";

/// Called first in a started rank, before it has threads: keeps to the processors of the variable.
void bind_to_given_processors();

}  // namespace cadastre
