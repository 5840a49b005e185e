#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/study/compared.h"

namespace cadastre {

/// Whether a claim of the paper behind cadastre (Aspri, Tsagkatakis and Tsakalides 2020) holds in
/// a study's figures, and on which of them that rests.
struct StudyClaim {
  std::string claim;                  ///< in the paper's words
  std::string verdict;                ///< one of `claim_verdicts()`
  std::vector<std::string> when;      ///< where it holds and where not, a sentence each
  std::vector<std::string> evidence;  ///< likewise: the figures; what comes out alike is told once
  bool operator==(const StudyClaim&) const = default;
};

/// holds, holds in part, does not hold, unknown.
[[nodiscard]] const std::vector<std::string>& claim_verdicts();

/// The paper's three claims:
/// - how a model is divided matters for resources: model-parallel architectures differ in traffic
///   or in processor use by `kTremendous` times or more;
/// - hyper-parameters reduce network overheads: one of them saves `kNoticeable` of the traffic a
///   sample of an architecture that the study's own setting has (or the setting with most, where
///   none is the study's own), in the same surroundings. What leaves the network as it is (batch,
///   averaging period) and what makes it another (widths, fusion) are judged and told apart;
/// - against data parallelism: one model-parallel architecture has both less traffic a sample and
///   hosts that are busier in the mean over those in use, and one is more accurate by
///   `kMoreAccurate`.
/// Each holds where it does so in all comparisons, in part where in some. Not judged: `single`,
/// which divides nothing, and `auto`, which may be either. Comparisons that come out alike, as of
/// points that differ in what an architecture does not have, count once.
[[nodiscard]] std::vector<StudyClaim> judged_claims(const std::vector<ComparedSetting>& settings);

inline constexpr double kTremendous = 2;
inline constexpr double kNoticeable = 0.1;
inline constexpr double kMoreAccurate = 0.01;

/// For a terminal.
[[nodiscard]] std::string claim_text(const StudyClaim& claim);

[[nodiscard]] StudyClaim claim_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const StudyClaim& claim);

}  // namespace cadastre
