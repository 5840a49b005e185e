#pragma once

// Studies of a tiny base, inline in one document.

#include <nlohmann/json.hpp>
#include <string>

#include "planner/study/inputs.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

namespace cadastre::worlds {

/// Four layers of 1, 2, 3 and 4 ms on two equal hosts, planned for 8 samples.
[[nodiscard]] inline nlohmann::json study_document() {
  return {{"format", "cadastre-study/1"},
          {"name", "tiny"},
          {"description", "a study of a tiny base"},
          {"base",
           {{"profile", to_json(chain({1e-3, 2e-3, 3e-3, 4e-3}))},
            {"cluster", to_json(two_hosts())},
            {"settings", {{"batch_size", 8}, {"strategy", "pipeline"}}}}},
          {"axes",
           {{{"name", "bandwidth"},
             {"pointer", "/cluster/network/bandwidth_bytes_per_s"},
             {"values", {1e6, 1e7}}}}}};
}

/// The device of estimates: 1 GFLOP/s, 1 GB/s, no overhead.
[[nodiscard]] inline nlohmann::json device_document() {
  return {{"format", "cadastre-device/1"},
          {"name", "device"},
          {"flops_per_s", 1e9},
          {"memory_bandwidth_bytes_per_s", 1e9}};
}

/// Reads a study and all its points, as `validate` does; returns the number of points.
inline std::size_t check_study(const JsonPlace& place) {
  const Study study = study_from_json(place);
  const StudyInputsReader reader(study);
  for (std::size_t point = 0; point < num_points(study); ++point)
    for (const std::string& strategy : study.strategies)
      static_cast<void>(reader.inputs(point_changes(study, point), strategy));
  return num_points(study);
}

[[nodiscard]] inline std::string study_refusal(const nlohmann::json& document) {
  return documents::refusal_of(document, check_study);
}

}  // namespace cadastre::worlds
