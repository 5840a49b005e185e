#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cadastre {

class JsonPlace;

/// Per band, what is subtracted from a modality's values and what they are then divided by.
struct BandStatistics {
  std::vector<double> mean;
  std::vector<double> stddev;  ///< > 0
  bool operator==(const BandStatistics&) const = default;
};

/// By modality. Taken over the training pixels of a run and kept with it, so that another scene is
/// seen as the network has learnt to see.
using Normalization = std::map<std::string, BandStatistics>;

[[nodiscard]] Normalization normalization_from_json(const JsonPlace& place);
[[nodiscard]] nlohmann::json to_json(const BandStatistics& statistics);
[[nodiscard]] nlohmann::json normalization_json(const Normalization& normalization);

}  // namespace cadastre
