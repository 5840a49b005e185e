#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/json_reader.h"

namespace cadastre {

struct Study;
struct StudyResult;

/// Whether a claim of the paper behind cadastre (Aspri, Tsagkatakis and Tsakalides 2020) holds in
/// a study's figures, and on which of them that rests.
struct StudyClaim {
  std::string claim;    ///< in the paper's words
  std::string verdict;  ///< one of `claim_verdicts()`
  std::vector<std::string> evidence;  ///< a sentence each
  bool operator==(const StudyClaim&) const = default;
};

/// holds, holds in part, does not hold, unknown.
[[nodiscard]] const std::vector<std::string>& claim_verdicts();

/// One architecture in one setting.
struct ComparedArchitecture {
  std::string strategy;
  double step_s = 0;
  double traffic_bytes_per_sample = 0;
  double utilization = 0;          ///< mean over the hosts in use
  std::optional<double> accuracy;  ///< overall, where it was measured
};

/// Architectures that differ in nothing else.
struct ComparedSetting {
  std::string name;          ///< "simulated, bandwidth = 1Gbps"
  std::string surroundings;  ///< equal where only hyper-parameters differ
  std::vector<ComparedArchitecture> architectures;
};

/// A study's rows, and its measured architectures, by setting. What a column changes below /model
/// or /settings is a hyper-parameter; all else are surroundings.
[[nodiscard]] std::vector<ComparedSetting> compared_settings(const Study& study,
                                                             const StudyResult& result);

/// The paper's three claims:
/// - how a model is divided matters for resources: model-parallel architectures differ in traffic
///   or in processor use by `kTremendous` times or more;
/// - hyper-parameters reduce network overheads: one of them saves `kNoticeable` of the traffic a
///   sample of an architecture, in the same surroundings;
/// - against data parallelism: one model-parallel architecture has both less traffic a sample and
///   busier hosts, and one is more accurate by `kMoreAccurate`.
/// Each holds where it does so in all settings (the last: in all of its comparisons), in part where
/// in some. Not judged: `single`, which divides nothing, and `auto`, which may be either.
[[nodiscard]] std::vector<StudyClaim> judged_claims(const std::vector<ComparedSetting>& settings);

inline constexpr double kTremendous = 2;
inline constexpr double kNoticeable = 0.1;
inline constexpr double kMoreAccurate = 0.01;

/// For a terminal.
[[nodiscard]] std::string claim_text(const StudyClaim& claim);

[[nodiscard]] StudyClaim claim_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const StudyClaim& claim);

}  // namespace cadastre
