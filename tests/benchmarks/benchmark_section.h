#pragma once

// What the sections of planner_benchmark share: each runs its problems in children of their own and
// returns a table.

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cadastre::benchmarks {

/// One section: rows of text for people, with headings first, and the same numbers as JSON.
struct Section {
  std::string title;
  std::string source;  ///< where the reference figures come from
  std::vector<std::vector<std::string>> rows;
  nlohmann::json results = nlohmann::json::array();
};

struct Measured {
  nlohmann::json answer;  ///< of the last repeat
  double cpu_s = 0;       ///< processor time of one repeat, the median
  double peak_bytes = 0;  ///< resident memory, over that of a child that does nothing
};

/// Runs `work` in a child process, again and again for about `repeat_s`, at least once. Throws
/// std::runtime_error when the child fails.
[[nodiscard]] Measured measure(const std::function<nlohmann::json()>& work, double repeat_s = 0.3);

/// `reference / ours` as text such as `512×`; `-` where the reference is too small to tell.
[[nodiscard]] std::string ratio(double reference, double ours, double least_reference);

/// The published max-load placement problems in `data`/msr-fiddle.
[[nodiscard]] Section placement_section(const std::filesystem::path& data);

/// PipeDream's published profiles in `data`/pipedream, by PipeDream's rule.
[[nodiscard]] Section pipedream_section(const std::filesystem::path& data);

/// Problems made here, of the sizes that no published planner found takes: how good a plan is
/// proven to be after how long.
[[nodiscard]] Section search_section(const std::filesystem::path& data);

}  // namespace cadastre::benchmarks
