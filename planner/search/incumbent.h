#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/search/draft.h"

namespace cadastre {

/// single, data-parallel, pipeline (a chain of stages), branch (stages side by side), hybrid (some
/// of them with replicas), interleaved.
[[nodiscard]] std::string kind_of(const Division& division, const ModelFacts& model);

/// A difference below this part of the value is rounding, not a better plan.
inline constexpr double kTolerance = 1e-9;

/// The best plans met: of all, and of each kind.
class Incumbents {
 public:
  Incumbents(const Goal& goal, const PlanningProblem& problem) : goal_(goal), problem_(problem) {}

  /// Evaluates a draft's plans. True when one is the best so far.
  bool offer(const Draft& draft, std::int64_t batch_size, std::int64_t micro_batches);

  bool offer(Candidate candidate);

  [[nodiscard]] const std::optional<Candidate>& best() const { return best_; }

  /// Of the best; infinite when there is none.
  [[nodiscard]] double value() const;

  /// Whether a plan of this value would be better than the best.
  [[nodiscard]] bool improves(double value) const;

  /// The best of each kind, best first.
  [[nodiscard]] std::vector<Candidate> best_of_kinds() const;

  /// Of what is not acceptable: what lacks least memory, and misses the limits least.
  [[nodiscard]] const std::optional<Candidate>& least_lacking() const { return least_lacking_; }

  [[nodiscard]] std::int64_t num_evaluated() const { return num_evaluated_; }

 private:
  const Goal& goal_;
  const PlanningProblem& problem_;
  std::optional<Candidate> best_;
  std::optional<Candidate> least_lacking_;
  std::int64_t least_lacking_bytes_ = 0;
  double least_excess_ = 0;
  std::map<std::string, Candidate> by_kind_;
  std::int64_t num_evaluated_ = 0;
};

/// Bytes that the host lacks that lacks most; 0 when the plan fits.
[[nodiscard]] std::int64_t lacking_bytes(const Prediction& predicted, const Cluster& cluster);

}  // namespace cadastre
