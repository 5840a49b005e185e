#include <nlohmann/json.hpp>

#include "planner/json_reader.h"
#include "planner/normalization.h"

namespace cadastre {

namespace {

BandStatistics read_statistics(const JsonPlace& place) {
  JsonObject object = place.object();
  BandStatistics statistics;
  for (const JsonPlace& mean : object.at("mean").array(1)) statistics.mean.push_back(mean.number());
  const JsonPlace deviations = object.at("stddev");
  for (const JsonPlace& stddev : deviations.array(1))
    statistics.stddev.push_back(stddev.positive());
  object.finish();
  if (statistics.stddev.size() != statistics.mean.size())
    deviations.fail("expected " + std::to_string(statistics.mean.size()) +
                    " numbers, as there are of \"mean\", found " +
                    std::to_string(statistics.stddev.size()));
  return statistics;
}

}  // namespace

Normalization normalization_from_json(const JsonPlace& place) {
  Normalization normalization;
  JsonObject object = place.object();
  for (const auto& [modality, item] : object.members())
    normalization[modality] = read_statistics(item);
  return normalization;
}

nlohmann::json to_json(const BandStatistics& statistics) {
  return {{"mean", statistics.mean}, {"stddev", statistics.stddev}};
}

nlohmann::json normalization_json(const Normalization& normalization) {
  nlohmann::json written = nlohmann::json::object();
  for (const auto& [modality, statistics] : normalization) written[modality] = to_json(statistics);
  return written;
}

}  // namespace cadastre
