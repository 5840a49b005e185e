#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/fidelity/step_figures.h"
#include "planner/fidelity/suite.h"
#include "planner/study/outcome.h"

namespace cadastre {

/// One run of a plan.
struct FidelityRun {
  double step_s = 0;    ///< the method's quantile of the steps that count
  double median_s = 0;  ///< of the same steps
  double spread_s = 0;  ///< between their quartiles
  bool agrees = false;  ///< with the median run of the plan; the others were disturbed
  bool operator==(const FidelityRun&) const = default;
};

/// A plan of the suite: predicted, simulated and measured.
struct FidelityPoint {
  std::size_t group = 0;  ///< in the suite
  FidelityPlan asked;
  StudyPlan plan;                     ///< what the planner made of it; empty where there is none
  int num_hosts = 0;                  ///< that the plan uses
  std::string error;                  ///< why there are no figures, where there are none
  std::vector<std::string> failures;  ///< of runs that did not come through, in their order
  std::vector<FidelityRun> runs;      ///< that did
  StepFigures measured;   ///< the mean of the runs that agree, and the typical step of one of them
  StepFigures predicted;  ///< by the cost model
  StepFigures simulated;
  std::string explanation;  ///< of the largest difference between simulated and measured
  bool operator==(const FidelityPoint&) const = default;
};

[[nodiscard]] inline bool has_figures(const FidelityPoint& point) { return point.error.empty(); }

/// predicted / measured - 1, say.
[[nodiscard]] double relative_error(double predicted, double measured);

/// The step of the median run; of an even number the quicker of the two in the middle. Throws
/// std::out_of_range of none.
[[nodiscard]] double median_run_s(const std::vector<FidelityRun>& runs);

/// How far from the median run, as a part of it, the farthest is of as many as the method wants to
/// agree, the nearest first: what is left of noise, or, where they do not agree, the noise that
/// there is. None of fewer runs than two.
[[nodiscard]] std::optional<double> noise_of(const FidelityPoint& point,
                                             const FidelityMethod& method);

/// Whether fewer runs agree than the method asks for: the machine was disturbed throughout.
[[nodiscard]] bool is_disturbed(const FidelityPoint& point, const FidelityMethod& method);

/// A host that has a part of a processor, and those that are stated to be like it.
struct MeasuredSpeed {
  std::size_t group = 0;  ///< whose model was profiled there
  std::string host;
  int num_threads = 1;                ///< of the group's profiles, each by a whole processor
  double stated = 1;                  ///< of the speed of those
  std::optional<double> measured;     ///< likewise; where there is none it counts as stated
  std::optional<double> beside_others;  ///< likewise, while the other hosts compute
  std::vector<std::string> failures;  ///< of profiles
  bool operator==(const MeasuredSpeed&) const = default;
};

/// What one of the causes that predictions allow for is worth to the points whose predicted step it
/// changes by more than half a percent: the medians of the sizes of their errors.
struct AblationEffect {
  std::size_t num_points = 0;
  double error_with = 0;
  double error_without = 0;
  bool operator==(const AblationEffect&) const = default;
};

struct AblationFigures {
  std::string name;
  std::string left_out;      ///< in words
  AblationEffect simulated;  ///< of all points
  AblationEffect predicted;
  AblationEffect held_out_simulated;
  AblationEffect held_out_predicted;
  bool operator==(const AblationFigures&) const = default;
};

/// `cadastre-fidelity/1`: how near predictions come to what is measured.
struct Fidelity {
  std::string suite;  ///< its name
  std::string description;
  std::string machine;  ///< whose processors the hosts had parts of
  int num_processors = 1;
  FidelityMethod method;
  std::vector<FidelityGroup> groups;
  std::vector<FidelityPoint> points;            ///< by group, in the order of its plans
  std::vector<MeasuredSpeed> host_speeds = {};  ///< by group
  std::vector<AblationFigures> ablations = {};  ///< where they were asked for
  bool operator==(const Fidelity&) const = default;
};

[[nodiscard]] Fidelity read_fidelity(const std::filesystem::path& file);
[[nodiscard]] Fidelity fidelity_from_json(const JsonPlace& place);
/// What `summarize` says of it is written, too, for those who read it.
[[nodiscard]] nlohmann::json to_json(const Fidelity& fidelity);

}  // namespace cadastre
