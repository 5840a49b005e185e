#include "planner/study/study.h"

#include <algorithm>
#include <cmath>

namespace cadastre {

namespace {

/// 1.9999999999999998 is meant to be 2.
double tidy(double number) {
  const double whole = std::round(number);
  return std::abs(number - whole) <= 1e-12 * std::abs(number) ? whole : number;
}

bool shares_pointer(const StudyColumn& column, const std::vector<StudyPointer>& pointers) {
  return std::any_of(column.pointers.begin(), column.pointers.end(), [&](const StudyPointer& own) {
    return std::find(pointers.begin(), pointers.end(), own) != pointers.end();
  });
}

}  // namespace

std::vector<double> positions(const StudyRange& range, int num) {
  std::vector<double> positions;
  for (int i = 0; i < num; ++i) {
    const double part = num == 1 ? 0 : static_cast<double>(i) / (num - 1);
    double position = range.logarithmic ? range.from * std::pow(range.to / range.from, part)
                                        : range.from + part * (range.to - range.from);
    if (i + 1 == num && num > 1) position = range.to;
    position = range.whole ? std::round(position) : tidy(position);
    if (positions.empty() || position > positions.back()) positions.push_back(position);
  }
  return positions;
}

nlohmann::json json_number(double number) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (number == std::floor(number) && std::abs(number) <= kExact)
    return static_cast<std::int64_t>(number);
  return number;
}

std::size_t num_points(const Study& study) {
  if (!study.listed.empty()) return study.listed.size();
  std::size_t num = 1;
  for (const StudyColumn& column : study.columns) num *= column.values.size();
  return num;
}

std::vector<std::optional<nlohmann::json>> point_values(const Study& study, std::size_t point) {
  if (!study.listed.empty()) return study.listed[point];
  std::vector<std::optional<nlohmann::json>> values(study.columns.size());
  for (std::size_t c = study.columns.size(); c-- > 0;) {
    const std::vector<nlohmann::json>& of_column = study.columns[c].values;
    values[c] = of_column[point % of_column.size()];
    point /= of_column.size();
  }
  return values;
}

std::vector<StudyValue> point_changes(const Study& study, std::size_t point,
                                      const std::vector<StudyPointer>& without) {
  std::vector<StudyValue> changes;
  const std::vector<std::optional<nlohmann::json>> values = point_values(study, point);
  for (std::size_t c = 0; c < values.size(); ++c) {
    const StudyColumn& column = study.columns[c];
    if (!values[c] || shares_pointer(column, without)) continue;
    std::string place = column.place;
    if (study.listed.empty()) {
      const auto found = std::find(column.values.begin(), column.values.end(), *values[c]);
      place += "/values/" + std::to_string(found - column.values.begin());
    } else {
      place = "/points/" + std::to_string(point);
    }
    for (const StudyPointer& pointer : column.pointers)
      changes.push_back({.pointer = pointer, .value = *values[c], .place = place});
  }
  return changes;
}

}  // namespace cadastre
