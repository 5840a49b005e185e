#pragma once

#include <map>
#include <string>
#include <vector>

#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

/// Looks for the crossings of a break-even question: first on a coarse scan, so that several, or
/// none, are seen; then every change of the answer between neighbours is bisected. Crossings that
/// lie between two scanned positions in even number are not seen.
class BreakEvenSearch {
 public:
  explicit BreakEvenSearch(const BreakEvenQuestion& question);

  /// Positions whose answer must be told next; none when all is known.
  [[nodiscard]] std::vector<double> wanted() const;

  /// `answer` as of `BreakEvenStretch`.
  void tell(double position, const std::string& answer);

  /// Bisections that the crossings seen so far still need.
  [[nodiscard]] std::size_t num_bisections_left() const;

  /// Once nothing is wanted: the question's range, ascending.
  [[nodiscard]] std::vector<BreakEvenStretch> stretches() const;

 private:
  [[nodiscard]] bool is_narrow(double low, double high) const;
  [[nodiscard]] double middle(double low, double high) const;

  const BreakEvenQuestion& question_;
  std::vector<double> scanned_;
  std::map<double, std::string> answers_;  ///< by position
};

inline constexpr const char* kEqual = "equal";
inline constexpr const char* kUnknown = "unknown";
inline constexpr const char* kAtMost = "at most";
inline constexpr const char* kMore = "more";

/// The answer at one position, from the outcomes of the question's strategies there.
[[nodiscard]] std::string break_even_answer(const BreakEvenQuestion& question,
                                            const std::vector<std::string>& strategies,
                                            const std::vector<const StudyOutcome*>& outcomes);

/// `pipeline beats data-parallel below 430 Mbit/s; …`.
[[nodiscard]] std::string break_even_sentence(const BreakEvenQuestion& question,
                                              const std::vector<std::string>& strategies,
                                              const std::vector<BreakEvenStretch>& stretches);

}  // namespace cadastre
