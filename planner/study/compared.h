#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cadastre {

struct Study;
struct StudyResult;

/// One architecture in one setting.
struct ComparedArchitecture {
  std::string strategy;
  double step_s = 0;
  double traffic_bytes_per_sample = 0;
  double utilization = 0;          ///< mean over the hosts in use
  int num_hosts = 0;               ///< in use
  std::optional<double> accuracy;  ///< overall, where it was measured
};

/// Architectures that differ in nothing else.
struct ComparedSetting {
  std::string name;          ///< "simulated, bandwidth = 1Gbps"
  std::string surroundings;  ///< equal where only hyper-parameters differ
  std::string network;       ///< equal where the model is the same, too
  bool is_base = false;      ///< no hyper-parameter is another than the study's own
  std::vector<ComparedArchitecture> architectures;
};

/// A study's rows, and its measured architectures, by setting. What a column changes below /model
/// or /settings is a hyper-parameter; all else are surroundings. Of the point of a study that lists
/// its points, what it leaves out is the base's.
[[nodiscard]] std::vector<ComparedSetting> compared_settings(const Study& study,
                                                             const StudyResult& result);

}  // namespace cadastre
