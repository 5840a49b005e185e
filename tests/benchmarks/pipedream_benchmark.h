#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace cadastre::benchmarks {

/// Plans PipeDream's published profiles in the folder `data` by its rule, as its own optimizer was
/// measured to, prints a table on standard output and adds `results["pipedream"]`: an array of
/// objects with `file`, `machines`, `bandwidth_bytes_per_s`, `pipeline_s`, `lower_bound_s`,
/// `proven_optimal`, `search_s` (the median of several searches, in user CPU seconds, from the
/// graph in memory to the plan), and where they were published `published_pipeline_s`,
/// `published_search_s`. Throws InputError when a profile is missing.
void run_pipedream_section(const std::filesystem::path& data, nlohmann::json& results);

}  // namespace cadastre::benchmarks
