#include "planner/study/compared.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "planner/study/result.h"
#include "planner/study/study.h"

namespace cadastre {

namespace {

bool changes_only(const StudyColumn& column, const std::string& document) {
  return std::all_of(column.pointers.begin(), column.pointers.end(), [&](const StudyPointer& of) {
    return of.document() == document;
  });
}

ComparedSetting setting_of(const Study& study, const StudyResult& result, const StudyRow& row) {
  ComparedSetting setting{.name = "simulated, " + values_text(result.columns, row.values),
                          .surroundings = "simulated\n",
                          .network = "",
                          .is_base = true,
                          .architectures = {}};
  for (std::size_t c = 0; c < row.values.size(); ++c) {
    // The name of a point has no pointers, and changes nothing.
    const StudyColumn& column = study.columns[c];
    if (column.pointers.empty()) continue;
    const std::string value = row.values[c] ? row.values[c]->dump() : std::string();
    const bool is_network = changes_only(column, "model");
    if (is_network) setting.network += value + "\n";
    if (!is_network && !changes_only(column, "settings")) setting.surroundings += value + "\n";
    else if (row.values[c]) setting.is_base = false;
  }
  return setting;
}

ComparedArchitecture simulated_architecture(const StudyRow& row) {
  const StudyFigures& figures = row.outcome.figures;
  ComparedArchitecture of;
  of.strategy = row.strategy;
  of.step_s = figures.simulated_step_s;
  of.traffic_bytes_per_sample =
      figures.traffic_bytes_per_step / static_cast<double>(row.outcome.plan.batch_size);
  of.utilization = figures.utilization_mean;
  of.num_hosts = static_cast<int>(figures.num_hosts);
  return of;
}

ComparedArchitecture measured_architecture_of(const MeasuredArchitecture& measured) {
  ComparedArchitecture of;
  of.strategy = measured.strategy;
  of.step_s = measured.step_s;
  of.traffic_bytes_per_sample = static_cast<double>(measured.traffic_bytes_per_step) /
                                static_cast<double>(measured.plan.batch_size);
  of.utilization = mean_processor_part(measured);
  of.num_hosts = static_cast<int>(computing_hosts(measured).size());
  of.accuracy = measured.overall_accuracy;
  return of;
}

}  // namespace

std::vector<ComparedSetting> compared_settings(const Study& study, const StudyResult& result) {
  std::vector<ComparedSetting> settings;
  std::map<std::string, std::size_t> known;  // by all values, or by the name of what was measured
  const auto setting = [&](const std::string& key, const auto& make) -> ComparedSetting& {
    const auto [found, is_new] = known.emplace(key, settings.size());
    if (is_new) settings.push_back(make());
    return settings[found->second];
  };
  for (const StudyRow& row : result.rows) {
    if (row.outcome.kind != StudyOutcomeKind::kDone) continue;
    std::string values;
    for (const std::optional<nlohmann::json>& value : row.values)
      values += (value ? value->dump() : std::string()) + "\n";
    setting(values, [&] { return setting_of(study, result, row); })
        .architectures.push_back(simulated_architecture(row));
  }
  for (const MeasuredArchitecture& of : result.measured) {
    if (!of.error.empty()) continue;
    setting(measured_name(of),
            [&] {
              return ComparedSetting{.name = measured_name(of),
                                     .surroundings = "measured\n" + of.machines,
                                     .network = of.network,
                                     .is_base = of.network.empty() && of.setting.empty(),
                                     .architectures = {}};
            })
        .architectures.push_back(measured_architecture_of(of));
  }
  return settings;
}

}  // namespace cadastre
